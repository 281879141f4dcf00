//! nft scripts, each one transaction.

use std::process::Command;

use super::process::feed;
use super::{KernelError, namespace};

pub(super) fn run(namespace: &str, script: &str) -> Result<(), KernelError> {
    if script.is_empty() {
        return Ok(());
    }
    let output = namespace::enter(namespace, || {
        let mut program = Command::new("nft");
        program.args(["-f", "-"]);
        feed("nft", program, namespace, script)
    })??;
    if output.status.success() {
        return Ok(());
    }
    let message = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(KernelError::Refused { command: "nft", namespace: namespace.to_owned(), message })
}
