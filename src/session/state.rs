//! The saved state of a shell: bash text that, evaluated by a new shell, brings back directory, variables, functions,
//! options and aliases.

/// A shell's state between two blocks. Opaque text; keep it to start a later shell from it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State(String);

impl State {
    /// From what [`State::as_str`] gave.
    pub fn from_text(text: String) -> Self {
        Self(text)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The value of a variable: a scalar's text, an array as bash writes it.
    pub fn variable(&self, _name: &str) -> Option<String> {
        None
    }
}
