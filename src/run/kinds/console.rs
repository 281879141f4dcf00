//! A conversation with an interactive program. What is recorded is what the terminal showed.

use std::time::{Duration, Instant};

use tokio::time::timeout;

use super::{Did, INTERRUPTED, Stage};
use crate::lesson::{Console, Entry, Input, QUIET, Wait};
use crate::run::chain;
use crate::session;
use crate::snapshot::ansi;

pub(super) async fn run(stage: &mut Stage<'_>, console: &Console) -> Result<Did, String> {
    let started = Instant::now();
    let mut told = stage.tell();
    // A line's two ends are one.
    let mut tell = move |bytes: &[u8]| told(ansi::clean(bytes).as_bytes());
    let with = stage.with(&console.place).await?;
    let via = console.place.via.as_ref().map(|via| via.as_str());
    let interrupt = stage.interrupt.clone();
    let opening = async {
        let shell = stage.pool.shell(console.place.on.as_str(), via).await.map_err(|error| chain(&error))?;
        shell.wake().await.map_err(|error| chain(&error))?;
        let opened = session::Console::open(shell, &with).await;
        opened.map_err(|error| format!("open a console on {}: {}", console.place.on, chain(&error)))
    };
    let mut terminal = tokio::select! {
        terminal = opening => terminal?,
        () = interrupt.triggered() => return Err("interrupted while the host was awaited".to_owned()),
    };
    let mut waiting = String::new();
    let held = {
        let beginning = BEGINNING.min(stage.deadline / 4);
        let holding = hold(&mut terminal, &console.entries, beginning, &mut waiting, &mut tell);
        tokio::select! {
            held = timeout(stage.deadline, holding) => match held {
                Ok(Ok(())) => Ok(()),
                Ok(Err(error)) => Err(chain(&error)),
                Err(_) => Err(format!("it took longer than {} s", stage.deadline.as_secs())),
            },
            () = interrupt.triggered() => Err(INTERRUPTED.to_owned()),
        }
    };
    let shown = terminal.shown();
    let did = Did::printed(&terminal.transcript(), started.elapsed());
    terminal.close().await;
    Ok(match held {
        Ok(()) => did,
        Err(reason) => {
            let shown = stage.recorder.secrets().mask(&shown);
            let screen: String = shown.lines().map(|line| format!("\n  | {line}")).collect();
            did.but_wrong(format!("{reason}, while it waited for {waiting}; the screen:{screen}"), None)
        }
    })
}

/// A program that was started at a prompt says something before so long, or says nothing at all; a quarter of
/// the block's time if that is less.
const BEGINNING: Duration = Duration::from_secs(5);

/// Types everything, each thing when its time has come, and waits for the console's own prompt.
async fn hold(
    terminal: &mut session::Console,
    entries: &[Entry],
    beginning: Duration,
    waiting: &mut String,
    tell: &mut (dyn FnMut(&[u8]) + Send),
) -> Result<(), session::Stalled> {
    let mut begun = false;
    for entry in entries {
        match &entry.wait {
            Wait::Prompt(prompt) => {
                *waiting = format!("the prompt `{prompt}` of line {}", entry.line);
                terminal.until_prompt(prompt, tell).await?;
                begun = true;
            }
            Wait::Quiet => {
                *waiting = format!("quiet before line {}", entry.line);
                if std::mem::take(&mut begun) {
                    terminal.until_answered(beginning, tell).await?;
                }
                terminal.until_quiet(QUIET, tell).await?;
            }
        }
        match &entry.input {
            Input::Line(line) => terminal.type_line(line).await?,
            Input::Key(key) => terminal.type_key(key.byte()).await?,
        }
    }
    *waiting = "the console's own prompt `$ ` at the end".to_owned();
    terminal.until_back(tell).await
}
