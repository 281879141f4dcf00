//! A lesson, and how one comes out of a text.

use crate::lesson::block::Block;
use crate::lesson::fence::{Fence, FenceEnd};
use crate::lesson::markdown::{Barred, Heading, Link, Markdown};
use crate::lesson::problems::Problems;
use crate::lesson::typed;
use crate::name::{BlockName, LessonId, NameError, Os};
use crate::source::{SourceText, Span};

/// A lesson without mistakes.
#[derive(Clone, Debug, PartialEq)]
pub struct Lesson {
    /// Its file's name.
    pub id: LessonId,
    /// Its first heading, as plain text.
    pub title: String,
    /// The whole text.
    pub source: SourceText,
    /// Prose and blocks in order. Together they are the whole text: see [`Item::span`].
    pub items: Vec<Item>,
}

/// A piece of a lesson.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// Markdown that is shown and never run: everything between two blocks.
    Prose(Span),
    /// A block.
    Block(Box<Block>),
}

impl Item {
    /// Where it stands. The spans of a lesson's items follow each other without a gap or an overlap.
    pub fn span(&self) -> Span {
        match self {
            Self::Prose(span) => *span,
            Self::Block(block) => block.span,
        }
    }
}

impl Lesson {
    /// All blocks in order, also variants for other systems and checks.
    pub fn blocks(&self) -> impl DoubleEndedIterator<Item = &Block> {
        self.items.iter().filter_map(|item| match item {
            Item::Block(block) => Some(&**block),
            Item::Prose(_) => None,
        })
    }

    /// The blocks that a run on `os` runs, in order: the story, without the checks.
    pub fn story(&self, os: Os) -> impl DoubleEndedIterator<Item = &Block> {
        self.blocks().filter(move |block| block.runs_on(os) && !block.is_check())
    }

    /// The checks for `os`, in order.
    pub fn checks(&self, os: Os) -> impl DoubleEndedIterator<Item = &Block> {
        self.blocks().filter(move |block| block.runs_on(os) && block.is_check())
    }

    /// The block of that name that runs on `os`.
    pub fn block(&self, name: &BlockName, os: Os) -> Option<&Block> {
        self.blocks().find(|block| block.name == *name && block.runs_on(os))
    }
}

/// A lesson in which mistakes may have been passed over, with what the rules need to know besides.
pub(crate) struct Draft {
    pub lesson: Lesson,
    pub headings: Vec<Heading>,
    pub fences: Vec<Fence>,
    pub links: Vec<Link>,
    pub barred: Vec<Barred>,
}

impl Draft {
    /// Reads the text to which `problems` belongs.
    pub fn read(problems: &mut Problems<'_>) -> Self {
        let source = problems.source();
        let Markdown { headings, fences, links, barred } = Markdown::parse(source.text());
        let id = id(source, problems);
        let title = title(&headings, problems);
        let mut items = Vec::new();
        let mut at = 0;
        for block in fences.iter().filter_map(|fence| typed::block(fence, problems)) {
            if block.span.start > at {
                items.push(Item::Prose(Span::new(at, block.span.start)));
            }
            at = block.span.end;
            items.push(Item::Block(Box::new(block)));
        }
        if at < source.text().len() {
            items.push(Item::Prose(Span::new(at, source.text().len())));
        }
        let lesson = Lesson { id, title, source: source.clone(), items };
        Self { lesson, headings, fences, links, barred }
    }
}

impl Draft {
    /// Whether the fence of `block` has a closing line. If not, nobody knows where its text ends.
    pub fn is_closed(&self, block: &Block) -> bool {
        self.fences.iter().any(|fence| fence.span == block.span && fence.end == FenceEnd::Closed)
    }
}

fn id(source: &SourceText, problems: &mut Problems<'_>) -> LessonId {
    LessonId::from_path(source.path()).unwrap_or_else(|NameError { text, rule, .. }| {
        problems
            .file_error("bad-file-name", format!("the file name `{text}` cannot be the id of a lesson"))
            .help(rule);
        // A lesson with such a name is never handed out.
        LessonId::new("unnamed").expect("a valid id")
    })
}

fn title(headings: &[Heading], problems: &mut Problems<'_>) -> String {
    match headings.first() {
        Some(first) if first.level == 1 && !first.text.trim().is_empty() => first.text.trim().to_owned(),
        Some(first) => {
            let message =
                if first.level == 1 { "the title is empty" } else { "the first heading is not a title" };
            let text = first.text.clone();
            problems
                .error("no-title", first.span, message)
                .help("the first heading is the title of the lesson: `# A private subnet`");
            text
        }
        None => {
            problems
                .file_error("no-title", "this lesson has no heading")
                .help("the first heading is the title of the lesson: `# A private subnet`");
            String::new()
        }
    }
}
