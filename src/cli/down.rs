//! `lab down`: takes away everything that a lab has created.

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use aws_config::Region;
use jiff::Timestamp;

use crate::aws::journal::Entry;
use crate::aws::journaling::scope;
use crate::aws::teardown::{Leftover, Progress, teardown};
use crate::cli::args::DownArgs;
use crate::cli::drive;
use crate::cli::failure::Failure;
use crate::cli::open::{self, OpenLab};
use crate::event::{Event, EventKind, Sink};
use crate::output::say;
use crate::region::client::{Client, Paths};
use crate::run::{read_state, remove_stateless};

/// How long teardown of a run's own lab may take.
const OWN: Duration = Duration::from_secs(30 * 60);

/// Takes labs away. Status 4 when something is left.
pub async fn down(args: &DownArgs) -> Result<ExitCode, Failure> {
    let paths = Paths::from_environment()?;
    let names = if args.all { all_names(&paths).await? } else { [args.lab.lab.clone()].into() };
    let sink = drive::aside(false);
    // The worst of all labs; what becomes of one is no matter of the others.
    let mut code = 0;
    let mut any = false;
    for name in names {
        match down_one(&paths, &name, args, &sink).await {
            Ok(there) => any |= there,
            Err(failure) => {
                any = true;
                code = code.max(failure.code());
                failure.tell();
            }
        }
    }
    if !any {
        say!("there is nothing to take away");
    }
    Ok(ExitCode::from(code))
}

/// Takes one lab away. Says whether there was one.
async fn down_one(paths: &Paths, name: &str, args: &DownArgs, sink: &dyn Sink) -> Result<bool, Failure> {
    open::fits(name)?;
    let Some(state) = read_state(&paths.lab(name))? else {
        return forget(paths, name, sink).await;
    };
    let started = Instant::now();
    let mut opened = open::open_for_teardown(name, state, sink).await?;
    let count = take_away_within(&mut opened, sink, Duration::from_secs(args.within * 60)).await?;
    say!("lab `{name}` is down: {} deleted in {:.1} s", counted(count), started.elapsed().as_secs_f64());
    Ok(true)
}

/// Removes a lab that only the local region knows (`lab region env` makes such), and its directory. Says whether there
/// was one.
async fn forget(paths: &Paths, name: &str, sink: &dyn Sink) -> Result<bool, Failure> {
    let client = if paths.lab(name).exists() {
        // A region that does not run may know it all the same.
        open::start_region(paths, sink).await?
    } else {
        let Ok(client) = Client::connect(paths).await else { return Ok(false) };
        client
    };
    let is_known = client.status().await?.labs.iter().any(|lab| lab.name == name);
    if is_known {
        client.remove_lab(name).await?;
    }
    // After the region's part: whoever finds the name free in between gets a lab that is new on both sides.
    let was_there = remove_stateless(&paths.lab(name), is_known)?;
    if is_known || was_there {
        say!("lab `{name}` is removed from the local region");
    }
    Ok(is_known || was_there)
}

/// All labs, also those that only the local region knows.
async fn all_names(paths: &Paths) -> Result<BTreeSet<String>, Failure> {
    let mut names: BTreeSet<String> = directories(paths).collect();
    if let Ok(client) = Client::connect(paths).await {
        names.extend(client.status().await?.labs.into_iter().map(|lab| lab.name));
    }
    Ok(names)
}

/// So many resources.
pub fn counted(count: usize) -> String {
    if count == 1 { "1 resource".to_owned() } else { format!("{count} resources") }
}

/// The labs that there are, by name.
pub fn lab_names(paths: &Paths) -> Vec<String> {
    let mut names: Vec<String> =
        directories(paths).filter(|name| paths.lab(name).join("lab.json").exists()).collect();
    names.sort();
    names
}

/// Removes the directories of labs that only the local region knew, and that it knows no more. A lab of its own that a
/// command uses, or that has a file, stays.
pub fn remove_stateless_all(paths: &Paths) {
    for name in directories(paths) {
        // One that is in use goes with `lab down`.
        let _ = remove_stateless(&paths.lab(&name), false);
    }
}

