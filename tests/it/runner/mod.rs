//! Each kind of block as a person meets it: `lab` runs a small course of the test's own, on real instances where the kind
//! needs one, and the test looks at events, records and what is left.

mod backgrounds;
mod boots;
mod captures;
mod compared;
mod consoles;
mod elsewhere;
mod files;
mod hosts;
mod left;
mod requests;
mod secrets;
mod tests_of_lessons;
mod variants;

use std::fs;

use serde_json::Value;

use crate::blocks::{events, report};
use crate::course::{Course, told};

/// A run, told as JSON.
struct Ran {
    code: Option<i32>,
    events: Vec<Value>,
    /// Everything that was printed.
    told: String,
}

impl Ran {
    /// `lab ARGUMENTS --format json`, with this `INSTA_UPDATE`.
    fn new(course: &Course, update: &str, arguments: &[&str]) -> Self {
        let mut command = course.command(arguments);
        let output =
            command.args(["--format", "json"]).env("INSTA_UPDATE", update).output().expect("lab starts");
        let ran = Self { code: output.status.code(), events: events(&output), told: told(&output) };
        assert!(!ran.events.is_empty(), "{}", ran.told);
        ran
    }

    /// The lesson is run in the lab `one`, and every new or different result becomes the recorded one.
    fn recording(course: &Course, lesson: &str) -> Self {
        Self::new(course, "always", &["run", lesson, "--lab", "one", "--record"])
    }

    fn report(&self, block: &str) -> &Value {
        report(&self.events, block)
    }

    /// The output of a block whose status was right.
    fn output(&self, block: &str) -> &str {
        let report = self.report(block);
        assert!(report["outcome"] != "failed" && report["outcome"] != "skipped", "{report:#}\n{}", self.told);
        report["output"].as_str().expect("text")
    }

    /// Why a block failed; everything after it was skipped.
    fn failure(&self, block: &str) -> &str {
        let report = self.report(block);
        assert_eq!((self.code, &report["outcome"]), (Some(1), &Value::from("failed")), "{report:#}");
        report["reason"].as_str().expect("a reason")
    }
}

/// A recorded result.
fn recorded(course: &Course, name: &str) -> String {
    let path = course.snapshot(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A fresh lab's run against what is recorded: status 0, and every block passed.
fn verifies(course: &Course) -> Ran {
    let ran = Ran::new(course, "no", &["verify", "--fresh"]);
    assert_eq!(ran.code, Some(0), "{}", ran.told);
    ran
}
