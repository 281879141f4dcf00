//! Secrets masked in what is recorded.

/// What must never be recorded. Bodies of private keys and AWS secrets are always masked; passwords are added.
#[derive(Clone, Debug, Default)]
pub struct Secrets {
    words: Vec<String>,
}

impl Secrets {
    /// Adds a password or the like, as it would be printed. Words of fewer than four bytes are not masked: they
    /// would take harmless text with them.
    pub fn add(&mut self, word: impl Into<String>) {
        todo!()
    }

    /// The text with every secret masked.
    pub fn mask(&self, text: &str) -> String {
        todo!()
    }
}
