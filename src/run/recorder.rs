//! From what a block did to what is recorded of it, and whether that is what was recorded before.

use std::collections::HashMap;
use std::sync::Arc;

use crate::event::Outcome;
use crate::lesson::{Block, BlockKind, Compare, Lesson};
use crate::name::Os;
use crate::run::capture::packets;
use crate::run::lab::CloudKind;
use crate::run::pictures::Pictures;
use crate::secret::{MASK, Secrets};
use crate::session;
use crate::snapshot::{
    Chosen, Key, Matching, Origin, Record, Renaming, Rules, SSH, Snapshot, Store, StoreError, Update,
    Verdict, Written, ansi, compare, gap, line_breaks,
};

/// Compares results with the store and keeps those that are to be written when the lesson has ended.
pub struct Recorder {
    store: Store,
    chosen: Arc<Chosen>,
    cloud: CloudKind,
    region: String,
    os: Os,
    secrets: Secrets,
    /// The number of the present boot of each host.
    boots: HashMap<String, u32>,
    /// Not recorded yet, or different: written with the final renaming, so that a review shows only what really differs.
    waiting: Vec<(Key, Record, Rules)>,
    pictures: Pictures,
    /// The same as recorded: what an earlier run left pending is void.
    settled: Vec<Key>,
}

/// Columns of a difference, as it goes into events.
const DIFF_WIDTH: usize = 110;

/// What the comparison with the store came to.
pub enum Compared {
    /// The same, or compared by status only.
    Same,
    /// Nothing is recorded.
    Unrecorded,
    /// Not the same.
    Different(Box<crate::snapshot::Difference>),
}

impl Recorder {
    /// Over the store, for a run on `cloud` in `region`. `chosen` is what the course's text chose; `secrets` are masked in
    /// all that is recorded.
    pub fn new(
        store: Store,
        chosen: Arc<Chosen>,
        cloud: CloudKind,
        region: &str,
        os: Os,
        secrets: Secrets,
    ) -> Self {
        Self {
            store,
            chosen,
            cloud,
            region: region.to_owned(),
            os,
            secrets,
            boots: HashMap::new(),
            waiting: Vec::new(),
            pictures: Pictures::default(),
            settled: Vec::new(),
        }
    }

    /// Takes note of the passwords that are typed in a block: they are masked in everything that is told or recorded,
    /// whichever block prints them.
    pub fn keep_secrets_of(&self, block: &Block) {
        block.typed_secrets().for_each(|secret| self.secrets.add(secret));
    }

    /// The text of a block as it may be told.
    pub(super) fn text_of(&self, block: &Block) -> String {
        let body = &block.body.text;
        match &block.kind {
            // Also a password that is too short to be masked wherever it is printed.
            BlockKind::Console(console) => self.secrets.mask_typed(&console.with_secrets_as(MASK, body)),
            _ => self.secrets.mask_typed(body),
        }
    }

    /// What is masked.
    pub fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    /// Takes note of the number of the boot in which a host is now.
    pub(super) fn note_boot(&mut self, host: &str, boot: u32) {
        self.boots.insert(host.to_owned(), boot);
    }

    /// The number of the boot in which a block's host is now.
    pub(super) fn boot(&self, block: &Block) -> u32 {
        let host = block.host().map_or(session::LAPTOP, |host| host.as_str());
        self.boots.get(host).copied().unwrap_or(0)
    }

    /// A session's outcome as a record.
    pub fn record(&self, lesson: &Lesson, block: &Block, outcome: &session::Outcome) -> Record {
        let host = block.host().map(|host| host.to_string()).unwrap_or_default();
        // Variables first: what they hold may stand in the output.
        let variables = outcome.variables.iter();
        let variables =
            variables.map(|v| (v.name.clone(), self.secrets.mask_value(&v.name, &v.value))).collect();
        let printed = &outcome.output;
        let raw = gap::joined(printed.head(), printed.dropped(), printed.tail());
        let output = self.secrets.mask(&ansi::clean(&raw));
        let line = lesson.source.position(block.span.start).line;
        Record {
            exit: outcome.status.unwrap_or(-1),
            // What is left running is shown up to where it has come by then, which may be amid a line.
            line_breaks: (!matches!(block.kind, BlockKind::Background(_) | BlockKind::Logs(_)))
                .then(|| line_breaks(&output)),
            output,
            variables,
            origin: Origin {
                source: format!("lessons/{}.md", lesson.id),
                line: u32::try_from(line).ok(),
                description: describe(&self.text_of(block)),
                host,
                cloud: self.cloud.to_string(),
                region: self.region.clone(),
                os: self.os.to_string(),
                date: jiff::Timestamp::now().strftime("%Y-%m-%d").to_string(),
                attempts: 0,
                extra: Vec::new(),
            },
        }
    }

    fn key(&self, lesson: &Lesson, block: &Block) -> Key {
        Key {
            lesson: lesson.id.clone(),
            block: block.name.clone(),
            os: self.os,
            cloud: self.cloud.to_string(),
        }
    }

    /// What is recorded of a block.
    pub fn recorded(&self, lesson: &Lesson, block: &Block) -> Result<Option<Snapshot>, StoreError> {
        self.store.find(&self.key(lesson, block))
    }

