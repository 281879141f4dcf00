//! `lab verify`: proves that lessons still do what is recorded, in a lab of their own that is removed afterwards.
//!
//! What cannot have changed does not run again: its results of then are compared with what is recorded now, and the rest
//! goes on from the state that it left.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use crate::cli::args::VerifyArgs;
use crate::cli::checkpoint::Checkpoints;
use crate::cli::failure::Failure;
use crate::cli::{course, down, drive, open};
use crate::event::{Mode, Sink};
use crate::lesson::{Compare, Course, Lesson};
use crate::name::{LessonId, Os};
use crate::output::say;
use crate::plan::{Plan, Progress};
use crate::region::client::Paths;
use crate::run::checkpoint::{Earlier, Entry, Keeper, retell_all};
use crate::run::{CloudKind, LabState, Open, Options};
use crate::snapshot::Update;

/// Runs the lessons, from nothing or from the nearest checkpoint, and compares. Status 0 only when every block ran in
/// full, was recorded and is the same.
pub async fn verify(root: Option<&Path>, args: VerifyArgs) -> Result<ExitCode, Failure> {
    let root = course::root(root, &args.lessons)?;
    let course = course::load_faultless(&root)?;
    let mut asked = course::ids(&root, &args.lessons)?;
    if asked.is_empty() {
        asked = course.lessons.iter().map(|lesson| lesson.id.clone()).collect();
    }
    let sink = drive::reporters(&args.tell, &course);
    let interrupt = drive::interrupt_on_ctrl_c();
    let cloud = args.place.cloud.map_or(CloudKind::Local, CloudKind::from);
    let region = open::region(cloud, args.place.region.as_deref()).await?;
    let os = args.place.os.map_or(Os::Debian, Os::from);
    let plan = drive::plan(&course, &asked, &Progress::default(), os)?;
    let name = format!("verify-{}", &uuid::Uuid::new_v4().simple().to_string()[..8]);
    let (update, fail_fast) = (Update::from_env()?, args.fail_fast);
    let options = Options { mode: Mode::Verify, update, fail_fast, redo: false };
    let mut checkpoints = Checkpoints::of(&course, cloud, &region, os)?;
    if checkpoints.is_none() && cloud == CloudKind::Local {
        // The region of this build has never been started; what its disks stand on is known now.
        open::start_region(&Paths::from_environment()?, &*sink).await?;
        checkpoints = Checkpoints::of(&course, cloud, &region, os)?;
    }
    if args.fresh {
        checkpoints = checkpoints.map(Checkpoints::anew);
    }
    let found = checkpoints.as_ref().filter(|_| !args.fresh);
    let found = found.and_then(|checkpoints| checkpoints.nearest(plan.steps.len(), &*sink));
    if let (Some(checkpoints), Some((count, entry))) = (&checkpoints, &found)
        && *count == plan.steps.len()
    {
        let mut recorder = drive::recorder(&root, &course, cloud, &region, os);
        let earlier = Checkpoints::earlier(entry, true);
        let place = (cloud.as_str(), region.as_str());
        let plan = drive::plan(&course, &asked, &Progress::after(lessons(&plan), os), os)?;
        let summary = retell_all(&plan, &earlier, &mut recorder, &sink, options, place, &root)?;
        checkpoints.used(entry);
        if tells(&args) {
            tell_exceptions(&course, &asked, os);
        }
        return Ok(crate::cli::run::exit_code(summary, Mode::Verify));
    }
    let fresh = || LabState::new(&name, cloud, &region, os, &root);
    let restored = match (&checkpoints, found) {
        (Some(checkpoints), Some(found)) => restore(checkpoints, found, &name, &fresh, &*sink).await?,
        _ => None,
    };
    let (mut opened, earlier) = match restored {
        Some((opened, earlier)) => (opened, Some(earlier)),
        None => (open::open(&name, fresh, &*sink).await?, None),
    };
    let plan = drive::plan(&course, &asked, &opened.lab.state.progress, os)?;
    if cloud == CloudKind::Aws
        && let Err(failure) = crate::cli::consent::ask(&opened, &plan, args.place.yes).await
    {
        // Nothing has happened in it, and without credentials nothing could be asked of AWS either.
        opened.lab.remove()?;
        return Err(failure);
    }
    let keeper = checkpoints.map(|checkpoints| Arc::new(checkpoints) as Arc<dyn Keeper>);
    let result = async {
        let gate = Arc::new(Open);
        let manner = drive::Manner { sink: Arc::clone(&sink), gate, interrupt, options, keeper, earlier };
        drive::drive(&root, &course, &mut opened, &plan, manner).await
    }
    .await;
    let ended = opened.region_ended().await;
    // Whatever became of the run, nothing of it stays.
    let removed = remove(opened, &*sink).await.map_err(Failure::left_behind);
    let summary = match (result, ended) {
        (Ok(summary), None) => summary,
        (Ok(summary), Some(_)) if summary.complete => summary,
        (_, Some(failure)) | (Err(failure), None) => {
            return Err(match removed {
                Ok(()) => failure,
                // What costs money is the last word.
                Err(left) => {
                    failure.tell();
                    left
                }
            });
        }
    };
    if tells(&args) {
        tell_exceptions(&course, &asked, os);
    }
    removed.map(|()| crate::cli::run::exit_code(summary, Mode::Verify))
}

