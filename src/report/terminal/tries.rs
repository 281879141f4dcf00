//! What the tries of an `eventually` block print, so that what is the same again is counted and not shown again.

use std::sync::LazyLock;

use regex::Regex;

/// How much of a try is kept for comparing it with the next one, in bytes.
const KEPT: usize = 256 * 1024;

/// How long something took is another time in every try.
static DURATION: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\b[0-9]+(?:\.[0-9]+)? ?(?:ms|s|sec|seconds?)\b").expect("a valid expression")
});

/// The tries of the running block.
#[derive(Debug, Default)]
pub(super) struct Tries {
    /// Printed by the present one.
    printed: String,
    /// The last that was shown.
    shown: Option<Try>,
    /// The first and the last of those that have told nothing new since.
    same: Option<(u32, u32)>,
}

#[derive(Debug, PartialEq, Eq)]
struct Try {
    printed: String,
    reason: String,
}

impl Try {
    fn new(printed: &str, reason: &str) -> Self {
        let bare = |text| DURATION.replace_all(text, "").into_owned();
        Self { printed: bare(printed), reason: bare(reason) }
    }
}

impl Tries {
    /// Takes what the present try prints. Whether it is to be shown at once: what a later try prints waits for its end.
    pub(super) fn take(&mut self, text: &str) -> bool {
        let room = KEPT.saturating_sub(self.printed.len());
        self.printed.push_str(&text[..text.floor_char_boundary(room)]);
        self.shown.is_none()
    }

    /// The present try has missed. What it printed, where that has to be shown now; `None` when it tells nothing new.
    pub(super) fn missed(&mut self, attempt: u32, reason: &str) -> Option<String> {
        let printed = std::mem::take(&mut self.printed);
        let now = Try::new(&printed, reason);
        if self.shown.as_ref() == Some(&now) {
            let first = self.same.map_or(attempt, |(first, _)| first);
            self.same = Some((first, attempt));
            return None;
        }
        // The first one was shown while it printed.
        let unseen = self.shown.is_some();
        self.shown = Some(now);
        Some(if unseen { printed } else { String::new() })
    }

    /// The last try has ended, well or not: what it printed and has not been shown. Why it is not well is told anyway.
    pub(super) fn ended(&mut self, attempt: u32, well: bool) -> String {
        let Some(shown) = &self.shown else { return String::new() };
        let reason = shown.reason.clone();
        match well {
            true => std::mem::take(&mut self.printed),
            false => self.missed(attempt, &reason).unwrap_or_default(),
        }
    }

    /// Those that have told nothing new: `tries 2 to 17: the same`.
    pub(super) fn counted(&self) -> Option<String> {
        Some(match self.same? {
            (first, last) if first == last => format!("try {first}: the same"),
            (first, last) => format!("tries {first} to {last}: the same"),
        })
    }

    /// Forgets them: they have been told.
    pub(super) fn told(&mut self) {
        self.same = None;
    }
}
