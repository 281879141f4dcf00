//! How the region's server tells the processes outside what becomes of it: over pipes, which need no room on a disk.

use std::io::{PipeReader, PipeWriter, Read, Write};
use std::os::fd::AsFd;

use nix::fcntl::{FcntlArg, OFlag, fcntl};

/// What stands for "callers are answered". Any other line in its place says why they are not.
pub(super) const READY: &str = "ready";
/// More than this nobody has to say.
const LONGEST: u64 = 4096;

/// The ends to speak into.
#[derive(Debug)]
pub(crate) struct Words {
    /// To whoever waits for the start; gone when that is over.
    pub(super) start: Option<PipeWriter>,
    /// To the front, which notes how the region has ended.
    pub(super) end: PipeWriter,
}

impl Words {
    /// Callers are answered from now on.
    pub(crate) fn ready(&mut self) {
        say(self.start.take(), READY);
    }

    /// The region ends because of this.
    pub(crate) fn last(&mut self, reason: &str) {
        say(self.start.take(), reason);
        say(Some(&self.end), reason);
    }
}

/// One line. Whoever does not listen any more has gone away, and finds out otherwise.
pub(super) fn say(to: Option<impl Write>, what: &str) {
    if let Some(mut to) = to {
        let line: String = what.lines().collect::<Vec<_>>().join(" ");
        let end = line.floor_char_boundary(usize::try_from(LONGEST).unwrap_or(usize::MAX) - 1);
        let _ = to.write_all(format!("{}\n", &line[..end]).as_bytes());
    }
}

/// The last words of the region, if there were any. It has ended: whoever still holds the other end is not waited for.
pub(super) fn hear(end: &PipeReader) -> Option<String> {
    fcntl(end.as_fd(), FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).ok()?;
    let mut text = Vec::new();
    // What was read before an error is there all the same.
    let _ = end.take(LONGEST).read_to_end(&mut text);
    let text = String::from_utf8_lossy(&text).trim().to_owned();
    Some(text).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_is_heard_by_both_and_the_start_hears_no_more_after_it() {
        let ((start, to_start), (end, to_end)) =
            (std::io::pipe().expect("a pipe"), std::io::pipe().expect("a pipe"));
        let mut words = Words { start: Some(to_start), end: to_end };
        assert_eq!(hear(&end), None, "it does not wait, and nothing was said");
        words.last("no room\non the disk");
        let mut text = String::new();
        (&start).read_to_string(&mut text).expect("nobody else holds it");
        assert_eq!(text, "no room on the disk\n");
        assert_eq!(hear(&end).as_deref(), Some("no room on the disk"));
    }

    #[test]
    fn the_start_hears_that_it_is_done_and_the_end_comes_later() {
        let ((start, to_start), (end, to_end)) =
            (std::io::pipe().expect("a pipe"), std::io::pipe().expect("a pipe"));
        let mut words = Words { start: Some(to_start), end: to_end };
        words.ready();
        words.last(&"é".repeat(3000));
        let mut text = String::new();
        (&start).read_to_string(&mut text).expect("nobody else holds it");
        assert_eq!(text, "ready\n");
        assert!(hear(&end).is_some_and(|text| text.len() > 4000 && text.starts_with("éé")));
    }
}
