//! What happened during a run: the one vocabulary between running and telling.
//!
//! The engine (`run`) emits [`Event`]s; terminal, JUnit, JSON lines and GitHub annotations
//! consume them and have no way to influence the run. Every variant is in the past tense and serialises, so that a run
//! can be stored and told again. What all events share (when, which lesson, which block) stands in the envelope.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::name::{BlockName, HostName, LessonId};

/// One thing that happened, with the place where it happened.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Event {
    /// When, by this machine's clock.
    pub at: Timestamp,
    /// The lesson that it belongs to; `None` for the run as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lesson: Option<LessonId>,
    /// The block that it belongs to; `None` for a lesson or the run as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block: Option<BlockName>,
    #[serde(flatten)]
    pub kind: EventKind,
}

/// Why a lesson is part of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// The person named it.
    Asked,
    /// A lesson that was named builds on it and it has not been run in this lab.
    Prerequisite,
}

/// What a run does with results that differ from what is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// `lab run`: tell, write nothing.
    Run,
    /// `lab run --record`: write `.snap.new`, a difference is not a failure.
    Record,
    /// `lab verify`: write `.snap.new`; a difference, or a block that was never recorded, is a failure.
    Verify,
}

impl Mode {
    /// How many of these blocks are failures in this mode.
    pub fn bad(self, tally: Tally) -> usize {
        match self {
            Self::Run => tally.failed + tally.differed,
            Self::Record => tally.failed,
            Self::Verify => tally.failed + tally.differed + tally.unrecorded,
        }
    }
}

/// A lesson as the plan saw it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PlannedLesson {
    pub id: LessonId,
    pub title: String,
    /// How many blocks will run.
    pub blocks: usize,
    pub why: Why,
}

/// How a block ended. The order is that of severity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "outcome")]
pub enum Outcome {
    /// Status right, and the result is the recorded one up to a renaming.
    Passed,
    /// Status right; there is nothing recorded to compare with.
    Unrecorded,
    /// Status right, but the result is not the recorded one.
    Differed { diff: String },
    /// The status is not the one that the block must stop with, or the block ended in another way.
    Failed { reason: String, hint: Option<String> },
    /// Not run.
    Skipped { reason: String },
}

impl Outcome {
    /// Whether the rest of the lesson still makes sense after this.
    pub fn lesson_goes_on(&self) -> bool {
        !matches!(self, Self::Failed { .. })
    }
}

/// A finished block.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BlockReport {
    #[serde(flatten)]
    pub outcome: Outcome,
    /// Exit status, where the block came so far as to have one.
    pub exit: Option<i32>,
    /// The status that was expected.
    pub expected_exit: i32,
    /// What it printed, as recorded: ANSI codes removed, secrets masked.
    pub output: String,
    /// The variables that it assigned.
    pub variables: Vec<(String, String)>,
    /// How often it was tried (`eventually`); 1 otherwise.
    pub attempts: u32,
    pub took: Duration,
    /// What a person should know besides (the session was started anew, ...).
    pub notes: Vec<String>,
}

/// Blocks by outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    pub passed: usize,
    pub unrecorded: usize,
    pub differed: usize,
    pub failed: usize,
    pub skipped: usize,
}

impl Tally {
    /// Counts one more block.
    pub fn count(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Passed => self.passed += 1,
            Outcome::Unrecorded => self.unrecorded += 1,
            Outcome::Differed { .. } => self.differed += 1,
            Outcome::Failed { .. } => self.failed += 1,
            Outcome::Skipped { .. } => self.skipped += 1,
        }
    }

    /// Adds another tally to this one.
    pub fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.unrecorded += other.unrecorded;
        self.differed += other.differed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }

    /// Blocks in all.
    pub fn total(&self) -> usize {
        self.passed + self.unrecorded + self.differed + self.failed + self.skipped
    }
}

