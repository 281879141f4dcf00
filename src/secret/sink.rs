//! The one way to those who tell: every text of an event is masked on it.

use std::sync::Arc;

use super::Secrets;
use crate::event::{BlockReport, Event, EventKind, Outcome, Sink};

/// Stands before all reporters.
pub struct Masking {
    secrets: Secrets,
    inner: Arc<dyn Sink>,
}

impl Masking {
    /// Masks these on the way to `inner`.
    pub fn new(secrets: Secrets, inner: Arc<dyn Sink>) -> Self {
        Self { secrets, inner }
    }
}

impl Sink for Masking {
    fn take(&self, event: &Event) {
        if matches!(event.kind, EventKind::OutputArrived { .. }) {
            // A piece of a stream means nothing alone: `Masked` has seen what was before and behind it.
            return self.inner.take(event);
        }
        let mut event = event.clone();
        let mask = |text: &mut String| *text = self.secrets.mask(text);
        match &mut event.kind {
            EventKind::BlockFinished(report) => *report = self.secrets.mask_report(report),
            EventKind::BlockStarted { text, .. } => *text = self.secrets.mask_typed(text),
            EventKind::AttemptMissed { reason, .. } => mask(reason),
            EventKind::HostAwaited { why, .. } => mask(why),
            EventKind::Warned { message } => mask(message),
            EventKind::PreparationProgressed { what, .. } | EventKind::PreparationFinished { what, .. } => {
                mask(what)
            }
            EventKind::LessonStarted { title, .. }
            | EventKind::LessonFoundDone { title }
            | EventKind::LessonFinished { title, .. } => mask(title),
            EventKind::RunStarted { lessons, .. } => {
                lessons.iter_mut().for_each(|lesson| mask(&mut lesson.title));
            }
            EventKind::OutputArrived { .. }
            | EventKind::StateRestored { .. }
            | EventKind::LessonTaken { .. }
            | EventKind::StateKept { .. }
            | EventKind::PendingWritten { .. }
            | EventKind::RunInterrupted
            | EventKind::BlockResumed { .. }
            | EventKind::RunFinished { .. } => {}
        }
        self.inner.take(&event);
    }
}

impl Secrets {
    /// What is told and kept of a finished block.
    pub fn mask_report(&self, report: &BlockReport) -> BlockReport {
        // Variables first: what they hold may stand in the output.
        let variables: Vec<(String, String)> = report
            .variables
            .iter()
            .map(|(name, value)| (name.clone(), self.mask_value(name, value)))
            .collect();
        let outcome = match &report.outcome {
            Outcome::Differed { diff } => Outcome::Differed { diff: self.mask(diff) },
            Outcome::Failed { reason, hint } => Outcome::Failed {
                reason: self.mask(reason),
                hint: hint.as_deref().map(|hint| self.mask(hint)),
            },
            Outcome::Skipped { reason } => Outcome::Skipped { reason: self.mask(reason) },
            Outcome::Passed | Outcome::Unrecorded => report.outcome.clone(),
        };
        let output = self.mask(&report.output);
        let notes = report.notes.iter().map(|note| self.mask(note)).collect();
        BlockReport { outcome, output, variables, notes, ..report.clone() }
    }
}
