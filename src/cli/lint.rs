//! `lab lint`: checks lessons without running anything.

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use crate::cli::args::{LintArgs, LintFormat};
use crate::cli::course;
use crate::cli::failure::{Failure, USAGE};
use crate::diagnostic::{self, Severity};
use crate::name::LessonId;
use crate::output;
use crate::snapshot::Store;

/// Prints everything that is wrong. Status 2 when an error is among it.
pub fn lint(root: Option<&Path>, args: &LintArgs) -> Result<ExitCode, Failure> {
    let root = course::root(root, &args.lessons)?;
    let asked = course::ids(&root, &args.lessons)?;
    let loaded = course::load(&root);
    let known: Vec<LessonId> =
        loaded.sources.iter().filter_map(|s| LessonId::from_path(s.path()).ok()).collect();
    if let Some(unknown) = asked.iter().find(|id| !known.contains(id)) {
        let failure = Failure::usage(format!("failed to find the lesson `{unknown}` in the course"));
        let hint = diagnostic::did_you_mean(unknown.as_str(), known.iter().map(LessonId::as_str));
        return Err(match hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        });
    }
    let mut found = loaded.diagnostics;
    if !asked.is_empty() {
        found.retain(|d| LessonId::from_path(&d.path).is_ok_and(|id| asked.contains(&id)));
    }
    let mut stdout = output::stdout();
    match args.format {
        LintFormat::Json => writeln!(stdout, "{}", diagnostic::to_json(&found, &loaded.sources))?,
        LintFormat::Terminal => {
            write!(stdout, "{}", diagnostic::render(&found, &loaded.sources, true))?;
            if let Some(course) = &loaded.course {
                let blocks: Vec<_> =
                    course.lessons.iter().flat_map(|l| l.blocks().map(move |b| (&l.id, &b.name))).collect();
                for name in Store::new(&root).orphans(blocks)? {
                    writeln!(
                        stdout,
                        "warning: snapshots/{name}.snap belongs to no block (hint: `lab review --prune`)"
                    )?;
                }
            }
            let errors = found.iter().filter(|d| d.severity == Severity::Error).count();
            let warnings = found.len() - errors;
            let lessons = loaded.sources.iter().filter(|s| !s.path().ends_with("SUMMARY.md")).count();
            writeln!(
                stdout,
                "{} checked: {}, {}",
                counted(lessons, "lesson"),
                counted(errors, "error"),
                counted(warnings, "warning")
            )?;
        }
    }
    Ok(if diagnostic::has_errors(&found) { ExitCode::from(USAGE) } else { ExitCode::SUCCESS })
}

fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}
