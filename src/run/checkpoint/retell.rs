//! Results of an earlier run, compared with what is recorded now and told as if they had just come.

use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;

use super::Results;
use crate::event::{EventKind, Mode, Outcome, Sink, Tally};
use crate::lesson::{Block, Lesson};
use crate::plan::{Plan, Step};
use crate::run::engine::{Options, RunError, Summary, event, skipped};
use crate::run::recorder::Recorder;
use crate::snapshot::Renaming;

/// What a lab that was restored has behind it.
#[derive(Debug, Clone)]
pub struct Earlier {
    pub results: Results,
    /// When the run was that made them.
    pub at: Timestamp,
    /// Whether they are told and judged; otherwise they only say what is called what.
    pub told: bool,
}

/// Someone who tells results again.
pub(in crate::run) struct Retelling<'a> {
    pub recorder: &'a mut Recorder,
    pub renaming: &'a mut Renaming,
    pub sink: &'a Arc<dyn Sink>,
    pub options: Options,
    pub course: &'a std::path::Path,
}

impl Retelling<'_> {
    /// Compares the results of one lesson, and tells them if they are to be told.
    pub fn lesson(&mut self, step: &Step, plan: &Plan, earlier: &Earlier) -> Result<Summary, RunError> {
        let started = Instant::now();
        let lesson = &*step.lesson;
        if earlier.told {
            let title = lesson.title.clone();
            let (blocks, why) = (step.blocks, step.why);
            self.tell(lesson, None, EventKind::LessonStarted { title, blocks, why, resumed_at: 0 });
            self.tell(lesson, None, EventKind::LessonTaken { of: earlier.at });
        }
        let mut tally = Tally::default();
        let mut stopped: Option<String> = None;
        for block in lesson.story(plan.os) {
            let report = match (&stopped, earlier.results.of(&lesson.id, &block.name)) {
                (Some(reason), _) => skipped(block, reason),
                // Results were found to be complete before; nothing can be said of what is not there.
                (None, None) => skipped(block, "its result was not kept"),
                (None, Some(result)) => {
                    let mut report = result.report.clone();
                    if let Some(record) = &result.record {
                        self.recorder.note_boot(&record.origin.host, result.boot);
                        let record = self.recorder.here(lesson, block, record.clone());
                        let recorded = self.recorder.recorded(lesson, block)?;
                        let lacking = result.lacking.clone();
                        report.outcome =
                            self.recorder.judge(recorded.as_ref(), &record, lacking, block, self.renaming);
                        if earlier.told {
                            self.recorder.take(lesson, block, &report.outcome, Some(record));
                            if let Some(picture) = result.picture.as_deref().and_then(decoded) {
                                self.recorder.keep_picture(lesson, block, &report.outcome, picture);
                            }
                        }
                    }
                    report
                }
            };
            tally.count(&report.outcome);
            if self.options.fail_fast && report.outcome != Outcome::Passed && stopped.is_none() {
                stopped = Some(format!("`{}` is not as recorded", block.name));
            }
            if earlier.told {
                self.tell(lesson, Some(block), EventKind::BlockFinished(report));
            }
        }
        let complete = stopped.is_none() || !earlier.told;
        if earlier.told {
            if self.options.mode != Mode::Run {
                for path in self.recorder.finish(self.renaming, self.options.update)? {
                    let path = path.strip_prefix(self.course).unwrap_or(&path).display().to_string();
                    self.tell(lesson, None, EventKind::PendingWritten { path });
                }
            }
            let title = lesson.title.clone();
            let took = started.elapsed();
            self.tell(lesson, None, EventKind::LessonFinished { title, tally, complete, took });
        } else {
            tally = Tally::default();
        }
        self.renaming.forget_boots();
        Ok(Summary { tally, complete, interrupted: false })
    }

    fn tell(&self, lesson: &Lesson, block: Option<&Block>, kind: EventKind) {
        self.sink.take(&event(Some(lesson), block, kind));
    }
}

fn decoded(picture: &str) -> Option<Vec<u8>> {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.decode(picture).ok()
}

/// Tells a whole run whose every lesson has results: nothing runs, no lab is needed.
pub fn retell_all(
    plan: &Plan,
    earlier: &Earlier,
    recorder: &mut Recorder,
    sink: &Arc<dyn Sink>,
    options: Options,
    place: (&str, &str),
    course: &std::path::Path,
) -> Result<Summary, RunError> {
    let started = Instant::now();
    let tell = |kind| sink.take(&event(None, None, kind));
    tell(EventKind::RunStarted {
        lab: String::new(),
        cloud: place.0.to_owned(),
        region: place.1.to_owned(),
        mode: options.mode,
        lessons: plan.told(true),
    });
    let mut renaming = Renaming::default();
    let mut summary = Summary { complete: true, ..Summary::default() };
    let mut retelling = Retelling { recorder, renaming: &mut renaming, sink, options, course };
    for step in &plan.steps {
        if !summary.complete {
            for block in step.lesson.story(plan.os) {
                let report = skipped(block, "an earlier lesson did not come to its end");
                summary.tally.count(&report.outcome);
                retelling.tell(&step.lesson, Some(block), EventKind::BlockFinished(report));
            }
            continue;
        }
        let end = retelling.lesson(step, plan, earlier)?;
        summary.tally.add(end.tally);
        summary.complete &= end.complete;
    }
    let (tally, complete) = (summary.tally, summary.complete);
    tell(EventKind::RunFinished { tally, complete, took: started.elapsed() });
    Ok(summary)
}
