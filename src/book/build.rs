//! The book as files.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use mdbook_driver::MDBook;
use mdbook_driver::config::Config;

use super::error::BookError;
use super::pictures::Pictures;
use super::preprocessor::Lab;

/// Builds the book of the course at `root` into `out`, or where its `book.toml` says. What is in that directory is
/// replaced. Returns the directory.
///
/// # Errors
/// When lessons have mistakes, records cannot be read, or files cannot be written.
pub fn build(root: &Path, out: Option<&Path>) -> Result<PathBuf, BookError> {
    build_with(root, out, |_| Ok(()))
}

/// The same, with settings changed before anything is read.
pub(super) fn build_with(
    root: &Path,
    out: Option<&Path>,
    settings: impl FnOnce(&mut Config) -> Result<(), mdbook_driver::errors::Error>,
) -> Result<PathBuf, BookError> {
    let io = |source| BookError::Io { what: "find", path: root.to_owned(), source };
    let root = std::path::absolute(root).map_err(io)?;
    let file = root.join("book.toml");
    let mut config =
        if file.exists() { Config::from_disk(&file).map_err(BookError::mdbook)? } else { Config::default() };
    config.update_from_env().map_err(BookError::mdbook)?;
    if !file.exists() {
        config.book.src = "lessons".into();
        config.build.build_dir = "target/book".into();
    }
    // A build never writes into the lessons, and never expands anything: recorded text may look like a directive.
    config.build.create_missing = false;
    config.build.use_default_preprocessors = false;
    if let Some(out) = out {
        // Relative to where the person is, not to the book.
        config.build.build_dir = std::path::absolute(out).map_err(io)?;
    }
    settings(&mut config).map_err(BookError::mdbook)?;
    let mut book = MDBook::load_with_config(&root, config).map_err(BookError::mdbook)?;
    // Takes the place of the command of the same name in `book.toml`.
    let pictures = Pictures::Beside(Rc::default());
    book.with_preprocessor(Lab::with_pictures(pictures.clone()));
    book.build().map_err(BookError::mdbook)?;
    let pages = book.build_dir_for("html");
    pictures.copy_to(&pages)?;
    Ok(pages)
}
