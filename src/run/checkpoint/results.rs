//! What every block of a lab did, as it ran.

use std::fs;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::event::BlockReport;
use crate::lesson::Lesson;
use crate::name::{BlockName, LessonId, Os};
use crate::private;
use crate::snapshot::Record;

/// What one block did.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BlockResult {
    pub lesson: LessonId,
    pub block: BlockName,
    /// Of its text and execution attributes, in hexadecimal.
    pub fingerprint: String,
    /// The number of its host's boot.
    #[serde(default)]
    pub boot: u32,
    /// As it was told then; its outcome is found anew whenever it is told again.
    pub report: BlockReport,
    /// What is compared and recorded.
    pub record: Option<Record>,
    /// Why it could not be done in full.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lacking: Option<String>,
    /// Of a page, as PNG in base64: for the book, where the page is not recorded as it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub picture: Option<String>,
}

/// The results of all blocks that ran in a lab. On disk one JSON line each, appended as blocks end.
#[derive(Debug, Clone, Default)]
pub struct Results(Vec<BlockResult>);

impl Results {
    /// Reads a file of results. A line that is not whole ends them: what a power cut left.
    ///
    /// # Errors
    /// As the file system says; a file that is not there has no results.
    pub fn read(path: &Path) -> io::Result<Self> {
        let text = match fs::read_to_string(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            text => text?,
        };
        Ok(Self(text.lines().map_while(|line| serde_json::from_str(line).ok()).collect()))
    }

    /// Appends one result to the file.
    ///
    /// # Errors
    /// As the file system says.
    pub fn append(path: &Path, result: &BlockResult) -> io::Result<()> {
        let mut line = serde_json::to_vec(result).map_err(io::Error::other)?;
        line.push(b'\n');
        private::append_line(path, &line).map(drop)
    }

    /// What a block did when it last ran.
    pub fn of(&self, lesson: &LessonId, block: &BlockName) -> Option<&BlockResult> {
        self.0.iter().rev().find(|result| result.lesson == *lesson && result.block == *block)
    }

    /// Whether every block of these lessons, as it stands now, has a result.
    pub fn cover<'a>(&self, lessons: impl IntoIterator<Item = &'a Lesson>, os: Os) -> bool {
        lessons.into_iter().all(|lesson| {
            lesson.story(os).all(|block| {
                let result = self.of(&lesson.id, &block.name);
                result.is_some_and(|result| result.fingerprint == block.fingerprint().to_string())
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::event::Outcome;

    fn result(output: &str) -> BlockResult {
        BlockResult {
            lesson: LessonId::new("01-a").expect("valid"),
            block: BlockName::new("one").expect("valid"),
            fingerprint: String::new(),
            boot: 0,
            report: BlockReport {
                outcome: Outcome::Passed,
                exit: Some(0),
                expected_exit: 0,
                output: output.to_owned(),
                variables: Vec::new(),
                attempts: 1,
                took: Duration::ZERO,
                notes: Vec::new(),
            },
            record: None,
            lacking: None,
            picture: None,
        }
    }

    #[test]
    fn a_result_after_a_torn_line_is_read() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("results.jsonl");
        Results::append(&file, &result("first")).expect("appends");
        let mut text = fs::read_to_string(&file).expect("reads");
        text.push_str("{\"lesson\": \"01-a\", \"blo");
        fs::write(&file, text).expect("writes");
        Results::append(&file, &result("second")).expect("appends");
        let results = Results::read(&file).expect("reads");
        let outputs: Vec<&str> = results.0.iter().map(|result| result.report.output.as_str()).collect();
        assert_eq!(outputs, ["first", "second"]);
    }

    #[test]
    fn the_last_result_counts_and_a_torn_line_does_not() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("results.jsonl");
        assert!(Results::read(&file).expect("reads").0.is_empty());
        Results::append(&file, &result("first")).expect("appends");
        Results::append(&file, &result("second")).expect("appends");
        let mut text = fs::read_to_string(&file).expect("reads");
        text.push_str("{\"lesson\": \"01-a\", \"blo");
        fs::write(&file, text).expect("writes");
        let results = Results::read(&file).expect("reads");
        let one = result("");
        assert_eq!(results.of(&one.lesson, &one.block).expect("there").report.output, "second");
        assert_eq!(results.0.len(), 2);
    }
}
