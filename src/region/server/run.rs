//! The server's main: everything put together.

use std::net::TcpListener;
use std::os::unix::net::{UnixListener, UnixStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use tokio::runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};

use super::capacity::Capacity;
use super::connections::{self, Desk};
use super::endpoint::Keeper;
use super::laptops::Laptops;
use super::plane::Plane;
use super::reconciling;
use super::region::Region;
use super::store::Place;
use super::turns::Turns;
use crate::region::guest::{GuestMachines, Guests};
use crate::region::internet::{self, Authority, mirror::Mirror};
use crate::region::limits::Sight;
use crate::region::supervisor::{Supervisor, panic_message};
use crate::region::tree::{self, CGROUPS, Cgroup, Launch, Words, durable, front_pid};
use crate::region::{api, checkpoint, fabric, image};

/// What the front has opened in the host's namespaces.
#[derive(Debug)]
pub(crate) struct Inherited {
    /// The EC2 endpoint on loopback.
    pub endpoint: TcpListener,
    /// The control socket.
    pub control: UnixListener,
    /// The fetcher's socket.
    pub fetcher: UnixStream,
    /// The way to tell those outside what becomes of it.
    pub words: Words,
}

/// Run the server until somebody stops it. Called in the tree, by a process with one thread.
pub(crate) fn main(launch: Launch, inherited: Inherited) -> Result<ExitCode, String> {
    let Inherited { endpoint, control, fetcher, mut words } = inherited;
    let run = || {
        let runtime = runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(|error| format!("start the runtime: {error}"))?;
        let serving =
            AssertUnwindSafe(|| runtime.block_on(serve(launch, (endpoint, control, fetcher), &mut words)));
        let ended = catch_unwind(serving).unwrap_or_else(|panic| Err(panic_message(&*panic)));
        // Guests and laptops end with the tree. Nothing waits for them: what they did is on their disks, what was
        // decided is in the state's files.
        runtime.shutdown_background();
        ended
    };
    let ended = run();
    ended.inspect_err(|reason| words.last(reason))?;
    Ok(ExitCode::SUCCESS)
}

async fn serve(
    launch: Launch,
    (endpoint, control, fetcher): (TcpListener, UnixListener, UnixStream),
    words: &mut Words,
) -> Result<(), String> {
    let failed = |doing: &'static str| move |error: std::io::Error| format!("{doing}: {error}");
    let (supervisor, mut failures) = Supervisor::new();
    let inside = tree::inside();
    let directory = inside.region();
    let image = image::cached(&inside.images()).ok_or("find the guest image: it is not built")?;
    let place = Place { directory: directory.clone(), shown: launch.paths.region() };
    let plane = Plane::open(place, Arc::new(durable::System), supervisor.clone());
    let plane = Arc::new(plane.map_err(|error| error.to_string())?);
    sweep_laptops(&directory.join("laptops"), &plane);

    let cgroup = Cgroup::at(CGROUPS);
    let sight = Sight::of_server(launch.limits.fixed.clone());
    let (guests, events) =
        Guests::new(directory.join("guests"), cgroup.clone(), sight.clone(), supervisor.clone());
    plane.read(|saved| {
        let all = saved.state.regions().flat_map(|(account, _, region)| {
            region.instances.iter().map(move |i| (i.id.as_str(), fabric::guest(account, &i.id)))
        });
        guests.rename(all);
    });
    guests.relay(&inside.states());
    guests.sweep(|machine| {
        let (account, id) = fabric::owner(machine);
        plane.read(|saved| saved.state.instance(account, id).is_some())
    });
    let authority = Authority::open(&inside.authority()).map_err(|error| chain(&error))?;
    let world = checkpoint::note_world(&launch, &image, authority.certificate())
        .map_err(failed("write down what disks stand on"))?;
    let additions = directory.join("additions");
    internet::trust::lay(&additions, &image.root, authority.certificate())
        .map_err(failed("lay out the trust"))?;
    let machines = GuestMachines::new(guests, image.root.clone(), additions.clone());
    let (trouble, troubles) = watch::channel(Vec::new());
    let reached = reconciling::start(Arc::clone(&plane), machines, events, trouble, &supervisor)
        .map_err(failed("start the reconciling thread"))?;

    let port = endpoint.local_addr().map_err(failed("look at the endpoint"))?.port();
    let endpoint = tokio::net::TcpListener::from_std(endpoint).map_err(failed("take over the endpoint"))?;
    let control =
        tokio::net::UnixListener::from_std(control).map_err(failed("take over the control socket"))?;
    let (stop, mut stopped) = mpsc::channel(1);
    let region = Region {
        plane: Arc::clone(&plane),
        inside: inside.clone(),
        paths: launch.paths.clone(),
        image: image.root,
        additions,
        program: std::env::current_exe().map_err(failed("find this program"))?,
        endpoint_url: format!("http://127.0.0.1:{port}"),
        cgroup,
        reached: reached.clone(),
        supervisor: supervisor.clone(),
        laptops: Laptops::default(),
        store: checkpoint::Store::new(&launch, &inside, world),
    };
    let mirror = Mirror::new(inside.packages(), fetcher, &supervisor)
        .map_err(failed("take over the fetcher's socket"))?;
    let services = internet::Services::start(Arc::clone(&plane), &authority, mirror.clone())
        .map_err(|error| chain(&error))?;
    supervisor.forever("keeper of its Internet's sockets", services.keep(region.reached.clone()));
    let pid = front_pid(&inside);
    let capacity = Arc::new(Capacity { sight, raised: launch.limits.raised.clone() });
    let desk = Desk {
        region,
        started: Instant::now(),
        pid,
        starter: launch.uid,
        stop,
        mirror,
        troubles,
        capacity: Arc::clone(&capacity),
    };
    supervisor.forever("control socket", connections::serve(control, Arc::new(desk)));
    let keeper = Keeper { plane, followed: reached, turns: Turns::new(), capacity };
    supervisor.forever("EC2 endpoint", api::serve(endpoint, Arc::new(keeper)));

    let mut terminate = signal(SignalKind::terminate()).map_err(failed("listen for signals"))?;
    words.ready();
    tokio::select! {
        _ = stopped.recv() => Ok(()),
        _ = terminate.recv() => Ok(()),
        failure = failures.first() => Err(failure),
    }
}

/// Remove the disks of laptops whose labs are gone: left by a daemon that was killed while it removed them.
fn sweep_laptops(disks: &Path, plane: &Plane) {
    for entry in std::fs::read_dir(disks).into_iter().flatten().flatten() {
        let lab = entry.file_name();
        if plane.read(|saved| lab.to_str().is_none_or(|lab| !saved.labs.contains_key(lab))) {
            // It is tried again at the next start, and before there is another lab of this name.
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

/// An error with its causes, in one line.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    std::iter::successors(error.source(), |cause| cause.source())
        .fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
