//! A list that mistakes in one lesson are added to.

use crate::diagnostic::Diagnostic;
use crate::source::{SourceText, Span};

/// Collects what is wrong with one text, so that nobody has to name its path again.
pub(crate) struct Problems<'a> {
    source: &'a SourceText,
    found: Vec<Diagnostic>,
}

/// The mistake just added, to say more about it.
pub(crate) struct Added<'a>(&'a mut Diagnostic);

impl<'a> Problems<'a> {
    pub fn new(source: &'a SourceText) -> Self {
        Self { source, found: Vec::new() }
    }

    pub fn source(&self) -> &'a SourceText {
        self.source
    }

    pub fn error(&mut self, code: &'static str, span: Span, message: impl Into<String>) -> Added<'_> {
        self.add(Diagnostic::error(code, self.source.path(), span, message))
    }

    pub fn warning(&mut self, code: &'static str, span: Span, message: impl Into<String>) -> Added<'_> {
        self.add(Diagnostic::warning(code, self.source.path(), span, message))
    }

    /// An error about the text as a whole.
    pub fn file_error(&mut self, code: &'static str, message: impl Into<String>) -> Added<'_> {
        self.add(Diagnostic::file(code, self.source.path(), message))
    }

    fn add(&mut self, diagnostic: Diagnostic) -> Added<'_> {
        // Two runs of the same rule, such as one for each operating system, tell the same mistake once.
        let index = self
            .found
            .iter()
            .position(|known| known.code == diagnostic.code && known.span == diagnostic.span);
        let index = index.unwrap_or_else(|| {
            self.found.push(diagnostic);
            self.found.len() - 1
        });
        Added(&mut self.found[index])
    }

    /// All of them in the order of the text.
    pub fn into_diagnostics(mut self) -> Vec<Diagnostic> {
        self.found.sort_by_key(|diagnostic| diagnostic.span);
        self.found
    }
}

impl Added<'_> {
    /// Adds a fact, once.
    pub fn note(self, note: impl Into<String>) -> Self {
        let note = note.into();
        if !self.0.notes.contains(&note) {
            self.0.notes.push(note);
        }
        self
    }

    pub fn help(self, help: impl Into<String>) -> Self {
        self.0.help = Some(help.into());
        self
    }

    pub fn maybe_help(self, help: Option<String>) -> Self {
        match help {
            Some(help) => self.help(help),
            None => self,
        }
    }
}