    /// Compares a result with what is recorded; the renaming grows when it matches.
    pub fn compare(
        &self,
        recorded: Option<&Snapshot>,
        record: &Record,
        block: &Block,
        renaming: &mut Renaming,
    ) -> Compared {
        let Some(recorded) = recorded else { return Compared::Unrecorded };
        let rules = self.rules(record, block);
        let (was, is) = (packets::appended(&recorded.record), packets::appended(record));
        match compare(&was, &is, &rules, renaming) {
            Verdict::Matches => Compared::Same,
            Verdict::Differs(difference) => Compared::Different(difference),
        }
    }

    /// What the comparison means for the block; `lacking` says why it could not be done in full.
    pub(super) fn judge(
        &self,
        recorded: Option<&Snapshot>,
        record: &Record,
        lacking: Option<String>,
        block: &Block,
        renaming: &mut Renaming,
    ) -> Outcome {
        match self.compare(recorded, record, block, renaming) {
            Compared::Different(difference) => {
                Outcome::Differed { diff: crate::snapshot::render(&difference, false, DIFF_WIDTH) }
            }
            // What could not be done in full has not passed.
            Compared::Same => lacking.map_or(Outcome::Passed, |reason| Outcome::Skipped { reason }),
            Compared::Unrecorded => Outcome::Unrecorded,
        }
    }

    /// Takes what became of a block: for the end of the lesson, or as settled.
    pub(super) fn take(&mut self, lesson: &Lesson, block: &Block, outcome: &Outcome, record: Option<Record>) {
        match (outcome, record) {
            (Outcome::Passed | Outcome::Skipped { .. }, _) => self.settle(lesson, block),
            (_, Some(record)) => self.keep(lesson, block, record),
            _ => {}
        }
    }

    /// A result of an earlier run as one of the lesson as it stands now: prose may have moved it.
    pub(super) fn here(&self, lesson: &Lesson, block: &Block, mut record: Record) -> Record {
        record.origin.line = u32::try_from(lesson.source.position(block.span.start).line).ok();
        record.origin.description = describe(&self.text_of(block));
        // What is a secret may have become known since.
        record.mask(&self.secrets);
        record
    }

    fn rules(&self, record: &Record, block: &Block) -> Rules {
        let mut rules = Rules::new(block.name.as_str(), record.origin.host.clone());
        rules.chosen = Arc::clone(&self.chosen);
        rules.boot = self.boots.get(&record.origin.host).copied().unwrap_or_default();
        if let Some(outcome) = block.outcome() {
            rules.matching = match outcome.compare {
                Compare::All => Matching::Full,
                Compare::Lines => Matching::Lines,
                Compare::Exit => Matching::Exit,
            };
            // The pattern was found valid when the lesson was parsed.
            rules.vary =
                outcome.vary.iter().filter_map(|pattern| Rules::vary(pattern.as_str()).ok()).collect();
        }
        rules
    }

    /// Keeps a result for the end of the lesson.
    pub fn keep(&mut self, lesson: &Lesson, block: &Block, record: Record) {
        let rules = self.rules(&record, block);
        self.waiting.push((self.key(lesson, block), record, rules));
    }

    /// Keeps a page's picture for the end of the lesson.
    pub(super) fn keep_picture(
        &mut self,
        lesson: &Lesson,
        block: &Block,
        outcome: &Outcome,
        picture: Vec<u8>,
    ) {
        let key = self.key(lesson, block);
        self.pictures.keep(key, outcome, picture);
    }

    /// Notes that a result is the recorded one.
    pub fn settle(&mut self, lesson: &Lesson, block: &Block) {
        self.settled.push(self.key(lesson, block));
    }

    /// Writes what was kept, in the vocabulary of what is recorded. Returns the files written.
    pub fn finish(
        &mut self,
        renaming: &Renaming,
        update: Update,
    ) -> Result<Vec<std::path::PathBuf>, StoreError> {
        for key in self.settled.drain(..) {
            self.store.settle(&key)?;
        }
        let mut written = Vec::new();
        written.extend(self.pictures.write(&self.store, update)?);
        for (key, record, rules) in self.waiting.drain(..) {
            let mut record = renaming.translate_record_back(&record, &rules);
            // A later block may have shown what is a secret in this one.
            record.mask(&self.secrets);
            packets::translate(&mut record, |text| renaming.translate_back(text, &rules));
            for (_, command) in record.origin.extra.iter_mut().filter(|(name, _)| name == SSH) {
                *command = renaming.translate_back(command, &rules);
            }
            match self.store.record(&key, &record, update)? {
                Written::Pending(path) | Written::Recorded(path) => written.push(path),
                Written::Nothing => {}
            }
        }
        Ok(written)
    }
}

/// The first line that says what a block does.
fn describe(script: &str) -> String {
    let line = script.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'));
    let line = line.unwrap_or_default().trim_end_matches('\\').trim_end();
    if line.chars().count() > 100 { line.chars().take(99).chain(['…']).collect() } else { line.to_owned() }
}

#[cfg(test)]
mod tests;
