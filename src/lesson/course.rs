//! All lessons in their order.

use std::io;
use std::path::{Path, PathBuf};

use crate::diagnostic::{Diagnostic, has_errors};
use crate::lesson::document::{Draft, Lesson};
use crate::lesson::fingerprint::Fingerprint;
use crate::lesson::problems::Problems;
use crate::lesson::syntax::ShellSyntax;
use crate::lesson::{lint, summary};
use crate::name::{LessonId, Os};
use crate::source::SourceText;

/// The order in `SUMMARY.md` is the only dependency: a lesson builds on all before it.
#[derive(Clone, Debug, PartialEq)]
pub struct Course {
    /// The lessons in order.
    pub lessons: Vec<Lesson>,
}

/// Where a course is read from: the one place where loading touches the world.
pub trait Library {
    /// The text of the file at `path`.
    ///
    /// # Errors
    /// As the file system says; text that is not UTF-8 is [`io::ErrorKind::InvalidData`].
    fn read(&self, path: &Path) -> io::Result<String>;

    /// The paths of the files in the directory `path`, in any order.
    ///
    /// # Errors
    /// As the file system says.
    fn list(&self, path: &Path) -> io::Result<Vec<PathBuf>>;
}

/// What loading a course gives: everything that was found wrong, and the course when nothing bars a run.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The course; none when one of the diagnostics is an error.
    pub course: Option<Course>,
    /// All that was found, in the order of the lessons and of their texts.
    pub diagnostics: Vec<Diagnostic>,
    /// All texts that were read, for [`crate::diagnostic::render`].
    pub sources: Vec<SourceText>,
}

impl Course {
    /// Reads `SUMMARY.md` and the lessons of `directory`, and checks all of them.
    pub fn load(directory: &Path, library: &dyn Library, shell: &dyn ShellSyntax) -> Loaded {
        let path = directory.join(summary::FILE);
        let present = library.list(directory).unwrap_or_default();
        let summary = match read(library, &path) {
            Ok(summary) => summary,
            Err(diagnostic) => {
                return Loaded { course: None, diagnostics: vec![*diagnostic], sources: Vec::new() };
            }
        };
        let (paths, mut diagnostics) = summary::lessons(&summary, &present);
        let mut sources = Vec::new();
        for path in paths {
            match read(library, &path) {
                Ok(source) => sources.push(source),
                Err(diagnostic) => diagnostics.push(*diagnostic),
            }
        }
        let mut loaded = Self::check(sources, &present, shell);
        loaded.diagnostics.splice(0..0, diagnostics);
        loaded.sources.push(summary);
        if has_errors(&loaded.diagnostics) {
            loaded.course = None;
        }
        loaded
    }

    /// Checks the lessons in `sources`, in that order. `pages` are files beside them that links may lead to.
    pub fn check(sources: Vec<SourceText>, pages: &[PathBuf], shell: &dyn ShellSyntax) -> Loaded {
        let mut problems: Vec<_> = sources.iter().map(Problems::new).collect();
        let drafts: Vec<_> = problems.iter_mut().map(Draft::read).collect();
        lint::check(&drafts, pages, shell, &mut problems);
        let diagnostics: Vec<_> = problems.into_iter().flat_map(Problems::into_diagnostics).collect();
        let course = (!has_errors(&diagnostics))
            .then(|| Self { lessons: drafts.into_iter().map(|draft| draft.lesson).collect() });
        Loaded { course, diagnostics, sources }
    }

    /// The lesson with that id.
    pub fn lesson(&self, id: &LessonId) -> Option<&Lesson> {
        self.lessons.iter().find(|lesson| lesson.id == *id)
    }

    /// The lessons up to and with `id`. None when there is no such lesson.
    pub fn until(&self, id: &LessonId) -> Option<&[Lesson]> {
        let at = self.lessons.iter().position(|lesson| lesson.id == *id)?;
        Some(&self.lessons[..=at])
    }

    /// The fingerprint of everything that runs on `os` up to and with the lesson `id`. None when there is no such lesson.
    pub fn fingerprint(&self, id: &LessonId, os: Os) -> Option<Fingerprint> {
        let lessons = self.until(id)?;
        Some(lessons.iter().fold(Fingerprint::start(os), |before, lesson| before.after(lesson, os)))
    }
}

fn read(library: &dyn Library, path: &Path) -> Result<SourceText, Box<Diagnostic>> {
    library.read(path).map(|text| SourceText::new(path, text)).map_err(|error| {
        let message = match error.kind() {
            io::ErrorKind::NotFound => "this file does not exist".to_owned(),
            io::ErrorKind::InvalidData => "this file is not UTF-8".to_owned(),
            _ => format!("this file cannot be read: {error}"),
        };
        let diagnostic = Diagnostic::file("unreadable", path, message);
        Box::new(match path.file_name() {
            Some(name) if name == summary::FILE => diagnostic.help("it lists the lessons in their order"),
            _ => diagnostic,
        })
    })
}
