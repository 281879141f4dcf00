//! `lab shell`: a shell on the lab's laptop, with the variables that the lessons have set.

use std::process::ExitCode;

use crate::cli::args::LabArgs;
use crate::cli::failure::Failure;
use crate::cli::interact::{interact, terminal};
use crate::cli::open;
use crate::report::{Detail, Terminal};
use crate::session::{Program, State};

/// Writes the state to a file that bash reads and removes when it starts.
const START: &str = r#"printf '%s\n' "$1" > ~/.lab-shell && exec bash --rcfile ~/.lab-shell -i"#;

/// Opens the shell. What is done there by hand is no lesson's: the lab remembers that it happened.
pub async fn shell(args: &LabArgs) -> Result<ExitCode, Failure> {
    let sink = Terminal::new(anstream::stderr(), Detail::Normal, false);
    let mut opened = open::open_existing(&args.lab, &sink).await?;
    opened.lab.state.by_hand = true;
    opened.lab.save()?;
    let state = opened.lab.laptop_state().map(State::from_text).unwrap_or_default();
    let mut script = String::from("rm -f ~/.lab-shell\n");
    script.push_str(&state.restoring_script(&["PATH"]));
    script.push_str("\nPS1='laptop:\\w\\$ '\n");
    let program = Program {
        argv: ["bash", "--noprofile", "--norc", "-c", START, "lab"]
            .map(String::from)
            .into_iter()
            .chain([script])
            .collect(),
        env: opened.backdrop.laptop_env.clone(),
        cwd: None,
        terminal: terminal(),
    };
    let child = opened.backdrop.laptop.spawn(program).await?;
    interact(child).await
}
