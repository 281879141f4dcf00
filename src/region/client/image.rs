//! Whether a start of the region has to build the instances' image.

use super::super::image::key;
use super::{Paths, world};

/// Whether the image of this build of the program is there. Where only root may look, what the last daemon over that image
/// has noted tells.
pub fn has_image(paths: &Paths) -> bool {
    let root = paths.images().join(key()).join("root");
    root.try_exists().unwrap_or_else(|_| world(paths).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_there_or_not() {
        let directory = tempfile::tempdir().expect("a directory");
        let paths = Paths { state: directory.path().join("state"), cache: directory.path().join("cache") };
        assert!(!has_image(&paths));
        let place = paths.images().join(key());
        std::fs::create_dir_all(&place).expect("a directory");
        assert!(!has_image(&paths));
        std::fs::create_dir(place.join("root")).expect("a directory");
        assert!(has_image(&paths));
    }
}
