//! The line that stands for the middle of an output that was too long to be kept.

/// Beginning and end of an output of which `dropped` bytes between them were not kept, as one text. Where there are
/// lines, whole ones are left out: which part of a line was kept depends on how long all others are.
pub fn joined(head: &[u8], dropped: u64, tail: &[u8]) -> Vec<u8> {
    if dropped == 0 {
        return [head, tail].concat();
    }
    let end = head.iter().rposition(|&byte| byte == b'\n').map_or(head.len(), |newline| newline + 1);
    let start = tail.iter().position(|&byte| byte == b'\n').map_or(0, |newline| newline + 1);
    // A very long line is cut in its middle: dropping it whole could drop nearly everything.
    let end = if end < head.len() / 2 { head.len() } else { end };
    let start = if start > tail.len() / 2 { 0 } else { start };
    let dropped = dropped + (head.len() - end + start) as u64;
    let newline = if head[..end].ends_with(b"\n") { "" } else { "\n" };
    let line = format!("{newline}[... {dropped} bytes ...]\n");
    [&head[..end], line.as_bytes(), &tail[start..]].concat()
}

/// Whether a line says that something is missing there.
pub(super) fn is_gap(line: &str) -> bool {
    let within = |start, end| line.strip_prefix(start).and_then(|rest: &str| rest.strip_suffix(end));
    let number =
        within("[... ", " bytes ...]").or_else(|| within("[cut here: ", " more bytes were printed]"));
    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(head: &str, dropped: u64, tail: &str) -> String {
        String::from_utf8(joined(head.as_bytes(), dropped, tail.as_bytes())).unwrap()
    }

    #[test]
    fn whole_lines_are_left_out() {
        assert_eq!(
            text("one\ntwo\nth", 10, "ee\nfour\nfive\n"),
            "one\ntwo\n[... 15 bytes ...]\nfour\nfive\n"
        );
        assert_eq!(text("one\n", 0, "two"), "one\ntwo");
    }

    #[test]
    fn a_very_long_line_is_cut_in_its_middle() {
        let long = "x".repeat(50);
        assert_eq!(
            text(&format!("a\n{long}"), 9, &format!("{long}\nb")),
            format!("a\n{long}\n[... 9 bytes ...]\n{long}\nb")
        );
        assert!(is_gap("[... 9 bytes ...]") && is_gap("[cut here: 10 more bytes were printed]"));
        assert!(!is_gap("[... some bytes ...]") && !is_gap("[...  bytes ...]"));
    }
}
