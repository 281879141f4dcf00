//! `lab shell`: a shell on the lab's laptop, with the variables that the lessons have set.

use std::process::ExitCode;

use crate::cli::args::LabArgs;
use crate::cli::failure::Failure;
use crate::cli::interact::interact;
use crate::cli::{drive, open};
use crate::session::{State, interactive_bash};

/// Opens the shell. What is done there by hand is no lesson's: the lab remembers that it happened.
pub async fn shell(args: &LabArgs) -> Result<ExitCode, Failure> {
    let sink = drive::aside(false);
    let mut opened = open::open_existing(&args.lab, &sink).await?;
    opened.lab.state.by_hand = true;
    opened.lab.save()?;
    let state = opened.lab.laptop_state().map(State::from_text).unwrap_or_default();
    let program = interactive_bash(&opened.backdrop.laptop_env, &state);
    interact(&*opened.backdrop.laptop, program).await
}
