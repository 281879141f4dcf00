//! The tree's view of the file system: the host's, but for what would show or change the host.

use std::fs;
use std::io;

use nix::mount::{MsFlags, mount};

use super::{Cgroup, Launch};

/// What the control group of the server itself is called; guests and laptops have groups beside it.
pub(super) const OWN_GROUP: &str = "server";

/// The control groups, as the tree sees them.
pub(crate) const CGROUPS: &str = "/sys/fs/cgroup";

/// Make the mount namespace, which is a copy of the host's, our own.
pub(super) fn set_up(launch: &Launch) -> Result<(), String> {
    let failed = |doing: &'static str| move |error: nix::Error| format!("{doing}: {error}");
    let over = |kind: &'static str, place: &'static str, flags: MsFlags| {
        mount(Some(kind), place, Some(kind), flags, None::<&str>).map_err(failed(place))
    };
    let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
    mount(None::<&str>, "/", None::<&str>, private, None::<&str>)
        .map_err(failed("make the mounts private"))?;
    // While the host's names are all in view: a directory may be below one that is covered next.
    let places = launch.take().map_err(|error| format!("take the region's directories: {error}"))?;
    let plain = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    over("proc", "/proc", plain)?;
    over("tmpfs", "/run", MsFlags::MS_NOSUID | MsFlags::MS_NODEV)?;
    // Shared within the tree: what is unmounted here must not live on in the copies that guests hold.
    mount(None::<&str>, "/run", None::<&str>, MsFlags::MS_SHARED, None::<&str>)
        .map_err(failed("share /run"))?;
    over("sysfs", "/sys", plain)?;
    over("cgroup2", CGROUPS, plain)?;
    for directory in ["/run/netns", "/run/lab"] {
        fs::create_dir_all(directory).map_err(|error| format!("create {directory}: {error}"))?;
    }
    places.show().map_err(|error| format!("show the region's directories: {error}"))?;
    own_group().map_err(|error| format!("set up the control groups: {error}"))
}

/// Limits can only be given to groups without processes beside them: we move into one of our own.
fn own_group() -> io::Result<()> {
    let root = Cgroup::at(CGROUPS);
    let own = root.below(OWN_GROUP);
    own.make()?;
    io::Write::write_all(&mut own.door()?, b"0")?;
    root.delegate(&["memory", "pids"]);
    Ok(())
}
