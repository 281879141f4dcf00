//! What names a checkpoint.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::lesson::Fingerprint;

/// Raise it when what is kept, or how, has changed.
const FORMAT: u32 = 1;

/// A name for everything that led to a state: the blocks that ran, this build of the program, what the disks stand on,
/// the region's name. Two runs with the same key leave the same state behind, up to a renaming.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(String);

impl Key {
    /// `build` names this build of the program, `world` the image and all that disks stand on; `region` is the region's
    /// name. `tools` are programs of this machine that blocks use when they are there.
    pub fn new(fingerprint: &Fingerprint, build: &str, world: &str, region: &str, tools: &[&str]) -> Self {
        let mut hash = Sha256::new();
        hash.update(FORMAT.to_be_bytes());
        let parts = [build, world, region].into_iter().chain(tools.iter().copied());
        for part in parts {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        hash.update(fingerprint.as_bytes());
        Self(hash.finalize().iter().take(20).map(|byte| format!("{byte:02x}")).collect())
    }

    /// 40 hexadecimal digits: the directory's name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The key that a directory of this name has; none for other names.
    pub(super) fn parse(name: &str) -> Option<Self> {
        let fits = name.len() == 40 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
        fits.then(|| Self(name.to_owned()))
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lesson::{Course, NoShell};
    use crate::name::{LessonId, Os};
    use crate::source::SourceText;

    fn fingerprint(text: &str, os: Os) -> Fingerprint {
        let source = SourceText::new("lessons/01-a.md", text);
        let loaded = Course::check(vec![source], &[], &NoShell);
        let course = loaded.course.unwrap_or_else(|| panic!("{:?}", loaded.diagnostics));
        course.fingerprint(&LessonId::new("01-a").expect("valid"), os).expect("there")
    }

    fn key(text: &str) -> Key {
        Key::new(&fingerprint(text, Os::Debian), "1", "w", "us-east-1", &[])
    }

    const LESSON: &str =
        "# A\n\nProse.\n\n```sh {#one hint=\"x\" check}\ntrue\n```\n\n```sh {#two}\nA=1\n```\n";

    #[test]
    fn prose_hints_tests_and_what_is_shown_change_no_key() {
        let one = key(LESSON);
        for (from, to) in [
            ("Prose.", "Other prose."),
            ("# A", "# Another title"),
            ("hint=\"x\"", "hint=\"y\""),
            ("\ntrue\n", "\ntest -e file\n"),
            ("{#two}", "{#two show=none}"),
            ("{#two}", "{#two match=exit}"),
            ("{#two}", "{#two hidden}"),
        ] {
            assert_eq!(key(&LESSON.replace(from, to)), one, "{to}");
        }
    }

    #[test]
    fn what_runs_and_how_changes_the_key() {
        let one = key(LESSON);
        for (from, to) in [
            ("A=1", "A=2"),
            ("{#two}", "{#three}"),
            ("{#two}", "{#two timeout=5s}"),
            ("{#two}", "{#two exit=1}"),
            ("{#two}", "{#two eventually=5s}"),
        ] {
            assert_ne!(key(&LESSON.replace(from, to)), one, "{to}");
        }
    }

    #[test]
    fn so_do_system_build_image_region_and_tools() {
        let debian = fingerprint(LESSON, Os::Debian);
        let one = Key::new(&debian, "1", "w", "us-east-1", &[]);
        assert_eq!(one, key(LESSON));
        assert_ne!(one, Key::new(&fingerprint(LESSON, Os::Al2023), "1", "w", "us-east-1", &[]));
        assert_ne!(one, Key::new(&debian, "2", "w", "us-east-1", &[]));
        assert_ne!(one, Key::new(&debian, "1", "v", "us-east-1", &[]));
        assert_ne!(one, Key::new(&debian, "1", "w", "us-east-2", &[]));
        assert_ne!(one, Key::new(&debian, "1", "w", "us-east-1", &["chromium"]));
    }

    #[test]
    fn only_keys_name_checkpoints() {
        let one = key(LESSON);
        assert_eq!(Key::parse(one.as_str()), Some(one));
        for name in ["", "states", "lock", "..", &"x".repeat(40)] {
            assert_eq!(Key::parse(name), None, "{name}");
        }
    }
}
