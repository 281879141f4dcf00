//! What of the recording stands for what of this run.
//!
//! A one-to-one map for each class of identities. Process ids have one for each boot of each host; ports and
//! connection numbers live in one block only and never get here.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::volatile::{self, Class, Hints, Identity, Kind, NAMED, Named, Scope, Token};
use super::{Record, Rules};

/// A one-to-one map between the identities of the recording and those of this run. One for a lab: it is kept with the
/// lab's state (it serialises) and goes on where the lab goes on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Stored", into = "Stored")]
pub struct Renaming {
    spaces: BTreeMap<String, Space>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Space {
    forward: BTreeMap<String, Pair>,
    /// From this run's identity to the recorded one.
    backward: BTreeMap<String, String>,
}

/// The counterpart of a recorded identity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Pair {
    /// This run's identity.
    pub now: String,
    /// The block in which the two were first seen together.
    pub seen_in: String,
}

#[derive(Serialize, Deserialize)]
struct Stored(BTreeMap<String, BTreeMap<String, Pair>>);

impl From<Renaming> for Stored {
    fn from(renaming: Renaming) -> Self {
        Self(renaming.spaces.into_iter().map(|(name, space)| (name, space.forward)).collect())
    }
}

impl From<Stored> for Renaming {
    fn from(stored: Stored) -> Self {
        let mut renaming = Self::default();
        for (space, pairs) in stored.0 {
            for (recorded, pair) in pairs {
                renaming.insert(&space, &recorded, pair);
            }
        }
        renaming
    }
}

/// The name of the map that holds a class where these rules apply; `None` when it lives in one block only.
fn space_of(class: &Class, rules: &Rules) -> Option<String> {
    match class.scope() {
        Scope::Lab => Some(class.name()),
        Scope::Boot => Some(format!("{}@{}#{}", class.name(), rules.host, rules.boot)),
        Scope::Block => None,
    }
}

impl Renaming {
    /// Whether nothing is known yet.
    pub fn is_empty(&self) -> bool {
        self.spaces.is_empty()
    }

    /// Whether everything stands for itself.
    pub(super) fn is_trivial(&self) -> bool {
        self.spaces.values().flat_map(|space| &space.forward).all(|(recorded, pair)| *recorded == pair.now)
    }

    /// What stands for this recorded cloud id (`vpc-0…`) in this run, if that is known.
    pub fn now(&self, recorded: &str) -> Option<&str> {
        let (prefix, _) = recorded.rsplit_once('-')?;
        let space = self.spaces.get(&Class::Cloud(prefix.to_owned()).name())?;
        space.forward.get(recorded).map(|pair| pair.now.as_str())
    }

    /// Forgets what is the same within one boot of one host only: process ids. A lesson may begin on hosts that have
    /// booted since the last one ended, as it does where a lab was restored.
    pub fn forget_boots(&mut self) {
        self.spaces.retain(|name, _| !name.contains('#'));
    }

    fn insert(&mut self, space: &str, recorded: &str, pair: Pair) {
        let space = self.spaces.entry(space.to_owned()).or_default();
        space.backward.insert(pair.now.clone(), recorded.to_owned());
        space.forward.insert(recorded.to_owned(), pair);
    }

    /// This run's text in the vocabulary of the recording, with all derived forms; what has no counterpart stays.
    /// Columns that were aligned stay aligned where there is room.
    pub fn translate_back(&self, text: &str, rules: &Rules) -> String {
        Trial::new(self, rules).translate_back(text)
    }

    /// A whole result likewise, for a pending file. Use the renaming as it is at the end of the run.
    pub fn translate_record_back(&self, record: &Record, rules: &Rules) -> Record {
        let trial = Trial::new(self, rules);
        let variables = record
            .variables
            .iter()
            .map(|(name, value)| (name.clone(), trial.translate_back(value)))
            .collect();
        let output = trial.translate_back(&record.output);
        let mut origin = record.origin.clone();
        // The text speaks of the recording's region now, and records of two regions cannot be held against one run.
        origin.region = trial.translate_back(&origin.region);
        if trial.changes_widths(&record.output) {
            origin.mark_realigned();
        }
        Record { exit: record.exit, output, line_breaks: record.line_breaks, variables, origin }
    }
}

