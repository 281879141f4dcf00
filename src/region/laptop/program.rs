//! Starting one program on the laptop, as its user.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::libc;
use nix::sys::prctl;
use nix::sys::resource::{Resource, setrlimit};
use nix::unistd::{Gid, Uid, setgroups, setresgid, setresuid, setsid};

use super::{HOME, ID, USER};
use crate::region::server::SpawnSpec;
use crate::signals;

const PATH: &str = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin";

/// More than the kernel has.
const CAPABILITIES: i32 = 63;

/// Start it; returns its process id. It leads a session of its own, and has its input as controlling terminal if
/// that is one.
pub(super) fn start(spec: &SpawnSpec, stdio: [OwnedFd; 3]) -> io::Result<i32> {
    let [input, output, error] = stdio;
    let (program, arguments) = spec
        .argv
        .split_first()
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "no program is named"))?;
    let directory = spec.cwd.as_deref().unwrap_or(Path::new(HOME));
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env_clear()
        .env("HOME", HOME)
        .env("USER", USER)
        .env("LOGNAME", USER)
        .env("SHELL", "/bin/bash")
        .env("PATH", PATH)
        .env("LANG", "C.UTF-8")
        .env("TERM", "xterm-256color")
        .envs(&spec.env)
        .current_dir(directory)
        .stdin(Stdio::from(input))
        .stdout(Stdio::from(output))
        .stderr(Stdio::from(error));
    // SAFETY: between fork and exec only system calls; this process has one thread anyway.
    unsafe {
        command.pre_exec(|| {
            signals::reset()?;
            setsid()?;
            // Refused when it is no terminal, or somebody else's: then the program has none.
            let _ = libc::ioctl(0, libc::TIOCSCTTY, 0);
            become_user()
        });
    }
    match command.spawn() {
        // Not waited for here: the first process of a namespace reaps whoever ends.
        Ok(child) => Ok(child.id().cast_signed()),
        Err(error) if error.kind() == io::ErrorKind::NotFound && directory.is_dir() => {
            Err(io::Error::new(error.kind(), format!("{program}: no such program on the laptop")))
        }
        Err(error) => {
            Err(io::Error::new(error.kind(), format!("{program} in {}: {error}", directory.display())))
        }
    }
}

fn become_user() -> io::Result<()> {
    setrlimit(Resource::RLIMIT_NOFILE, 1024, 4096)?;
    for capability in 0..=CAPABILITIES {
        // SAFETY: plain system call. Numbers that the kernel does not know are refused, which is as good.
        unsafe { libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0) };
    }
    let (uid, gid) = (Uid::from_raw(ID), Gid::from_raw(ID));
    setgroups(&[gid])?;
    setresgid(gid, gid, gid)?;
    // Takes all capabilities along.
    setresuid(uid, uid, uid)?;
    prctl::set_no_new_privs()?;
    Ok(())
}