/// Whether the closing list is for somebody who reads it.
fn tells(args: &VerifyArgs) -> bool {
    use crate::cli::args::FormatArg::{Github, Terminal};
    !args.tell.quiet && matches!(args.tell.format, Terminal | Github)
}

fn lessons(plan: &Plan) -> impl Iterator<Item = &Lesson> {
    plan.steps.iter().map(|step| &*step.lesson)
}

/// A lab that goes on from the checkpoint, or from the nearest one before it that can be used.
async fn restore(
    checkpoints: &Checkpoints,
    mut found: (usize, Entry),
    name: &str,
    fresh: &impl Fn() -> LabState,
    sink: &dyn Sink,
) -> Result<Option<(open::OpenLab, Arc<Earlier>)>, Failure> {
    loop {
        let (count, entry) = &found;
        if let Some(opened) = checkpoints.restore((*count, entry), name, fresh, sink).await? {
            return Ok(Some((opened, Checkpoints::earlier(entry, true))));
        }
        match checkpoints.nearest(count - 1, sink) {
            Some(earlier) => found = earlier,
            None => return Ok(None),
        }
    }
}

/// Takes the lab away, also when the local region has ended under it.
async fn remove(mut opened: open::OpenLab, sink: &dyn Sink) -> Result<(), Failure> {
    if opened.region_ended().await.is_some() {
        let state = opened.lab.state.clone();
        drop(opened);
        opened = open::open_for_teardown(&state.name.clone(), state, sink).await?;
    }
    down::take_away(&mut opened, sink).await
}

/// Names every block that is not compared in full, and the share of those that are.
fn tell_exceptions(course: &Course, asked: &[LessonId], os: Os) {
    let (mut total, mut full) = (0, 0);
    let mut lines = Vec::new();
    for lesson in course.lessons.iter().filter(|lesson| asked.contains(&lesson.id)) {
        for block in lesson.story(os) {
            total += 1;
            let mut exceptions = Vec::new();
            if let Some(outcome) = block.outcome() {
                match outcome.compare {
                    Compare::All => {}
                    Compare::Lines => exceptions.push("match=lines".to_owned()),
                    Compare::Exit => exceptions.push("match=exit".to_owned()),
                }
                let vary = outcome.vary.iter().filter(|vary| !vary.is_one_name());
                exceptions.extend(vary.map(|vary| format!("vary=\"{}\"", vary.as_str())));
            }
            if exceptions.is_empty() {
                full += 1;
            }
            if block.hidden {
                exceptions.push("hidden".to_owned());
            }
            if !exceptions.is_empty() {
                lines.push(format!("  {}#{}: {}", lesson.id, block.name, exceptions.join(", ")));
            }
        }
    }
    say!("{full} of {total} blocks are compared in full");
    for line in lines {
        say!("{line}");
    }
}
