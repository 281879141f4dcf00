//! The cloud's state at this point. What is recorded is the state; the book draws it.

use std::time::Instant;

use tokio::time::timeout;

use super::{Did, INTERRUPTED, Stage};
use crate::aws::topology;
use crate::run::chain;

pub(super) async fn run(stage: &mut Stage<'_>) -> Result<Did, String> {
    let started = Instant::now();
    let asked = timeout(stage.deadline, topology::now(stage.ec2));
    let state = tokio::select! {
        asked = asked => asked.map_err(|_| "ask EC2 for the state: no answer came in time".to_owned())?,
        () = stage.interrupt.triggered() => return Err(INTERRUPTED.to_owned()),
    };
    let state = state.map_err(|error| chain(&error))?;
    // Indented, so that a difference shows the one line that is different.
    let text = serde_json::to_string_pretty(&state).map_err(|error| chain(&error))?;
    Ok(Did::printed(&format!("{text}\n"), started.elapsed()))
}
