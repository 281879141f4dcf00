//! A program run with a text as its input.

use std::io::Write;
use std::process::{Command, Output, Stdio};
use std::thread;

use super::KernelError;

/// Runs `command` with `input` on its standard input and returns what it said.
pub(super) fn feed(
    command: &'static str,
    mut program: Command,
    namespace: &str,
    input: &str,
) -> Result<Output, KernelError> {
    let failed = |source| KernelError::Run { command, namespace: namespace.to_owned(), source };
    let mut child = program
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    let mut stdin = child.stdin.take();
    thread::scope(|scope| {
        // The input may be larger than a pipe holds while the program already complains.
        let writer =
            scope.spawn(move || stdin.as_mut().map_or(Ok(()), |pipe| pipe.write_all(input.as_bytes())));
        let output = child.wait_with_output().map_err(failed)?;
        // A program that stops reading at its first error says more by its message than by the broken pipe.
        let written = writer.join().unwrap_or(Ok(()));
        if output.status.success() {
            written.map_err(failed)?;
        }
        Ok(output)
    })
}
