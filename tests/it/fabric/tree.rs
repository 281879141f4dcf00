//! A namespace tree of a test's own: the test runs itself again as the first process of fresh mount, PID, network and
//! UTS namespaces, so that nothing it makes can reach the host or outlive it.

use std::env;
use std::fs;
use std::process::{Child, Command, Stdio};

use nix::mount::{MsFlags, mount};

const INSIDE: &str = "LAB_IT_TREE";

/// Runs `body` inside a tree of its own. `test` is the full name of the calling test, such as `fabric::labs_are_apart`.
pub(crate) fn in_tree(test: &str, body: impl FnOnce()) {
    if env::var(INSIDE).is_ok_and(|name| name == test) {
        furnish();
        return body();
    }
    let output = command(test).output().expect("unshare(1) of util-linux can be run");
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{test} failed in its namespace tree (it needs root, ip and nft):\n{said}\n{complained}"
    );
    // Seen with --nocapture, or when the rest of the test fails.
    print!("{said}");
    assert!(said.contains("1 passed"), "the test that runs itself again was not found as {test}:\n{said}");
}

/// Starts `test` in a tree without waiting for it. Its standard output is piped.
pub(crate) fn spawn(test: &str) -> Child {
    command(test).stdout(Stdio::piped()).spawn().expect("unshare(1) of util-linux can be run")
}

/// Whether this process is the first of the tree of `test`.
pub(crate) fn is_inside(test: &str) -> bool {
    env::var(INSIDE).is_ok_and(|name| name == test)
}

fn command(test: &str) -> Command {
    let mut command = Command::new("unshare");
    command
        .args(["--mount", "--pid", "--fork", "--kill-child", "--net", "--uts", "--mount-proc"])
        .args(["--propagation", "private"])
        .arg(env::current_exe().expect("this program has a path"))
        .args(["--exact", test, "--nocapture", "--test-threads=1", "--include-ignored"])
        .env(INSIDE, test)
        .stdin(Stdio::null());
    command
}

/// A private place for the handles of namespaces.
pub(crate) fn furnish() {
    mount(Some("tmpfs"), "/run", Some("tmpfs"), MsFlags::empty(), None::<&str>).expect("a tmpfs on /run");
    fs::create_dir_all("/run/netns").expect("a directory on a fresh tmpfs");
}
