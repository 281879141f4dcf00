//! A look at everything that the host could see of a region.

use std::fs;
use std::path::Path;
use std::process::Command;

use sha2::{Digest, Sha256};

/// Everything that the host could see of a region: links, names of network namespaces, mounts, control groups,
/// filter rules, and processes in namespaces of their own or of this program.
pub fn host_view(state: &Path) -> Vec<String> {
    let mut seen = Vec::new();
    let mut list =
        |what: &str, lines: Vec<String>| seen.extend(lines.into_iter().map(|line| format!("{what}: {line}")));
    let names = |path: &str| {
        let entries = fs::read_dir(path).into_iter().flatten().flatten();
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect::<Vec<_>>()
    };
    list("link", names("/sys/class/net"));
    list("network namespace", names("/run/netns"));
    let mounts = fs::read_to_string("/proc/self/mountinfo").expect("mounts");
    list("mount", mounts.lines().filter_map(|line| line.split(' ').nth(4)).map(str::to_owned).collect());
    let name = group_name(state);
    let groups =
        Command::new("find").args(["/sys/fs/cgroup", "-type", "d", "-name", &name]).output().expect("find");
    list("control group", String::from_utf8_lossy(&groups.stdout).lines().map(str::to_owned).collect());
    let rules = Command::new("nft").args(["list", "ruleset"]).output().expect("nft");
    list("rule", String::from_utf8_lossy(&rules.stdout).lines().map(str::to_owned).collect());
    list("temporary file", names("/tmp").into_iter().filter(|name| name.starts_with("nspawn")).collect());
    list("process", processes(state));
    seen.sort();
    seen
}

/// Processes of the daemon of this state directory, and whatever runs below them.
fn processes(state: &Path) -> Vec<String> {
    let own = fs::read_link("/proc/self/ns/pid").expect("our namespace");
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").expect("processes").flatten() {
        let path = entry.path();
        let Ok(bytes) = fs::read(path.join("cmdline")) else { continue };
        let line = String::from_utf8_lossy(&bytes).replace('\0', " ");
        let ours = line.contains("region-") && line.contains(&*state.to_string_lossy());
        // Other tests run at the same time, each with a region: theirs are recognised by the control group.
        let group = fs::read_to_string(path.join("cgroup")).unwrap_or_default();
        let foreign = fs::read_link(path.join("ns/pid")).is_ok_and(|namespace| namespace != own);
        // Empty: it has ended and waits for the host's init to notice.
        if ours || (!line.is_empty() && foreign && group.contains(&group_name(state))) {
            found.push(line);
        }
    }
    found
}

/// The control group that the daemon of a state directory makes for itself.
fn group_name(state: &Path) -> String {
    let digest = Sha256::digest(state.as_os_str().as_encoded_bytes());
    let digits: String = digest.iter().take(5).map(|byte| format!("{byte:02x}")).collect();
    format!("lab-{digits}")
}