/// What lies where labs are.
fn directories(paths: &Paths) -> impl Iterator<Item = String> {
    let entries = std::fs::read_dir(paths.state.join("labs")).into_iter().flatten().flatten();
    let entries = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    entries.filter_map(|entry| entry.file_name().into_string().ok())
}

/// Takes away what an open lab has created, and the lab.
pub async fn take_away(open: &mut OpenLab, sink: &dyn Sink) -> Result<(), Failure> {
    let started = Instant::now();
    let count = take_away_within(open, &Silent, OWN).await?;
    let kind = EventKind::PreparationFinished {
        what: format!("lab {} taken away: {} deleted", open.lab.state.name, counted(count)),
        took: started.elapsed(),
    };
    sink.take(&Event { at: Timestamp::now(), lesson: None, block: None, kind });
    Ok(())
}

async fn take_away_within(open: &mut OpenLab, sink: &dyn Sink, within: Duration) -> Result<usize, Failure> {
    let (started, state) = (Instant::now(), &open.lab.state);
    let mut regions = open.journal.regions();
    // Tags may know what the journal does not.
    regions.insert(state.region.clone());
    let (mut deleted, mut gone, mut leftovers) = (0, Vec::new(), Vec::new());
    let mut to_come = u32::try_from(regions.len()).unwrap_or(u32::MAX);
    for region in regions {
        let scope = scope(&open.journal, &state.session, &region);
        let config = aws_sdk_ec2::config::Builder::from(&open.backdrop.sdk).region(Region::new(region));
        let ec2 = aws_sdk_ec2::Client::from_conf(config.build());
        // A region that does not answer must not use up the time of those after it.
        let share = within.saturating_sub(started.elapsed()) / to_come;
        to_come -= 1;
        let torn = teardown(&ec2, &scope, share, &Tell(sink)).await;
        deleted += torn.deleted.len();
        gone.extend(torn.gone);
        leftovers.extend(torn.leftovers);
    }
    if !leftovers.is_empty() {
        if !gone.is_empty() {
            // What is left matters more than a journal that names too much.
            let _ = open.journal.write(Entry::Deleted { at: Timestamp::now(), ids: gone });
        }
        return Err(left(&state.name, &leftovers));
    }
    open.remove().await.map_err(Failure::left_behind)?;
    Ok(deleted)
}

fn left(lab: &str, leftovers: &[Leftover]) -> Failure {
    let mut text = format!("failed to take away everything of lab `{lab}`; left are:");
    let mut cents = 0;
    for leftover in leftovers {
        cents += leftover.cents_a_month;
        text.push_str(&format!(
            "\n  {} (${}.{:02} a month): {}",
            leftover.id,
            leftover.cents_a_month / 100,
            leftover.cents_a_month % 100,
            leftover.reason
        ));
    }
    Failure::needs(text).left_behind().hint(format!(
        "together ${}.{:02} a month; `lab down --lab {lab}` tries again",
        cents / 100,
        cents % 100
    ))
}

/// Says nothing of what goes on: for a run's own lab the sum is enough.
struct Silent;

impl Sink for Silent {
    fn take(&self, _event: &Event) {}
}

/// Teardown's lines as warnings of the reporter would be too loud: they are preparation.
struct Tell<'a>(&'a dyn Sink);

impl Progress for Tell<'_> {
    fn tell(&self, line: &str) {
        let kind = EventKind::PreparationProgressed { what: line.to_owned(), fraction: None };
        self.0.take(&Event { at: Timestamp::now(), lesson: None, block: None, kind });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::failure::LEFT;

    #[test]
    fn what_is_left_has_a_status_of_its_own_for_every_command() {
        let leftover = Leftover { id: "i-1".into(), reason: "still running".into(), cents_a_month: 850 };
        assert_eq!(left("default", &[leftover]).code(), LEFT);
    }
}
