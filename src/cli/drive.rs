//! Makes a run: lab, plan, engine and reporters put together. Used by `run` and `verify`.

use std::path::Path;
use std::sync::Arc;

use crate::cli::args::{FormatArg, TellArgs};
use crate::cli::failure::Failure;
use crate::cli::open::OpenLab;
use crate::cli::{course, secrets};
use crate::event::{Fan, Sink};
use crate::lesson::Course;
use crate::name::{LessonId, Os};
use crate::output::{self, remark};
use crate::plan::{Plan, Progress, check};
use crate::report::{Detail, GitHub, JUnit, JsonLines, Seen, Terminal};
use crate::run::checkpoint::{Earlier, Keeper};
use crate::run::{CloudKind, Engine, Gate, Hosts, Options, Recorder, RunError, Summary, learn_keys};
use crate::secret::Masking;
use crate::session::ssh::FileKnownHosts;
use crate::session::{Interrupt, Pool, Setup, State};
use crate::snapshot::{Chosen, Store};

/// The reporters that were asked for.
pub fn reporters(tell: &TellArgs, course: &Course) -> Arc<dyn Sink> {
    use std::io::IsTerminal as _;
    let detail = match (tell.quiet, tell.verbose) {
        _ if tell.lessons => Detail::Lessons,
        (true, _) => Detail::Quiet,
        (_, true) => Detail::Verbose,
        _ => Detail::Normal,
    };
    let live = std::io::stdout().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
    let mut fan = Fan::default();
    match tell.format {
        FormatArg::Json => fan.0.push(Arc::new(JsonLines::new(output::plain()))),
        FormatArg::Terminal => fan.0.push(Arc::new(Terminal::new(Seen::new(output::stdout()), detail, live))),
        FormatArg::Github => {
            fan.0.push(Arc::new(Terminal::new(Seen::new(output::stdout()), detail, live)));
            fan.0.push(Arc::new(GitHub::new(Seen::new(output::plain()), course::lines(course))));
        }
    }
    if let Some(path) = &tell.junit {
        fan.0.push(Arc::new(JUnit::new(path.clone())));
    }
    Arc::new(masked(fan))
}

/// The plan for these lessons in a lab that has come so far, checked whole.
pub fn plan(course: &Course, asked: &[LessonId], progress: &Progress, os: Os) -> Result<Plan, Failure> {
    let plan = Plan::new(course, asked, progress, os)
        .map_err(|error| Failure::usage(format!("failed to {error}")))?;
    let obstacles = check(&plan);
    if obstacles.is_empty() {
        return Ok(plan);
    }
    for obstacle in &obstacles {
        remark!("failed to {obstacle}");
    }
    Err(Failure::usage(format!("nothing was run: {} of the blocks cannot be", obstacles.len())))
}

/// How a plan is to be run: who is told, who is asked, what ends it early.
pub struct Manner {
    pub sink: Arc<dyn Sink>,
    pub gate: Arc<dyn Gate>,
    pub interrupt: Interrupt,
    pub options: Options,
    /// Keeps the state after each lesson; `None` where that is not wanted.
    pub keeper: Option<Arc<dyn Keeper>>,
    /// What the lab has behind it, where it was restored just now.
    pub earlier: Option<Arc<Earlier>>,
}

/// Runs a plan in an open lab.
pub async fn drive(
    root: &Path,
    course: &Course,
    open: &mut OpenLab,
    plan: &Plan,
    manner: Manner,
) -> Result<Summary, Failure> {
    // What the lab knew before this command began.
    learn_keys(&open.backdrop.laptop, &secrets::known()).await;
    let mut engine = engine(root, course, open, manner);
    engine.run(plan).await.map_err(|error| match error {
        RunError::HadCreated { ref lesson, .. } => Failure::failed(&error).hint(format!(
            "`lab run {lesson} --redo` deletes just that and runs the block anew, --again goes back to before the lesson"
        )),
        RunError::Left { .. } => Failure::failed(&error)
            .left_behind()
            .hint("delete it by hand (`lab shell`), or go back to before the lesson with --again"),
        error => error.into(),
    })
}

/// What tells on standard error, beside a command's results, that a machine is made ready or a lab is taken away.
pub fn aside(live: bool) -> Masking {
    masked(Terminal::new(Seen::new(anstream::stderr()), Detail::Normal, live))
}

/// No reporter hears a secret.
pub fn masked(sink: impl Sink + 'static) -> Masking {
    Masking::new(secrets::known(), Arc::new(sink))
}

/// What compares results with those of the course in `root`.
pub fn recorder(root: &Path, course: &Course, cloud: CloudKind, region: &str, os: Os) -> Recorder {
    // Blocks only: an address that prose gives as an example was chosen by nobody.
    let texts =
        course.lessons.iter().flat_map(|lesson| lesson.blocks()).map(|block| block.body.text.as_str());
    let chosen = Arc::new(Chosen::in_texts(texts));
    let recorder = Recorder::new(Store::new(root), chosen, cloud, region, os, secrets::known());
    // Of the whole course, so that a lesson's results are the same whether the lessons before it ran now or earlier.
    course
        .lessons
        .iter()
        .flat_map(|lesson| lesson.blocks())
        .for_each(|block| recorder.keep_secrets_of(block));
    recorder
}

/// The engine for an open lab.
pub fn engine<'a>(root: &Path, course: &Course, open: &'a mut OpenLab, manner: Manner) -> Engine<'a> {
    let Manner { sink, gate, interrupt, options, keeper, earlier } = manner;
    let state = &open.lab.state;
    let recorder = recorder(root, course, state.cloud, &state.region, state.os);
    let pool = pool(open);
    Engine {
        lab: &mut open.lab,
        pool,
        ec2: aws_sdk_ec2::Client::new(&open.backdrop.sdk),
        caller: crate::aws::Caller::new(&open.backdrop.sdk),
        recorder,
        journal: Arc::clone(&open.journal),
        current: open.current.clone(),
        replay: open.replay.clone(),
        sink,
        gate,
        interrupt,
        options,
        keeper,
        earlier,
    }
}

/// The shells of a lab: the laptop's goes on from its last state.
pub fn pool(open: &OpenLab) -> Pool {
    let backdrop = &open.backdrop;
    let state = open.lab.laptop_state().map(State::from_text);
    for (name, value) in state.iter().flat_map(State::values) {
        secrets::known().add_named(&name, &value);
    }
    let setup = Setup { env: backdrop.laptop_env.clone(), state };
    let ec2 = aws_sdk_ec2::Client::new(&backdrop.sdk);
    let hosts = Arc::new(Hosts::new(ec2, Arc::clone(&backdrop.laptop), secrets::known()));
    let known = Arc::new(FileKnownHosts::new(open.lab.path().join("known-hosts")));
    Pool::new(Arc::clone(&backdrop.laptop), setup, Arc::clone(&backdrop.dial), hosts, known)
}

/// A switch that Ctrl-C turns. The second Ctrl-C ends the program at once.
pub fn interrupt_on_ctrl_c() -> Interrupt {
    let interrupt = Interrupt::new();
    let switch = interrupt.clone();
    tokio::spawn(async move {
        let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).ok();
        loop {
            let terminated = async {
                match &mut terminate {
                    Some(terminate) => drop(terminate.recv().await),
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                result = tokio::signal::ctrl_c() => if result.is_err() { return },
                () = terminated => {}
            }
            if switch.is_triggered() {
                std::process::exit(i32::from(crate::cli::failure::INTERRUPTED));
            }
            remark!("\nstopping (press Ctrl-C again to stop at once)");
            switch.trigger();
        }
    });
    interrupt
}
