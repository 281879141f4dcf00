//! The process on the host that fetches for the mirror: the one place from which something of the region reaches the
//! world. It is told paths, and asks nobody but the archive of the machine's own package manager.

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use nix::sys::prctl;
use nix::sys::signal::{SigSet, Signal};

use super::apt::{Configuration, Method, Reply};
use super::link::{AGAIN, Order, Outcome, Report, STARTED};
use super::path::{Archive, ArchivePath};
use super::store;
use crate::output::remark;
use crate::region::image::{ArchiveBases, archive_bases};
use crate::region::tree::Launch;

/// The hidden verb.
pub(crate) const VERB: &str = "region-fetcher";

/// So many files come at the same time.
const WORKERS: usize = 4;
/// An archive that leads from one place to the next for ever is broken.
const REDIRECTS: usize = 5;

/// Serve the socket that is our standard input until its other end is closed. Files go into the directory of packages.
pub(crate) fn main(launch: &Launch) -> Result<ExitCode, String> {
    // Root's own, so that below it a path can be trusted, and apt's transport needs one.
    let packages = launch.packages().map_err(|error| format!("open the directory of packages: {error}"))?;
    let cache = packages.inside();
    prctl::set_pdeathsig(Signal::SIGKILL).map_err(|error| format!("tie us to the front: {error}"))?;
    // The front takes its signals in another way, and we have inherited that.
    SigSet::all().thread_unblock().map_err(|error| format!("unblock signals: {error}"))?;
    let socket =
        io::stdin().as_fd().try_clone_to_owned().map_err(|error| format!("take over the socket: {error}"))?;
    let socket = UnixStream::from(socket);
    let writer = socket.try_clone().map_err(|error| format!("share the socket: {error}"))?;
    let writer = Arc::new(Mutex::new(writer));
    let (orders, queue) = channel();
    let queue = Arc::new(Mutex::new(queue));
    let world = Arc::new(OnceLock::new());
    for _ in 0..WORKERS {
        let worker =
            Worker { partial: store::partial(&cache), world: Arc::clone(&world), methods: HashMap::new() };
        let (queue, writer) = (Arc::clone(&queue), Arc::clone(&writer));
        std::thread::spawn(move || worker.run(&queue, &writer));
    }
    let told =
        writer.lock().unwrap_or_else(PoisonError::into_inner).write_all(format!("{STARTED}\n").as_bytes());
    told.map_err(|error| format!("say that we have started: {error}"))?;
    // What comes before was meant for a fetcher that has died.
    let lines =
        BufReader::new(socket).lines().map_while(Result::ok).skip_while(|line| !line.ends_with(AGAIN));
    for line in lines.skip(1) {
        match serde_json::from_str::<Order>(&line) {
            Ok(order) => drop(orders.send(order)),
            Err(error) => remark!("region-fetcher: an order that makes no sense: {error}"),
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// What this machine's package manager says, asked at the first order: a daemon that fetches nothing asks nothing.
type World = Result<(Configuration, ArchiveBases), String>;

struct Worker {
    partial: PathBuf,
    world: Arc<OnceLock<World>>,
    /// By scheme; kept, so that connections are.
    methods: HashMap<String, Method>,
}

impl Worker {
    fn run(mut self, queue: &Mutex<Receiver<Order>>, writer: &Mutex<UnixStream>) {
        loop {
            let order = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok(order) = order else { return };
            let id = order.id;
            let outcome = self.fetch(&order).unwrap_or_else(Outcome::Failed);
            let Ok(mut line) = serde_json::to_vec(&Report { id, outcome }) else { continue };
            line.push(b'\n');
            if writer.lock().unwrap_or_else(PoisonError::into_inner).write_all(&line).is_err() {
                return;
            }
        }
    }

    fn fetch(&mut self, order: &Order) -> Result<Outcome, String> {
        let path = ArchivePath::parse(&order.path).filter(|path| path.as_str() == order.path);
        let (archive, rest) =
            path.as_ref().and_then(ArchivePath::split).ok_or("a path outside the archives")?;
        if order.to.is_empty() || !order.to.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err("a name that is not one of a partial file".to_owned());
        }
        let to = self.partial.join(&order.to);
        let world = Arc::clone(&self.world);
        let (configuration, bases) = world.get_or_init(look_around).as_ref().map_err(Clone::clone)?;
        let base = match archive {
            Archive::Main => &bases.main,
            Archive::Security => &bases.security,
        };
        let mut uri = format!("{}/{rest}", base.trim_end_matches('/'));
        for _ in 0..=REDIRECTS {
            match self.ask(configuration, &uri, &to, order.since.as_deref())? {
                Reply::Done { unchanged: true } => return Ok(Outcome::Unchanged),
                Reply::Done { unchanged: false } => return Ok(Outcome::Fetched),
                Reply::Missing => return Ok(Outcome::Missing),
                Reply::Failed(reason) => return Ok(Outcome::Failed(reason)),
                Reply::Redirect(next) => uri = next,
            }
        }
        Err("the archive redirects for ever".to_owned())
    }

    fn ask(
        &mut self,
        configuration: &Configuration,
        uri: &str,
        to: &Path,
        since: Option<&str>,
    ) -> Result<Reply, String> {
        let scheme = uri
            .split_once("://")
            .map(|(scheme, _)| scheme)
            .filter(|scheme| ["http", "https"].contains(scheme));
        let scheme = scheme.ok_or_else(|| format!("fetch over something else than HTTP: {uri}"))?;
        let mut method = match self.methods.remove(scheme) {
            Some(method) => method,
            None => Method::start(scheme, configuration)
                .map_err(|error| format!("start apt's transport: {error}"))?,
        };
        // One that has failed is not kept.
        let reply =
            method.fetch(uri, to, since).map_err(|error| format!("talk to apt's transport: {error}"))?;
        self.methods.insert(scheme.to_owned(), method);
        Ok(reply)
    }
}

fn look_around() -> World {
    let configuration =
        Configuration::read().map_err(|error| format!("read apt's configuration: {error}"))?;
    let bases = archive_bases().map_err(|error| error.to_string())?;
    Ok((configuration, bases))
}
