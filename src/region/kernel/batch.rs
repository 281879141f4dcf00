//! `ip -batch`: many changes of links, addresses, routes and rules by one process.

use std::process::Command;

use super::process::feed;
use super::{KernelError, LineError, namespace};

/// Runs the lines in a namespace. Each is tried, whatever became of those before it.
pub(super) fn run(namespace: &str, lines: &[String]) -> Result<Vec<LineError>, KernelError> {
    if lines.is_empty() {
        return Ok(Vec::new());
    }
    let mut input = lines.join("\n");
    input.push('\n');
    let output = namespace::enter(namespace, || {
        let mut program = Command::new("ip");
        program.args(["-force", "-batch", "-"]);
        feed("ip", program, namespace, &input)
    })??;
    let message = String::from_utf8_lossy(&output.stderr);
    let failures = failures(&message, lines);
    if output.status.success() || !failures.is_empty() {
        return Ok(failures);
    }
    Err(KernelError::Refused {
        command: "ip",
        namespace: namespace.to_owned(),
        message: message.trim().to_owned(),
    })
}

/// Reads which lines failed: `ip` prints the cause, then `Command failed -:LINE`.
fn failures(stderr: &str, lines: &[String]) -> Vec<LineError> {
    let mut found = Vec::new();
    let mut cause = Vec::new();
    for text in stderr.lines() {
        let number = text.strip_prefix("Command failed -:").and_then(|n| n.trim().parse::<usize>().ok());
        match number.and_then(|n| n.checked_sub(1)) {
            Some(index) if index < lines.len() => {
                let message = cause.join(" ");
                cause.clear();
                found.push(LineError { index, line: lines[index].clone(), message });
            }
            _ => cause.push(text.trim()),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failed_lines_are_found_with_their_causes() {
        let lines: Vec<String> = ["link add a", "bogus", "route del b"].map(str::to_owned).to_vec();
        let stderr = "Object \"bogus\" is unknown, try \"ip help\".\nCommand failed -:2\n\
                      RTNETLINK answers: No such process\nCommand failed -:3\n";
        let found = failures(stderr, &lines);
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].index, found[0].line.as_str()), (1, "bogus"));
        assert_eq!(found[0].message, "Object \"bogus\" is unknown, try \"ip help\".");
        assert_eq!(found[1].message, "RTNETLINK answers: No such process");
    }

    #[test]
    fn a_message_without_a_line_is_no_failed_line() {
        assert!(failures("Cannot open netlink socket\n", &["link add a".to_owned()]).is_empty());
    }
}
