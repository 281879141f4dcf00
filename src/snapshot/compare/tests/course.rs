//! The recorded results of this course, as one lab after another would print them: every fact of them falsified.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::*;
use crate::snapshot::file;
use crate::snapshot::volatile::{self, Class, Form, Identity, Kind};

/// A recorded result, and the same from another lab in another region.
struct Block {
    name: String,
    rules: Rules,
    recorded: Record,
    now: Record,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn course() -> Vec<Block> {
    let texts: Vec<String> = fs::read_dir(root().join("lessons"))
        .expect("the lessons are there")
        .map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap())
        .collect();
    let chosen = Arc::new(Chosen::in_texts(texts.iter().map(String::as_str)));
    let mut paths: Vec<PathBuf> = fs::read_dir(root().join("snapshots"))
        .expect("the records are there")
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "snap"))
        .collect();
    paths.sort();
    let mut others = Others::default();
    let blocks: Vec<Block> = paths
        .into_iter()
        .map(|path| {
            let recorded = file::read(&path).unwrap().unwrap();
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            let rules = Rules {
                chosen: Arc::clone(&chosen),
                ..Rules::new(name.clone(), recorded.origin.host.clone())
            };
            let mut now = recorded.clone();
            now.origin.region = OTHER_REGION.to_owned();
            now.output = others.rename(&recorded.output, &rules);
            for (_, value) in &mut now.variables {
                *value = others.rename(value, &rules);
            }
            Block { name, rules, recorded, now }
        })
        .collect();
    assert!(blocks.len() > 50, "only {} records", blocks.len());
    blocks
}

const OTHER_REGION: &str = "ap-northeast-1";

/// The identities of the other lab.
#[derive(Default)]
struct Others(BTreeMap<String, String>);

impl Others {
    fn rename(&mut self, text: &str, rules: &Rules) -> String {
        let mut out = String::new();
        let mut done = 0;
        for token in volatile::find(text, &rules.chosen, &[]) {
            let Kind::Identity(identity) = &token.kind else { continue };
            out.push_str(&text[done..token.span.start]);
            out.push_str(&identity.form.write(&self.other(identity)));
            done = token.span.end;
        }
        out + &text[done..]
    }

    fn other(&mut self, identity: &Identity) -> String {
        let number = self.0.len() + 1;
        let fresh = |identity: &Identity| match &identity.class {
            Class::Cloud(prefix) => format!("{prefix}-{number:017x}"),
            Class::PublicAddress => format!("198.18.{}.{}", number / 200, 10 + number % 200),
            Class::PrivateAddress => {
                let base =
                    identity.network.map_or(u32::from_be_bytes([172, 16, 0, 0]), |net| net.network().into());
                std::net::Ipv4Addr::from(base + 20 + number as u32 % 200).to_string()
            }
            Class::Mac => format!("0a:00:00:00:00:{number:02x}"),
            Class::Region => OTHER_REGION.to_owned(),
            Class::Account => format!("{:012}", 800_000_000_000_u64 + number as u64),
            Class::Fingerprint => format!("aB3{number:040}"),
            Class::PublicKey => format!("AAAAC3NzaC1lZDI1NTE5AAAAI{number:043}"),
            Class::Process => (70_000 + number).to_string(),
            Class::Port => (40_000 + number).to_string(),
            // The others may stay what they are.
            _ => identity.value.clone(),
        };
        self.0
            .entry(format!("{}/{}", identity.class.name(), identity.value))
            .or_insert_with(|| fresh(identity))
            .clone()
    }
}

/// The renaming after all blocks but one.
fn known_without(blocks: &[Block], index: usize) -> Renaming {
    let mut renaming = Renaming::default();
    for (_, block) in blocks.iter().enumerate().filter(|(other, _)| *other != index) {
        let verdict = compare(&block.recorded, &block.now, &block.rules, &mut renaming);
        assert!(
            verdict.matches(),
            "{}:\n{}",
            block.name,
            crate::snapshot::render(verdict.difference().unwrap(), false, 120)
        );
    }
    renaming
}

#[test]
fn a_whole_lab_matches_in_another_region_with_other_ids() {
    let blocks = course();
    let renaming = known_without(&blocks, usize::MAX);
    assert!(!renaming.is_empty());
    for block in &blocks {
        let back = renaming.translate_record_back(&block.now, &block.rules);
        let verdict = compare(&back, &block.now, &block.rules, &mut renaming.clone());
        assert!(verdict.matches(), "{}: {:?}", block.name, reasons(&verdict));
    }
}

