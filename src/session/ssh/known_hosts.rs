//! Host keys, pinned by instance id: read once from the console output, then compared at each connection.

use std::io;
use std::path::PathBuf;

/// The caller's store of pinned host keys. A key is `TYPE BASE64`, as in a known-hosts file, without comment.
pub trait KnownHosts: Send + Sync {
    /// The keys pinned for an instance; empty when none are.
    fn keys(&self, instance: &str) -> Vec<String>;
    /// Pins keys for an instance.
    fn pin(&self, instance: &str, keys: &[String]) -> io::Result<()>;
}

/// Pinned keys in a file of lines `INSTANCE TYPE BASE64`.
#[derive(Debug, Clone)]
pub struct FileKnownHosts {
    _path: PathBuf,
}

impl FileKnownHosts {
    /// The store at `path`; the file may not exist yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { _path: path.into() }
    }
}

impl KnownHosts for FileKnownHosts {
    fn keys(&self, _instance: &str) -> Vec<String> {
        todo!()
    }

    fn pin(&self, _instance: &str, _keys: &[String]) -> io::Result<()> {
        todo!()
    }
}

/// The host keys between the `SSH HOST KEY KEYS` lines of an instance's console output. When the output shows several
/// boots, the keys of the last one.
pub fn parse_console_keys(_console: &str) -> Vec<String> {
    todo!()
}
