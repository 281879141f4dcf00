//! What a comparison came to.

use serde::Serialize;

use crate::source::unseen;

/// Whether a result is the recorded one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Verdict {
    /// The same, up to the renaming, which has grown accordingly.
    Matches,
    /// Not the same; the renaming is unchanged.
    Differs(Box<Difference>),
}

impl Verdict {
    /// Whether the results are the same.
    pub fn matches(&self) -> bool {
        matches!(self, Self::Matches)
    }

    /// The difference, if there is one.
    pub fn difference(&self) -> Option<&Difference> {
        match self {
            Self::Matches => None,
            Self::Differs(difference) => Some(difference),
        }
    }
}

/// In what two results differ. [`super::render`] shows it to people.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Why, in words, the most telling first; never empty.
    pub reasons: Vec<Reason>,
    /// Both outputs line by line, the new one in the vocabulary of the recorded one.
    pub lines: Vec<Line>,
    /// Both lists of variables, likewise, as `NAME=value`.
    pub variables: Vec<Line>,
}

/// One reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// Where.
    pub place: Place,
    /// What is wrong: "expected the internet gateway recorded as igw-0a.. (now igw-0f..), got nat-..".
    pub message: String,
}

/// Where in a result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Place {
    /// The exit status.
    Exit,
    /// A variable, by name.
    Variable(String),
    /// A line of the recorded output, from 1.
    Expected(usize),
    /// A line of the new output, from 1, that has no counterpart.
    Actual(usize),
    /// The output as a whole.
    Output,
}

/// A line of the combined view of two texts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Line {
    /// Equal up to the renaming; shown as recorded.
    Same(String),
    /// Only recorded.
    Missing(String),
    /// Only new; in the vocabulary of the recording.
    Extra(String),
    /// Recorded and new, where one stands for the other.
    Changed {
        /// As recorded.
        expected: String,
        /// As it is now, in the vocabulary of the recording.
        actual: String,
    },
}

impl Line {
    /// The line for people's eyes.
    pub(super) fn shown(&self) -> Self {
        let shown = |text: &str| unseen::shown(text).into_owned();
        match self {
            Self::Same(text) => Self::Same(shown(text)),
            Self::Missing(text) => Self::Missing(shown(text)),
            Self::Extra(text) => Self::Extra(shown(text)),
            Self::Changed { expected, actual } => {
                Self::Changed { expected: shown(expected), actual: shown(actual) }
            }
        }
    }
}
