//! `lab run`: runs lessons in a lab that stays.

use std::io::{BufRead as _, IsTerminal as _};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use crate::cli::args::RunArgs;
use crate::cli::checkpoint::Checkpoints;
use crate::cli::failure::{DIFFERENT, Failure, INTERRUPTED, NEEDS};
use crate::cli::{course, down, drive, open};
use crate::event::Mode;
use crate::lesson::{Block, Course};
use crate::name::{LessonId, Os};
use crate::output::ask;
use crate::plan::Progress;
use crate::region::client::Paths;
use crate::run::checkpoint::{Earlier, Keeper};
use crate::run::{CloudKind, Gate, LabState, Open, Options, Step, Summary};
use crate::session::BoxFuture;
use crate::snapshot::Update;

/// Runs the lessons, after those that they build on.
pub async fn run(root: Option<&Path>, args: RunArgs) -> Result<ExitCode, Failure> {
    let root = course::root(root, &args.lessons)?;
    let course = course::load_faultless(&root)?;
    let asked = course::ids(&root, &args.lessons)?;
    let sink = drive::reporters(&args.tell, &course);
    let known = open::state(&args.lab.lab)?;
    if let Some(state) = &known {
        refuse_other_place(state, &args)?;
    }
    let place = match &known {
        Some(state) => (state.cloud, state.region.clone(), state.os),
        None => asked_place(&args).await?,
    };
    // What cannot be run is said before anything is made, or taken away.
    let is_known = known.is_some();
    let progress = known.filter(|_| !args.again).map(|state| state.progress).unwrap_or_default();
    drive::plan(&course, &asked, &progress, place.2)?;
    let interrupt = drive::interrupt_on_ctrl_c();
    let options = Options {
        mode: if args.record { Mode::Record } else { Mode::Run },
        update: if args.record { Update::from_env()? } else { Update::No },
        fail_fast: false,
        redo: args.redo,
    };
    let name = &args.lab.lab;
    if args.again && is_known {
        // The way back is to take everything away, and to restore or to replay what comes before.
        let mut opened = open_for(&root, name, &place, &*sink).await?;
        down::take_away(&mut opened, &*sink).await?;
    }
    if place.0 == CloudKind::Local {
        // Checkpoints are of this region as it runs.
        open::start_region(&Paths::from_environment()?, &*sink).await?;
    }
    let checkpoints = Checkpoints::of(&course, place.0, &place.1, place.2)?;
    let restored = match &checkpoints {
        Some(checkpoints) if args.again || !is_known => {
            restore(checkpoints, &course, &asked, name, &place, &root, &*sink).await?
        }
        _ => None,
    };
    let (mut opened, earlier) = match restored {
        Some((opened, earlier)) => (opened, Some(earlier)),
        None => (open_for(&root, name, &place, &*sink).await?, None),
    };
    let plan = drive::plan(&course, &asked, &opened.lab.state.progress, opened.lab.state.os)?;
    if opened.lab.state.cloud == CloudKind::Aws
        && !plan.is_done()
        && let Err(failure) = crate::cli::consent::ask(&opened, &plan, args.place.yes).await
    {
        // A lab in which nothing has happened would only stand in the way of another.
        if opened.lab.state.progress == Progress::default() && opened.journal.living().is_empty() {
            opened.lab.remove()?;
        }
        return Err(failure);
    }
    let gate: Arc<dyn Gate> = if args.step { Arc::new(Ask) } else { Arc::new(Open) };
    let keeper = checkpoints.map(|checkpoints| Arc::new(checkpoints) as Arc<dyn Keeper>);
    let manner = drive::Manner { sink, gate, interrupt, options, keeper, earlier };
    let driven = drive::drive(&root, &course, &mut opened, &plan, manner).await;
    let summary = match driven {
        Ok(summary) => summary,
        Err(failure) => return Err(opened.region_ended().await.unwrap_or(failure)),
    };
    if !summary.complete
        && !summary.interrupted
        && let Some(failure) = opened.region_ended().await
    {
        return Err(failure);
    }
    Ok(exit_code(summary, options.mode))
}

