//! Paths in the archive.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// What is not escaped in an address: as apt does it, so that a `+` is not taken for a space.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// Which of the two archives of Debian.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Archive {
    Main,
    Security,
}

/// A path that is safe to be used as a file's and in an address: `debian/pool/main/a/apache2/..`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct ArchivePath(String);

impl ArchivePath {
    /// The path of a request, escapes and all. None for what is in neither archive.
    pub(super) fn parse(request: &str) -> Option<ArchivePath> {
        let path = percent_decode_str(request).decode_utf8().ok()?;
        let path = path.strip_prefix('/').unwrap_or(&path);
        let fine = |part: &str| {
            !part.is_empty()
                && !part.starts_with('.')
                && part.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
        };
        let path = ArchivePath(path.to_owned());
        (path.0.len() < 500 && path.0.split('/').all(fine) && path.split().is_some()).then_some(path)
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// The archive, and the address within it.
    pub(super) fn split(&self) -> Option<(Archive, String)> {
        let (archive, rest) = self.0.split_once('/')?;
        let archive = match archive {
            "debian" => Archive::Main,
            "debian-security" => Archive::Security,
            _ => return None,
        };
        Some((archive, utf8_percent_encode(rest, ESCAPED).to_string()))
    }

    /// Whether what is there never changes: packages have their versions, indices by hash their hashes in their names.
    pub(super) fn is_immutable(&self) -> bool {
        self.0.contains("/by-hash/") || self.0.split('/').nth(1) == Some("pool")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_archives_are_there() {
        let parse = |path| ArchivePath::parse(path).map(|path| path.as_str().to_owned());
        assert_eq!(parse("/debian/pool/main/a/a_1%2b2.deb").as_deref(), Some("debian/pool/main/a/a_1+2.deb"));
        assert_eq!(
            parse("/debian-security/dists/trixie-security/InRelease").as_deref(),
            Some("debian-security/dists/trixie-security/InRelease")
        );
        for bad in [
            "/",
            "/debian",
            "/debian/",
            "/other/x",
            "/debian/../x",
            "/debian/%2e%2e/x",
            "/debian//x",
            "/debian/a%00b",
            "/debian/.partial",
            "/debian/a b",
            "//etc/passwd",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn addresses_are_escaped_again() {
        let path = ArchivePath::parse("/debian/pool/main/c/c_1:2+b~3.deb").unwrap();
        assert_eq!(path.split(), Some((Archive::Main, "pool/main/c/c_1%3A2%2Bb~3.deb".to_owned())));
    }

    #[test]
    fn packages_and_indices_by_hash_stay_as_they_are() {
        let immutable = |path| ArchivePath::parse(path).unwrap().is_immutable();
        assert!(immutable("/debian/pool/main/a/a.deb"));
        assert!(immutable("/debian/dists/trixie/main/binary-amd64/by-hash/SHA256/00"));
        assert!(!immutable("/debian/dists/trixie/InRelease"));
        assert!(!immutable("/debian/dists/pool/InRelease"));
    }
}