/// The two results that are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Recorded,
    Now,
}

/// A renaming while a block is compared: what is known, and what this block adds if it matches.
pub(super) struct Trial<'a> {
    base: &'a Renaming,
    rules: &'a Rules,
    added: Renaming,
    /// What was added, in order, so that a line that does not match can be taken back.
    log: Vec<(String, String)>,
}

/// Why two identities cannot stand for each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Conflict {
    /// What stands for the recorded identity, and since which block.
    pub expected_now: Option<Pair>,
    /// What the new identity stands for, and since which block.
    pub actual_is: Option<(String, String)>,
}

impl<'a> Trial<'a> {
    pub(super) fn new(base: &'a Renaming, rules: &'a Rules) -> Self {
        Self { base, rules, added: Renaming::default(), log: Vec::new() }
    }

    /// The rules of the block that is compared.
    pub(super) fn rules(&self) -> &'a Rules {
        self.rules
    }

    /// The map of a class; those that live in one block are kept apart from all others.
    fn space(&self, class: &Class) -> String {
        space_of(class, self.rules).unwrap_or_else(|| format!("block/{}", class.name()))
    }

    /// What stands for a recorded identity.
    pub(super) fn now(&self, class: &Class, recorded: &str) -> Option<&Pair> {
        let name = self.space(class);
        let find = |renaming: &'a Renaming| renaming.spaces.get(&name)?.forward.get(recorded);
        find(self.base).or_else(|| self.added.spaces.get(&name)?.forward.get(recorded))
    }

    /// What an identity of this run stands for, and the block that showed it.
    pub(super) fn recorded(&self, class: &Class, now: &str) -> Option<(&str, &str)> {
        let name = self.space(class);
        [self.base, &self.added].into_iter().find_map(|renaming| {
            let space = renaming.spaces.get(&name)?;
            let recorded = space.backward.get(now)?;
            Some((recorded.as_str(), space.forward[recorded].seen_in.as_str()))
        })
    }

    /// Lets `now` stand for `recorded`, if both are free or stand for each other already.
    pub(super) fn unify(&mut self, class: &Class, recorded: &str, now: &str) -> Result<(), Conflict> {
        let expected_now = self.now(class, recorded).cloned();
        let actual_is = self.recorded(class, now).map(|(is, since)| (is.to_owned(), since.to_owned()));
        match (expected_now, actual_is) {
            (Some(pair), _) if pair.now == now => Ok(()),
            // The names of regions are public. A lab has one, which stands for the recording's; all others are
            // themselves: a list of all regions is the same wherever it is made.
            _ if *class == Class::Region && recorded == now => Ok(()),
            (None, None) if *class == Class::Region && self.knows_its_region() => {
                Err(Conflict { expected_now: None, actual_is: None })
            }
            (None, None) => {
                let space = self.space(class);
                let pair = Pair { now: now.to_owned(), seen_in: self.rules.block.clone() };
                self.added.insert(&space, recorded, pair);
                self.log.push((space, recorded.to_owned()));
                Ok(())
            }
            (expected_now, actual_is) => Err(Conflict { expected_now, actual_is }),
        }
    }

    fn knows_its_region(&self) -> bool {
        let name = self.space(&Class::Region);
        [self.base, &self.added]
            .into_iter()
            .any(|renaming| renaming.spaces.get(&name).is_some_and(|space| !space.forward.is_empty()))
    }

    /// The values with a name that are known on one side.
    pub(super) fn named(&self, side: Side) -> Vec<Named> {
        let spaces = self.base.spaces.iter().chain(&self.added.spaces);
        let named = spaces.filter_map(|(space, pairs)| Some((space.strip_prefix(NAMED)?, pairs)));
        let values = named.flat_map(|(name, pairs)| {
            pairs.forward.iter().map(move |(recorded, pair)| match side {
                Side::Recorded => (name, recorded),
                Side::Now => (name, &pair.now),
            })
        });
        values.map(|(name, value)| Named { name: name.to_owned(), value: value.clone() }).collect()
    }

    /// A point to come back to.
    pub(super) fn mark(&self) -> usize {
        self.log.len()
    }

    /// Forgets what was added since the mark.
    pub(super) fn rollback(&mut self, mark: usize) {
        for (space, recorded) in self.log.split_off(mark) {
            if let Some(space) = self.added.spaces.get_mut(&space)
                && let Some(pair) = space.forward.remove(&recorded)
            {
                space.backward.remove(&pair.now);
            }
        }
    }

    /// What this block adds for good.
    pub(super) fn learned(mut self) -> Learned {
        self.added.spaces.retain(|name, space| !name.starts_with("block/") && !space.forward.is_empty());
        Learned(self.added)
    }

    /// Text of this run in the vocabulary of the recording.
    pub(super) fn translate_back(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut done = 0;
        // How much longer the text has become since the last blanks that could make up for it.
        let mut grown: isize = 0;
        for token in self.tokens(text) {
            grown = push_padded(&mut out, &text[done..token.span.start], grown);
            let old = &text[token.span.clone()];
            let new = match &token.kind {
                Kind::Identity(identity) => self.name_back(identity),
                Kind::Quantity(..) | Kind::Vary(_) => None,
            };
            let new = new.unwrap_or_else(|| old.to_owned());
            grown += new.len() as isize - old.len() as isize;
            out.push_str(&new);
            done = token.span.end;
        }
        push_padded(&mut out, &text[done..], grown);
        out
    }

    /// Whether translating this text back changes the width of a word.
    fn changes_widths(&self, text: &str) -> bool {
        self.tokens(text).into_iter().any(|token| match &token.kind {
            Kind::Identity(identity) => {
                self.name_back(identity).is_some_and(|new| new.len() != token.span.len())
            }
            Kind::Quantity(..) | Kind::Vary(_) => false,
        })
    }

    /// The tokens of a text of this run. What is volatile without being an identity is no token here: what it holds may be.
    fn tokens(&self, text: &str) -> Vec<Token> {
        let named = self.named(Side::Now);
        let hints = Hints { chosen: &self.rules.chosen, vary: &self.rules.vary, rest: false, named: &named };
        volatile::find(text, &hints)
    }

    fn name_back(&self, identity: &Identity) -> Option<String> {
        let (recorded, _) = self.recorded(&identity.class, &identity.value)?;
        Some(identity.form.write(recorded))
    }
}

