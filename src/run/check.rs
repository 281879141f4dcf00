//! The tests of a lesson, run by the engine in the lab as it is. They are no part of the story: nothing of them is
//! recorded, and the lab stays where it is in the course. What they leave behind there (a file, a line in a log) does not
//! follow from the lessons, so no later state of this lab becomes a checkpoint.

use std::sync::Arc;
use std::time::Instant;

use crate::event::{EventKind, PlannedLesson, Tally, Why};
use crate::lesson::{Block, Lesson};
use crate::run::attempt::Attempt;
use crate::run::engine::{Engine, RunError, Summary};
use crate::run::kinds::Lasting;

impl Engine<'_> {
    /// Runs the tests of these lessons, each whatever became of the others, and closes all shells.
    pub async fn check(&mut self, lessons: &[Arc<Lesson>]) -> Result<Summary, RunError> {
        let started = Instant::now();
        let os = self.lab.state.os;
        let planned = lessons.iter().map(|lesson| PlannedLesson {
            id: lesson.id.clone(),
            title: lesson.title.clone(),
            blocks: lesson.checks(os).count(),
            why: Why::Asked,
        });
        let state = &self.lab.state;
        let begun = EventKind::RunStarted {
            lab: state.name.clone(),
            cloud: state.cloud.to_string(),
            region: state.region.clone(),
            mode: self.options.mode,
            lessons: planned.collect(),
        };
        self.emit(None, None, begun);
        let mut summary = Summary { complete: true, ..Summary::default() };
        for lesson in lessons {
            let checks: Vec<Block> = lesson.checks(os).cloned().collect();
            if !checks.is_empty() && !self.interrupt.is_triggered() {
                // Before they run: who is killed among them has run some.
                self.lab.state.strayed = true;
                self.lab.save()?;
                let tally = self.tests_of(lesson, &checks).await?;
                summary.tally.add(tally);
                summary.complete &= tally.failed == 0;
            }
        }
        self.pool.close().await;
        summary.interrupted = self.interrupt.is_triggered();
        if summary.interrupted {
            self.emit(None, None, EventKind::RunInterrupted);
        }
        let (tally, complete) = (summary.tally, summary.complete);
        self.emit(None, None, EventKind::RunFinished { tally, complete, took: started.elapsed() });
        Ok(summary)
    }

    async fn tests_of(&mut self, lesson: &Lesson, checks: &[Block]) -> Result<Tally, RunError> {
        let started = Instant::now();
        let title = lesson.title.clone();
        let begun = EventKind::LessonStarted {
            title: title.clone(),
            blocks: checks.len(),
            why: Why::Asked,
            resumed_at: 0,
        };
        self.emit(Some(lesson), None, begun);
        let mut tally = Tally::default();
        let mut lasting = Lasting::default();
        for block in checks {
            if self.interrupt.is_triggered() {
                break;
            }
            let begun = EventKind::BlockStarted {
                host: block.host().cloned().unwrap_or_default(),
                via: block.via().cloned(),
                text: self.recorder.text_of(block),
                hidden: block.hidden,
            };
            self.emit(Some(lesson), Some(block), begun);
            let mut attempt = Attempt {
                lesson,
                block,
                recorded: None,
                pool: &mut self.pool,
                lasting: &mut lasting,
                recorder: &mut self.recorder,
                renaming: &mut self.lab.state.renaming,
                boots: &mut self.lab.state.boots,
                ec2: &self.ec2,
                sink: &self.sink,
                interrupt: &self.interrupt,
            };
            let report = attempt.until_right().await.report;
            tally.count(&report.outcome);
            self.emit(Some(lesson), Some(block), EventKind::BlockFinished(report));
        }
        lasting.end(&mut self.pool).await;
        self.pool.close_hosts().await;
        let complete = tally.failed == 0 && !self.interrupt.is_triggered();
        let took = started.elapsed();
        self.emit(Some(lesson), None, EventKind::LessonFinished { title, tally, complete, took });
        Ok(tally)
    }
}