/// The things that happen.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "event")]
pub enum EventKind {
    /// Long preparation moved on (building the image, starting the region). `fraction` is 0 to 1 where it is known.
    PreparationProgressed { what: String, fraction: Option<f64> },
    /// Preparation came to its end after this time.
    PreparationFinished { what: String, took: Duration },
    /// The plan was checked and the first effect is next.
    RunStarted { lab: String, cloud: String, region: String, mode: Mode, lessons: Vec<PlannedLesson> },
    /// A lesson began; `resumed_at` counts the blocks that an earlier run has already done.
    LessonStarted { title: String, blocks: usize, why: Why, resumed_at: usize },
    /// The lab goes on from the state that a run left after the lesson `after` at the time `of`.
    StateRestored { after: LessonId, of: Timestamp, took: Duration },
    /// The lesson did not run: what follows are its results of that time, compared with what is recorded now.
    LessonTaken { of: Timestamp },
    /// The state after the lesson was kept; the instances stood still for a moment.
    StateKept { bytes: u64, still: Duration, took: Duration },
    /// A lesson needed nothing: it was done in an earlier run.
    LessonFoundDone { title: String },
    /// A block began.
    BlockStarted { host: HostName, via: Option<HostName>, text: String, hidden: bool },
    /// The block that is next had been cut short: what it was answered then, it is answered again. These resources are there.
    BlockResumed { there: Vec<String> },
    /// A host is not reachable yet; the block waits for it.
    HostAwaited { host: HostName, why: String },
    /// A block printed something.
    OutputArrived { text: String },
    /// A try of an `eventually` block was not right yet.
    AttemptMissed { attempt: u32, reason: String, next_in: Duration },
    /// A block ended.
    BlockFinished(BlockReport),
    /// A lesson ended. `complete` is false where a block failed or the run was interrupted.
    LessonFinished { title: String, tally: Tally, complete: bool, took: Duration },
    /// A file with a result to be reviewed was written.
    PendingWritten { path: String },
    /// Something that a person should know, but which is no failure.
    Warned { message: String },
    /// The person asked for an end (Ctrl-C) and it was heeded.
    RunInterrupted,
    /// The run ended.
    RunFinished { tally: Tally, complete: bool, took: Duration },
}

/// Takes events as they happen. Consumers get a reference and can return nothing: telling cannot influence running.
pub trait Sink: Send + Sync {
    /// Takes one event.
    fn take(&self, event: &Event);
}

/// A sink that tells several others.
#[derive(Default)]
pub struct Fan(pub Vec<std::sync::Arc<dyn Sink>>);

impl Sink for Fan {
    fn take(&self, event: &Event) {
        for sink in &self.0 {
            sink.take(event);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_survives_a_trip_through_json() {
        let event = Event {
            at: Timestamp::UNIX_EPOCH,
            lesson: None,
            block: None,
            kind: EventKind::BlockFinished(BlockReport {
                outcome: Outcome::Failed { reason: "exit status 1".into(), hint: None },
                exit: Some(1),
                expected_exit: 0,
                output: "x\n".into(),
                variables: vec![("A".into(), "1".into())],
                attempts: 2,
                took: Duration::from_millis(3),
                notes: vec![],
            }),
        };
        let text = serde_json::to_string(&event).expect("events serialise");
        assert!(text.contains("\"event\":\"block-finished\""), "{text}");
        assert!(text.contains("\"outcome\":\"failed\""), "{text}");
        let back: Event = serde_json::from_str(&text).expect("events deserialise");
        assert_eq!(serde_json::to_string(&back).expect("events serialise"), text);
    }

    #[test]
    fn no_word_of_an_event_is_one_of_its_envelope() {
        let (of, took) = (Timestamp::UNIX_EPOCH + Duration::from_secs(60), Duration::ZERO);
        let lesson = LessonId::new("01-a").expect("valid");
        for kind in [
            EventKind::StateRestored { after: lesson.clone(), of, took },
            EventKind::LessonTaken { of },
            EventKind::StateKept { bytes: 1, still: took, took },
        ] {
            let event = Event { at: Timestamp::UNIX_EPOCH, lesson: Some(lesson.clone()), block: None, kind };
            let text = serde_json::to_string(&event).expect("events serialise");
            let back: Event = serde_json::from_str(&text).expect("events deserialise");
            assert_eq!(serde_json::to_string(&back).expect("events serialise"), text);
        }
    }

    #[test]
    fn only_a_failure_ends_a_lesson() {
        assert!(Outcome::Differed { diff: String::new() }.lesson_goes_on());
        assert!(Outcome::Unrecorded.lesson_goes_on());
        assert!(!Outcome::Failed { reason: String::new(), hint: None }.lesson_goes_on());
    }
}
