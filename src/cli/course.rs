//! Finds the course, and loads it.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

use crate::cli::bash::BashSyntax;
use crate::cli::failure::Failure;
use crate::diagnostic::{self, Severity};
use crate::lesson::{Course, Library, Loaded};
use crate::name::{BlockName, LessonId};
use crate::output::ask_aside;

/// The lessons' directory below a course's root.
pub const LESSONS: &str = "lessons";

/// Reads lessons from disk.
struct Disk;

impl Library for Disk {
    fn read(&self, path: &Path) -> io::Result<String> {
        std::fs::read_to_string(path)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<PathBuf>> {
        std::fs::read_dir(path)?.map(|entry| entry.map(|entry| entry.path())).collect()
    }
}

/// The directory that holds `lessons/SUMMARY.md`: the one given, or the nearest one upwards from the lessons named or
/// from here.
pub fn root(given: Option<&Path>, named: &[PathBuf]) -> Result<PathBuf, Failure> {
    let is_root = |path: &Path| path.join(LESSONS).join("SUMMARY.md").is_file();
    if let Some(given) = given {
        return if is_root(given) {
            absolute(given)
        } else {
            Err(Failure::usage(format!(
                "failed to find a course in {}: it holds no lessons/SUMMARY.md",
                given.display()
            )))
        };
    }
    let mut from: Vec<PathBuf> = named.iter().filter(|path| path.exists()).cloned().collect();
    from.push(PathBuf::from("."));
    for start in from {
        let start = absolute(&start)?;
        if let Some(root) = start.ancestors().find(|path| is_root(path)) {
            return Ok(root.to_owned());
        }
    }
    Err(Failure::usage("failed to find a course: no directory from here upwards holds lessons/SUMMARY.md")
        .hint("go to the course's directory, or name it with -C DIR"))
}

fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    path.canonicalize().map_err(|error| Failure::usage(format!("failed to open {}: {error}", path.display())))
}

/// Loads and checks the whole course.
pub fn load(root: &Path) -> Loaded {
    // Paths as a person would type them from the course's directory.
    let here = std::env::current_dir().ok();
    let directory = if here.as_deref() == Some(root) { PathBuf::from(LESSONS) } else { root.join(LESSONS) };
    Course::load(&directory, &Disk, &BashSyntax)
}

/// Loads the course for a run: mistakes are printed, and an error among them ends the command.
pub fn load_faultless(root: &Path) -> Result<Course, Failure> {
    let loaded = load(root);
    let errors: Vec<_> =
        loaded.diagnostics.iter().filter(|d| d.severity == Severity::Error).cloned().collect();
    match loaded.course {
        Some(course) => Ok(course),
        None => {
            let colour = color_on_stderr();
            ask_aside!("{}", diagnostic::render(&errors, &loaded.sources, colour));
            let count = errors.len();
            let noun = if count == 1 { "mistake" } else { "mistakes" };
            Err(Failure::usage(format!("nothing was run: the course has {count} {noun}")))
        }
    }
}

/// Whether standard error takes colours.
pub fn color_on_stderr() -> bool {
    anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never
}

/// The ids of lessons named on the command line, as files of the course in `root` or as ids.
pub fn ids(root: &Path, named: &[PathBuf]) -> Result<Vec<LessonId>, Failure> {
    named.iter().map(|path| id(root, path)).collect()
}

fn id(root: &Path, path: &Path) -> Result<LessonId, Failure> {
    let id = LessonId::from_path(path).map_err(|error| Failure::usage(format!("failed to {error}")))?;
    // Another file of the same name is not what the course would run.
    if path.is_file() && absolute(path)?.parent() != Some(absolute(&root.join(LESSONS))?.as_path()) {
        return Err(Failure::usage(format!(
            "failed to find {} in the course: it is no file of {}",
            path.display(),
            root.join(LESSONS).display()
        ))
        .hint("name a lesson of that course, or another course with -C DIR"));
    }
    Ok(id)
}

/// Where each block's fence begins, for annotations.
pub fn lines(course: &Course) -> HashMap<(LessonId, BlockName), usize> {
    let lessons = course.lessons.iter();
    lessons
        .flat_map(|lesson| {
            lesson.blocks().map(|block| {
                ((lesson.id.clone(), block.name.clone()), lesson.source.position(block.span.start).line)
            })
        })
        .collect()
}
