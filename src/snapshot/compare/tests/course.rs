//! The recorded results of this course, as one lab after another would print them: every fact of them falsified.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::*;
use crate::snapshot::file;
use crate::snapshot::volatile::{self, Class, Form, Hints, Identity, Kind};

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
    let texts: BTreeMap<String, String> = fs::read_dir(root().join("lessons"))
        .expect("the lessons are there")
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            (path.file_stem().unwrap().to_string_lossy().into_owned(), fs::read_to_string(path).unwrap())
        })
        .collect();
    let chosen = Arc::new(Chosen::in_texts(texts.values().map(String::as_str)));
    let mut paths: Vec<PathBuf> = fs::read_dir(root().join("snapshots"))
        .expect("the records are there")
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "snap"))
        .collect();
    // In the order of a run.
    let fence = |name: &str| {
        let (lesson, block) = name.split_once("__").expect("lesson and block");
        let block = block.split('@').next().expect("a name");
        let text = &texts[lesson];
        let at = [' ', '}'].iter().filter_map(|end| text.find(&format!("{{#{block}{end}"))).min();
        let at = at.unwrap_or_else(|| panic!("{lesson} has no block {block}"));
        (lesson.to_owned(), at, text[at..].lines().next().expect("a line").to_owned())
    };
    paths.sort_by_cached_key(|path| fence(&path.file_stem().unwrap().to_string_lossy()));
    let mut others = Others::default();
    let blocks: Vec<Block> = paths
        .into_iter()
        .map(|path| {
            let recorded = file::read(&path).unwrap().unwrap();
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            let rules = Rules {
                chosen: Arc::clone(&chosen),
                matching: if fence(&name).2.contains("match=exit") { Matching::Exit } else { Matching::Full },
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
    assert!(blocks.len() > 200, "only {} records", blocks.len());
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
        for token in volatile::find(text, &Hints::of(&rules.chosen)) {
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

/// Compares a block as it is, which grows the renaming.
fn learn(block: &Block, renaming: &mut Renaming) {
    let verdict = compare(&block.recorded, &block.now, &block.rules, renaming);
    assert!(
        verdict.matches(),
        "{}:\n{}",
        block.name,
        crate::snapshot::render(verdict.difference().unwrap(), false, 120)
    );
}

#[test]
fn a_whole_lab_matches_in_another_region_with_other_ids() {
    let blocks = course();
    let mut renaming = Renaming::default();
    blocks.iter().for_each(|block| learn(block, &mut renaming));
    assert!(!renaming.is_empty());
    for block in &blocks {
        let back = renaming.translate_record_back(&block.now, &block.rules);
        let verdict = compare(&back, &block.now, &block.rules, &mut renaming.clone());
        assert!(verdict.matches(), "{}: {:?}", block.name, reasons(&verdict));
    }
}

/// Every id, address and key that the lab has shown before, made another; every one that it shows later, made another
/// where it is first seen; every pair of them exchanged; every word changed.
#[test]
fn every_fact_of_the_course_counts() {
    let blocks = course();
    let shown: Vec<BTreeSet<(String, String)>> = blocks.iter().map(shown).collect();
    let failures = std::cell::RefCell::new(Vec::new());
    let (mut identities, mut first, mut words) = (0, 0, 0);
    let (mut renaming, mut known) = (Renaming::default(), BTreeSet::new());
    for (index, block) in blocks.iter().enumerate() {
        let check = |now: Record, what: &str| {
            let verdict = compare(&block.recorded, &now, &block.rules, &mut renaming.clone());
            if verdict.matches() {
                failures.borrow_mut().push(format!("{}: {what} went unnoticed", block.name));
            }
        };
        check(Record { exit: block.now.exit + 1, ..block.now.clone() }, "another status");
        if block.rules.matching == Matching::Exit {
            continue;
        }
        for (number, (name, value)) in block.now.variables.iter().enumerate() {
            let mut now = block.now.clone();
            now.variables[number].1 = format!("{value}~");
            check(now, &format!("{name}={value}~"));
        }
        let text = &block.now.output;
        let with = |output: String| Record { output, ..block.now.clone() };
        let tokens = volatile::find(text, &Hints::of(&block.rules.chosen));
        let mut here: Vec<&Identity> = Vec::new();
        for token in &tokens {
            let Kind::Identity(identity) = &token.kind else { continue };
            if identity.form == Form::Plain && !here.iter().any(|other| other.value == identity.value) {
                here.push(identity);
            }
            if identity.class == Class::Region {
                continue;
            }
            let mut other = text.clone();
            other.replace_range(token.span.clone(), &identity.form.write(&unknown(identity)));
            if known.contains(&key(identity)) {
                identities += 1;
                check(with(other), &format!("{} made another", identity.value));
                continue;
            }
            // New here: it is believed, and noticed where it is shown again.
            let mut misled = renaming.clone();
            let later = (index + 1..blocks.len()).find(|later| {
                shown[*later].contains(&key(identity)) && blocks[*later].rules.matching != Matching::Exit
            });
            if let Some(later) = later
                && compare(&block.recorded, &with(other), &block.rules, &mut misled).matches()
            {
                first += 1;
                let later = &blocks[later];
                if compare(&later.recorded, &later.now, &later.rules, &mut misled).matches() {
                    let (value, name) = (&identity.value, &later.name);
                    failures
                        .borrow_mut()
                        .push(format!("{}: another {value} went unnoticed in {name}", block.name));
                }
            }
        }
        for (at, a) in here.iter().enumerate() {
            for b in &here[at + 1..] {
                let other =
                    text.replace(&a.value, "\u{1}").replace(&b.value, &a.value).replace('\u{1}', &b.value);
                let one_known = known.contains(&key(a)) || known.contains(&key(b));
                if a.class == b.class && one_known && other != *text {
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
        learn(block, &mut renaming);
        known.extend(shown[index].iter().cloned());
    }
    let failures = failures.into_inner();
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
    assert!(
        identities > 100 && first >= 10 && words > 1500,
        "{identities} known, {first} new, {words} words"
    );
}

fn key(identity: &Identity) -> (String, String) {
    (identity.class.name(), identity.value.clone())
}

/// Identities of the whole lab that a block shows.
fn shown(block: &Block) -> BTreeSet<(String, String)> {
    let values = block.now.variables.iter().map(|(_, value)| value.as_str());
    let texts = values.chain([block.now.output.as_str()]);
    let tokens = texts.flat_map(|text| volatile::find(text, &Hints::of(&block.rules.chosen)));
    let identities = tokens.filter_map(|token| match token.kind {
        Kind::Identity(identity) if identity.class.scope() == volatile::Scope::Lab => Some(key(&identity)),
        _ => None,
    });
    identities.collect()
}

/// Another identity of the same class that no lab here has.
fn unknown(identity: &Identity) -> String {
    let mut value = identity.value.clone();
    let last = value.rfind(|c: char| c.is_ascii_digit()).unwrap_or(value.len() - 1);
    let other = if &value[last..=last] == "9" { "8" } else { "9" };
    value.replace_range(last..=last, other);
    value
}
