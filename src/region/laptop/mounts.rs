//! The laptop's file system.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::Path;

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::unistd::{chdir, pivot_root};

use super::{HOME, HOSTNAME, Settings, USER};
use crate::private::Directory;
use crate::region::internet::places::NAME_SERVER;
use crate::region::kernel::Detached;

/// Where the root is put together, in the laptop's own mount namespace.
const ROOT: &str = "/run/lab/laptop-root";

/// Device nodes that every system has, taken from the host.
const DEVICES: &[&str] = &["null", "zero", "full", "random", "urandom", "tty"];

/// Entries of `/proc` that a user of another machine would not see.
const HIDDEN: &[&str] = &["proc/kcore", "proc/keys", "proc/sysrq-trigger", "proc/timer_list"];

/// Put the root together and move into it. Must be called as the first process of new mount and process namespaces,
/// in the laptop's network namespace.
pub(super) fn enter(settings: &Settings, home: &Detached, run: &Detached) -> io::Result<()> {
    let root = Path::new(ROOT);
    mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None::<&str>)?;
    overlay(settings, root)?;
    let quiet = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    let fresh = |kind: &str, place: &str, flags: MsFlags, options: &str| {
        mount(Some(kind), &root.join(place), Some(kind), flags, Some(options))
    };
    fresh("proc", "proc", quiet | MsFlags::MS_NOEXEC, "")?;
    fresh("sysfs", "sys", quiet | MsFlags::MS_NOEXEC | MsFlags::MS_RDONLY, "")?;
    fresh("tmpfs", "run", quiet, "mode=755")?;
    fresh("tmpfs", "tmp", quiet, "mode=1777")?;
    for entry in HIDDEN {
        let entry = root.join(entry);
        if entry.exists() {
            mount(Some("/dev/null"), &entry, None::<&str>, MsFlags::MS_BIND, None::<&str>)?;
        }
    }
    devices(root)?;

    let home_there = root.join(HOME.trim_start_matches('/'));
    fs::create_dir_all(&home_there)?;
    home.attach(&home_there)?;
    let run_there = root.join("run/lab");
    fs::create_dir_all(&run_there)?;
    run.attach(&run_there)?;
    program(settings, root)?;
    // Without this an ordinary user's ping needs a capability that nobody has here.
    fs::write("/proc/sys/net/ipv4/ping_group_range", "0 2147483647")?;

    chdir(root)?;
    pivot_root(".", ".")?;
    umount2(".", MntFlags::MNT_DETACH)?;
    chdir("/")?;
    Ok(())
}

fn overlay(settings: &Settings, root: &Path) -> io::Result<()> {
    let (upper, work) = (settings.disk.join("upper"), settings.disk.join("work"));
    for directory in [root, &upper, &work] {
        fs::create_dir_all(directory)?;
    }
    fs::set_permissions(&settings.disk, Permissions::from_mode(0o700))?;
    fs::set_permissions(&upper, Permissions::from_mode(0o755))?;
    // The kernel refuses a volatile overlay that was not unmounted; ours never is.
    match fs::remove_dir_all(work.join("work/incompat")) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let options = format!(
        "lowerdir={}:{},upperdir={},workdir={},volatile",
        escaped(&settings.additions),
        escaped(&settings.image),
        escaped(&upper),
        escaped(&work)
    );
    mount(Some("overlay"), root, Some("overlay"), MsFlags::empty(), Some(options.as_str()))?;
    files(root)
}

fn escaped(path: &Path) -> String {
    path.to_string_lossy().replace('\\', r"\\").replace(',', r"\,").replace(':', r"\:")
}

/// What makes a laptop of the image: names, and its user in the place of the image's own.
fn files(root: &Path) -> io::Result<()> {
    let etc = root.join("etc");
    fs::write(etc.join("hostname"), format!("{HOSTNAME}\n"))?;
    fs::write(etc.join("hosts"), format!("127.0.0.1 localhost\n127.0.1.1 {HOSTNAME}\n"))?;
    // Answers come from the lab's Internet; nobody waits long where there is none.
    let resolver = format!("nameserver {NAME_SERVER}\noptions timeout:1 attempts:1\n");
    fs::write(etc.join("resolv.conf"), resolver)?;
    for name in ["passwd", "group", "shadow", "gshadow"] {
        let path = etc.join(name);
        let text = fs::read_to_string(&path)?;
        if text.lines().any(|line| line.starts_with("admin:")) {
            fs::write(&path, rename_user(&text))?;
        }
    }
    Ok(())
}

/// The image's login user becomes the laptop's, and is in no group but its own.
fn rename_user(text: &str) -> String {
    let mut renamed = String::new();
    for line in text.lines() {
        let line = match line.strip_prefix("admin:") {
            Some(rest) => format!("{USER}:{}", rest.replace("/home/admin", HOME).replace(":Debian:", "::")),
            None => line.strip_suffix(":admin").map_or_else(|| line.to_owned(), |group| format!("{group}:")),
        };
        renamed.push_str(&line);
        renamed.push('\n');
    }
    renamed
}

fn devices(root: &Path) -> io::Result<()> {
    let dev = root.join("dev");
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC;
    mount(Some("tmpfs"), &dev, Some("tmpfs"), flags, Some("mode=755,size=64k"))?;
    for name in DEVICES {
        File::create(dev.join(name))?;
        let host = Path::new("/dev").join(name);
        mount(Some(&host), &dev.join(name), None::<&str>, MsFlags::MS_BIND, None::<&str>)?;
    }
    for directory in ["pts", "shm"] {
        fs::create_dir(dev.join(directory))?;
    }
    mount(
        Some("devpts"),
        &dev.join("pts"),
        Some("devpts"),
        flags,
        Some("newinstance,ptmxmode=0666,mode=0620,gid=5"),
    )?;
    mount(
        Some("tmpfs"),
        &dev.join("shm"),
        Some("tmpfs"),
        MsFlags::MS_NOSUID | MsFlags::MS_NODEV,
        Some("mode=1777"),
    )?;
    for (name, target) in [
        ("ptmx", "pts/ptmx"),
        ("fd", "/proc/self/fd"),
        ("stdin", "/proc/self/fd/0"),
        ("stdout", "/proc/self/fd/1"),
        ("stderr", "/proc/self/fd/2"),
    ] {
        symlink(target, dev.join(name))?;
    }
    Ok(())
}

/// This program as `aws`.
fn program(settings: &Settings, root: &Path) -> io::Result<()> {
    let place = root.join("usr/bin/aws");
    if !place.exists() {
        File::create(&place)?;
        chown(&place, Some(0), Some(0))?;
    }
    // A person may be able to change what is on the way there, but leads nobody to a file that only root can reach.
    let program = Directory::file(&settings.program)?;
    let source = format!("/proc/self/fd/{}", program.as_raw_fd());
    mount(Some(source.as_str()), &place, None::<&str>, MsFlags::MS_BIND, None::<&str>)?;
    let read_only = MsFlags::MS_BIND | MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY | MsFlags::MS_NOSUID;
    mount(None::<&str>, &place, None::<&str>, read_only, None::<&str>)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_images_user_becomes_the_laptops() {
        assert_eq!(
            rename_user("root:x:0:0::/root:/bin/bash\nadmin:x:1000:1000:Debian:/home/admin:/bin/bash\n"),
            "root:x:0:0::/root:/bin/bash\nme:x:1000:1000::/home/me:/bin/bash\n"
        );
        assert_eq!(rename_user("sudo:x:27:admin\nadmin:x:1000:\n"), "sudo:x:27:\nme:x:1000:\n");
    }
}
