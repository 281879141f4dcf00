//! What every disk of this machine's regions stands on: the image and the region's certificate authority.
//!
//! A disk means nothing over another image, and a guest may have copied the authority's certificate into its own
//! bundle. The daemon writes down what it found, so that the runner knows without it.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;

use sha2::{Digest, Sha256};

use crate::region::client::Paths;
use crate::region::image::{self, Image};
use crate::region::tree::Launch;

/// Write down what this daemon's disks stand on, in a file that its owner can read. Answers the same.
pub(crate) fn note(launch: &Launch, image: &Image, certificate: &str) -> io::Result<String> {
    // An image that was built anew has the same recipe and other packages.
    let root = fs::metadata(image.root.parent().unwrap_or(&image.root))?;
    let mut hash = Sha256::new();
    hash.update(format!("{}\0{}\0{}\0{}\0", image.key, root.ino(), root.mtime(), root.mtime_nsec()));
    hash.update(certificate);
    let world = hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect::<String>();
    launch.checkpoints()?.replace(&file(&image.key), world.as_bytes(), (launch.uid, launch.gid))?;
    Ok(world)
}

/// What the last daemon of this build found; none if there was none.
pub fn read(paths: &Paths) -> Option<String> {
    let file = paths.checkpoints().join(file(&image::key()));
    fs::read_to_string(file).ok().filter(|world| !world.is_empty())
}

fn file(image: &str) -> String {
    format!("{image}.world")
}
