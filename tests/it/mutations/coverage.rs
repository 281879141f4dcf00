//! Every command of the lessons that makes or changes something has a mutation, or a reason why not.

use std::ops::Range;

use super::MUTATIONS;
use super::change::{Fence, fences, place};

/// Beginnings of what changes something, wherever they stand in a command.
const CHANGES: &[&str] = &[
    "systemctl start",
    "systemctl stop",
    "systemctl restart",
    "--quiet enable",
    "--quiet disable",
    "systemctl mask",
    "apt-get",
    "scp ",
    "umask ",
    "chmod ",
    "chown ",
    "sudo cp ",
    "sudo rm ",
    "sudo tee ",
    "sudo install ",
    "nft -f",
    "nft delete",
    ">> known_hosts",
    ">> ssh-config",
    ">> .ssh/",
    "CREATE ",
    "GRANT ",
    "FLUSH ",
    "\ns/",
    "ssh-keygen -q",
    "tar x",
    "neigh flush",
    "touch ",
    "tcpdump ",
    "tshark -n -r",
    "ansible-playbook ",
    "weblog_title",
    "capture=",
];

/// Verbs of `aws ec2` that only look.
const LOOKS: &[&str] = &["describe-", "get-", "wait "];

/// What needs no mutation: the lesson, the block, a piece of the command, and why.
const LEFT_OUT_ON_PURPOSE: &[(&str, &str, &str, &str)] = &[
    (
        "01-vpc-and-subnets",
        "add-default-route-too-early",
        "aws",
        "meant to fail; a gateway attached too early is noticed here",
    ),
    ("07-wordpress", "create-user", "FLUSH", "the lesson says itself that it changes nothing here"),
    ("07-wordpress", "install-php", "update", "the lists of lesson 03 are still there"),
    ("08-tcp-ip", "install-tools", "update", "the lists of lesson 04 are still there"),
    ("08-tcp-ip", "install-on-web", "update", "the lists of lesson 07 are still there"),
    ("08-tcp-ip", "install-on-db", "update", "the lists of lesson 07 are still there"),
    ("08-tcp-ip", "run-playbook-again", "ansible", "shows that a second run changes nothing"),
];

#[test]
fn every_command_that_changes_something_is_mutated() {
    let mut missing = Vec::new();
    let mut exempt = Vec::new();
    for (lesson, mutations) in MUTATIONS {
        let text = super::lesson(lesson);
        let edits: Vec<Range<usize>> = mutations
            .iter()
            .flat_map(|mutation| mutation.edits())
            .map(|edit| place(&text, edit).unwrap_or_else(|why| panic!("{lesson}: {why}")))
            .collect();
        for fence in fences(&text) {
            for command in commands(&text, &fence) {
                let own = &text[command.clone()];
                if !changes(own)
                    || edits.iter().any(|edit| edit.start < command.end && command.start < edit.end)
                {
                    continue;
                }
                let reason = LEFT_OUT_ON_PURPOSE.iter().position(|(of, block, piece, _)| {
                    of == lesson && *block == fence.name && own.contains(piece)
                });
                match reason {
                    Some(reason) => exempt.push(reason),
                    None => missing.push(format!("{lesson}#{}: {}", fence.name, own.trim())),
                }
            }
        }
    }
    assert!(missing.is_empty(), "{} have no mutation:\n{}", missing.len(), missing.join("\n"));
    for (number, (lesson, block, piece, why)) in LEFT_OUT_ON_PURPOSE.iter().enumerate() {
        assert!(exempt.contains(&number), "{lesson}#{block}: `{piece}` needs no reason any more: {why}");
    }
}

fn changes(command: &str) -> bool {
    let calls = command.split("aws ec2 ").skip(1);
    calls.into_iter().any(|verb| !LOOKS.iter().any(|looks| verb.starts_with(looks)))
        || CHANGES.iter().any(|change| format!("\n{command}").contains(change))
}

/// The commands of a block: its lines, those that end in a backslash with the next one. A file, a conversation and what
/// is left running are one.
fn commands(text: &str, fence: &Fence<'_>) -> Vec<Range<usize>> {
    let whole = ["file=", "background"].iter().any(|word| fence.attributes.contains(word));
    if whole || fence.attributes.contains("capture=") || text[fence.span.clone()].starts_with("```console") {
        return vec![fence.span.clone()];
    }
    let mut commands = Vec::new();
    let (mut start, mut end) = (fence.body.start, fence.body.start);
    for line in text[fence.body.clone()].split_inclusive('\n') {
        end += line.len();
        if !line.ends_with("\\\n") {
            commands.push(start..end);
            start = end;
        }
    }
    commands
}
