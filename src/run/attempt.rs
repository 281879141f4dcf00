//! One block on its host: tried once, or until it is right.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::event::{BlockReport, EventKind, Outcome, Sink};
use crate::lesson::{Block, BlockKind, Eventually, Lesson};
use crate::run::boots::Boots;
use crate::run::engine::event;
use crate::run::kinds::{Did, Lasting, Stage, Wrong};
use crate::run::recorder::Recorder;
use crate::session::{self, Ended, Interrupt, LAPTOP, Pool};
use crate::snapshot::{BESIDE, Record, Renaming, Snapshot, ansi};

/// The longest pause between two tries of an `eventually` block.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// A block about to be tried.
pub(super) struct Attempt<'a> {
    pub lesson: &'a Lesson,
    pub block: &'a Block,
    pub recorded: Option<&'a Snapshot>,
    pub pool: &'a mut Pool,
    pub lasting: &'a mut Lasting,
    pub recorder: &'a mut Recorder,
    pub renaming: &'a mut Renaming,
    pub boots: &'a mut Boots,
    pub ec2: &'a aws_sdk_ec2::Client,
    pub sink: &'a Arc<dyn Sink>,
    pub interrupt: &'a Interrupt,
}

/// What it came to: the report, and what to record where there is a result.
pub(super) struct Tried {
    pub report: BlockReport,
    pub record: Option<Record>,
    /// Why it could not be done in full.
    pub lacking: Option<String>,
    /// For the book, as PNG.
    pub picture: Option<Vec<u8>>,
}

/// The status that a block must stop with.
pub(super) fn expected_exit(block: &Block) -> i32 {
    match &block.kind {
        BlockKind::Shell(shell) => i32::from(shell.exit),
        BlockKind::Check(check) => i32::from(check.exit),
        _ => 0,
    }
}

fn timeout(block: &Block) -> Duration {
    match &block.kind {
        BlockKind::Shell(shell) => shell.timeout,
        BlockKind::Check(check) => check.timeout,
        BlockKind::Console(console) => console.timeout,
        BlockKind::Http(http) => http.timeout,
        BlockKind::File(file) => file.timeout,
        BlockKind::Background(background) => background.timeout,
        BlockKind::Logs(logs) => logs.timeout,
        BlockKind::Diagram | BlockKind::Stop { .. } => crate::lesson::DEFAULT_TIMEOUT,
    }
}

fn eventually(block: &Block) -> Option<&Eventually> {
    match &block.kind {
        BlockKind::Shell(shell) => shell.eventually.as_ref(),
        BlockKind::Check(check) => check.eventually.as_ref(),
        BlockKind::Http(http) => http.eventually.as_ref(),
        BlockKind::Logs(logs) => logs.eventually.as_ref(),
        _ => None,
    }
}

impl Attempt<'_> {
    /// Tries until the result is right, or time is over, or once where the block is not `eventually`.
    pub async fn until_right(&mut self) -> Tried {
        let tried = match eventually(self.block).cloned() {
            Some(eventually) => self.several(&eventually).await,
            None => self.once(1, None, timeout(self.block)).await,
        };
        // What is told and what is kept on disk is one report.
        let tried = Tried { report: self.recorder.secrets().mask_report(&tried.report), ..tried };
        if let (BlockKind::Logs(logs), true) = (&self.block.kind, tried.report.outcome.lesson_goes_on()) {
            self.lasting.backgrounds.settle(&logs.target);
        }
        tried
    }

    async fn several(&mut self, eventually: &Eventually) -> Tried {
        let started = Instant::now();
        let mut pause = Duration::from_millis(200);
        let mut attempt = 1;
        let mut before: Option<Tried> = None;
        loop {
            let left = eventually.within.saturating_sub(started.elapsed());
            let deadline = timeout(self.block).min(left.max(Duration::from_secs(1)));
            let mut tried = self.once(attempt, eventually.until.as_deref(), deadline).await;
            // A try that was cut short because the time for all tries was over says less than the one before it.
            if tried.report.exit.is_none()
                && deadline < timeout(self.block)
                && let Some(before) = before.take()
            {
                tried = before;
            }
            tried.report.took = started.elapsed();
            let right = matches!(
                tried.report.outcome,
                Outcome::Passed | Outcome::Unrecorded | Outcome::Skipped { .. }
            );
            if right || self.interrupt.is_triggered() || started.elapsed() + pause >= eventually.within {
                return tried;
            }
            let reason = match &tried.report.outcome {
                Outcome::Failed { reason, .. } => reason.clone(),
                _ => "the output is not the recorded one yet".to_owned(),
            };
            self.emit(EventKind::AttemptMissed { attempt, reason, next_in: pause });
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.interrupt.triggered() => return tried,
            }
            pause = (pause * 3 / 2).min(LONGEST_PAUSE);
            attempt += 1;
            before = Some(tried);
        }
    }

    async fn once(&mut self, attempt: u32, until: Option<&str>, deadline: Duration) -> Tried {
        let mut stage = Stage {
            lesson: self.lesson,
            block: self.block,
            pool: self.pool,
            lasting: self.lasting,
            recorder: self.recorder,
            ec2: self.ec2,
            sink: self.sink,
            interrupt: self.interrupt,
            deadline,
        };
        let did = match stage.run().await {
            Ok(did) => did,
            Err(reason) => {
                return Tried {
                    report: self.failed(attempt, reason),
                    record: None,
                    lacking: None,
                    picture: None,
                };
            }
        };
        let host = self.block.host().map_or(LAPTOP, |host| host.as_str());
        self.recorder.note_boot(host, self.boots.number(host, self.pool.boot(host)));
        let Did { outcome, wrong: own, extra, lacking, picture } = did;
        let mut record = self.recorder.record(self.lesson, self.block, &outcome);
        let extra = extra.into_iter().map(|(name, value)| (name, self.recorder.secrets().mask(&value)));
        record.origin.extra.extend(extra);
        if eventually(self.block).is_some() {
            record.origin.attempts = attempt;
        }
        let mut notes = notes(&outcome);
        let strays = outcome.strays.iter();
        notes.extend(strays.map(|stray| self.recorder.secrets().mask(&about(stray))));
        if !outcome.strays.is_empty() {
            let names: Vec<&str> = outcome.strays.iter().map(|stray| stray.block.as_str()).collect();
            record.origin.extra.push((BESIDE.to_owned(), names.join(", ")));
        }
        let expected_exit = expected_exit(self.block);
        let wrong = own.or_else(|| {
            let reason = wrong(&outcome, &record, expected_exit, until)?;
            Some(Wrong { reason, hint: hint(self.block, &outcome, deadline) })
        });
        let (outcome_now, keep) = match wrong {
            Some(Wrong { reason, hint }) => (Outcome::Failed { reason, hint }, false),
            // A test has no record: its status is its result.
            None if self.block.is_check() => (Outcome::Passed, false),
            None => {
                let lacking = lacking.clone();
                (self.recorder.judge(self.recorded, &record, lacking, self.block, self.renaming), true)
            }
        };
        let report = BlockReport {
            outcome: outcome_now,
            exit: outcome.status,
            expected_exit,
            output: record.output.clone(),
            variables: record.variables.clone(),
            attempts: attempt,
            took: outcome.took,
            notes,
        };
        Tried { report, record: keep.then_some(record), lacking, picture }
    }

    fn failed(&self, attempts: u32, reason: String) -> BlockReport {
        BlockReport {
            outcome: Outcome::Failed { reason, hint: own_hint(self.block) },
            exit: None,
            expected_exit: expected_exit(self.block),
            output: String::new(),
            variables: Vec::new(),
            attempts,
            took: Duration::ZERO,
            notes: Vec::new(),
        }
    }

    fn emit(&self, kind: EventKind) {
        self.sink.take(&event(Some(self.lesson), Some(self.block), kind));
    }
}

