//! Names and titles that are taken, and blocks about other blocks.

use crate::diagnostic::did_you_mean;
use crate::lesson::block::{Block, BlockKind};
use crate::lesson::document::Draft;
use crate::lesson::problems::Problems;
use crate::name::{BlockName, Os};
use crate::source::Span;
use crate::source::unseen::{self, Part};

/// The rules that concern one lesson.
pub(super) fn check(draft: &Draft, problems: &mut Problems<'_>) {
    second_title(draft, problems);
    names(draft, problems);
    for os in Os::ALL {
        targets(draft, os, problems);
    }
    for block in draft.lesson.blocks() {
        tabs(block, problems);
        unseen_characters(block, problems);
    }
}

/// Two lessons with one title cannot be told apart in the book.
pub(super) fn titles(drafts: &[Draft], problems: &mut [Problems<'_>]) {
    for (index, draft) in drafts.iter().enumerate() {
        let title = &draft.lesson.title;
        let earlier = drafts[..index].iter().find(|known| known.lesson.title == *title && !title.is_empty());
        if let (Some(earlier), Some(heading)) = (earlier, draft.headings.first()) {
            problems[index]
                .warning("same-title", heading.span, "another lesson has the same title")
                .note(format!("it is {}", earlier.lesson.source.path().display()));
        }
    }
}

fn second_title(draft: &Draft, problems: &mut Problems<'_>) {
    for heading in draft.headings.iter().skip(1).filter(|heading| heading.level == 1) {
        problems
            .warning("second-title", heading.span, "a lesson has one title")
            .help("begin a section with `##`");
    }
}

fn overlap(one: &Block, other: &Block) -> bool {
    Os::ALL.into_iter().any(|os| one.runs_on(os) && other.runs_on(os))
}

fn names(draft: &Draft, problems: &mut Problems<'_>) {
    // A name that was no name has been told, and stands for nothing.
    let named = |block: &&Block| {
        draft.lesson.source.slice(block.name_span).strip_prefix('#') == Some(block.name.as_str())
    };
    let blocks: Vec<_> = draft.lesson.blocks().filter(named).collect();
    for (index, block) in blocks.iter().enumerate() {
        let earlier = blocks[..index].iter().find(|known| known.name == block.name && overlap(known, block));
        if let Some(earlier) = earlier {
            let line = problems.source().position(earlier.name_span.start).line;
            problems
                .error("duplicate-name", block.name_span, format!("another block is named `{}`", block.name))
                .note(format!("it is on line {line}"))
                .help("a name is unique in its lesson, for each `os`");
        }
    }
}

/// `stop` and `logs` are about a background block that has been started and not been stopped.
fn targets(draft: &Draft, os: Os, problems: &mut Problems<'_>) {
    let mut running: Vec<&BlockName> = Vec::new();
    let mut stopped: Vec<&BlockName> = Vec::new();
    for block in draft.lesson.story(os) {
        let (key, target) = match &block.kind {
            BlockKind::Background(_) => {
                running.push(&block.name);
                continue;
            }
            BlockKind::Stop { target } => ("stop", target),
            BlockKind::Logs(logs) => ("logs", &logs.target),
            _ => continue,
        };
        let span = block.attribute(key).unwrap_or(block.name_span);
        let known = running.contains(&target);
        let was_stopped = stopped.contains(&target);
        if key == "stop" && known {
            running.retain(|name| *name != target);
            stopped.push(target);
        }
        if known || (was_stopped && key == "logs") {
            continue;
        }
        let message = if was_stopped {
            format!("`{target}` was stopped before")
        } else {
            format!("there is no background block `{target}` before this one")
        };
        let other = draft.lesson.blocks().find(|other| other.name == *target);
        let help = match other {
            Some(other) if matches!(other.kind, BlockKind::Background(_)) => None,
            Some(_) => Some(format!("add `background` to the block `{target}`")),
            None => did_you_mean(target.as_str(), running.iter().map(|name| name.as_str())),
        };
        problems.error("no-such-background", span, message).maybe_help(help);
    }
}

/// Who pastes a tab into a terminal asks for completion.
fn tabs(block: &Block, problems: &mut Problems<'_>) {
    let typed = block.script().is_some() || matches!(block.kind, BlockKind::Console(_));
    if let Some(at) = block.body.text.find('\t').filter(|_| typed) {
        let end = at + block.body.text[at..].len() - block.body.text[at..].trim_start_matches('\t').len();
        problems
            .warning(
                "tab",
                block.body.locate_span(Span::new(at, end)),
                "a tab cannot be pasted into a terminal",
            )
            .help("use spaces: a shell takes a typed tab as a request to complete the word");
    }
}

/// What is typed must be what it looks like.
fn unseen_characters(block: &Block, problems: &mut Problems<'_>) {
    let mut at = 0;
    for part in unseen::parts(&block.body.text) {
        let length = match part {
            Part::Seen(text) => text.len(),
            Part::Unseen(c) => {
                problems
                    .warning(
                        "unseen-character",
                        block.body.locate_span(Span::new(at, at + c.len_utf8())),
                        format!("nobody sees {}, {}", unseen::code(c), unseen::name(c)),
                    )
                    .help("delete it; a program that needs it can have it by its number, as in `$'\\u202e'`");
                c.len_utf8()
            }
        };
        at += length;
    }
}
