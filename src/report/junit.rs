//! A run as a JUnit XML file: a lesson is a test suite, a block a test case.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use quick_xml::escape::escape;

use crate::event::{BlockReport, Event, EventKind, Mode, Outcome, Sink, Tally};
use crate::output::remark;

/// Collects a run and writes the file when it has ended.
pub struct JUnit {
    path: PathBuf,
    collected: Mutex<Collected>,
}

#[derive(Default)]
struct Collected {
    /// Decides what is a failure; a verification is the strictest.
    mode: Option<Mode>,
    suites: Vec<Suite>,
}

struct Suite {
    name: String,
    /// When the results were made, where the lesson did not run.
    taken: Option<jiff::Timestamp>,
    cases: Vec<(String, BlockReport)>,
}

impl JUnit {
    /// To the file at `path`.
    pub fn new(path: PathBuf) -> Self {
        Self { path, collected: Mutex::default() }
    }
}

impl Sink for JUnit {
    fn take(&self, event: &Event) {
        let mut collected = self.collected.lock().expect("nothing panics while it collects");
        let Collected { mode, suites } = &mut *collected;
        match (&event.kind, &event.lesson, &event.block) {
            (EventKind::BlockFinished(report), Some(lesson), Some(block)) => {
                if suites.last().is_none_or(|suite| suite.name != lesson.as_str()) {
                    suites.push(Suite { name: lesson.to_string(), taken: None, cases: Vec::new() });
                }
                if let Some(suite) = suites.last_mut() {
                    suite.cases.push((block.to_string(), report.clone()));
                }
            }
            (EventKind::LessonTaken { of }, Some(lesson), _) => {
                suites.push(Suite { name: lesson.to_string(), taken: Some(*of), cases: Vec::new() });
            }
            (EventKind::RunStarted { mode: now, .. }, ..) => *mode = Some(*now),
            (EventKind::RunFinished { .. }, ..) => {
                if let Err(error) = std::fs::write(&self.path, render(suites, mode.unwrap_or(Mode::Verify))) {
                    remark!("warning: failed to write {}: {error}", self.path.display());
                }
            }
            _ => {}
        }
    }
}

fn render(suites: &[Suite], mode: Mode) -> String {
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
            mode.bad(tally),
            tally.skipped,
            took.as_secs_f64()
        );
        if let Some(at) = suite.taken {
            let _ =
                writeln!(text, "    <properties><property name=\"checkpoint\" value=\"{at}\"/></properties>");
        }
        for (name, report) in &suite.cases {
            let _ = writeln!(
                text,
                "    <testcase classname=\"{}\" name=\"{}\" time=\"{:.3}\">{}</testcase>",
                escape(&suite.name),
                escape(name),
                report.took.as_secs_f64(),
                body(report, mode)
            );
        }
        text.push_str("  </testsuite>\n");
    }
    text.push_str("</testsuites>\n");
    text
}

fn body(report: &BlockReport, mode: Mode) -> String {
    let mut alone = Tally::default();
    alone.count(&report.outcome);
    if mode.bad(alone) == 0 && !matches!(report.outcome, Outcome::Skipped { .. }) {
        return String::new();
    }
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
        let text = render(
            &[Suite { name: "01-a".into(), taken: None, cases: vec![("b".into(), report)] }],
            Mode::Run,
        );
        assert!(text.contains("&lt;/failure&gt; &amp;"), "{text}");
        assert!(text.contains("tests=\"1\" failures=\"1\" skipped=\"0\" time=\"1.500\""), "{text}");
    }

    #[test]
    fn what_is_a_failure_depends_on_the_mode() {
        let report = |outcome| BlockReport {
            outcome,
            exit: Some(0),
            expected_exit: 0,
            output: String::new(),
            variables: Vec::new(),
            attempts: 1,
            took: Duration::ZERO,
            notes: Vec::new(),
        };
        let cases = [
            ("new", Outcome::Unrecorded),
            ("other", Outcome::Differed { diff: String::new() }),
            ("bad", Outcome::Failed { reason: String::new(), hint: None }),
            ("rest", Outcome::Skipped { reason: String::new() }),
        ];
        let cases = cases.into_iter().map(|(name, outcome)| (name.to_owned(), report(outcome))).collect();
        let suites = [Suite { name: "01-a".into(), taken: None, cases }];
        for (mode, failures) in [(Mode::Run, 2), (Mode::Record, 1), (Mode::Verify, 3)] {
            let text = render(&suites, mode);
            assert_eq!(text.matches("<failure").count(), failures, "{text}");
            assert!(text.contains(&format!("failures=\"{failures}\" skipped=\"1\"")), "{text}");
        }
    }
}
