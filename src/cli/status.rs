//! `lab status`: labs, how far they are, and what runs in them.

use std::path::Path;
use std::process::ExitCode;

use anstyle::Style;
use serde_json::json;

use crate::aws::journal::read_living;
use crate::cli::args::StatusArgs;
use crate::cli::checkpoint::usage;
use crate::cli::down::{counted, lab_names};
use crate::cli::failure::Failure;
use crate::output::say;
use crate::region::client::{Client, ClientError, Paths, Status};
use crate::run::{CloudKind, Lab, LabState, is_busy, read_state};

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();

/// Shows all labs, or one.
pub async fn status(args: &StatusArgs) -> Result<ExitCode, Failure> {
    let paths = Paths::from_environment()?;
    let (region, region_line) = region(&paths).await?;
    let mut labs = Vec::new();
    let mut unreadable = Vec::new();
    for name in lab_names(&paths) {
        if args.lab.as_ref().is_some_and(|only| *only != name) {
            continue;
        }
        match read(&paths.lab(&name)) {
            Ok(Some((state, living))) => labs.push((state, living, is_busy(&paths.lab(&name)))),
            Ok(None) => {}
            // One that cannot be read hides no other.
            Err(failure) => unreadable.push((name, failure)),
        }
    }
    if let Some(only) = args.lab.as_ref().filter(|_| labs.is_empty() && unreadable.is_empty()) {
        let known = lab_names(&paths);
        let failure = Failure::usage(format!("failed to find a lab named `{only}`"));
        let hint = crate::diagnostic::did_you_mean(only, known.iter().map(String::as_str));
        return Err(match hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        });
    }
    let (count, bytes) = usage(&paths);
    if args.json {
        let known =
            labs.iter().map(|(state, living, busy)| json!({"lab": state, "resources": living, "busy": busy}));
        let others =
            unreadable.iter().map(|(name, failure)| json!({"name": name, "error": failure.message()}));
        let list: Vec<_> = known.chain(others).collect();
        say!("{}", json!({"region": region, "labs": list, "checkpoints": {"count": count, "bytes": bytes}}));
        return Ok(ended(unreadable));
    }
    say!("{region_line}");
    if count > 0 {
        say!("checkpoints: {count}, {} MiB (`lab region reset --checkpoints` removes them)", bytes >> 20);
    }
    if labs.is_empty() && unreadable.is_empty() {
        say!("no labs (start one: lab run lessons/05-private-subnet.md)");
    }
    for (state, living, busy) in &labs {
        tell(state, living, *busy, region.as_ref());
    }
    Ok(ended(unreadable))
}

/// A lab's state and what its journal says is there, if it is a lab.
fn read(path: &Path) -> Result<Option<(LabState, Vec<String>)>, Failure> {
    let Some(state) = read_state(path)? else { return Ok(None) };
    Ok(Some((state, read_living(&path.join(Lab::JOURNAL))?)))
}

/// The status of a look at labs of which these could not be read.
fn ended(unreadable: Vec<(String, Failure)>) -> ExitCode {
    unreadable.into_iter().fold(ExitCode::SUCCESS, |_, (_, failure)| failure.tell())
}

async fn region(paths: &Paths) -> Result<(Option<Status>, String), Failure> {
    match Client::connect(paths).await {
        Ok(client) => {
            let status = client.status().await?;
            let memory = status.memory_mib.map(|mib| format!(", {mib} MiB of memory")).unwrap_or_default();
            let line =
                format!("local region: running for {} s at {}{memory}", status.uptime_s, status.endpoint_url);
            Ok((Some(status), line))
        }
        Err(ClientError::NotRunning { last: Some(last) }) => Ok((
            None,
            format!("local region: not running{}; the next command starts it again", last.sentence()),
        )),
        Err(ClientError::NotRunning { last: None }) => Ok((None, "local region: not running".to_owned())),
        Err(error @ ClientError::OtherVersion { .. }) => {
            Ok((None, format!("local region: failed to {error}")))
        }
        Err(error) => Err(error.into()),
    }
}

fn tell(state: &LabState, living: &[String], busy: bool, region: Option<&Status>) {
    let busy = if busy { ", in use by another command" } else { "" };
    say!("\n{BOLD}{}{BOLD:#} on {}, {}{busy}", state.name, state.cloud, state.region);
    let mut lessons: Vec<(&str, usize)> = Vec::new();
    for done in &state.progress.done {
        match lessons.last_mut() {
            Some((lesson, count)) if *lesson == done.lesson.as_str() => *count += 1,
            _ => lessons.push((done.lesson.as_str(), 1)),
        }
    }
    for (lesson, count) in lessons {
        let noun = if count == 1 { "block" } else { "blocks" };
        say!("  {lesson}: {count} {noun} done");
    }
    if let Some(running) = state.progress.running.as_ref().filter(|_| busy.is_empty()) {
        let what = match &state.progress.reason {
            Some(reason) => format!("`{}` failed: {reason}", running.block),
            None => format!("interrupted in `{}`", running.block),
        };
        say!("  {}: {what}; `lab run {}` goes on", running.lesson, running.lesson);
    }
    let known = region.and_then(|status| status.labs.iter().find(|lab| lab.name == state.name));
    if let Some(lab) = known {
        for instance in &lab.instances {
            let public = instance.public_address.map(|a| format!(", {a}")).unwrap_or_default();
            let private = instance.private_address.map(|a| a.to_string()).unwrap_or_default();
            say!(
                "  {:<12} {} {} {DIM}{private}{public}{DIM:#}",
                instance.name.as_deref().unwrap_or("(no name)"),
                instance.id,
                instance.state
            );
        }
    } else if state.cloud == CloudKind::Local && region.is_some() {
        say!("  the local region does not know it any more; `lab down --lab {}` clears it", state.name);
    }
    if !living.is_empty() {
        say!("  {DIM}{} in its journal{DIM:#}", counted(living.len()));
    }
}
