//! A file of `tests/fixtures/snapshots` as a test case.

use std::fs;
use std::path::Path;

use super::*;
use crate::snapshot::Origin;

pub(super) struct Case {
    pub name: String,
    pub rules: Rules,
    /// What an earlier block of the lab printed, recorded and now.
    pub earlier: Option<(Record, Record)>,
    pub recorded: Record,
    pub now: Record,
    pub mutations: Vec<Mutation>,
}

/// What makes `now` wrong, and what the reasons must then say.
pub(super) struct Mutation {
    pub text: String,
    pub now: Record,
    pub reason: Option<String>,
}

/// All cases, by name.
pub(super) fn all() -> Vec<Case> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/snapshots");
    let mut cases = Vec::new();
    for entry in fs::read_dir(&directory).expect("the fixtures are there") {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "txt") {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            cases.push(parse(name, &fs::read_to_string(&path).unwrap()));
        }
    }
    assert!(cases.len() > 30, "only {} cases in {}", cases.len(), directory.display());
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    cases
}

fn parse(name: String, text: &str) -> Case {
    let section = |title: &str| {
        let start = format!("\n@@ {title}\n");
        let (_, rest) = text.split_once(&start)?;
        Some(rest.split("\n@@ ").next().unwrap())
    };
    let head = text.split("\n@@ ").next().unwrap();
    let field = |wanted: &str| {
        head.lines().find_map(|line| line.strip_prefix(wanted)?.strip_prefix(": ")).unwrap_or_default()
    };
    let (old_region, new_region) =
        field("regions").split_once(' ').unwrap_or_else(|| panic!("{name}: regions"));
    let result = |output: &str, region: &str| Record {
        output: output.to_owned(),
        origin: Origin { region: region.to_owned(), ..Origin::default() },
        ..Record::default()
    };
    let mut rules = rules(field("chosen"));
    if field("match") == "lines" {
        rules.matching = Matching::Lines;
    }
    let pair =
        |old: &str, new: &str| Some((result(section(old)?, old_region), result(section(new)?, new_region)));
    let (recorded, now) = pair("recorded", "now").unwrap_or_else(|| panic!("{name}: recorded and now"));
    let mutations = section("mutations").unwrap_or_else(|| panic!("{name}: mutations"));
    let mutations = mutations.lines().filter(|line| !line.is_empty()).map(|line| {
        let (change, reason) =
            line.split_once(" :: ").map_or((line, None), |(change, reason)| (change, Some(reason)));
        let output =
            mutate(&now.output, change).unwrap_or_else(|| panic!("{name}: `{change}` changes nothing"));
        Mutation {
            text: line.to_owned(),
            now: Record { output, ..now.clone() },
            reason: reason.map(str::to_owned),
        }
    });
    let mutations = mutations.collect();
    Case { earlier: pair("earlier recorded", "earlier now"), rules, recorded, mutations, now, name }
}

fn mutate(text: &str, change: &str) -> Option<String> {
    let (verb, change) = change.split_once(": ")?;
    let changed = match verb {
        "change" => {
            let (from, to) = change.split_once(" => ")?;
            text.replacen(from, to, 1)
        }
        "swap" => {
            let (a, b) = change.split_once(" <> ")?;
            text.replace(a, "\u{0}").replace(b, a).replace('\u{0}', b)
        }
        "drop" => {
            let at = text.lines().position(|line| line.contains(change))?;
            let kept = text.lines().enumerate().filter(|(index, _)| *index != at).map(|(_, line)| line);
            kept.collect::<Vec<_>>().join("\n")
        }
        "flip" => {
            let (a, b) = change.split_once(" | ")?;
            let mut lines: Vec<&str> = text.lines().collect();
            let find = |wanted: &str| text.lines().position(|line| line.contains(wanted));
            lines.swap(find(a)?, find(b)?);
            lines.join("\n")
        }
        _ => return None,
    };
    (changed != text).then_some(changed)
}

impl Case {
    /// What is known when the block runs.
    pub(super) fn renaming(&self) -> Renaming {
        let mut renaming = Renaming::default();
        if let Some((old, new)) = &self.earlier {
            let rules =
                Rules { block: "earlier-block".to_owned(), matching: Matching::Full, ..self.rules.clone() };
            let verdict = compare(old, new, &rules, &mut renaming);
            assert!(verdict.matches(), "{}: earlier: {:?}", self.name, reasons(&verdict));
        }
        renaming
    }

    /// Compares `now` with what is recorded.
    pub(super) fn compare(&self, now: &Record) -> Verdict {
        compare(&self.recorded, now, &self.rules, &mut self.renaming())
    }
}
