//! Pictures of pages that stand beside the records: files of the book, or in the page itself.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::error::BookError;
use super::html::Html;

/// The directory of the book where they are.
const DIRECTORY: &str = "pictures";
/// How every PNG begins.
const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";

/// How a page holds its pictures.
#[derive(Clone, Debug, Default)]
pub(super) enum Pictures {
    /// In itself. A preprocessor cannot add files to a book.
    #[default]
    Within,
    /// As files; those that pages show are noted, to be copied when the book is built.
    Beside(Rc<RefCell<BTreeSet<PathBuf>>>),
}

impl Pictures {
    /// The picture in this file as an element; as a file it can also be opened by itself, in its own size.
    pub fn html(&self, path: &Path, alt: &str) -> Result<Html, BookError> {
        let failed = |what: &'static str| move |source| BookError::Io { what, path: path.to_owned(), source };
        let bytes = fs::read(path).map_err(failed("read"))?;
        let (width, height) =
            size(&bytes).ok_or_else(|| failed("show")(std::io::Error::other("it is no PNG")))?;
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let source = match self {
            Self::Within => format!("data:image/png;base64,{}", STANDARD.encode(&bytes)),
            Self::Beside(shown) => {
                shown.borrow_mut().insert(path.to_owned());
                format!("{DIRECTORY}/{name}")
            }
        };
        // With its size, the page does not jump when it arrives.
        let (width, height) = (width.to_string(), height.to_string());
        let attributes = [
            ("src", source.as_str()),
            ("alt", alt),
            ("width", &width),
            ("height", &height),
            ("loading", "lazy"),
        ];
        let image = Html::new().and_void("img", &attributes);
        let image = match self {
            Self::Within => image,
            Self::Beside(_) => Html::element("a", &[("href", &source)], image),
        };
        Ok(Html::element("div", &[("class", "lab-picture")], image))
    }

    /// Copies what pages show into the book.
    pub fn copy_to(&self, book: &Path) -> Result<(), BookError> {
        let Self::Beside(shown) = self else { return Ok(()) };
        let directory = book.join(DIRECTORY);
        for path in shown.borrow().iter() {
            let copy = || {
                fs::create_dir_all(&directory)?;
                fs::copy(path, directory.join(path.file_name().unwrap_or_default()))
            };
            copy().map_err(|source| BookError::Io { what: "copy", path: path.clone(), source })?;
        }
        Ok(())
    }
}

/// Width and height in pixels.
fn size(png: &[u8]) -> Option<(u32, u32)> {
    let rest = png.strip_prefix(SIGNATURE)?;
    let number = |at: usize| rest.get(at..)?.first_chunk().map(|four| u32::from_be_bytes(*four));
    Some((number(0)?, number(4)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_stands_in_the_first_chunk() {
        let mut png = SIGNATURE.to_vec();
        png.extend([0, 0, 3, 0xc0, 0, 0, 2, 0xd0]);
        assert_eq!(size(&png), Some((960, 720)));
        assert_eq!(size(&png[..20]), None);
        assert_eq!(size(b"GIF89a"), None);
    }
}