/// Why a result is wrong whatever is recorded; `None` where it may be compared.
fn wrong(outcome: &session::Outcome, record: &Record, expected: i32, until: Option<&str>) -> Option<String> {
    match &outcome.ended {
        Ended::Deadline => return Some(format!("it did not end within {}", seconds(outcome.took))),
        Ended::Interrupted => return Some("interrupted".to_owned()),
        Ended::Cut(why) => return Some(format!("interrupted: the connection to the host ended ({why})")),
        Ended::Killed(signal) => return Some(format!("its shell was killed by signal {signal}")),
        Ended::Normally | Ended::Exited | Ended::ReplacedByExec => {}
    }
    match outcome.status {
        Some(status) if status == expected => {}
        Some(status) => return Some(format!("exit status {status}, expected {expected}")),
        None => return Some("it ended without an exit status".to_owned()),
    }
    let missing = until.filter(|text| !record.output.contains(text));
    missing.map(|text| format!("`{text}` did not appear in the output"))
}

/// What a test says itself for when it fails: also when its host is not there.
fn own_hint(block: &Block) -> Option<String> {
    match &block.kind {
        BlockKind::Check(check) => check.hint.clone(),
        _ => None,
    }
}

fn hint(block: &Block, outcome: &session::Outcome, deadline: Duration) -> Option<String> {
    if let Some(hint) = own_hint(block) {
        return Some(hint);
    }
    match outcome.ended {
        Ended::Deadline => Some(format!(
            "it and what it had started were ended after {}; `timeout=` gives a block more time",
            seconds(deadline)
        )),
        _ if outcome.status == Some(127) => {
            Some(format!("a command was not found on {}", block.host().map_or(LAPTOP, |host| host.as_str())))
        }
        _ => None,
    }
}

/// What is said of something that an earlier block has left running and that printed during this one.
fn about(stray: &session::Stray) -> String {
    /// As much of it as one line shows.
    const SHOWN: usize = 80;
    let text = ansi::clean(stray.text.as_bytes());
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let last: String = lines.last().copied().unwrap_or_default().chars().take(SHOWN).collect();
    let count = if lines.len() == 1 { "1 line".to_owned() } else { format!("{} lines", lines.len()) };
    format!(
        "what `{}` has left running printed {count} meanwhile, which are no part of this result; the last: {last}",
        stray.block
    )
}

fn notes(outcome: &session::Outcome) -> Vec<String> {
    let what = match &outcome.ended {
        Ended::Normally => return Vec::new(),
        Ended::Exited => "the block left its shell with `exit`",
        Ended::ReplacedByExec => "the block replaced its shell with `exec`",
        Ended::Deadline => "the block was ended at its deadline",
        Ended::Interrupted => "the block was interrupted",
        Ended::Killed(_) => "the block's shell was killed",
        Ended::Cut(_) => "the connection was cut",
    };
    vec![format!(
        "{what}: the next block there starts in a new shell from the last state saved; background jobs are gone"
    )]
}

fn seconds(duration: Duration) -> String {
    if duration < Duration::from_secs(10) {
        format!("{:.1} s", duration.as_secs_f64())
    } else {
        format!("{} s", duration.as_secs())
    }
}
