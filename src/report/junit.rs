//! A run as a JUnit XML file: a lesson is a test suite, a block a test case.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use quick_xml::escape::escape;

use crate::event::{BlockReport, Event, EventKind, Outcome, Sink, Tally};

/// Collects a run and writes the file when it has ended.
pub struct JUnit {
    path: PathBuf,
    suites: Mutex<Vec<Suite>>,
}

struct Suite {
    name: String,
    cases: Vec<(String, BlockReport)>,
}

impl JUnit {
    /// To the file at `path`.
    pub fn new(path: PathBuf) -> Self {
        Self { path, suites: Mutex::new(Vec::new()) }
    }
}

impl Sink for JUnit {
    fn take(&self, event: &Event) {
        let mut suites = self.suites.lock().expect("nothing panics while it collects");
        match (&event.kind, &event.lesson, &event.block) {
            (EventKind::BlockFinished(report), Some(lesson), Some(block)) => {
                if suites.last().is_none_or(|suite| suite.name != lesson.as_str()) {
                    suites.push(Suite { name: lesson.to_string(), cases: Vec::new() });
                }
                if let Some(suite) = suites.last_mut() {
                    suite.cases.push((block.to_string(), report.clone()));
                }
            }
            (EventKind::RunFinished { .. }, ..) => {
                if let Err(error) = std::fs::write(&self.path, render(&suites)) {
                    eprintln!("warning: failed to write {}: {error}", self.path.display());
                }
            }
            _ => {}
        }
    }
}

fn render(suites: &[Suite]) -> String {
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"lab\">\n");
    for suite in suites {
        let mut tally = Tally::default();
        let mut took = Duration::ZERO;
        for (_, report) in &suite.cases {
            tally.count(&report.outcome);
            took += report.took;
        }
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" skipped=\"{}\" time=\"{:.3}\">",
            escape(&suite.name),
            tally.total(),
            tally.failed + tally.differed + tally.unrecorded,
            tally.skipped,
            took.as_secs_f64()
        );
        for (name, report) in &suite.cases {
            let _ = writeln!(
                text,
                "    <testcase classname=\"{}\" name=\"{}\" time=\"{:.3}\">{}</testcase>",
                escape(&suite.name),
                escape(name),
                report.took.as_secs_f64(),
                body(report)
            );
        }
        text.push_str("  </testsuite>\n");
    }
    text.push_str("</testsuites>\n");
    text
}

fn body(report: &BlockReport) -> String {
    let failure = |message: &str, detail: &str| {
        format!("<failure message=\"{}\">{}</failure>", escape(message), escape(detail))
    };
    match &report.outcome {
        Outcome::Passed => String::new(),
        Outcome::Unrecorded => failure("never recorded", &report.output),
        Outcome::Differed { diff } => failure("differs from what is recorded", diff),
        Outcome::Failed { reason, .. } => failure(reason, &report.output),
        Outcome::Skipped { reason } => format!("<skipped message=\"{}\"/>", escape(reason)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_block_prints_cannot_break_the_file() {
        let report = BlockReport {
            outcome: Outcome::Failed { reason: "exit status 1, expected 0".into(), hint: None },
            exit: Some(1),
            expected_exit: 0,
            output: "</failure> & \"x\"\n".into(),
            variables: Vec::new(),
            attempts: 1,
            took: Duration::from_millis(1500),
            notes: Vec::new(),
        };
        let text = render(&[Suite { name: "01-a".into(), cases: vec![("b".into(), report)] }]);
        assert!(text.contains("&lt;/failure&gt; &amp;"), "{text}");
        assert!(text.contains("tests=\"1\" failures=\"1\" skipped=\"0\" time=\"1.500\""), "{text}");
    }
}
