//! `lab check`: tests what the learner has built so far.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use crate::cli::args::CheckArgs;
use crate::cli::failure::Failure;
use crate::cli::{course, drive, open};
use crate::event::Mode;
use crate::run::{Open, Options};
use crate::snapshot::Update;

/// Runs the tests of lessons in a lab that is there already. Status 0 when all pass.
pub async fn check(root: Option<&Path>, args: CheckArgs) -> Result<ExitCode, Failure> {
    let root = course::root(root, &args.lessons)?;
    let course = course::load_faultless(&root)?;
    let asked = course::ids(&root, &args.lessons)?;
    let sink = drive::reporters(&args.tell, &course);
    let interrupt = drive::interrupt_on_ctrl_c();
    let mut opened = open::open_existing(&args.lab.lab, &*sink).await?;
    let state = &opened.lab.state;
    let lessons = course.lessons.iter().filter(|lesson| match asked.is_empty() {
        true => state.progress.done_in(&lesson.id).next().is_some(),
        false => asked.contains(&lesson.id),
    });
    let lessons: Vec<_> = lessons.cloned().map(Arc::new).collect();
    if lessons.iter().all(|lesson| lesson.checks(state.os).next().is_none()) {
        return Err(Failure::usage(
            "failed to find anything to check: these lessons have no blocks with `check`",
        ));
    }
    let options = Options { mode: Mode::Run, update: Update::No, fail_fast: false, redo: false };
    let manner =
        drive::Manner { sink, gate: Arc::new(Open), interrupt, options, keeper: None, earlier: None };
    let summary = drive::engine(&root, &course, &mut opened, manner).check(&lessons).await?;
    Ok(crate::cli::run::exit_code(summary, options.mode))
}
