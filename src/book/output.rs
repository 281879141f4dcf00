//! What a block printed, as much of it as the lesson shows; what is long is folded away.

use super::html::Html;
use super::identity::Identities;
use super::names::Names;
use crate::lesson::Show;

/// Output of more lines than this is folded.
const LONG: usize = 30;
/// So many lines stay in sight then.
const IN_SIGHT: usize = 15;

/// Output as the page shows it: in sight, folded, and what is said about lines that are not shown at all.
pub(super) struct Shown<'t> {
    /// Said above: lines left out at the beginning.
    pub before: usize,
    /// In sight.
    pub text: &'t str,
    /// Folded away.
    pub folded: &'t str,
    /// Said below: lines left out at the end.
    pub after: usize,
}

impl<'t> Shown<'t> {
    /// Of `output`, what `show` asks for.
    pub fn new(output: &'t str, show: Show) -> Self {
        let output = output.trim_end_matches('\n');
        let lines = if output.is_empty() { 0 } else { output.split('\n').count() };
        let (before, after) = match show {
            Show::All => (0, 0),
            Show::None => (0, lines),
            Show::Head(count) => (0, lines.saturating_sub(count)),
            Show::Tail(count) => (lines.saturating_sub(count), 0),
        };
        let (_, rest) = output.split_at(nth_line(output, before));
        let (kept, _) = rest.split_at(nth_line(rest, lines - before - after));
        let in_sight = if lines - before - after > LONG { IN_SIGHT } else { usize::MAX };
        let (text, folded) = kept.split_at(nth_line(kept, in_sight));
        Self { before, text, folded, after }
    }

    /// As HTML; empty when there is nothing to show or to say.
    pub fn html(&self, ids: &mut Identities, names: &Names) -> Html {
        let mut html = Html::new();
        if self.before > 0 {
            html = html
                .then(omitted(self.before, if self.text.is_empty() { "not shown" } else { "before this" }));
        }
        if !self.text.is_empty() {
            html = html.then(pre(self.text, ids, names));
        }
        if !self.folded.is_empty() {
            let count = self.folded.trim_end_matches('\n').split('\n').count();
            let summary = Html::element("summary", &[], Html::text(&more(count)));
            html = html.and("details", &[("class", "lab-fold")], summary.then(pre(self.folded, ids, names)));
        }
        if self.after > 0 {
            html = html.then(omitted(
                self.after,
                if self.text.is_empty() { "of output, not shown" } else { "after this" },
            ));
        }
        html
    }
}

fn pre(text: &str, ids: &mut Identities, names: &Names) -> Html {
    // In `samp` and not in `code`: mdBook's script gives every `pre code` a button to copy, and colours it.
    let samp = Html::element("samp", &[], ids.mark(text.trim_end_matches('\n'), names));
    Html::element("pre", &[("class", "lab-output")], samp)
}

fn omitted(count: usize, what: &str) -> Html {
    Html::labelled("p", "lab-omitted", &format!("{} {what}", lines(count)))
}

fn more(count: usize) -> String {
    if count == 1 { "1 more line".to_owned() } else { format!("{count} more lines") }
}

fn lines(count: usize) -> String {
    if count == 1 { "1 line".to_owned() } else { format!("{count} lines") }
}

/// The byte at which the line of this number begins, counted from zero; the end of the text when there is none.
fn nth_line(text: &str, number: usize) -> usize {
    match number.checked_sub(1) {
        None => 0,
        Some(number) => text.match_indices('\n').nth(number).map_or(text.len(), |(at, _)| at + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(output: &str, show: Show) -> (usize, &str, &str, usize) {
        let Shown { before, text, folded, after } = Shown::new(output, show);
        (before, text, folded, after)
    }

    #[test]
    fn a_lesson_decides_how_much_is_shown() {
        assert_eq!(shown("a\nb\nc\n", Show::All), (0, "a\nb\nc", "", 0));
        assert_eq!(shown("a\nb\nc", Show::None), (0, "", "", 3));
        assert_eq!(shown("a\nb\nc", Show::Head(2)), (0, "a\nb\n", "", 1));
        assert_eq!(shown("a\nb\nc", Show::Tail(1)), (2, "c", "", 0));
        assert_eq!(shown("a\nb\nc", Show::Head(9)), (0, "a\nb\nc", "", 0));
        assert_eq!(shown("", Show::Head(1)), (0, "", "", 0));
    }

    #[test]
    fn long_output_is_folded_and_nothing_of_it_is_lost() {
        let output: String = (0..40).map(|n| format!("{n}\n")).collect();
        let (before, text, folded, after) = shown(&output, Show::All);
        assert_eq!((before, after), (0, 0));
        assert_eq!(text.lines().count(), IN_SIGHT);
        assert_eq!(format!("{text}{folded}\n"), output);
        let html =
            Shown::new(&output, Show::All).html(&mut Identities::default(), &Names::default()).into_string();
        assert!(html.contains("<summary>25 more lines</summary>"), "{html}");
    }
}
