//! Outputs that were too long to be kept whole: beginning and end are compared, and the gap between them is one line.
//!
//! How many lines fit into what is kept depends on how long they are, which quantities decide. So of two such texts as
//! many lines before and behind the gap are compared as both have.

use super::super::gap;
use super::text::{Text, TextLine};

impl Text {
    /// How many lines stand before the gap, and behind it.
    fn gap(&self) -> Option<(usize, usize)> {
        let at = self.lines.iter().position(|line| gap::is_gap(&line.text))?;
        Some((at, self.lines.len() - at - 1))
    }

    /// Leaves this many lines before the line `gap`, which stands for all others, and behind it.
    fn cut(&mut self, before: usize, behind: usize, gap: &TextLine) {
        let behind = self.lines.len() - behind;
        self.lines.splice(before..behind, [gap.clone()]);
    }
}

/// Leaves of both texts what can be held against each other. A text that just fitted has its lines in the gap of one
/// that did not.
pub(super) fn align(old: &mut Text, new: &mut Text) {
    let (before, behind) = match (old.gap(), new.gap()) {
        (None, None) => return,
        (Some(old), Some(new)) => (old.0.min(new.0), old.1.min(new.1)),
        (Some(kept), None) if new.lines.len() >= kept.0 + kept.1 => kept,
        (None, Some(kept)) if old.lines.len() >= kept.0 + kept.1 => kept,
        _ => return,
    };
    let line = |text: &Text| text.lines.iter().find(|line| gap::is_gap(&line.text)).cloned();
    let (of_old, of_new) = (line(old), line(new));
    let Some(any) = of_old.clone().or_else(|| of_new.clone()) else { return };
    old.cut(before, behind, of_old.as_ref().unwrap_or(&any));
    new.cut(before, behind, of_new.as_ref().unwrap_or(&any));
}
