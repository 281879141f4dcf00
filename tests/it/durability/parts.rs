//! Parts of the daemon that die, and a program of another build.

use std::fs;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::blocks::with_web;
use crate::course::{Course, Region, told};
use crate::daemon_world::{World, child, eventually, host_view};

/// The janitor of a front, if it has one.
fn janitor(front: i32) -> Option<i32> {
    let children = fs::read_to_string(format!("/proc/{front}/task/{front}/children")).ok()?;
    let is = |pid: &&str| {
        fs::read_to_string(format!("/proc/{pid}/cmdline")).is_ok_and(|line| line.contains("region-janitor"))
    };
    children.split_whitespace().find(is)?.parse().ok()
}

#[tokio::test]
async fn a_janitor_that_dies_is_started_anew_and_without_one_a_stop_leaves_nothing() {
    let mut world = World::new().await;
    let front = world.front();
    let first = child(front, "region-janitor");
    kill(Pid::from_raw(first), Signal::SIGKILL).expect("kill");
    let second = eventually("another janitor", async || janitor(front).filter(|pid| *pid != first)).await;
    // It does its work.
    kill(Pid::from_raw(front), Signal::SIGKILL).expect("kill");
    world.gone().await;
    eventually("it has ended, too", async || {
        (!std::path::Path::new(&format!("/proc/{second}")).exists()).then_some(())
    })
    .await;

    world.restart().await;
    let front = world.front();
    for _ in 0..6 {
        let pid = eventually("a janitor", async || janitor(front)).await;
        kill(Pid::from_raw(pid), Signal::SIGKILL).expect("kill");
        eventually("it is gone", async || (janitor(front) != Some(pid)).then_some(())).await;
    }
    let log = fs::read_to_string(world.paths.daemon_log()).expect("the log");
    assert!(log.contains("the janitor has died"), "{log}");
    // Without anybody who cleans up it would not be seen to end.
    world.client.stop().await.expect("stopped");
    let left = host_view(&world.paths.state);
    assert!(!left.iter().any(|line| line.contains("region-")), "{left:?}");
    assert!(!left.iter().any(|line| line.starts_with("control group: ")), "{left:?}");
}

#[test]
fn a_program_of_another_build_goes_on_with_what_runs_and_takes_over_what_does_not() {
    let region = Region::new();
    let own = env!("CARGO_BIN_EXE_lab");
    // Another file is another build.
    let directory = tempfile::tempdir().expect("a directory");
    let other = directory.path().join("lab");
    fs::copy(own, &other).expect("copied");
    let lab = |program: &str, arguments: &[&str]| {
        let output = region.command(program).args(arguments).output().expect("lab starts");
        assert!(output.status.success(), "{}", told(&output));
        told(&output)
    };
    let other = other.to_str().expect("text");
    let pid = || fs::read_to_string(region.state().join("region/pid")).expect("the pid file");

    lab(own, &["region", "start"]);
    let first = pid();
    assert!(lab(other, &["region", "status"]).contains("running for"), "it understands the other");
    lab(other, &["region", "start"]);
    assert_ne!(pid(), first, "nothing ran there");

    let lesson = Course::of(&region, "web", &with_web("\n```sh {#look}\ntrue\n```\n"));
    let course = lesson.root();
    let output = region.command(other).args(["run", "web"]).current_dir(course).output().expect("lab starts");
    assert!(output.status.success(), "{}", told(&output));
    let second = pid();
    let output = region.command(own).args(["run", "web"]).current_dir(course).output().expect("lab starts");
    assert!(output.status.success(), "{}", told(&output));
    assert!(told(&output).contains("started by another build"), "{}", told(&output));
    assert_eq!(pid(), second, "its instances run on");
    let output = region.command(own).args(["down"]).current_dir(course).output().expect("lab starts");
    assert!(output.status.success(), "{}", told(&output));
    lab(own, &["region", "start"]);
    assert_ne!(pid(), second, "nothing runs there any more");
}
