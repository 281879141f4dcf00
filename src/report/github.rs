//! Failures and differences as GitHub workflow commands, so that they show beside the lesson's text.
//!
//! Source: GitHub's documentation of workflow commands (`::error file=..,line=..::message`).

use std::collections::HashMap;
use std::io::Write;
use std::sync::Mutex;

use crate::event::{Event, EventKind, Outcome, Sink};
use crate::name::{BlockName, LessonId};

/// Writes an annotation for each block that failed or differed.
pub struct GitHub<W: Write + Send> {
    writer: Mutex<W>,
    lines: HashMap<(LessonId, BlockName), usize>,
}

impl<W: Write + Send> GitHub<W> {
    /// To this writer; `lines` says where each block's fence begins in its lesson.
    pub fn new(writer: W, lines: HashMap<(LessonId, BlockName), usize>) -> Self {
        Self { writer: Mutex::new(writer), lines }
    }
}

fn escape(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

impl<W: Write + Send> Sink for GitHub<W> {
    fn take(&self, event: &Event) {
        let (EventKind::BlockFinished(report), Some(lesson), Some(block)) =
            (&event.kind, &event.lesson, &event.block)
        else {
            return;
        };
        let (level, message) = match &report.outcome {
            Outcome::Failed { reason, .. } => {
                ("error", format!("`{block}` failed: {reason}\n{}", report.output))
            }
            Outcome::Differed { diff } => {
                ("error", format!("`{block}` differs from what is recorded\n{diff}"))
            }
            Outcome::Unrecorded => ("warning", format!("`{block}` was never recorded")),
            Outcome::Passed | Outcome::Skipped { .. } => return,
        };
        let line = self.lines.get(&(lesson.clone(), block.clone())).copied().unwrap_or(1);
        let mut writer = self.writer.lock().expect("nothing panics while it writes");
        let _ = writeln!(writer, "::{level} file=lessons/{lesson}.md,line={line}::{}", escape(&message));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_breaks_do_not_end_an_annotation() {
        assert_eq!(escape("100%\na"), "100%25%0Aa");
    }
}
