//! What is known to be secret, and the mask over it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::known::Known;
use super::{encoded, key, name, pattern, span};

/// What stands where a secret was.
pub const MASK: &str = "********";

/// What must never be told or kept. Clones share what they know, and it only grows: what one part of a run learns is
/// masked by all others.
///
/// A mask has one form whatever it hides, so two results with different secrets are the same.
#[derive(Clone, Debug, Default)]
pub struct Secrets(Arc<Mutex<Known>>);

impl Secrets {
    /// Adds a password or the like, as it would be printed. Words of fewer than four bytes are not masked: they
    /// would take harmless text with them.
    pub fn add(&self, word: &str) {
        if key::BEGINS.is_match(word) {
            self.add_key(word);
            return;
        }
        let mut known = self.known();
        known.add(word);
        // Of several lines, each may be printed alone.
        if word.contains('\n') {
            word.lines().filter(|line| name::is_distinctive(line)).for_each(|line| known.add(line));
        }
    }

    /// Adds a private key, as its file holds it. What of it is public as well is no secret.
    pub fn add_key(&self, text: &str) {
        for (body, public) in key::bodies(text).iter().filter_map(|body| key::learned(text, body)) {
            self.known().add_body(&body, &public);
        }
    }

    /// Adds the value of something that has a name, where the name says that it is a secret.
    pub fn add_named(&self, name: &str, value: &str) {
        if name::is_secret(name) && (key::BEGINS.is_match(value) || name::is_distinctive(value)) {
            self.add(value);
        }
    }

    /// The text with every secret masked: what was printed, or what is said about it.
    pub fn mask(&self, text: &str) -> String {
        self.masked(text, false)
    }

    /// The text of a lesson's block, likewise.
    pub fn mask_typed(&self, text: &str) -> String {
        self.masked(text, true)
    }

    fn masked(&self, text: &str, typed: bool) -> String {
        // Learned first: what is named in one line may stand alone in another.
        let patterns = pattern::find(text, typed);
        let bodies = key::bodies(text);
        for found in patterns.iter().filter(|found| found.distinctive) {
            self.known().add(&text[found.span.clone()]);
        }
        for (body, public) in bodies.iter().filter_map(|body| key::learned(text, body)) {
            self.known().add_body(&body, &public);
        }
        let known = self.known();
        let mut spans = bodies;
        spans.extend(patterns.into_iter().map(|found| found.span));
        spans.extend(known.find(text));
        spans.extend(encoded::find(text, &known));
        drop(known);
        span::replace(text, spans, MASK)
    }

    /// The value of a variable, masked also when its name says that it is a secret.
    pub fn mask_value(&self, name: &str, value: &str) -> String {
        if !name::is_secret(name) || value.is_empty() {
            return self.mask(value);
        }
        self.add_named(name, value);
        MASK.to_owned()
    }

    pub(super) fn known(&self) -> MutexGuard<'_, Known> {
        // Whoever panicked held nothing half done: what is known only grows.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
