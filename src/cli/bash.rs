//! `bash -n` for the linter.

use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::lesson::{ShellError, ShellSyntax};

/// Asks this machine's bash.
pub struct BashSyntax;

impl ShellSyntax for BashSyntax {
    fn check(&self, script: &str) -> Vec<ShellError> {
        let child = Command::new("bash")
            .args(["--noprofile", "--norc", "-n"])
            .env("LC_ALL", "C")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn();
        let mut child = match child {
            Ok(child) => child,
            Err(error) => return vec![not_asked(&error)],
        };
        if let Some(mut stdin) = child.stdin.take() {
            // Bash may stop reading at the first mistake.
            let _ = stdin.write_all(script.as_bytes());
        }
        match child.wait_with_output() {
            Ok(output) => ShellError::from_bash(&String::from_utf8_lossy(&output.stderr)),
            Err(error) => vec![not_asked(&error)],
        }
    }
}

/// A script that was not checked is not told to be right.
fn not_asked(error: &std::io::Error) -> ShellError {
    ShellError { line: 1, message: format!("bash could not be asked: {error}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bash_finds_mistakes_and_runs_nothing() {
        let found = BashSyntax.check("echo one\nif true; then\necho )\n");
        assert_eq!(found[0].line, 3, "{found:?}");
        assert!(BashSyntax.check("exit 3\n").is_empty());
    }
}