/// What a block adds to a renaming; see [`Trial::learned`].
pub(super) struct Learned(Renaming);

impl Learned {
    pub(super) fn add_to(self, renaming: &mut Renaming) {
        for (name, space) in self.0.spaces {
            for (recorded, pair) in space.forward {
                renaming.insert(&name, &recorded, pair);
            }
        }
    }
}

/// Adds literal text; the first run of blanks takes up what the text before it has grown or shrunk by. The rest that
/// could not be made up for is returned; it ends with the line.
fn push_padded(out: &mut String, literal: &str, mut grown: isize) -> isize {
    let mut rest = literal;
    while grown != 0 {
        let Some(at) = rest.find(['\n', ' ']) else { break };
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        if rest.starts_with('\n') {
            grown = 0;
            break;
        }
        let blanks = rest.len() - rest.trim_start_matches(' ').len();
        rest = &rest[blanks..];
        // One blank separates words; two and more are padding, and stay at least two.
        let kept = if blanks > 1 { (blanks as isize - grown).max(2) } else { blanks as isize };
        grown -= blanks as isize - kept;
        out.extend(std::iter::repeat_n(' ', kept as usize));
    }
    out.push_str(rest);
    if rest.contains('\n') { 0 } else { grown }
}

#[cfg(test)]
mod tests;
