//! Commands that are left running: started, read, and stopped by blocks of their own, at the latest when the lesson ends.
//!
//! They run in a second shell on their host, which begins with the state of the first.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::ready::{Awaited, until_quiet};
use super::{Did, INTERRUPTED, Stage};
use crate::lesson::{Background, Logs};
use crate::name::BlockName;
use crate::run::chain;
use crate::session::{self, Ended, Interrupt, Outcome};

/// Longer than any lesson.
const FOREVER: Duration = Duration::from_secs(24 * 60 * 60);
/// The most that is kept of what one block prints, in bytes.
const KEPT: usize = 4 * 1024 * 1024;

/// Everything that a lesson has left running.
#[derive(Default)]
pub(in crate::run) struct Backgrounds(HashMap<BlockName, Running>);

struct Running {
    switch: Interrupt,
    printed: watch::Receiver<Vec<u8>>,
    /// How much of it a block has shown.
    shown: usize,
    /// Up to where it was last read.
    read: usize,
    task: Option<JoinHandle<Result<Outcome, session::Error>>>,
}

impl Backgrounds {
    /// Takes note that what was last read of it has been shown.
    pub fn settle(&mut self, target: &BlockName) {
        if let Some(running) = self.0.get_mut(target) {
            running.shown = running.read;
        }
    }

    /// Ends all that still run.
    pub async fn stop_all(&mut self) {
        for (_, mut running) in self.0.drain() {
            running.stop().await;
        }
    }
}

impl Running {
    /// Ends it, with everything that it had started. What it had come to by itself before, if it had.
    async fn stop(&mut self) -> Option<Result<Outcome, session::Error>> {
        let task = self.task.take()?;
        let by_itself = task.is_finished();
        self.switch.trigger();
        let ended = task.await.ok();
        ended.filter(|_| by_itself)
    }

    /// How it ended, when it has.
    async fn ended(&mut self) -> String {
        match self.task.take() {
            Some(task) => match task.await {
                Ok(Ok(outcome)) => how(&outcome),
                Ok(Err(error)) => chain(&error),
                Err(error) => chain(&error),
            },
            None => "it was stopped".to_owned(),
        }
    }

    /// What was printed and not shown yet.
    fn fresh(&self) -> Vec<u8> {
        let printed = self.printed.borrow();
        printed[self.shown.min(printed.len())..].to_vec()
    }
}

fn how(outcome: &Outcome) -> String {
    match (&outcome.ended, outcome.status) {
        (Ended::Cut(why), _) => format!("the connection to the host ended ({why})"),
        (_, Some(status)) => format!("it ended with exit status {status}"),
        _ => "it ended".to_owned(),
    }
}

/// Starts it, and waits until it says that it is ready.
pub(super) async fn start(stage: &mut Stage<'_>, background: &Background) -> Result<Did, String> {
    let started = Instant::now();
    let with = stage.with(&background.place).await?;
    let via = background.place.via.as_ref().map(|via| via.as_str());
    let interrupt = stage.interrupt.clone();
    let opening = async {
        let shell = stage.pool.shell(background.place.on.as_str(), via).await?;
        shell.wake().await.map(|()| shell)
    };
    let shell = tokio::select! {
        shell = opening => shell.map_err(|error| chain(&error))?,
        () = interrupt.triggered() => return Err("interrupted while the host was awaited".to_owned()),
    };
    let mut beside = shell.beside();
    let awaited = timeout(stage.deadline, Awaited::begin(background.ready.as_ref(), shell.machine()));
    let awaited = tokio::select! {
        awaited = awaited => awaited.map_err(|_| "look at the port: it took too long".to_owned())?,
        () = interrupt.triggered() => return Err(INTERRUPTED.to_owned()),
    };
    let mut awaited = match awaited {
        Ok(awaited) => awaited,
        Err(error) => {
            return Ok(Did::printed("", started.elapsed()).but_wrong(chain(&error), None));
        }
    };
    let switch = Interrupt::new();
    let block = session::Block {
        name: stage.block.name.to_string(),
        origin: stage.origin(),
        script: stage.block.body.text.clone(),
        with,
        timeout: FOREVER,
        interrupt: switch.clone(),
    };
    let (prints, printed) = watch::channel(Vec::new());
    let task = tokio::spawn(async move {
        let mut keep = |bytes: &[u8]| {
            prints.send_modify(|all| all.extend(bytes.iter().take(KEPT - all.len().min(KEPT))));
        };
        let outcome = beside.run(&block, &mut keep).await;
        beside.close().await;
        outcome
    });
    let mut running = Running { switch, printed, shown: 0, read: 0, task: Some(task) };
    let mut tell = stage.tell();
    let ready = tokio::select! {
        ready = timeout(stage.deadline, awaited.until(&mut running.printed)) => match ready {
            Ok(Some(end)) => Ok(end),
            Ok(None) => Err((format!("{} before {}", running.ended().await, awaited.what()), None)),
            Err(_) => Err((awaited.missed(stage.deadline), awaited.hint())),
        },
        () = interrupt.triggered() => Err((INTERRUPTED.to_owned(), None)),
    };
    match ready {
        Ok(end) => {
            let text = String::from_utf8_lossy(&running.fresh()[..end]).into_owned();
            tell(text.as_bytes());
            running.shown = end;
            // A lesson has one block of a name; a second try of it replaces the first.
            if let Some(mut before) = stage.lasting.backgrounds.0.insert(stage.block.name.clone(), running) {
                before.stop().await;
            }
            Ok(Did::printed(&text, started.elapsed()))
        }
        Err((reason, hint)) => {
            running.stop().await;
            let text = String::from_utf8_lossy(&running.fresh()).into_owned();
            Ok(Did::printed(&text, started.elapsed()).but_wrong(reason, hint))
        }
    }
}

/// Shows what it has printed since it was last asked.
pub(super) async fn logs(stage: &mut Stage<'_>, logs: &Logs) -> Result<Did, String> {
    let started = Instant::now();
    let running =
        stage.lasting.backgrounds.0.get_mut(&logs.target).ok_or_else(|| not_running(&logs.target))?;
    tokio::select! {
        _ = timeout(stage.deadline, until_quiet(&mut running.printed)) => {}
        () = stage.interrupt.triggered() => return Err(INTERRUPTED.to_owned()),
    }
    let fresh = running.fresh();
    running.read = running.shown + fresh.len();
    stage.tell()(&fresh);
    let mut did = Did::printed(&String::from_utf8_lossy(&fresh), started.elapsed());
    did.outcome.output = session::Output::from_bytes(&fresh);
    Ok(did)
}

/// Ends it.
pub(super) async fn stop(stage: &mut Stage<'_>, target: &BlockName) -> Result<Did, String> {
    let started = Instant::now();
    let mut running = stage.lasting.backgrounds.0.remove(target).ok_or_else(|| not_running(target))?;
    let stopping = async {
        let by_itself = running.stop().await;
        // Ports that it held are free when its sockets are gone, which the kernel does right behind the process.
        sleep(Duration::from_millis(20)).await;
        by_itself
    };
    let did = |took| Did::printed("", took);
    match stopping.await {
        None => Ok(did(started.elapsed())),
        Some(ended) => {
            let how = ended.map_or_else(|error| chain(&error), |outcome| how(&outcome));
            Ok(did(started.elapsed()).but_wrong(format!("`{target}` had ended before: {how}"), None))
        }
    }
}

fn not_running(target: &BlockName) -> String {
    format!(
        "find the background block `{target}`: it does not run (an interruption of the lesson ends it; `--again` starts over)"
    )
}
