//! Changes that cannot be saved: on a full disk, without descriptors, and on a device that fails.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::libc;
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::ledger::{Client, check, vpc};
use crate::daemon_world::{World, start, try_start};

/// A file system in memory of this size. Unmounted when dropped; what is below a mount on it has to be gone before.
struct Memory(PathBuf);

impl Memory {
    fn mount(place: &Path, mib: u32) -> Memory {
        fs::create_dir_all(place).expect("a directory");
        let options = format!("size={mib}m,mode=755");
        mount(Some("tmpfs"), place, Some("tmpfs"), MsFlags::empty(), Some(options.as_str()))
            .expect("mounted");
        Memory(place.to_owned())
    }

    /// Takes all room that there is.
    fn fill(&self) {
        let mut ballast = File::options().create(true).append(true).open(self.ballast()).expect("a file");
        while ballast.write_all(&[1; 1024]).is_ok() {}
        while ballast.write_all(&[1]).is_ok() {}
    }

    fn free(&self) {
        fs::remove_file(self.ballast()).expect("removed");
    }

    fn ballast(&self) -> PathBuf {
        self.0.join("ballast")
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        let _ = umount2(&self.0, MntFlags::MNT_DETACH);
    }
}

/// Two clients of a lab, who have done something.
async fn clients(world: &World) -> [Client; 2] {
    let lab = world.lab("one").await;
    let vpc = vpc(&lab);
    let mut clients = ["a", "b"].map(|name| Client::new(name, &lab, &vpc));
    for client in &mut clients {
        steps(client, 8);
        assert_eq!((client.acknowledged, client.refused), (8, 0));
    }
    clients
}

fn steps(client: &mut Client, count: u32) {
    (0..count).for_each(|_| client.step().expect("an answer"));
}

/// Nothing is there that was refused, now and after a restart; and it goes on.
async fn check_and_restart(world: &mut World, clients: &mut [Client]) {
    check(&world.lab("one").await, clients);
    kill(Pid::from_raw(world.front()), Signal::SIGKILL).expect("kill");
    world.gone().await;
    world.restart().await;
    check(&world.lab("one").await, clients);
    clients.iter_mut().for_each(Client::disconnect);
    for client in &mut *clients {
        steps(client, 3);
    }
    check(&world.lab("one").await, clients);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_on_a_full_disk_is_not_there() {
    let directory = tempfile::tempdir().expect("a directory");
    let disk = Memory::mount(&directory.path().join("state"), 16);
    let mut world = World::at(disk.0.clone()).await;
    let mut clients = clients(&world).await;
    for _ in 0..3 {
        disk.fill();
        for client in &mut clients {
            let before = client.refused;
            steps(client, 6);
            assert!(client.refused > before, "there was room");
        }
        check(&world.lab("one").await, &mut clients);
        disk.free();
        clients.iter_mut().for_each(|client| steps(client, 2));
        check(&world.lab("one").await, &mut clients);
    }
    disk.fill();
    clients.iter_mut().for_each(|client| steps(client, 6));
    // A start without room says what is missing.
    kill(Pid::from_raw(world.front()), Signal::SIGKILL).expect("kill");
    world.gone().await;
    disk.fill();
    let said = try_start(&world.paths).expect_err("there is no room");
    assert!(said.contains("No space left on device"), "{said}");
    disk.free();
    start(&world.paths);
    check_and_restart(&mut world, &mut clients).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_without_descriptors_is_not_there() {
    let mut world = World::new().await;
    let mut clients = clients(&world).await;
    let server = world.processes()[2];
    let before = limit_descriptors(server, None);
    for client in &mut clients {
        client.connect().expect("connected while it could");
        limit_descriptors(server, Some(3));
        client.acknowledged = 0;
        steps(client, 6);
        assert_eq!((client.acknowledged, client.refused), (0, 6), "nothing can be opened");
        limit_descriptors(server, Some(before));
    }
    check_and_restart(&mut world, &mut clients).await;
}

/// Sets how many descriptors a process may have; answers how many it could have before.
fn limit_descriptors(pid: i32, limit: Option<u64>) -> u64 {
    let mut old = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: a system call that writes into the structure that it is given.
    let got = unsafe { libc::prlimit(pid, libc::RLIMIT_NOFILE, std::ptr::null(), &raw mut old) };
    assert_eq!(got, 0, "{}", std::io::Error::last_os_error());
    if let Some(limit) = limit {
        let new = libc::rlimit { rlim_cur: limit, rlim_max: old.rlim_max };
        // SAFETY: the same, the other way.
        let set = unsafe { libc::prlimit(pid, libc::RLIMIT_NOFILE, &raw const new, std::ptr::null_mut()) };
        assert_eq!(set, 0, "{}", std::io::Error::last_os_error());
    }
    old.rlim_cur
}

fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().expect(program);
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// A file system on a loop device whose file lies on a full disk: what is written is taken, and its sync fails.
struct Broken {
    place: PathBuf,
    device: String,
}

impl Broken {
    fn mount(file: &Path, place: &Path) -> Broken {
        fs::create_dir_all(place).expect("a directory");
        let device = run("losetup", &["--find", "--show", &file.to_string_lossy()]);
        run("mount", &[&device, &place.to_string_lossy()]);
        Broken { place: place.to_owned(), device }
    }
}

impl Drop for Broken {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.place).status();
        let _ = Command::new("losetup").args(["--detach", &self.device]).status();
    }
}

/// Needs loop devices and ext4.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs loop devices: make kills"]
async fn what_is_refused_on_a_device_that_fails_is_not_there() {
    let directory = tempfile::tempdir().expect("a directory");
    let disk = Memory::mount(&directory.path().join("disk"), 48);
    let (file, state) = (disk.0.join("device"), directory.path().join("state"));
    File::create(&file).and_then(|file| file.set_len(512 << 20)).expect("a file");
    run("mkfs.ext4", &["-q", "-F", &file.to_string_lossy()]);
    let mut device = Broken::mount(&file, &state.join("region"));
    let mut world = World::at(state.clone()).await;
    let mut clients = clients(&world).await;
    disk.fill();
    // What was there before is written over and over, until the device has to take new blocks.
    let refused = |clients: &[Client]| clients.iter().map(|client| client.refused).sum::<u32>();
    for _ in 0..200 {
        if refused(&clients) > 20 {
            break;
        }
        clients.iter_mut().for_each(|client| steps(client, 1));
    }
    println!("{} refused", refused(&clients));
    assert!(refused(&clients) > 20, "the device does not fail");
    check(&world.lab("one").await, &mut clients);
    kill(Pid::from_raw(world.front()), Signal::SIGKILL).expect("kill");
    world.gone().await;
    // Mended, and mounted again: only what had reached it is there.
    drop(device);
    disk.free();
    let _ = Command::new("e2fsck").args(["-p", &file.to_string_lossy()]).status();
    device = Broken::mount(&file, &state.join("region"));
    world.restart().await;
    check_and_restart(&mut world, &mut clients).await;
    drop(world);
    drop(device);
}
