//! Mistakes in a text, and how they are told: all of them together, each with its place and what to do about it.
//!
//! A [`Diagnostic`] is data. [`render`] shows a list to people, [`to_json`] to programs. Neither does any I/O.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::source::{SourceText, Span};

mod render;
pub use render::render;

/// How bad it is. Nothing runs while an error is left; a warning only speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Must be put right before anything runs.
    Error,
    /// Is probably not what was meant.
    Warning,
}

impl Severity {
    /// `error` or `warning`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// One mistake in one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// The rule that was broken, in kebab case: `unknown-attribute`. Stable, for programs and for looking it up.
    pub code: &'static str,
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// The file that holds it.
    pub path: PathBuf,
    /// The offending text; none when it is about the file as a whole.
    pub span: Option<Span>,
    /// A few words under the offending text.
    pub label: Option<String>,
    /// Facts that explain the message, a line each.
    pub notes: Vec<String>,
    /// What to do about it.
    pub help: Option<String>,
}

impl Diagnostic {
    /// An error at `span` in `path`.
    pub fn error(code: &'static str, path: &Path, span: Span, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            code,
            message: message.into(),
            path: path.to_owned(),
            span: Some(span),
            label: None,
            notes: Vec::new(),
            help: None,
        }
    }

    /// A warning at `span` in `path`.
    pub fn warning(code: &'static str, path: &Path, span: Span, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, path, span, message) }
    }

    /// An error about the file at `path` as a whole.
    pub fn file(code: &'static str, path: &Path, message: impl Into<String>) -> Self {
        Self { span: None, ..Self::error(code, path, Span::default(), message) }
    }

    /// Adds the words under the offending text.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Adds a fact.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Says what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Says what to do, if there is anything to say.
    #[must_use]
    pub fn maybe_help(mut self, help: Option<String>) -> Self {
        self.help = help.or(self.help);
        self
    }
}

/// Whether one of them forbids a run.
pub fn has_errors(diagnostics: &[Diagnostic]) -> bool {
    diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
}

/// The known word that is most like `word`, when one is close enough to have been meant.
pub fn closest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = word.to_lowercase();
    // A third of the word may be wrong: `tiemout` is `timeout`, but `at` is not `on`.
    let limit = (word.chars().count() / 3).clamp(1, 3);
    known
        .into_iter()
        .filter(|candidate| *candidate != word)
        .map(|candidate| (strsim::damerau_levenshtein(&lower, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= limit && *distance < candidate.chars().count())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// "did you mean `x`?" for the known word that is most like `word`.
pub fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    closest(word, known).map(|candidate| format!("did you mean `{candidate}`?"))
}

/// The list for programs: an array of objects with `severity`, `code`, `message`, `file`, and where known `line`,
/// `column`, `end_line`, `end_column` (from one, characters, the end not included), `label`, `notes` and `help`.
pub fn to_json(diagnostics: &[Diagnostic], sources: &[SourceText]) -> serde_json::Value {
    diagnostics.iter().map(|diagnostic| as_json(diagnostic, sources)).collect()
}

fn as_json(diagnostic: &Diagnostic, sources: &[SourceText]) -> serde_json::Value {
    let mut value = serde_json::json!({
        "severity": diagnostic.severity,
        "code": diagnostic.code,
        "message": diagnostic.message,
        "file": diagnostic.path.to_string_lossy(),
    });
    if let (Some(span), Some(source)) = (diagnostic.span, find(sources, &diagnostic.path)) {
        let (start, end) = (source.position(span.start), source.position(span.end));
        value["line"] = start.line.into();
        value["column"] = start.column.into();
        value["end_line"] = end.line.into();
        value["end_column"] = end.column.into();
    }
    if let Some(label) = &diagnostic.label {
        value["label"] = label.as_str().into();
    }
    if !diagnostic.notes.is_empty() {
        value["notes"] = diagnostic.notes.as_slice().into();
    }
    if let Some(help) = &diagnostic.help {
        value["help"] = help.as_str().into();
    }
    value
}

fn find<'a>(sources: &'a [SourceText], path: &Path) -> Option<&'a SourceText> {
    sources.iter().find(|source| source.path() == path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_close_word_is_suggested_and_a_far_one_is_not() {
        let known = ["timeout", "on", "via", "with", "exit"];
        assert_eq!(closest("tiemout", known), Some("timeout"));
        assert_eq!(closest("Via", known), Some("via"));
        assert_eq!(closest("at", known), None);
        assert_eq!(closest("colour", known), None);
        assert_eq!(did_you_mean("exti", known).unwrap(), "did you mean `exit`?");
    }

    #[test]
    fn json_has_places_counted_from_one() {
        let source = SourceText::new("a.md", "x\nwörd here\n");
        let list = [
            Diagnostic::error("bad", Path::new("a.md"), Span::new(2, 7), "wrong").help("change it"),
            Diagnostic::file("gone", Path::new("b.md"), "not there"),
        ];
        assert_eq!(
            to_json(&list, &[source]),
            serde_json::json!([
                {"severity": "error", "code": "bad", "message": "wrong", "file": "a.md",
                 "line": 2, "column": 1, "end_line": 2, "end_column": 5, "help": "change it"},
                {"severity": "error", "code": "gone", "message": "not there", "file": "b.md"},
            ])
        );
    }
}
