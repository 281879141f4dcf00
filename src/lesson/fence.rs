//! A fenced code block: where it begins and ends, also when its closing line was forgotten.

use crate::lesson::body::Body;
use crate::source::Span;

/// A fenced code block.
#[derive(Clone, Debug)]
pub(crate) struct Fence {
    /// From the first backtick to the last.
    pub span: Span,
    /// What follows the opening backticks on their line, without blanks at its ends.
    pub info: Span,
    pub body: Body,
    /// How it ends.
    pub end: FenceEnd,
}

/// How a fence ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FenceEnd {
    /// By a closing line.
    Closed,
    /// Not before its surroundings do.
    Never,
    /// Another fence opens first, at this place: the closing line was forgotten.
    NextOpens(usize),
}

/// A fence of which only the opening line has been read.
pub(crate) fn open(text: &str, base: usize, span: Span) -> Fence {
    let own = &text[span.start - base..span.end - base];
    let line = own.lines().next().unwrap_or_default();
    let info = line.trim_start_matches(marker(line)).trim();
    let start = span.start + line.len() - line.trim_start_matches(marker(line)).trim_start().len();
    let info = Span::new(start, start + info.len());
    let body = Body { span: Span::at(info.end), ..Body::default() };
    Fence { span, info, body, end: FenceEnd::Never }
}

/// The same fence when all of its text has been read.
pub(crate) fn close(text: &str, base: usize, mut fence: Fence) -> Fence {
    let own = &text[fence.span.start - base..fence.span.end - base];
    let first = own.lines().next().unwrap_or_default();
    let marker = marker(first);
    let length = first.len() - first.trim_start_matches(marker).len();

    if let Some(at) = opening_line(&fence.body, marker, length) {
        fence.end = FenceEnd::NextOpens(at);
        fence.body.cut(at);
        fence.span.end = text[..at - base].trim_end().len() + base;
        return fence;
    }
    let last = own.trim_end().rfind('\n').map(|at| at + 1);
    if let Some(last) = last {
        let line = own[last..].trim_start_matches([' ', '\t', '>']).trim_end();
        let closes = line.len() >= length && line.chars().all(|c| c == marker);
        if closes && fence.body.span.end <= fence.span.start + last {
            fence.end = FenceEnd::Closed;
        }
    }
    // What is not closed reaches over blank lines that belong to nobody.
    fence.span.end = fence.span.start + own.trim_end().len();
    fence
}

fn marker(line: &str) -> char {
    if line.starts_with('~') { '~' } else { '`' }
}

/// The place in the lesson of the first line of `body` that can only be meant to open a fence.
fn opening_line(body: &Body, marker: char, length: usize) -> Option<usize> {
    let mut offset = 0;
    for line in body.text.split_inclusive('\n') {
        let bare = line.trim_start();
        let info = bare.trim_start_matches(marker);
        let opens = bare.len() - info.len() >= length
            && info.trim_start().starts_with(|c: char| c.is_ascii_alphabetic())
            && !info.contains(marker);
        if opens {
            return Some(body.locate(offset + line.len() - bare.len()));
        }
        offset += line.len();
    }
    None
}
