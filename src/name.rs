//! The names that a course is made of: lessons, blocks, hosts, variables and operating systems.
//!
//! Each is a checked string, so whatever holds one need not check it again. A name goes unchanged into file names
//! (`05-private-subnet__ping-db.snap`), shell words and reports, which is why the rules are narrow.

use std::borrow::Borrow;
use std::fmt;
use std::path::Path;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A text that cannot be a name of the kind wanted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("accept `{text}` as {what}: {rule}")]
pub struct NameError {
    /// The kind of name with its article: `a block name`.
    pub what: &'static str,
    /// What was given.
    pub text: String,
    /// The rule for such names, as one phrase.
    pub rule: &'static str,
}

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident, $what:literal, $rule:literal, $valid:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The kind of name with its article, for messages.
            pub const WHAT: &'static str = $what;
            /// The rule that such a name obeys, as one phrase.
            pub const RULE: &'static str = $rule;

            /// Checks `text` against [`Self::RULE`].
            pub fn new(text: impl Into<String>) -> Result<Self, NameError> {
                let text = text.into();
                let valid: fn(&str) -> bool = $valid;
                if valid(&text) { Ok(Self(text)) } else { Err(NameError { what: $what, text, rule: $rule }) }
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = NameError;
            fn from_str(text: &str) -> Result<Self, NameError> {
                Self::new(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;
            fn try_from(text: String) -> Result<Self, NameError> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl PartialEq<str> for $name {
            fn eq(&self, other: &str) -> bool {
                self.0 == other
            }
        }

        impl PartialEq<&str> for $name {
            fn eq(&self, other: &&str) -> bool {
                self.0 == *other
            }
        }
    )*};
}

names! {
    /// A lesson: the name of its file without `.md`, such as `05-private-subnet`.
    LessonId, "a lesson id", "use lower-case letters, digits and single hyphens, such as `05-private-subnet`", is_kebab;

    /// A block within a lesson, such as `create-subnet`; a verb phrase.
    BlockName, "a block name", "use lower-case letters, digits and single hyphens, starting with a letter, such as `create-subnet`",
        |text| is_kebab(text) && text.starts_with(|c: char| c.is_ascii_lowercase());

    /// A host: `laptop`, or the `Name` tag of an instance.
    HostName, "a host name", "use letters, digits, `.`, `_` and `-`, starting with a letter or a digit, such as `web`",
        |text| {
            text.len() <= 255
                && text.starts_with(|c: char| c.is_ascii_alphanumeric())
                && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
        };

    /// A shell variable, such as `SUBNET`.
    VarName, "a variable name", "use letters, digits and `_`, not starting with a digit, such as `SUBNET`",
        |text| {
            text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        };
}

fn is_kebab(text: &str) -> bool {
    text.split('-')
        .all(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()))
}

impl LessonId {
    /// The id of the lesson in the file at `path`.
    ///
    /// # Errors
    /// When the file's name without its extension is not an id; the error shows the whole file name.
    pub fn from_path(path: &Path) -> Result<Self, NameError> {
        let shown = path.file_name().unwrap_or_default().to_string_lossy();
        let stem = shown.strip_suffix(".md").unwrap_or(&shown);
        Self::new(stem).map_err(|error| NameError { text: shown.to_string(), ..error })
    }
}

impl HostName {
    /// The learner's own machine, where a block runs unless it says otherwise.
    pub const LAPTOP: &'static str = "laptop";

    /// The host named [`Self::LAPTOP`].
    pub fn laptop() -> Self {
        Self(Self::LAPTOP.to_owned())
    }

    /// Whether this is the learner's own machine, and not an instance.
    pub fn is_laptop(&self) -> bool {
        self.0 == Self::LAPTOP
    }
}

impl Default for HostName {
    fn default() -> Self {
        Self::laptop()
    }
}

/// The operating system of the instances in a run; blocks may be variants for one of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Os {
    /// Debian 13.
    #[default]
    Debian,
    /// Amazon Linux 2023.
    Al2023,
}

impl Os {
    /// All of them, the default first.
    pub const ALL: [Self; 2] = [Self::Debian, Self::Al2023];

    /// The word used in `os=`, in snapshot names and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Debian => "debian",
            Self::Al2023 => "al2023",
        }
    }
}

impl fmt::Display for Os {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Os {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::ALL.into_iter().find(|os| os.as_str() == text).ok_or_else(|| NameError {
            what: "an operating system",
            text: text.to_owned(),
            rule: "use `debian` or `al2023`",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_to_their_rules() {
        for good in ["05-private-subnet", "00-the-finished-network", "x"] {
            assert_eq!(LessonId::new(good).unwrap().as_str(), good);
        }
        for bad in ["", "-x", "x-", "a--b", "A", "a_b", "a.b", "ä"] {
            assert!(LessonId::new(bad).is_err(), "{bad:?}");
            assert!(BlockName::new(bad).is_err(), "{bad:?}");
        }
        assert!(BlockName::new("2-fast").is_err());
        for good in ["web", "web-1", "db.internal", "Web_Server"] {
            assert!(HostName::new(good).is_ok(), "{good:?}");
        }
        for bad in ["", "-oProxyCommand=x", "a b", "a/b", "$(x)"] {
            assert!(HostName::new(bad).is_err(), "{bad:?}");
        }
        assert!(VarName::new("_A1").is_ok());
        for bad in ["", "1A", "A-B", "A B", "$A"] {
            assert!(VarName::new(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_lesson_id_comes_from_its_path() {
        assert_eq!(LessonId::from_path(Path::new("lessons/01-vpc.md")).unwrap(), "01-vpc");
        let error = LessonId::from_path(Path::new("lessons/My Lesson.md")).unwrap_err();
        assert_eq!(error.text, "My Lesson.md");
    }

    #[test]
    fn json_is_checked_too() {
        assert_eq!(serde_json::to_string(&HostName::laptop()).unwrap(), "\"laptop\"");
        assert!(serde_json::from_str::<HostName>("\"a b\"").is_err());
        assert_eq!(serde_json::from_str::<Os>("\"al2023\"").unwrap(), Os::Al2023);
    }
}
