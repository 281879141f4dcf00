//! What every disk of this machine's regions stands on: the image and the region's certificate authority.
//!
//! A disk means nothing over another image, and a guest may have copied the authority's certificate into its own
//! bundle. The daemon writes down what it found, so that the runner knows without it.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::PathBuf;

use sha2::{Digest, Sha256};

use crate::region::client::Paths;
use crate::region::image::{self, Image};
use crate::region::tree::replace;

/// Write down what this daemon's disks stand on, in a file that its owner can read. Answers the same.
pub(crate) fn note(paths: &Paths, image: &Image, certificate: &str, owner: (u32, u32)) -> io::Result<String> {
    // An image that was built anew has the same recipe and other packages.
    let root = fs::metadata(image.root.parent().unwrap_or(&image.root))?;
    let mut hash = Sha256::new();
    hash.update(format!("{}\0{}\0{}\0{}\0", image.key, root.ino(), root.mtime(), root.mtime_nsec()));
    hash.update(certificate);
    let world = hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect::<String>();
    let directory = paths.checkpoints();
    if !directory.exists() {
        fs::create_dir_all(&directory)?;
        fs::set_permissions(&directory, Permissions::from_mode(0o700))?;
        chown(&directory, Some(owner.0), Some(owner.1))?;
    }
    let file = file(paths, &image.key);
    replace(&file, world.as_bytes())?;
    fs::set_permissions(&file, Permissions::from_mode(0o644))?;
    Ok(world)
}

/// What the last daemon of this build found; none if there was none.
pub fn read(paths: &Paths) -> Option<String> {
    fs::read_to_string(file(paths, &image::key())).ok().filter(|world| !world.is_empty())
}

fn file(paths: &Paths, image: &str) -> PathBuf {
    paths.checkpoints().join(format!("{image}.world"))
}
