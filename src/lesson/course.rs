//! All lessons in their order.

use std::io;
use std::path::{Path, PathBuf};

use crate::diagnostic::Diagnostic;
use crate::lesson::document::Lesson;
use crate::lesson::fingerprint::Fingerprint;
use crate::lesson::syntax::ShellSyntax;
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
        let _ = (directory, library, shell);
        todo!()
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

    /// The fingerprint of everything that runs on `os` up to and with the lesson `id`.
    pub fn fingerprint(&self, id: &LessonId, os: Os) -> Option<Fingerprint> {
        let _ = (id, os);
        todo!()
    }
}
