//! How the results of one block are compared.

use std::sync::Arc;

use regex::{Regex, RegexBuilder};

mod chosen;
pub use chosen::Chosen;

/// What of a result is compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Matching {
    /// Status, variables and every line of the output in order.
    #[default]
    Full,
    /// `match=lines`: status, variables and the lines of the output in any order.
    Lines,
    /// `match=exit`: the status only.
    Exit,
}

/// How the results of one block are compared, and where it ran.
#[derive(Clone, Debug)]
pub struct Rules {
    /// The block's name, for reasons: "recorded in `create-subnet`".
    pub block: String,
    /// The host that it ran on. Process ids are compared within one boot of one host.
    pub host: String,
    /// Which boot of the host this is, from 0. It tells boots of one lab apart; what is recorded holds no such number.
    pub boot: u32,
    /// What the course's text chose; exact.
    pub chosen: Arc<Chosen>,
    /// What is compared.
    pub matching: Matching,
    /// What these match is volatile in this block.
    pub vary: Vec<Regex>,
}

impl Rules {
    /// The default rules for a block on a host: everything is compared, nothing was chosen.
    pub fn new(block: impl Into<String>, host: impl Into<String>) -> Self {
        Self {
            block: block.into(),
            host: host.into(),
            boot: 0,
            chosen: Arc::default(),
            matching: Matching::Full,
            vary: Vec::new(),
        }
    }

    /// A `vary` expression as these rules use it: `^` and `$` match at lines.
    ///
    /// # Errors
    /// When it is no regular expression, or one that matches the empty text (which would be "volatile" everywhere).
    pub fn vary(pattern: &str) -> Result<Regex, VaryError> {
        let regex = RegexBuilder::new(pattern).multi_line(true).build()?;
        if regex.is_match("") { Err(VaryError::Empty) } else { Ok(regex) }
    }
}

/// A `vary` expression that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum VaryError {
    /// Not a regular expression.
    #[error("read it as a regular expression")]
    Syntax(#[from] regex::Error),
    /// It matches nothing at all, so everywhere.
    #[error("use it: it matches the empty text")]
    Empty,
}
