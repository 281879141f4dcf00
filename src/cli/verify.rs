//! `lab verify`: proves that lessons still do what is recorded, in a lab of their own that is removed afterwards.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use crate::cli::args::VerifyArgs;
use crate::cli::failure::{Failure, LEFT};
use crate::cli::{course, down, drive, open};
use crate::event::{Mode, Sink};
use crate::lesson::{Compare, Course};
use crate::name::{LessonId, Os};
use crate::plan::Progress;
use crate::run::{CloudKind, LabState, Open, Options};
use crate::snapshot::Update;

/// Runs the lessons from nothing and compares. Status 0 only when every block ran, was recorded and is the same.
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
    let options = Options { mode: Mode::Verify, update: Update::from_env()?, fail_fast: args.fail_fast };
    let fresh = || LabState::new(&name, cloud, &region, os, &root);
    let mut opened = open::open(&name, fresh, &*sink).await?;
    if cloud == CloudKind::Aws
        && let Err(failure) = crate::cli::consent::ask(&opened, &plan, args.place.yes).await
    {
        // Nothing has happened in it, and without credentials nothing could be asked of AWS either.
        opened.lab.remove()?;
        return Err(failure);
    }
    let result = async {
        let manner = drive::Manner { sink: Arc::clone(&sink), gate: Arc::new(Open), interrupt, options };
        drive::drive(&root, &course, &mut opened, &plan, manner).await
    }
    .await;
    let ended = opened.region_ended().await;
    // Whatever became of the run, nothing of it stays.
    let removed = remove(opened, &*sink).await;
    let summary = match (result, ended) {
        (Ok(summary), None) => summary,
        (Ok(summary), Some(_)) if summary.complete => summary,
        (_, Some(failure)) => return Err(failure),
        (Err(failure), None) => return Err(failure),
    };
    if !args.tell.quiet && args.tell.format == crate::cli::args::FormatArg::Terminal {
        tell_exceptions(&course, &asked, os);
    }
    match removed {
        Ok(()) => Ok(crate::cli::run::exit_code(summary, Mode::Verify)),
        Err(failure) => {
            failure.tell();
            Ok(ExitCode::from(LEFT))
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
                exceptions.extend(outcome.vary.iter().map(|vary| format!("vary=\"{}\"", vary.as_str())));
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
    anstream::println!("{full} of {total} blocks are compared in full");
    for line in lines {
        anstream::println!("{line}");
    }
}
