//! One pending result as a person reviews it.

use std::fmt::Write;
use std::sync::Arc;

use anstyle::{AnsiColor, Style};
use similar::{Algorithm, capture_diff_slices};

use super::diff::Pen;
use super::verdict::Line;
use super::{Chosen, Pending, Record, Renaming, Rules, Store, StoreError, compare};
use crate::source::unseen;

/// A pending result with what it would replace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReviewItem {
    /// The files.
    pub pending: Pending,
    /// What is recorded; `None` for a block that was never recorded.
    pub old: Option<Record>,
    /// What waits.
    pub new: Record,
}

impl ReviewItem {
    /// All that waits, in the course's order.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn all(store: &Store) -> Result<Vec<Self>, StoreError> {
        let items = store.pending()?.into_iter().map(|pending| {
            let (old, new) = store.load(&pending)?;
            Ok(Self { pending, old, new })
        });
        items.collect()
    }

    /// The item as text for a terminal: heading, what changed besides the output, the output's diff (a new result in
    /// full). With `colour`, ANSI codes. Times and the like that match by kind are not shown as changes, although the
    /// file takes the new ones.
    pub fn render(&self, colour: bool, width: usize) -> String {
        let out = self.text(colour, width);
        unseen::shown(&out).into_owned()
    }

    fn text(&self, colour: bool, width: usize) -> String {
        let pen = Pen { colour, width: width.max(20) };
        let mut out = String::new();
        let _ = writeln!(out, "{}", pen.paint(Style::new().bold(), &self.pending.name));
        let origin = &self.new.origin;
        let place = match origin.line {
            Some(line) => format!("{}:{line}", origin.source),
            None => origin.source.clone(),
        };
        let where_from = format!("{place}  on {}  ({} {})", origin.host, origin.cloud, origin.region);
        let _ = writeln!(out, "{}", pen.faint(where_from.trim()));
        if !origin.description.is_empty() {
            let _ = writeln!(
                out,
                "{}",
                pen.paint(AnsiColor::Cyan.on_default(), &format!("$ {}", origin.description))
            );
        }
        let new_facts = facts(&self.new);
        match &self.old {
            None => {
                let _ = writeln!(out, "never recorded before");
                for fact in new_facts {
                    let _ = writeln!(out, "{}", pen.faint(&format!("  {fact}")));
                }
                for line in self.new.output.lines() {
                    let _ = writeln!(out, "  {line}");
                }
            }
            Some(old) => {
                let (facts, lines) = (view(&facts(old), &new_facts), view(&lines(old), &lines(&self.new)));
                let changed = |lines: &[Line]| lines.iter().any(|line| !matches!(line, Line::Same(_)));
                if changed(&facts) {
                    pen.lines(&mut out, &facts);
                }
                if changed(&lines) {
                    pen.lines(&mut out, &lines);
                }
                if !changed(&facts) && !changed(&lines) {
                    let _ = writeln!(out, "nothing but what changes in every run");
                }
            }
        }
        out
    }
}

/// What a record says besides its output, a line each.
fn facts(record: &Record) -> Vec<String> {
    let variables = record.variables.iter().map(|(name, value)| format!("{name}={value}"));
    // One line break is what is expected, and nothing where nothing was printed.
    let expected = if record.output.trim_end().is_empty() { 0 } else { 1 };
    let ending = record.line_breaks.filter(|count| *count != expected).map(|count| match count {
        0 => "no line break at the end".to_owned(),
        1 => "one line break at the end".to_owned(),
        count => format!("{count} line breaks at the end"),
    });
    std::iter::once(format!("exit status {}", record.exit)).chain(variables).chain(ending).collect()
}

fn lines(record: &Record) -> Vec<String> {
    record.output.trim_end().lines().map(str::to_owned).collect()
}

/// Two lists of lines, aligned. A pending file speaks the vocabulary of the recording, so identities are compared as
/// they stand; only quantities may differ.
fn view(old: &[String], new: &[String]) -> Vec<Line> {
    let mut view = Vec::new();
    for op in capture_diff_slices(Algorithm::Myers, old, new) {
        let (old, new) = (&old[op.old_range()], &new[op.new_range()]);
        let paired = old.len().min(new.len());
        for (old, new) in old.iter().zip(new) {
            view.push(if old == new || same_but_quantities(old, new) {
                Line::Same(new.clone())
            } else {
                Line::Changed { expected: old.clone(), actual: new.clone() }
            });
        }
        view.extend(old[paired..].iter().cloned().map(Line::Missing));
        view.extend(new[paired..].iter().cloned().map(Line::Extra));
    }
    view
}

fn same_but_quantities(old: &str, new: &str) -> bool {
    let record = |text: &str| Record { output: text.to_owned(), ..Record::default() };
    let rules = Rules { chosen: Arc::new(Chosen::default()), ..Rules::new("review", "review") };
    let mut renaming = Renaming::default();
    compare(&record(old), &record(new), &rules, &mut renaming).matches() && renaming.is_trivial()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(old: Option<&str>, new: &str) -> ReviewItem {
        let record = |output: &str| Record {
            output: output.to_owned(),
            variables: vec![("VPC".to_owned(), "vpc-0123456789abcdef0".to_owned())],
            ..Record::default()
        };
        let pending = Pending { name: "05-x__ping".to_owned(), path: "a".into(), target: "b".into() };
        ReviewItem { pending, old: old.map(record), new: record(new) }
    }

    #[test]
    fn a_changed_id_is_shown_and_a_changed_time_is_not() {
        let old = "64 bytes: time=0.045 ms\nvpc-0123456789abcdef0\nend";
        let text = item(Some(old), "64 bytes: time=0.051 ms\nvpc-0123456789abcdef1\nend").render(false, 80);
        assert!(text.contains("- vpc-0123456789abcdef0\n"), "{text}");
        assert!(text.contains("+ vpc-0123456789abcdef1\n"), "{text}");
        assert!(text.contains("  64 bytes: time=0.051 ms\n"), "{text}");
        let text = item(Some(old), &old.replace("045", "052")).render(false, 80);
        assert!(text.contains("nothing but what changes in every run"), "{text}");
    }

    #[test]
    fn a_new_result_is_shown_whole() {
        let text = item(None, "one\ntwo").render(false, 80);
        assert!(
            text.contains(
                "never recorded before\n  exit status 0\n  VPC=vpc-0123456789abcdef0\n  one\n  two\n"
            ),
            "{text}"
        );
    }

    #[test]
    fn a_changed_status_and_a_missing_variable_are_shown() {
        let mut item = item(Some("x"), "x");
        item.new.exit = 1;
        item.new.variables.clear();
        let text = item.render(false, 80);
        assert!(text.contains("- exit status 0\n") && text.contains("+ exit status 1\n"), "{text}");
        assert!(text.contains("- VPC=vpc-0123456789abcdef0\n"), "{text}");
    }
}
