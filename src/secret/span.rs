//! Stretches of a text that are to be masked.

use std::ops::Range;

/// Puts `mask` in place of the spans, which may come in any order and overlap. A mask that is there already stays one.
pub(super) fn replace(text: &str, mut spans: Vec<Range<usize>>, mask: &str) -> String {
    if spans.is_empty() {
        return text.to_owned();
    }
    spans.sort_by_key(|span| (span.start, span.end));
    let mut merged: Vec<Range<usize>> = Vec::new();
    for span in spans {
        match merged.last_mut() {
            Some(last) if span.start <= last.end => last.end = last.end.max(span.end),
            _ => merged.push(span),
        }
    }
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for span in merged {
        // A span of bytes within an encoding need not end where a character does.
        let start = (done..=span.start).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(done);
        let end = (span.end..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
        out.push_str(&text[done..start]);
        out.push_str(mask);
        done = end;
    }
    out.push_str(&text[done..]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlapping_spans_are_one() {
        assert_eq!(replace("abcdefgh", vec![4..6, 1..3, 2..5], "*"), "a*gh");
        assert_eq!(replace("abcd", vec![0..1, 3..4], "*"), "*bc*");
        assert_eq!(replace("aéb", vec![2..3, 2..3], "*"), "a*b");
    }
}
