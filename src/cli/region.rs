//! `lab region`: the local region's daemon.

use std::io::{BufRead as _, IsTerminal as _};
use std::process::ExitCode;

use crate::cli::args::RegionVerb;
use crate::cli::failure::Failure;
use crate::cli::open;
use crate::cli::{checkpoint, down, drive};
use crate::output::{ask_aside, say};
use crate::region::client::limits::Raised;
use crate::region::client::{Client, ClientError, Paths};

/// Starts, stops, shows, resets, or prints variables.
pub async fn region(verb: RegionVerb) -> Result<ExitCode, Failure> {
    let paths = Paths::from_environment()?;
    let live = std::io::stderr().is_terminal();
    let sink = drive::aside(live);
    match verb {
        RegionVerb::Start => {
            let client = open::start_region(&paths, &sink).await?;
            say!("the local region runs at {}", client.status().await?.endpoint_url);
        }
        RegionVerb::Stop => match Client::connect(&paths).await {
            Ok(client) => stop(&client).await?,
            Err(ClientError::OtherVersion { .. }) => stop(&Client::unchecked(&paths)).await?,
            Err(ClientError::NotRunning { .. }) => say!("the local region is not running"),
            Err(error) => return Err(error.into()),
        },
        RegionVerb::Status { json } => {
            let status = Client::connect(&paths).await?.status().await?;
            if json {
                say!("{}", serde_json::to_string(&status)?);
            } else {
                say!(
                    "running for {} s at {}, process {}, {} labs",
                    status.uptime_s,
                    status.endpoint_url,
                    status.pid,
                    status.labs.len()
                );
                if let Some(room) = &status.room {
                    say!("room for {} more instances, because of {}", room.instances, room.by);
                }
                for raised in &status.raised {
                    say!("{}", told(raised));
                }
                for lab in &status.labs {
                    say!("  {} ({}, account {})", lab.name, lab.region, lab.account_id);
                    for instance in &lab.instances {
                        say!(
                            "    {} {} {}",
                            instance.id,
                            instance.name.as_deref().unwrap_or("(no name)"),
                            instance.state
                        );
                    }
                }
                for trouble in &status.troubles {
                    say!(
                        "  the kernel has not followed for {} s in {} of {}, and is told again: failed to {}",
                        trouble.seconds,
                        trouble.namespace,
                        trouble.lab.as_deref().unwrap_or("a lab that is gone"),
                        trouble.reason
                    );
                }
            }
        }
        RegionVerb::Reset { yes, checkpoints } => {
            if !yes && !agreed()? {
                return Err(Failure::usage("nothing was removed, as you wished"));
            }
            let client = match open::start_region(&paths, &sink).await {
                Ok(client) => client,
                Err(failure) => {
                    // Perhaps because of what is to be removed anyway.
                    let Some(place) = Client::set_aside(&paths).await? else { return Err(failure) };
                    say!("what could not be read is kept in {}", place.display());
                    open::start_region(&paths, &sink).await?
                }
            };
            client.reset().await?;
            down::remove_stateless_all(&paths);
            say!("all labs of the local region are removed");
            if checkpoints {
                let count = checkpoint::remove_all(&paths, &client).await?;
                say!("{count} checkpoints are removed");
            }
        }
        RegionVerb::Env { lab, region } => {
            let access = open::access(&lab.lab, &region, &sink).await?;
            for (name, value) in [
                ("AWS_ENDPOINT_URL", &access.endpoint_url),
                ("AWS_ACCESS_KEY_ID", &access.access_key_id),
                ("AWS_SECRET_ACCESS_KEY", &access.secret_access_key),
                ("AWS_REGION", &access.region),
                ("AWS_DEFAULT_REGION", &access.region),
            ] {
                say!("export {name}={value}");
            }
            say!("unset AWS_PROFILE AWS_SESSION_TOKEN");
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// What became of a limit of this machine.
pub fn told(raised: &Raised) -> String {
    let Raised { name, before, now, failed } = raised;
    match failed {
        None => {
            format!("raised on this machine: {name} from {before} to {now}, until the last local region ends")
        }
        Some(reason) => format!("not raised on this machine: {name} from {before} to {now} ({reason})"),
    }
}

async fn stop(client: &Client) -> Result<(), Failure> {
    client.stop().await?;
    say!("the local region is stopped; its instances boot again with the next start");
    Ok(())
}

fn agreed() -> Result<bool, Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(
            Failure::usage("nothing was removed: nobody is there to agree").hint("--yes agrees beforehand")
        );
    }
    ask_aside!("remove all labs, instances and disks of the local region? [y/N] ");
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