/// Every id, address and key that the lab has shown elsewhere, made another; every pair of them exchanged; every word
/// changed.
#[test]
fn every_fact_of_the_course_counts() {
    let blocks = course();
    let mut failures = Vec::new();
    let (mut identities, mut words) = (0, 0);
    for (index, block) in blocks.iter().enumerate() {
        let renaming = known_without(&blocks, index);
        let known = seen(&blocks, |other| other != index);
        let mut check = |now: Record, what: &str| {
            let verdict = compare(&block.recorded, &now, &block.rules, &mut renaming.clone());
            if verdict.matches() {
                failures.push(format!("{}: {what} went unnoticed", block.name));
            }
        };
        let text = &block.now.output;
        let with = |output: String| Record { output, ..block.now.clone() };
        let tokens = volatile::find(text, &block.rules.chosen, &[]);
        let mut here: Vec<&Identity> = Vec::new();
        for token in &tokens {
            let Kind::Identity(identity) = &token.kind else { continue };
            if known.contains(&key(identity)) && identity.class != Class::Region {
                let mut other = text.clone();
                other.replace_range(token.span.clone(), &identity.form.write(&unknown(identity)));
                identities += 1;
                check(with(other), &format!("{} made another", identity.value));
            }
            if identity.form == Form::Plain && !here.iter().any(|other| other.value == identity.value) {
                here.push(identity);
            }
        }
        for (at, a) in here.iter().enumerate() {
            for b in &here[at + 1..] {
                let other =
                    text.replace(&a.value, "\u{1}").replace(&b.value, &a.value).replace('\u{1}', &b.value);
                let both_known = known.contains(&key(a)) || known.contains(&key(b));
                if a.class == b.class && both_known && other != *text {
                    check(with(other), &format!("{} and {} exchanged", a.value, b.value));
                }
            }
        }
        let mut literal: Vec<bool> = text.bytes().map(|byte| !byte.is_ascii_whitespace()).collect();
        for token in &tokens {
            literal[token.span.clone()].fill(false);
        }
        let mut at = 0;
        while at < text.len() {
            let length = literal[at..].iter().take_while(|literal| **literal).count();
            if length > 0 && text.is_char_boundary(at) && text.is_char_boundary(at + 1) {
                words += 1;
                let mut other = text.clone();
                other.replace_range(at..=at, if &text[at..=at] == "7" { "8" } else { "7" });
                check(with(other), &format!("`{}` changed", &text[at..at + length]));
            }
            at += length.max(1);
        }
        for (number, (name, value)) in block.now.variables.iter().enumerate() {
            let mut now = block.now.clone();
            now.variables[number].1 = format!("{value}0");
            check(now, &format!("{name}={value}0"));
        }
        check(Record { exit: block.now.exit + 1, ..block.now.clone() }, "another status");
    }
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
    assert!(identities > 20 && words > 500, "only {identities} identities, {words} words");
}

fn key(identity: &Identity) -> (String, String) {
    (identity.class.name(), identity.value.clone())
}

/// What the blocks that `which` names show.
fn seen(blocks: &[Block], which: impl Fn(usize) -> bool) -> BTreeSet<(String, String)> {
    let mut all = BTreeSet::new();
    for (_, block) in blocks.iter().enumerate().filter(|(index, _)| which(*index)) {
        let values = block.now.variables.iter().map(|(_, value)| value.as_str());
        for text in values.chain([block.now.output.as_str()]) {
            for token in volatile::find(text, &block.rules.chosen, &[]) {
                if let Kind::Identity(identity) = token.kind
                    && identity.class.scope() == volatile::Scope::Lab
                {
                    all.insert(key(&identity));
                }
            }
        }
    }
    all
}

/// Another identity of the same class that no lab here has.
fn unknown(identity: &Identity) -> String {
    let mut value = identity.value.clone();
    let last = value.rfind(|c: char| c.is_ascii_digit()).unwrap_or(value.len() - 1);
    let other = if &value[last..=last] == "9" { "8" } else { "9" };
    value.replace_range(last..=last, other);
    value
}
