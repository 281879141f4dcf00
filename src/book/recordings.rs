//! Where and when results were recorded, and how many are not, in a sentence or two.

use std::collections::{BTreeMap, BTreeSet};

use super::block::{self, Recorded};
use super::tabs;

/// What is known of the results of a page or of a book.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Recordings {
    places: BTreeSet<String>,
    dates: BTreeSet<String>,
    /// By system; without one, for whatever system there is.
    missing: BTreeMap<Option<&'static str>, usize>,
}

impl Recordings {
    /// With one block more.
    pub fn add(&mut self, recorded: &Recorded<'_>) {
        match &recorded.record {
            Some(record) => {
                self.places.insert(block::place(record));
                self.dates.extend(Some(record.origin.date.clone()).filter(|date| !date.is_empty()));
            }
            None if recorded.block.outcome().is_some() => {
                *self.missing.entry(recorded.block.os.map(tabs::title)).or_default() += 1;
            }
            None => {}
        }
    }

    /// With all of others.
    pub fn extend(&mut self, others: Self) {
        self.places.extend(others.places);
        self.dates.extend(others.dates);
        for (system, count) in others.missing {
            *self.missing.entry(system).or_default() += count;
        }
    }

    /// As a reader is told; empty when there is nothing to tell.
    pub fn text(&self) -> String {
        let mut sentences = Vec::new();
        if !self.places.is_empty() {
            let places: Vec<&str> = self.places.iter().map(String::as_str).collect();
            let dates = match (self.dates.first(), self.dates.last()) {
                (Some(first), Some(last)) if first == last => format!(", {first}"),
                (Some(first), Some(last)) => format!(", {first} to {last}"),
                _ => String::new(),
            };
            sentences.push(format!("Recorded on {}{dates}.", places.join(" and on ")));
        }
        for (system, count) in &self.missing {
            let what = if *count == 1 { "result" } else { "results" };
            let verb = if *count == 1 { "is" } else { "are" };
            let system = system.map_or(String::new(), |system| format!(" on {system}"));
            sentences.push(format!("{count} {what}{system} {verb} not recorded yet."));
        }
        sentences.join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_told_by_system() {
        let mut all = Recordings::default();
        assert_eq!(all.text(), "");
        all.missing.insert(None, 1);
        all.extend(Recordings {
            places: ["Debian 13, AWS".to_owned()].into(),
            dates: ["2026-01-01".to_owned(), "2026-01-03".to_owned()].into(),
            missing: [(Some("Amazon Linux 2023"), 2)].into(),
        });
        assert_eq!(
            all.text(),
            "Recorded on Debian 13, AWS, 2026-01-01 to 2026-01-03. 1 result is not recorded yet. \
             2 results on Amazon Linux 2023 are not recorded yet."
        );
    }
}
