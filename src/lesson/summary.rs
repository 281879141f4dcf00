//! `SUMMARY.md`: the order of the lessons, in mdBook's format.
//!
//! Every chapter is a lesson, numbered or not; `README.md` is a page of the book and no lesson. A chapter without a file
//! is a draft and passed over.

use std::path::{Path, PathBuf};

use crate::diagnostic::{Diagnostic, Severity, did_you_mean};
use crate::lesson::markdown::Markdown;
use crate::lesson::problems::Problems;
use crate::source::SourceText;

/// The name of the file.
pub(crate) const FILE: &str = "SUMMARY.md";

/// A page of the book that is no lesson.
const PAGE: &str = "README.md";

/// The paths of the lessons in order, below the directory of `source`. `present` are the files there.
pub(crate) fn lessons(source: &SourceText, present: &[PathBuf]) -> (Vec<PathBuf>, Vec<Diagnostic>) {
    let directory = source.path().parent().unwrap_or(Path::new(""));
    let names: Vec<&str> = present
        .iter()
        .filter_map(|path| path.file_name()?.to_str())
        .filter(|name| name.ends_with(".md"))
        .collect();
    let mut problems = Problems::new(source);
    let mut found: Vec<(PathBuf, usize)> = Vec::new();
    for link in Markdown::parse(source.text()).links {
        let target = link.target.trim_start_matches("./");
        if target.is_empty() || target == PAGE {
            continue;
        }
        if target.contains('/') || !target.ends_with(".md") {
            problems
                .error("bad-summary", link.span, format!("`{target}` is not a lesson of this directory"))
                .help("lessons are `.md` files beside SUMMARY.md");
            continue;
        }
        let path = directory.join(target);
        if let Some((_, line)) = found.iter().find(|(known, _)| *known == path) {
            problems
                .error("listed-twice", link.span, format!("`{target}` is listed twice"))
                .note(format!("the first is on line {line}"));
        } else if names.contains(&target) {
            found.push((path, source.position(link.span.start).line));
        } else {
            problems
                .error("no-such-lesson", link.span, format!("there is no file `{target}`"))
                .maybe_help(did_you_mean(target, names.iter().copied()));
        }
    }
    let listed =
        |name: &str| found.iter().any(|(path, _)| path.file_name().is_some_and(|known| known == name));
    let mut diagnostics = Vec::new();
    if found.is_empty() {
        problems
            .file_error("no-lessons", "no lesson is listed")
            .help("list each lesson on a line of its own: `- [A private subnet](05-private-subnet.md)`");
    }
    let mut unlisted: Vec<&str> =
        names.iter().copied().filter(|name| ![FILE, PAGE].contains(name) && !listed(name)).collect();
    unlisted.sort_unstable();
    for name in unlisted {
        let diagnostic = Diagnostic::file(
            "not-listed",
            &directory.join(name),
            format!("`{name}` is not listed in SUMMARY.md"),
        );
        diagnostics.push(
            Diagnostic { severity: Severity::Warning, ..diagnostic }
                .help(format!("add a line where it belongs: `- [Title]({name})`")),
        );
    }
    diagnostics.splice(0..0, problems.into_diagnostics());
    (found.into_iter().map(|(path, _)| path).collect(), diagnostics)
}
