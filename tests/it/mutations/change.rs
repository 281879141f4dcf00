//! What a mutation is, and how it is made in a lesson's text. Anchors are a block's name and a small piece of its text, so
//! that lessons can be improved without touching mutations; an anchor that is no longer there, or there twice, is told.

use std::ops::Range;

/// One piece of one block's text, and what it becomes.
#[derive(Clone, Copy, Debug)]
pub struct Edit {
    pub block: &'static str,
    /// Stands once in the block, its fence included.
    pub from: &'static str,
    pub to: &'static str,
}

/// A change of a lesson that `lab verify` must notice.
#[derive(Clone, Copy, Debug)]
pub struct Mutation {
    /// In words: what is wrong then.
    pub what: &'static str,
    pub edit: Edit,
    pub second: Option<Edit>,
    /// The block that must notice.
    pub block: &'static str,
    /// What it must tell of the cause.
    pub cause: &'static str,
    /// Other blocks that show the same.
    pub also: &'static [&'static str],
    /// Whether nothing can be told after the last of those blocks: it fails, or all that follows is wrong, too.
    pub ends: bool,
    /// Blocks whose mutations are not made at the same time, because one would hide the other.
    pub apart_from: &'static [&'static str],
    /// Whether it is left to the complete test: another of the same kind is among those that always run.
    pub further: bool,
}

/// In this block, `to` in place of `from`.
pub const fn mutation(
    what: &'static str,
    block: &'static str,
    from: &'static str,
    to: &'static str,
) -> Mutation {
    Mutation {
        what,
        edit: Edit { block, from, to },
        second: None,
        block: "",
        cause: "",
        also: &[],
        ends: false,
        apart_from: &[],
        further: false,
    }
}

impl Mutation {
    /// With another change beside it.
    pub const fn and(mut self, block: &'static str, from: &'static str, to: &'static str) -> Self {
        self.second = Some(Edit { block, from, to });
        self
    }

    /// This block is not as recorded, and tells why.
    pub const fn noticed(mut self, block: &'static str, cause: &'static str) -> Self {
        (self.block, self.cause) = (block, cause);
        self
    }

    /// These are not as recorded either.
    pub const fn also(mut self, blocks: &'static [&'static str]) -> Self {
        self.also = blocks;
        self
    }

    /// Nothing can be told after the last of these blocks.
    pub const fn ends(mut self) -> Self {
        self.ends = true;
        self
    }

    /// Mutations of these blocks would hide it.
    pub const fn apart_from(mut self, blocks: &'static [&'static str]) -> Self {
        self.apart_from = blocks;
        self
    }

    /// Only the complete test makes it.
    pub const fn further(mut self) -> Self {
        self.further = true;
        self
    }

    pub fn edits(&self) -> impl Iterator<Item = &Edit> {
        std::iter::once(&self.edit).chain(&self.second)
    }

    /// Every block that is not as recorded then.
    pub fn shown_by(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.block).chain(self.also.iter().copied())
    }
}

/// A block of a lesson as it runs on Debian.
#[derive(Debug)]
pub struct Fence<'t> {
    pub name: &'t str,
    /// What stands in the braces.
    pub attributes: &'t str,
    /// From its fence to the end of its last line.
    pub span: Range<usize>,
    /// Its own text.
    pub body: Range<usize>,
}

/// The blocks of a lesson in their order.
pub fn fences(text: &str) -> Vec<Fence<'_>> {
    let mut fences = Vec::new();
    let mut at = 0;
    while let Some(found) = text[at..].find("```") {
        let start = at + found;
        let head = text[start..].split('\n').next().unwrap_or_default();
        let body = start + head.len() + 1;
        let end = text[body..].find("```").map_or(text.len(), |end| body + end);
        at = end + 3;
        let Some((_, braces)) = head.split_once("{#") else { continue };
        let attributes = braces.trim_end().trim_end_matches('}');
        let name = attributes.split(' ').next().unwrap_or_default();
        if !attributes.contains("os=al2023") {
            fences.push(Fence { name, attributes, span: start..end, body: body..end });
        }
    }
    fences
}

/// Where the edit's text stands in the lesson.
pub fn place(text: &str, edit: &Edit) -> Result<Range<usize>, String> {
    let Some(fence) = fences(text).into_iter().find(|fence| fence.name == edit.block) else {
        return Err(format!("there is no block `{}`", edit.block));
    };
    let own = &text[fence.span.clone()];
    let mut found = own.match_indices(edit.from);
    match (found.next(), found.next()) {
        (Some((at, _)), None) => {
            let start = fence.span.start + at;
            Ok(start..start + edit.from.len())
        }
        (None, _) => Err(format!("`{}` does not stand in the block `{}`", edit.from, edit.block)),
        _ => Err(format!("`{}` stands more than once in the block `{}`", edit.from, edit.block)),
    }
}

/// Ends a mutated lesson: what comes after the last block that must notice is not run, and no state is kept.
pub const STOP: &str = "stop-here";

/// The lesson with these mutations, as far as the last block that must notice. Blocks that show them try for six seconds
/// only, as they must not come right.
pub fn mutated(text: &str, mutations: &[&Mutation]) -> Result<String, String> {
    let mut text = text.to_owned();
    for mutation in mutations {
        for edit in mutation.edits() {
            let place = place(&text, edit).map_err(|why| format!("{}: {why}", mutation.what))?;
            text.replace_range(place, edit.to);
        }
        for block in mutation.shown_by() {
            shorten(&mut text, block).map_err(|why| format!("{}: {why}", mutation.what))?;
        }
    }
    let shown = |fence: &Fence<'_>| {
        mutations.iter().any(|mutation| mutation.shown_by().any(|block| block == fence.name))
    };
    let last = fences(&text).iter().filter(|fence| shown(fence)).map(|fence| fence.span.end).max();
    if let Some(last) = last {
        text.insert_str(last + "```\n".len(), &format!("\n```sh {{#{STOP}}}\nfalse\n```\n"));
    }
    Ok(text)
}

fn shorten(text: &mut String, block: &str) -> Result<(), String> {
    let fences = fences(text);
    let fence = fences.iter().find(|fence| fence.name == block);
    let fence = fence.ok_or_else(|| format!("there is no block `{block}`"))?;
    if let Some((_, time)) = fence.attributes.split_once("eventually=") {
        let time = time.split(' ').next().unwrap_or_default();
        let start = time.as_ptr().addr() - text.as_ptr().addr();
        let end = start + time.len();
        text.replace_range(start..end, "6s");
    }
    Ok(())
}
