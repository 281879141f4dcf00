//! A lesson, and how one comes out of a text.

use crate::lesson::block::Block;
use crate::name::{BlockName, LessonId, Os};
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
