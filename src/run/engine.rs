//! Runs a plan: lesson after lesson, block after block.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::aws::Caller;
use crate::aws::journal::{Current, Journal, Origin};
use crate::aws::replay::Replay;
use crate::aws::teardown::Leftover;
use crate::event::{BlockReport, Event, EventKind, Mode, Outcome, Sink, Tally};
use crate::lesson::{Block, Lesson};
use crate::name::{BlockName, LessonId};
use crate::plan::{DoneBlock, Plan, Step as PlannedStep};
use crate::run::attempt::{Attempt, Tried};
use crate::run::checkpoint::{BlockResult, Earlier, Keeper, Keeping, Retelling};
use crate::run::gate::{Gate, Step};
use crate::run::kinds::Lasting;
use crate::run::lab::{Lab, LabError, LabState};
use crate::run::recorder::Recorder;
use crate::session::{Interrupt, Pool};
use crate::snapshot::{StoreError, Update};

/// How a run is to be made.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    pub mode: Mode,
    /// What becomes of results that differ or are new.
    pub update: Update,
    /// Whether the first block that is not as recorded ends the run.
    pub fail_fast: bool,
    /// Whether what a block had made that did not come to its end is deleted before it runs again.
    pub redo: bool,
}

/// What a run came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    pub tally: Tally,
    /// Every block of the plan ran and none failed.
    pub complete: bool,
    /// The person stopped it.
    pub interrupted: bool,
}

/// Why a run cannot go on. What a block does wrong is an event, not an error.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error(transparent)]
    Lab(#[from] LabError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(
        "go on with `{block}` of {lesson}: it did not come to its end, and had created {} ({why})", created.join(", ")
    )]
    HadCreated { lesson: LessonId, block: BlockName, created: Vec<String>, why: String },
    #[error("delete what `{block}` of {lesson} had created: {} ({})", left.id, left.reason)]
    Left { lesson: LessonId, block: BlockName, left: Leftover },
}

/// The engine of one run.
pub struct Engine<'a> {
    pub lab: &'a mut Lab,
    pub pool: Pool,
    /// For what `lab` itself asks the cloud.
    pub ec2: aws_sdk_ec2::Client,
    /// The same for what the service model names.
    pub caller: Caller,
    pub recorder: Recorder,
    pub journal: Arc<Journal>,
    /// Told which block runs, for the journal.
    pub current: Current,
    /// Told what a block that runs again was answered before.
    pub replay: Replay,
    pub sink: Arc<dyn Sink>,
    pub gate: Arc<dyn Gate>,
    pub interrupt: Interrupt,
    pub options: Options,
    /// Keeps the state after each lesson; `None` where that is not wanted.
    pub keeper: Option<Arc<dyn Keeper>>,
    /// What the lab has behind it, where it was restored just now.
    pub earlier: Option<Arc<Earlier>>,
}

