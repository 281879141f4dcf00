//! Which build of the program this is: a daemon and a command line that are not the same build do not understand each
//! other for sure, and the daemon's program file may be gone.

use std::os::unix::fs::MetadataExt as _;
use std::sync::OnceLock;

/// Version, and time and size of the program file: `0.1.0 (17f3a2c9e1-54a3f20)`.
pub fn id() -> &'static str {
    static ID: OnceLock<String> = OnceLock::new();
    ID.get_or_init(|| {
        let version = env!("CARGO_PKG_VERSION");
        // The link leads to the file that was started, also when another has taken its place.
        match std::fs::metadata("/proc/self/exe") {
            Ok(file) => {
                let time = file.mtime().wrapping_mul(1_000_000_000).wrapping_add(file.mtime_nsec());
                format!("{version} ({time:x}-{:x})", file.size())
            }
            Err(_) => version.to_owned(),
        }
    })
}
