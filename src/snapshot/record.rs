//! The result of a block, as it is recorded.

use serde::{Deserialize, Serialize};

use crate::secret::Secrets;

/// What a block did: its status, what it printed, what it assigned, and where that was.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The exit status.
    pub exit: i32,
    /// Standard output and error as one stream, as it really was: ANSI codes removed, secrets masked, never
    /// placeholders. Whitespace at the very end is not stored with it.
    pub output: String,
    /// How many line breaks end the output. `None` in what was recorded before they were counted, and where the moment
    /// decides; then they are not compared.
    #[serde(default)]
    pub line_breaks: Option<u32>,
    /// The variables that the block assigned, in the order of assignment, secrets masked.
    pub variables: Vec<(String, String)>,
    /// Where and when; told to people and, but for the region, never compared.
    pub origin: Origin,
}

/// Where and when a record was made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The lesson's file, relative to the course's root: `lessons/05-private-subnet.md`.
    pub source: String,
    /// The line of the block's fence, from 1; pending files only.
    pub line: Option<u32>,
    /// One line that says what ran: the block's title or its first command.
    pub description: String,
    /// The host: `laptop` or an instance's name.
    pub host: String,
    /// `local` or `aws`.
    pub cloud: String,
    /// The region's name: `us-east-1`. Compared in that the recording's region stands for this run's.
    pub region: String,
    /// The guests' operating system: `debian` or `al2023`.
    pub os: String,
    /// When, as RFC 3339 or as a date.
    pub date: String,
    /// How often an `eventually` block was tried; 0 when it is not one.
    pub attempts: u32,
    /// What else is worth keeping, by name; values of one line.
    pub extra: Vec<(String, String)>,
}

impl Record {
    /// Masks what is secret in it.
    pub fn mask(&mut self, secrets: &Secrets) {
        for (name, value) in &mut self.variables {
            *value = secrets.mask_value(name, value);
        }
        self.output = secrets.mask(&self.output);
        self.origin.description = secrets.mask_typed(&self.origin.description);
        for (_, value) in &mut self.origin.extra {
            *value = secrets.mask(value);
        }
    }
}

/// How many line breaks end this text.
pub fn line_breaks(text: &str) -> u32 {
    let end = &text[text.trim_end().len()..];
    u32::try_from(end.matches('\n').count()).unwrap_or(u32::MAX)
}

/// In [`Origin::extra`]: the `ssh` command with which a person gets to where the block ran.
pub const SSH: &str = "ssh";

/// In [`Origin::extra`]: the blocks that had left something running which printed while this one ran.
pub const BESIDE: &str = "beside";

/// In [`Origin::extra`]: the output was translated and words got other widths, so that columns are as wide as in the
/// run that printed them, not as wide as the words that stand in them now.
const REALIGNED: (&str, &str) = ("columns", "realigned");

impl Origin {
    /// What is kept under this name.
    pub fn extra(&self, name: &str) -> Option<&str> {
        self.extra.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// Notes that the widths of columns are not those that the program would have printed.
    pub(super) fn mark_realigned(&mut self) {
        if !self.is_realigned() {
            self.extra.push((REALIGNED.0.to_owned(), REALIGNED.1.to_owned()));
        }
    }

    /// Whether the widths of columns say nothing.
    pub(super) fn is_realigned(&self) -> bool {
        self.extra.iter().any(|(name, value)| (name.as_str(), value.as_str()) == REALIGNED)
    }
}
