//! The comparison as `cargo test` can use it, on snapshots that insta has read.

use std::sync::{Arc, Mutex, PoisonError};

use insta::internals::Content;
use insta::{Comparator, Snapshot};

use super::{Record, Renaming, Rules, compare};

/// An [`insta::Comparator`] over [`super::compare`]. Clones share one renaming, because insta clones its settings and
/// a renaming must hold over all snapshots of a lab.
#[derive(Clone, Debug)]
pub struct UpToRenaming {
    rules: Rules,
    renaming: Arc<Mutex<Renaming>>,
}

impl UpToRenaming {
    /// A comparator by these rules that starts with this renaming.
    pub fn new(rules: Rules, renaming: Renaming) -> Self {
        Self { rules, renaming: Arc::new(Mutex::new(renaming)) }
    }
}

impl Comparator for UpToRenaming {
    fn matches(&self, reference: &Snapshot, test: &Snapshot) -> bool {
        let mut renaming = self.renaming.lock().unwrap_or_else(PoisonError::into_inner);
        compare(&record(reference), &record(test), &self.rules, &mut renaming).matches()
    }

    fn dyn_clone(&self) -> Box<dyn Comparator> {
        Box::new(self.clone())
    }
}

/// What is compared of a snapshot; one without our header has status 0 and no variables.
fn record(snapshot: &Snapshot) -> Record {
    let info = snapshot.metadata().private_info();
    let word = |name| field(info, name).and_then(Content::as_str).unwrap_or_default().to_owned();
    let variables = match field(info, "variables") {
        Some(Content::Map(pairs)) => {
            let pair = |(name, value): &(Content, Content)| {
                Some((name.as_str()?.to_owned(), value.as_str()?.to_owned()))
            };
            pairs.iter().filter_map(pair).collect()
        }
        _ => Vec::new(),
    };
    let mut record = Record {
        exit: field(info, "exit")
            .and_then(Content::as_i64)
            .and_then(|exit| i32::try_from(exit).ok())
            .unwrap_or(0),
        output: snapshot.as_text().map(ToString::to_string).unwrap_or_default(),
        line_breaks: field(info, "line_breaks")
            .and_then(Content::as_i64)
            .and_then(|count| u32::try_from(count).ok()),
        variables,
        ..Record::default()
    };
    record.origin.region = word("region");
    record
}

fn field<'c>(map: Option<&'c Content>, name: &str) -> Option<&'c Content> {
    match map? {
        Content::Map(fields) => {
            fields.iter().find(|(key, _)| key.as_str() == Some(name)).map(|(_, value)| value)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::file::{self, Kind};
    use super::*;

    #[test]
    fn insta_compares_as_we_do() {
        let dir = tempfile::tempdir().unwrap();
        let snapshot = |name: &str, exit: i32, id: &str, route: &str| {
            let path = dir.path().join(name);
            let mut record = Record {
                exit,
                output: format!("created {id}, route to {route}\n"),
                variables: vec![("VPC".to_owned(), id.to_owned())],
                ..Record::default()
            };
            record.origin.region = "us-east-1".to_owned();
            file::write(&path, &record, Kind::Accepted).unwrap();
            Snapshot::from_file(&path).unwrap()
        };
        let (a, b) = ("vpc-0000000000000000a", "vpc-0000000000000000b");
        let reference = snapshot("a__1.snap", 0, a, a);
        let comparator = UpToRenaming::new(Rules::new("create", "laptop"), Renaming::default()).dyn_clone();
        assert!(!comparator.matches(&reference, &snapshot("a__2.snap", 0, b, a)), "two ids for one");
        assert!(!comparator.matches(&reference, &snapshot("a__3.snap", 1, b, b)), "another status");
        assert!(comparator.matches(&reference, &snapshot("a__4.snap", 0, b, b)));
        assert!(
            !comparator.dyn_clone().matches(&reference, &reference),
            "clones know that the id has changed"
        );
    }
}