/// A new lab that goes on from the nearest checkpoint before the first of these lessons.
async fn restore(
    checkpoints: &Checkpoints,
    course: &Course,
    asked: &[LessonId],
    name: &str,
    (cloud, region, os): &Where,
    root: &Path,
    sink: &dyn crate::event::Sink,
) -> Result<Option<(open::OpenLab, Arc<Earlier>)>, Failure> {
    let mut count = course.lessons.iter().position(|lesson| asked.contains(&lesson.id)).unwrap_or(0);
    while let Some((after, entry)) = checkpoints.nearest(count, sink) {
        let fresh = || LabState::new(name, *cloud, region, *os, root);
        if let Some(opened) = checkpoints.restore((after, &entry), name, fresh, sink).await? {
            return Ok(Some((opened, Checkpoints::earlier(&entry, false))));
        }
        count = after - 1;
    }
    Ok(None)
}

/// Where a lab runs: the cloud, the region's name, the system of the instances.
type Where = (CloudKind, String, Os);

/// Where a lab that there is not yet is to be.
async fn asked_place(args: &RunArgs) -> Result<Where, Failure> {
    let cloud = args.place.cloud.map_or(CloudKind::Local, CloudKind::from);
    let region = open::region(cloud, args.place.region.as_deref()).await?;
    Ok((cloud, region, args.place.os.map_or(Os::Debian, Os::from)))
}

async fn open_for(
    root: &Path,
    name: &str,
    (cloud, region, os): &Where,
    sink: &dyn crate::event::Sink,
) -> Result<open::OpenLab, Failure> {
    open::open(name, || LabState::new(name, *cloud, region, *os, root), sink).await
}

/// A lab stays where it was made.
fn refuse_other_place(state: &LabState, args: &RunArgs) -> Result<(), Failure> {
    let cloud = args.place.cloud.map(CloudKind::from).filter(|cloud| *cloud != state.cloud);
    let region = args.place.region.as_ref().filter(|region| **region != state.region);
    let os = args.place.os.map(Os::from).filter(|os| *os != state.os);
    let what = match (cloud, region, os) {
        (Some(_), ..) => format!("it is on cloud {}", state.cloud),
        (_, Some(_), _) => format!("it is in region {}", state.region),
        (.., Some(_)) => format!("its instances run {}", state.os),
        _ => return Ok(()),
    };
    Err(Failure::usage(format!("failed to run in lab `{}`: {what}", state.name))
        .hint("choose another lab with --lab NAME, or take this one down with `lab down`"))
}

/// The exit status that a run ends with.
pub fn exit_code(summary: Summary, mode: Mode) -> ExitCode {
    if summary.interrupted {
        ExitCode::from(INTERRUPTED)
    } else if mode.bad(summary.tally) > 0 || !summary.complete {
        ExitCode::from(DIFFERENT)
    } else if mode == Mode::Verify && summary.tally.skipped > 0 {
        // Nothing is wrong, but not everything is proven: a program is missing here.
        ExitCode::from(NEEDS)
    } else {
        ExitCode::SUCCESS
    }
}

/// Asks on the terminal before each block.
struct Ask;

impl Gate for Ask {
    fn before<'a>(&'a self, block: &'a Block) -> BoxFuture<'a, Step> {
        let name = block.name.to_string();
        let place = block.host().map(|host| format!(" on {host}")).unwrap_or_default();
        let text: String = block.body.text.lines().map(|line| format!("  │ {line}\n")).collect();
        Box::pin(async move {
            let asked = tokio::task::spawn_blocking(move || {
                if !std::io::stdin().is_terminal() {
                    return Step::Go;
                }
                ask!("\n{text}run `{name}`{place}? [Enter] yes, [a]ll, [q]uit: ");
                let mut line = String::new();
                match std::io::stdin().lock().read_line(&mut line) {
                    Ok(0) | Err(_) => Step::Stop,
                    Ok(_) => match line.trim() {
                        "a" => Step::GoOn,
                        "q" => Step::Stop,
                        _ => Step::Go,
                    },
                }
            });
            asked.await.unwrap_or(Step::Stop)
        })
    }
}
