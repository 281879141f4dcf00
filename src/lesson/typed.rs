//! A fence with braces becomes a typed block.
//!
//! A mistake is told and then passed over with a default, so that one mistake does not hide or cause others.

mod kinds;
mod shape;
mod values;

use crate::diagnostic::did_you_mean;
use crate::lesson::attributes::RawInfo;
use crate::lesson::block::Block;
use crate::lesson::fence::{Fence, FenceEnd};
use crate::lesson::fields::Fields;
use crate::lesson::problems::Problems;
use crate::lesson::typed::kinds::Reader;
use crate::lesson::typed::shape::{Shape, shape};
use crate::name::{BlockName, Os};
use crate::source::Span;

/// The block that `fence` is. None for prose, and where nothing can be made of it.
pub(crate) fn block(fence: &Fence, problems: &mut Problems<'_>) -> Option<Block> {
    let raw = RawInfo::parse(problems.source(), fence.info, problems);
    not_closed(fence, problems);
    let raw = raw?;
    let mut fields = Fields::new(&raw, problems);
    let (name, name_span) = name(&raw, &mut fields, problems);
    let os = os(&mut fields, problems);
    let shape = shape(&raw, &mut fields, problems)?;
    let mut reader = Reader { fence, fields, problems, shape };
    let kind = reader.kind();
    let hidden = !matches!(shape, Shape::Diagram | Shape::Check) && reader.hidden(&kind);
    let Reader { fields, problems, .. } = reader;
    fields.finish(shape.what(), problems);
    Some(Block {
        name,
        os,
        hidden,
        language: raw.language.clone(),
        body: fence.body.clone(),
        kind,
        span: fence.span,
        name_span,
        attributes: raw.attributes.iter().map(|attribute| (attribute.key.clone(), attribute.span)).collect(),
    })
}

fn not_closed(fence: &Fence, problems: &mut Problems<'_>) {
    let opening = Span::new(fence.span.start, fence.info.end);
    match fence.end {
        FenceEnd::Closed => {}
        FenceEnd::Never => {
            problems
                .error("fence-not-closed", opening, "this fence is never closed")
                .help("end it with a line of as many backticks");
        }
        FenceEnd::NextOpens(at) => {
            let line = problems.source().position(at).line;
            problems
                .error("fence-not-closed", opening, "this fence is not closed before the next one opens")
                .note(format!("the next one opens on line {line}"))
                .help("end it with a line of as many backticks; if that line belongs to its text, begin and end with more of them");
        }
    }
}

fn name(raw: &RawInfo, fields: &mut Fields<'_>, problems: &mut Problems<'_>) -> (BlockName, Span) {
    let given = fields.peek("#").map(|attribute| attribute.span);
    if given.is_none() {
        problems
            .error("no-name", raw.braces, "this block has no name")
            .help("begin with a verb phrase that is unique in the lesson, such as `#create-subnet`; a fence that shall not run has no braces");
    }
    let name = fields.name("#", problems);
    // A name for what has none; a lesson with such a block is never handed out.
    let fallback = || BlockName::new("unnamed").expect("a valid name");
    (name.unwrap_or_else(fallback), given.unwrap_or(raw.braces))
}

fn os(fields: &mut Fields<'_>, problems: &mut Problems<'_>) -> Option<Os> {
    let (value, _) = fields.value("os")?;
    let known = Os::ALL.map(Os::as_str);
    let os = value.text.parse().ok();
    if os.is_none() {
        problems
            .error("unknown-os", value.span, format!("there is no variant `{}`", value.text))
            .help("the variants are `debian` and `al2023`")
            .maybe_help(did_you_mean(&value.text, known));
    }
    os
}
