//! mdBook's side: chapters in, chapters with results out.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use mdbook_preprocessor::book::{Book, BookItem, Chapter};
use mdbook_preprocessor::config::BookConfig;
use mdbook_preprocessor::errors::{Error, Result};
use mdbook_preprocessor::{Preprocessor, PreprocessorContext, parse_input};

use super::contents::{self, Entry};
use super::error::BookError;
use super::names::Names;
use super::page;
use super::pictures::Pictures;
use super::prose::Prose;
use super::recordings::Recordings;
use super::results::Results;
use super::shell::Values;
use crate::diagnostic;
use crate::lesson::{Block, Course, Lesson, NoShell};
use crate::name::LessonId;
use crate::secret::Secrets;
use crate::snapshot::Store;
use crate::source::{SourceText, unseen};

/// The preprocessor `lab`.
#[derive(Clone, Debug, Default)]
pub struct Lab {
    pictures: Pictures,
}

impl Lab {
    /// One whose pages find their pictures in files beside them.
    pub(super) fn with_pictures(pictures: Pictures) -> Self {
        Self { pictures }
    }
}

impl Preprocessor for Lab {
    fn name(&self) -> &'static str {
        "lab"
    }

    fn run(&self, context: &PreprocessorContext, mut book: Book) -> Result<Book> {
        let written =
            write(&context.root, &context.config.book, &book, &self.pictures).map_err(Error::new)?;
        let mut pages = written.pages.into_iter();
        // The same walk as in `lessons`, so the pages come in the chapters' order.
        book.for_each_chapter_mut(|chapter| {
            chapter.name = unseen::shown(&chapter.name).into_owned();
            if lesson_id(chapter).is_none() {
                chapter.content = Prose::new(&chapter.content).whole();
            } else if let Some(page) = pages.next() {
                chapter.content = page;
            }
        });
        if let Some(first) = written.first {
            book.items.insert(0, BookItem::Chapter(first));
        }
        Ok(book)
    }

    fn supports_renderer(&self, renderer: &str) -> Result<bool> {
        Ok(matches!(renderer, "html" | "markdown"))
    }
}

/// The preprocessor as a program, as mdBook calls it: `supports RENDERER`, or a book on standard input. Returns whether
/// the answer is yes.
///
/// # Errors
/// When the input is no book, or one that cannot be written.
pub fn preprocess(arguments: &[String], input: impl Read, output: impl Write) -> Result<bool, BookError> {
    if let [verb, renderer] = arguments
        && verb == "supports"
    {
        return Lab::default().supports_renderer(renderer).map_err(BookError::mdbook);
    }
    let (context, book) = parse_input(input).map_err(BookError::mdbook)?;
    let book = Lab::default().run(&context, book).map_err(BookError::mdbook)?;
    serde_json::to_writer(output, &book).map_err(|error| BookError::mdbook(error.into()))?;
    Ok(true)
}

/// What becomes of a book.
struct Written {
    /// The pages of all lessons, in order.
    pages: Vec<String>,
    /// A first page, for a book that begins with a lesson.
    first: Option<Chapter>,
}

fn write(root: &Path, config: &BookConfig, book: &Book, pictures: &Pictures) -> Result<Written, BookError> {
    let chapters = lessons(book);
    let course = course(root, &config.src, &chapters)?;
    let secrets = Secrets::default();
    let blocks = course.lessons.iter().flat_map(Lesson::blocks);
    blocks.flat_map(Block::typed_secrets).for_each(|secret| secrets.add(secret));
    let results = Results::new(Store::new(root), secrets);
    let mut names = Names::default();
    let mut values = Values::new();
    let mut pages = Vec::new();
    let mut recordings = Recordings::default();
    for lesson in &course.lessons {
        // Names first: the hover text of an id is the same wherever on the page it stands.
        for block in lesson.blocks() {
            if let Some(record) = results.of(lesson, block)? {
                names.learn(block, &record);
            }
        }
        let (page, recorded) = page::write(lesson, &results, &names, pictures, &mut values)?;
        pages.push(page);
        recordings.extend(recorded);
    }
    let begins_with_a_lesson = book.iter().find_map(|item| match item {
        BookItem::Chapter(chapter) => Some(lesson_id(chapter).is_some()),
        BookItem::Separator | BookItem::PartTitle(_) => None,
    });
    let first = (begins_with_a_lesson == Some(true)).then(|| {
        let lessons = course.lessons.iter().zip(&chapters);
        let entries = lessons.map(|(lesson, (path, chapter))| Entry {
            lesson,
            number: chapter.number.as_ref().map(ToString::to_string),
            page: chapter.path.as_deref().unwrap_or(path),
        });
        let entries: Vec<_> = entries.collect();
        contents::chapter(config.title.as_deref(), config.description.as_deref(), &entries, &recordings)
    });
    Ok(Written { pages, first })
}

/// The book's lessons, from the text that mdBook has read.
fn course(root: &Path, source: &Path, lessons: &[(&Path, &Chapter)]) -> Result<Course, BookError> {
    let lessons = lessons.iter();
    let texts =
        lessons.map(|(path, chapter)| SourceText::new(source.join(path), chapter.content.clone())).collect();
    let directory = root.join(source);
    let entries = std::fs::read_dir(&directory).map_err(|source| BookError::Io {
        what: "list",
        path: directory,
        source,
    })?;
    let pages: Vec<PathBuf> = entries.flatten().map(|entry| source.join(entry.file_name())).collect();
    let loaded = Course::check(texts, &pages, &NoShell);
    loaded.course.ok_or_else(|| {
        let errors: Vec<_> = loaded
            .diagnostics
            .into_iter()
            .filter(|one| one.severity == diagnostic::Severity::Error)
            .collect();
        BookError::Lessons(diagnostic::render(&errors, &loaded.sources, false))
    })
}

/// The chapters that are lessons, in order, with the files that they were read from.
fn lessons(book: &Book) -> Vec<(&Path, &Chapter)> {
    let chapters = book.iter().filter_map(|item| match item {
        BookItem::Chapter(chapter) => Some(chapter),
        BookItem::Separator | BookItem::PartTitle(_) => None,
    });
    chapters
        .filter_map(|chapter| {
            lesson_id(chapter).and(chapter.source_path.as_deref()).map(|path| (path, chapter))
        })
        .collect()
}

/// The lesson that a chapter is; other pages and drafts are left as they are.
fn lesson_id(chapter: &Chapter) -> Option<LessonId> {
    LessonId::from_path(chapter.source_path.as_deref()?).ok()
}