impl Engine<'_> {
    /// Runs `plan`, whatever becomes of its blocks, and closes all shells.
    pub async fn run(&mut self, plan: &Plan) -> Result<Summary, RunError> {
        let started = Instant::now();
        self.emit(
            None,
            None,
            EventKind::RunStarted {
                lab: self.lab.state.name.clone(),
                cloud: self.lab.state.cloud.to_string(),
                region: self.lab.state.region.clone(),
                mode: self.options.mode,
                lessons: plan.told(self.earlier.as_ref().is_some_and(|earlier| earlier.told)),
            },
        );
        let result = self.lessons(plan).await;
        self.pool.close().await;
        let summary = result?;
        if summary.interrupted {
            self.emit(None, None, EventKind::RunInterrupted);
        }
        let took = started.elapsed();
        self.emit(
            None,
            None,
            EventKind::RunFinished { tally: summary.tally, complete: summary.complete, took },
        );
        Ok(summary)
    }

    async fn lessons(&mut self, plan: &Plan) -> Result<Summary, RunError> {
        let mut summary = Summary { complete: true, ..Summary::default() };
        let mut asking = true;
        for step in &plan.steps {
            let lesson = &step.lesson;
            if let Some(earlier) = self.earlier.clone().filter(|_| step.is_done() && summary.complete) {
                let end = self.retell(step, plan, &earlier)?;
                summary.tally.add(end.tally);
                summary.complete &= end.complete;
                continue;
            }
            if step.is_done() {
                if step.why == crate::event::Why::Asked {
                    self.emit(Some(lesson), None, EventKind::LessonFoundDone { title: lesson.title.clone() });
                }
                continue;
            }
            if !summary.complete {
                self.skip_lesson(step, plan, &mut summary.tally, "an earlier lesson did not come to its end");
                continue;
            }
            let end = self.lesson(step, plan, &mut asking).await?;
            summary.tally.add(end.tally);
            summary.complete &= end.complete;
            summary.interrupted |= end.interrupted;
            if end.interrupted {
                break;
            }
        }
        Ok(summary)
    }

    async fn lesson(
        &mut self,
        step: &PlannedStep,
        plan: &Plan,
        asking: &mut bool,
    ) -> Result<Summary, RunError> {
        let started = Instant::now();
        let lesson = Arc::clone(&step.lesson);
        let blocks = step.rest(plan.os);
        // What an earlier run had begun here, it had also stopped.
        self.lab.state.strayed |= step.skip > 0 || self.lab.state.progress.running.is_some();
        let resumed = match blocks.first() {
            Some(first) => self.take_up(&lesson, first).await?,
            None => None,
        };
        self.emit(
            Some(&lesson),
            None,
            EventKind::LessonStarted {
                title: lesson.title.clone(),
                blocks: step.blocks,
                why: step.why,
                resumed_at: step.skip,
            },
        );
        if let (Some(first), Some(there)) = (blocks.first(), resumed) {
            self.emit(Some(&lesson), Some(first), EventKind::BlockResumed { there });
        }
        let mut tally = Tally::default();
        let mut lasting = Lasting::default();
        let mut stopped: Option<String> = None;
        let mut interrupted = false;
        for block in &blocks {
            if stopped.is_none() && *asking {
                // Who is asked may answer by Ctrl-C.
                let answer = tokio::select! {
                    answer = self.gate.before(block) => answer,
                    () = self.interrupt.triggered() => Step::Stop,
                };
                match answer {
                    Step::Go => {}
                    Step::GoOn => *asking = false,
                    Step::Stop => interrupted = true,
                }
            }
            if interrupted || self.interrupt.is_triggered() {
                interrupted = true;
                break;
            }
            let report = match &stopped {
                Some(reason) => skipped(block, reason),
                None => self.block(&lesson, block, &mut lasting).await?,
            };
            // What the first block was answered before is no matter of the others.
            self.replay.end();
            tally.count(&report.outcome);
            if !report.outcome.lesson_goes_on() {
                stopped = Some(format!("`{}` failed", block.name));
            } else if self.options.fail_fast && report.outcome != Outcome::Passed && stopped.is_none() {
                stopped = Some(format!("`{}` is not as recorded", block.name));
            }
            self.emit(Some(&lesson), Some(block), EventKind::BlockFinished(report));
        }
        // The last block may be the one that was interrupted.
        interrupted |= self.interrupt.is_triggered();
        lasting.end(&mut self.pool).await;
        self.pool.close_hosts().await;
        self.save_laptop().await?;
        if self.options.mode != Mode::Run {
            for path in self.recorder.finish(&self.lab.state.renaming, self.options.update)? {
                // As a person would type it from the course's directory.
                let path = path.strip_prefix(&self.lab.state.course).unwrap_or(&path).display().to_string();
                self.emit(Some(&lesson), None, EventKind::PendingWritten { path });
            }
        }
        let complete = stopped.is_none() && !interrupted;
        let took = started.elapsed();
        self.emit(
            Some(&lesson),
            None,
            EventKind::LessonFinished { title: lesson.title.clone(), tally, complete, took },
        );
        self.lab.state.renaming.forget_boots();
        self.lab.state.strayed |= !complete;
        self.lab.save()?;
        self.keep(&lesson).await;
        Ok(Summary { tally, complete, interrupted })
    }

    /// Keeps the state after a lesson, where it follows from the lessons alone.
    async fn keep(&mut self, lesson: &Lesson) {
        let Some(keeper) = self.keeper.clone() else { return };
        if self.lab.is_by_hand() || self.lab.state.strayed {
            return;
        }
        let started = Instant::now();
        let kind = match keeper.keep(self.lab, &lesson.id).await {
            Keeping::Kept { bytes, still } => EventKind::StateKept { bytes, still, took: started.elapsed() },
            Keeping::Nothing => return,
            Keeping::Failed(reason) => {
                // Once is enough: it will not be better after the next lesson.
                self.keeper = None;
                EventKind::Warned { message: format!("the state after this lesson is not kept: {reason}") }
            }
        };
        self.emit(Some(lesson), None, kind);
    }

    /// Tells the results of a lesson that a restored lab has behind it.
    fn retell(&mut self, step: &PlannedStep, plan: &Plan, earlier: &Earlier) -> Result<Summary, RunError> {
        let LabState { renaming, course, .. } = &mut self.lab.state;
        let (sink, options) = (&self.sink, self.options);
        Retelling { recorder: &mut self.recorder, renaming, sink, options, course }
            .lesson(step, plan, earlier)
    }

    async fn block(
        &mut self,
        lesson: &Lesson,
        block: &Block,
        lasting: &mut Lasting,
    ) -> Result<BlockReport, RunError> {
        self.emit(
            Some(lesson),
            Some(block),
            EventKind::BlockStarted {
                host: block.host().cloned().unwrap_or_default(),
                via: block.via().cloned(),
                text: self.recorder.text_of(block),
                hidden: block.hidden,
            },
        );
        let done = DoneBlock {
            lesson: lesson.id.clone(),
            block: block.name.clone(),
            fingerprint: block.fingerprint().to_string(),
        };
        self.lab.state.progress.running = Some(done.clone());
        self.lab.state.progress.reason = None;
        self.lab.save()?;
        self.current.set(Some(Origin { lesson: lesson.id.clone(), block: block.name.clone() }));
        let recorded = self.recorder.recorded(lesson, block)?;
        let mut attempt = Attempt {
            lesson,
            block,
            recorded: recorded.as_ref(),
            pool: &mut self.pool,
            lasting,
            recorder: &mut self.recorder,
            renaming: &mut self.lab.state.renaming,
            boots: &mut self.lab.state.boots,
            ec2: &self.ec2,
            sink: &self.sink,
            interrupt: &self.interrupt,
        };
        let Tried { report, record, lacking, picture } = attempt.until_right().await;
        self.current.set(None);
        if report.outcome.lesson_goes_on() {
            self.lab.add_result(&BlockResult {
                lesson: lesson.id.clone(),
                block: block.name.clone(),
                fingerprint: done.fingerprint.clone(),
                boot: self.recorder.boot(block),
                report: report.clone(),
                record: record.clone(),
                lacking,
                picture: picture.as_deref().map(coded),
            })?;
        }
        self.recorder.take(lesson, block, &report.outcome, record);
        if let Some(picture) = picture {
            self.recorder.keep_picture(lesson, block, &report.outcome, picture);
        }
        let progress = &mut self.lab.state.progress;
        match &report.outcome {
            // What the person stopped has no other reason.
            Outcome::Failed { reason, .. } => {
                progress.reason = Some(reason.clone()).filter(|_| !self.interrupt.is_triggered());
            }
            _ => {
                progress.running = None;
                progress.done.push(done);
                if let Err(error) = self.journal.release() {
                    let message =
                        format!("a private key is still held: failed to {}", crate::run::chain(&error));
                    self.emit(Some(lesson), Some(block), EventKind::Warned { message });
                }
            }
        }
        self.save_laptop().await?;
        Ok(report)
    }

    /// Writes down the laptop's variables and how far the lab is.
    async fn save_laptop(&mut self) -> Result<(), RunError> {
        if let Ok(shell) = self.pool.shell(crate::session::LAPTOP, None).await {
            let state = shell.state().as_str().to_owned();
            self.lab.save_laptop_state(&state)?;
        }
        self.lab.save()?;
        Ok(())
    }

    fn skip_lesson(&self, step: &PlannedStep, plan: &Plan, tally: &mut Tally, reason: &str) {
        for block in step.rest(plan.os) {
            let report = skipped(&block, reason);
            tally.count(&report.outcome);
            self.emit(Some(&step.lesson), Some(&block), EventKind::BlockFinished(report));
        }
    }

    pub(super) fn emit(&self, lesson: Option<&Lesson>, block: Option<&Block>, kind: EventKind) {
        self.sink.take(&event(lesson, block, kind));
    }
}

/// A picture as a word.
fn coded(picture: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(picture)
}

/// An event now.
pub(super) fn event(lesson: Option<&Lesson>, block: Option<&Block>, kind: EventKind) -> Event {
    Event {
        at: Timestamp::now(),
        lesson: lesson.map(|lesson| lesson.id.clone()),
        block: block.map(|block| block.name.clone()),
        kind,
    }
}

pub(super) fn skipped(block: &Block, reason: &str) -> BlockReport {
    BlockReport {
        outcome: Outcome::Skipped { reason: reason.to_owned() },
        exit: None,
        expected_exit: super::attempt::expected_exit(block),
        output: String::new(),
        variables: Vec::new(),
        attempts: 0,
        took: Duration::ZERO,
        notes: Vec::new(),
    }
}
