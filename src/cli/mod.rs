//! The command line: one file a verb. The only place that knows clap, and the only one that knows the local region.

mod args;
mod bash;
mod book;
mod check;
mod checkpoint;
mod class;
mod consent;
mod course;
mod doctor;
mod down;
mod drive;
mod failure;
mod interact;
mod lint;
mod local;
mod open;
mod prepare;
mod region;
mod review;
mod run;
mod secrets;
mod shell;
mod ssh;
mod status;
mod verify;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use clap::Parser as _;

use args::{Cli, ColorWhen, Verb};
use failure::Failure;

use crate::output;

/// Parses the command line, does what it says, and tells by the exit status how it went: 0 all well, 1 a lesson failed
/// or differs, 2 wrong usage or mistakes in lessons, 3 something that `lab` needs is not there, 4 something was left
/// behind, 70 `lab` itself went wrong, 130 interrupted.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    match cli.color {
        ColorWhen::Auto => {}
        ColorWhen::Always => anstream::ColorChoice::Always.write_global(),
        ColorWhen::Never => anstream::ColorChoice::Never.write_global(),
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return Failure::needs(format!("failed to start: {error}")).tell(),
    };
    let result = catch_unwind(AssertUnwindSafe(|| runtime.block_on(dispatch(cli))));
    // A reader of standard input may never come back; it must not keep the process.
    runtime.shutdown_background();
    match result {
        Ok(Ok(code)) => match output::failure() {
            // What was to be told was not.
            Some(reason) if code == ExitCode::SUCCESS => {
                Failure::needs(format!("failed to write to standard output: {reason}")).tell()
            }
            _ => code,
        },
        Ok(Err(failure)) => failure.tell(),
        // It has said where.
        Err(_) => Failure::internal("failed to go on").tell(),
    }
}

async fn dispatch(cli: Cli) -> Result<ExitCode, Failure> {
    let root = cli.course.as_deref();
    match cli.verb {
        Verb::Run(args) => run::run(root, args).await,
        Verb::Verify(args) => verify::verify(root, args).await,
        Verb::Lint(args) => lint::lint(root, &args),
        Verb::Check(args) => check::check(root, args).await,
        Verb::Review(args) => review::review(root, &args),
        Verb::Status(args) => status::status(&args).await,
        Verb::Ssh(args) => ssh::ssh(args).await,
        Verb::Shell(args) => shell::shell(&args).await,
        Verb::Down(args) => down::down(&args).await,
        Verb::Doctor(args) => doctor::doctor(&args).await,
        Verb::Prepare(args) => prepare::prepare(root, args).await,
        Verb::Book(verb) => book::book(root, verb).await,
        Verb::Preprocess { arguments } => book::preprocess(&arguments),
        Verb::Region(verb) => region::region(verb).await,
    }
}

/// Runs a verb that is not for people (the processes of the region's daemon); `None` for any other command line.
pub fn hidden_verb(arguments: impl IntoIterator<Item = std::ffi::OsString>) -> Option<ExitCode> {
    let arguments: Vec<_> = arguments.into_iter().collect();
    let verb = arguments.first()?.to_str()?;
    crate::region::tree::VERBS.contains(&verb).then(|| crate::region::tree::main(arguments))
}
