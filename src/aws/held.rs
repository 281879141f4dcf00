//! Answers that hold a secret, for as long as the block that asked may have to have them again.
//!
//! A private key is told once. Were it lost with a block that is cut short, the key pair would be of no use, and no more
//! would the instances that have it. So it is held beside the journal, never in it, in a file that nobody else can read;
//! the file goes when the block has come to its end, and with the lab.

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::private;

/// The file of such answers.
#[derive(Debug)]
pub(super) struct Held(PathBuf);

#[derive(Debug, Serialize, Deserialize)]
struct Line {
    token: String,
    answer: Value,
}

impl Held {
    /// The answers beside this journal.
    pub fn beside(journal: &Path) -> Self {
        Self(journal.with_file_name("held.jsonl"))
    }

    /// Holds an answer; it is on the disk afterwards.
    pub fn hold(&self, token: &str, answer: &Value) -> io::Result<()> {
        let line = Line { token: token.to_owned(), answer: answer.clone() };
        let line = format!("{}\n", serde_json::to_string(&line)?);
        private::append_line(&self.0, line.as_bytes())?.sync_data()
    }

    /// The answer to the request with this token, if it is held.
    pub fn answer(&self, token: &str) -> Option<Value> {
        let lines = BufReader::new(File::open(&self.0).ok()?).lines().map_while(Result::ok);
        let mut lines = lines.filter_map(|line| serde_json::from_str::<Line>(&line).ok());
        lines.find(|line| line.token == token).map(|line| line.answer)
    }

    /// Holds nothing any more.
    pub fn release(&self) -> io::Result<()> {
        match fs::remove_file(&self.0) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use serde_json::json;

    use super::*;

    #[test]
    fn a_secret_is_held_for_nobody_else_and_goes() {
        let dir = tempfile::tempdir().expect("a directory");
        let held = Held::beside(&dir.path().join("journal.jsonl"));
        assert_eq!(held.answer("t1"), None);
        held.release().expect("there is nothing to release");
        held.hold("t1", &json!({"KeyMaterial": "a"})).expect("written");
        held.hold("t2", &json!({"KeyMaterial": "b"})).expect("written");
        let mode = fs::metadata(&held.0).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(held.answer("t2"), Some(json!({"KeyMaterial": "b"})));
        held.release().expect("removed");
        assert_eq!(held.answer("t2"), None);
        assert_eq!(fs::read_dir(dir.path()).expect("readable").count(), 0);
    }
}
