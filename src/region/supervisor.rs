//! Notices when a part of the server ends that should not: a region of which a part is missing had better end, and say
//! why, than pretend.

use std::any::Any;
use std::future::Future;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinHandle};

/// Starts the parts of the server and hears of their ends. Copies report to the same place.
#[derive(Debug, Clone)]
pub(crate) struct Supervisor(mpsc::UnboundedSender<String>);

/// What went wrong, as the parts report it.
#[derive(Debug)]
pub(crate) struct Failures(mpsc::UnboundedReceiver<String>);

/// What a part that should have gone on ends with.
pub(crate) trait Ending {
    /// Why, if that is known.
    fn reason(&self) -> Option<String>;
}

impl Ending for () {
    fn reason(&self) -> Option<String> {
        None
    }
}

impl Ending for io::Result<()> {
    fn reason(&self) -> Option<String> {
        self.as_ref().err().map(ToString::to_string)
    }
}

impl Supervisor {
    pub(crate) fn new() -> (Supervisor, Failures) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Supervisor(sender), Failures(receiver))
    }

    /// Something is wrong that the server cannot go on with.
    pub(crate) fn fail(&self, what: String) {
        // Nobody listens only while the server ends.
        let _ = self.0.send(what);
    }

    /// Start a task that has to run as long as the server, unless it is aborted.
    pub(crate) fn forever<T: Ending + Send + 'static>(
        &self,
        name: &'static str,
        part: impl Future<Output = T> + Send + 'static,
    ) -> AbortHandle {
        self.watch(name, tokio::spawn(part), |end| {
            Some(end.reason().unwrap_or_else(|| "it is over".to_owned()))
        })
    }

    /// Start a task that may come to its end, and must not fail.
    pub(crate) fn until_done(
        &self,
        name: &'static str,
        part: impl Future<Output = ()> + Send + 'static,
    ) -> AbortHandle {
        self.watch(name, tokio::spawn(part), |()| None)
    }

    /// Start a thread that has to run as long as the server.
    pub(crate) fn thread(&self, name: &'static str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
        let supervisor = self.clone();
        let watched = move || {
            let reason = match catch_unwind(AssertUnwindSafe(work)) {
                Ok(()) => "it is over".to_owned(),
                Err(panic) => panic_message(&*panic),
            };
            supervisor.ended(name, &reason);
        };
        std::thread::Builder::new().name(name.to_owned()).spawn(watched).map(drop)
    }

    fn watch<T: Send + 'static>(
        &self,
        name: &'static str,
        task: JoinHandle<T>,
        wrong: impl FnOnce(T) -> Option<String> + Send + 'static,
    ) -> AbortHandle {
        let (supervisor, handle) = (self.clone(), task.abort_handle());
        tokio::spawn(async move {
            let reason = match task.await {
                Ok(end) => wrong(end),
                Err(error) => error.try_into_panic().ok().map(|panic| panic_message(&*panic)),
            };
            if let Some(reason) = reason {
                supervisor.ended(name, &reason);
            }
        });
        handle
    }

    fn ended(&self, name: &str, reason: &str) {
        self.fail(format!("the region's {name} has failed: {reason}"));
    }
}

impl Failures {
    /// The first one; waits until there is one.
    pub(crate) async fn first(&mut self) -> String {
        match self.0.recv().await {
            Some(what) => what,
            // All who could report are gone, and whoever asks has a part himself.
            None => std::future::pending().await,
        }
    }
}

/// What a panic said.
pub(crate) fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "it panicked".to_owned())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    async fn told(failures: &mut Failures) -> Option<String> {
        timeout(Duration::from_millis(200), failures.first()).await.ok()
    }

    #[tokio::test]
    async fn every_way_in_which_a_part_can_end_is_told_with_its_reason() {
        let (supervisor, mut failures) = Supervisor::new();
        supervisor.forever::<()>("mirror", async { panic!("broken: {}", 7) });
        let said = "the region's mirror has failed: broken: 7";
        assert_eq!(told(&mut failures).await.as_deref(), Some(said));
        supervisor.forever("endpoint", async { Err::<(), _>(io::Error::other("no socket")) });
        let said = "the region's endpoint has failed: no socket";
        assert_eq!(told(&mut failures).await.as_deref(), Some(said));
        supervisor.forever("control socket", async {});
        let said = "the region's control socket has failed: it is over";
        assert_eq!(told(&mut failures).await.as_deref(), Some(said));
        supervisor.until_done("guest", async { panic!("lost") });
        assert_eq!(told(&mut failures).await.as_deref(), Some("the region's guest has failed: lost"));
        supervisor.thread("reconciling thread", || panic!("lost")).expect("starts");
        let said = "the region's reconciling thread has failed: lost";
        assert_eq!(told(&mut failures).await.as_deref(), Some(said));
        supervisor.thread("reconciling thread", || ()).expect("starts");
        let said = "the region's reconciling thread has failed: it is over";
        assert_eq!(told(&mut failures).await.as_deref(), Some(said));
    }

    #[tokio::test]
    async fn what_is_aborted_or_done_is_no_failure() {
        let (supervisor, mut failures) = Supervisor::new();
        supervisor.until_done("guest", async {});
        supervisor.forever("socket", std::future::pending::<()>()).abort();
        assert_eq!(told(&mut failures).await, None);
    }
}
