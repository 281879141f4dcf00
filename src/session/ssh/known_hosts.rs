//! Host keys, pinned by instance id: read once from the console output, then compared at each connection.

use std::fs;
use std::io::{self, Write as _};
use std::path::PathBuf;

use crate::private;

/// The caller's store of pinned host keys. A key is `TYPE BASE64`, as in a known-hosts file, without comment.
pub trait KnownHosts: Send + Sync {
    /// The keys pinned for an instance; empty when none are.
    fn keys(&self, instance: &str) -> Vec<String>;
    /// Pins keys for an instance that has none.
    fn pin(&self, instance: &str, keys: &[String]) -> io::Result<()>;
}

/// Pinned keys in a file of lines `INSTANCE TYPE BASE64`.
#[derive(Debug, Clone)]
pub struct FileKnownHosts {
    path: PathBuf,
}

impl FileKnownHosts {
    /// The store at `path`; the file may not exist yet, its directory must.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }
}

impl KnownHosts for FileKnownHosts {
    fn keys(&self, instance: &str) -> Vec<String> {
        let text = fs::read_to_string(&self.path).unwrap_or_default();
        text.lines()
            .filter_map(|line| line.split_once(' '))
            .filter(|(of, _)| *of == instance)
            .map(|(_, key)| key.to_owned())
            .collect()
    }

    fn pin(&self, instance: &str, keys: &[String]) -> io::Result<()> {
        let lines: String = keys.iter().map(|key| format!("{instance} {key}\n")).collect();
        private::append(&self.path)?.write_all(lines.as_bytes())
    }
}

/// The host keys between the `SSH HOST KEY KEYS` lines of an instance's console output, as `TYPE BASE64`. When the
/// output shows several boots, the keys of the last complete block.
pub fn parse_console_keys(console: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut block: Option<Vec<String>> = None;
    for line in console.lines() {
        if line.contains("-----BEGIN SSH HOST KEY KEYS-----") {
            block = Some(Vec::new());
        } else if line.contains("-----END SSH HOST KEY KEYS-----") {
            if let Some(keys) = block.take()
                && !keys.is_empty()
            {
                found = keys;
            }
        } else if let Some(keys) = &mut block {
            keys.extend(key_in(line));
        }
    }
    found
}

/// The key in a line that may begin with what a console puts before it (`ci-info: `, a time in brackets).
fn key_in(line: &str) -> Option<String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let at = words.iter().position(|word| word.starts_with("ssh-") || word.starts_with("ecdsa-sha2-"))?;
    let key = format!("{} {}", words[at], words.get(at + 1)?);
    key.parse::<russh::keys::PublicKey>().is_ok().then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ED25519: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEKuQbk2jkwBjnpyHXsWoCj3j7dXxXk0ckAwEi4k8p9z";
    const OTHER: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPvl0qTpOkzzVcLX5J1ZXbnWPpf1cTPBKNBXtKrH4SHM";

    #[test]
    fn keys_are_read_from_the_last_complete_block() {
        let console = format!(
            "boot\n-----BEGIN SSH HOST KEY FINGERPRINTS-----\n256 SHA256:abc\n-----END SSH HOST KEY FINGERPRINTS-----\n\
             -----BEGIN SSH HOST KEY KEYS-----\n{OTHER} root@old\n-----END SSH HOST KEY KEYS-----\n\
             [   12.3] cloud-init[311]: -----BEGIN SSH HOST KEY KEYS-----\r\n[   12.3] cloud-init[311]: {ED25519} root@ip-10-0-1-10\r\nssh-rsa junk\r\n\
             -----END SSH HOST KEY KEYS-----\r\n-----BEGIN SSH HOST KEY KEYS-----\n{OTHER}\n"
        );
        assert_eq!(parse_console_keys(&console), [ED25519]);
        assert!(parse_console_keys("nothing").is_empty());
    }

    #[test]
    fn keys_are_pinned_by_instance() {
        let dir = tempfile::tempdir().expect("a directory");
        let store = FileKnownHosts::new(dir.path().join("known"));
        assert!(store.keys("i-1").is_empty());
        store.pin("i-1", &[ED25519.to_owned(), OTHER.to_owned()]).expect("pins");
        store.pin("i-12", &[OTHER.to_owned()]).expect("pins");
        assert_eq!(store.keys("i-1"), [ED25519, OTHER]);
        assert_eq!(store.keys("i-12"), [OTHER]);
    }
}
