//! `bash -n` for the linter.

use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::lesson::{ShellError, ShellSyntax};

/// Asks this machine's bash; finds nothing where there is none.
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
        let Ok(mut child) = child else { return Vec::new() };
        if let Some(mut stdin) = child.stdin.take() {
            // Bash may stop reading at the first mistake.
            let _ = stdin.write_all(script.as_bytes());
        }
        match child.wait_with_output() {
            Ok(output) => ShellError::from_bash(&String::from_utf8_lossy(&output.stderr)),
            Err(_) => Vec::new(),
        }
    }
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
