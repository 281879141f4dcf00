//! Signals to a program, its group, or everything of its session.

use std::fs;

use nix::libc;

use crate::region::server::SignalScope;

/// Kill rounds after which a session that keeps forking is given up.
const ROUNDS: usize = 50;

/// Send `signal` to the session leader `pid`, its group or its session. Whoever has ended is passed over.
pub(super) fn send(pid: i32, signal: i32, scope: SignalScope) {
    match scope {
        SignalScope::Process => kill(pid, signal),
        SignalScope::Group => kill(-pid, signal),
        SignalScope::Session if signal == libc::SIGKILL => end_session(pid),
        SignalScope::Session => session(pid).into_iter().for_each(|member| kill(member, signal)),
    }
}

/// Kill every process of a session, those too that are born meanwhile.
pub(super) fn end_session(leader: i32) {
    for _ in 0..ROUNDS {
        let members = session(leader);
        if members.is_empty() {
            return;
        }
        members.into_iter().for_each(|member| kill(member, libc::SIGKILL));
    }
}

fn kill(pid: i32, signal: i32) {
    // SAFETY: plain system call; the only error that can happen is that it has ended.
    unsafe { libc::kill(pid, signal) };
}

/// Processes of a session that have not ended yet.
fn session(leader: i32) -> Vec<i32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    numbers
        .filter(|pid| {
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            parse(&stat).is_some_and(|(state, session)| session == leader && !matches!(state, 'Z' | 'X'))
        })
        .collect()
}

/// State and session of a process.
fn parse(stat: &str) -> Option<(char, i32)> {
    // The name before may hold anything, also brackets and spaces.
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace();
    let state = fields.next()?.chars().next()?;
    Some((state, fields.nth(2)?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_hide_a_process() {
        assert_eq!(parse("12 (a) Z 1 (b) S 1 12 7 34816 -1"), Some(('S', 7)));
        assert_eq!(parse(""), None);
    }
}
