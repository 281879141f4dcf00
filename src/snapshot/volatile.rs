//! What of a text changes from run to run, recognised by its shape and its surroundings.
//!
//! [`find`] cuts a text into tokens of a [`Kind`]; what is between them is literal. *Identities* (ids, addresses, keys,
//! process ids, ...) must map one to one; *quantities* (times, versions, rates, ...) match any of their kind. The
//! rules stand in [`identity`], [`quantity`] and [`columns`], the most specific first: a byte belongs to the first
//! rule that claims it.
//!
//! What an author has named (`vary="(?<suffix>..)"`) is an identity, too: [`named`].
//!
//! Limits: shapes that nobody taught it are literal, so at worst a comparison is too strict, and the lesson says `vary`.

use std::net::Ipv4Addr;
use std::ops::Range;

use regex::Regex;

use super::Chosen;

mod address;
mod columns;
mod identity;
mod kind;
mod named;
mod quantity;
mod region;
mod rule;

use address::is_exact as is_exact_address;
pub(super) use kind::{Class, Form, Identity, Kind, NAMED, Quantity, Scope, Token};
pub use named::{Named, named_in};

/// What is known besides shapes.
#[derive(Clone, Copy)]
pub(super) struct Hints<'a> {
    pub chosen: &'a Chosen,
    pub vary: &'a [Regex],
    /// Whether what they match is a token also beside their named groups.
    pub rest: bool,
    /// Values to which a group of some `vary` has given a name.
    pub named: &'a [Named],
}

impl<'a> Hints<'a> {
    /// Of a text of which only the chosen addresses are known.
    pub(super) fn of(chosen: &'a Chosen) -> Self {
        Self { chosen, vary: &[], rest: true, named: &[] }
    }
}

/// The tokens of a text, in order, without overlap.
pub(super) fn find(text: &str, hints: &Hints<'_>) -> Vec<Token> {
    let mut finder =
        Finder { text, chosen: hints.chosen, taken: vec![false; text.len()], tokens: Vec::new() };
    for vary in hints.vary.iter().enumerate() {
        named::apply(&mut finder, vary, hints.rest);
    }
    named::find(&mut finder, hints.named);
    finder.apply(&identity::KEYS);
    finder.apply(&quantity::EXACT_CONTEXT);
    finder.apply(&identity::CLOUD);
    finder.apply(&identity::MACHINE);
    finder.apply(&quantity::GENERAL);
    columns::find(&mut finder);
    finder.tokens.sort_by_key(|token| token.span.start);
    finder.tokens
}

/// A text while its tokens are looked for.
struct Finder<'t> {
    text: &'t str,
    chosen: &'t Chosen,
    taken: Vec<bool>,
    tokens: Vec<Token>,
}

impl Finder<'_> {
    /// Makes a token of these bytes unless some belong to one already.
    fn claim(&mut self, span: Range<usize>, kind: Kind) {
        if !span.is_empty() && !self.taken[span.clone()].contains(&true) {
            self.taken[span.clone()].fill(true);
            self.tokens.push(Token { span, kind });
        }
    }

    fn apply(&mut self, rules: &[rule::Rule]) {
        for rule in rules {
            rule.apply(self);
        }
    }

    fn byte_before(&self, at: usize) -> u8 {
        at.checked_sub(1).map_or(b'\n', |at| self.text.as_bytes()[at])
    }

    fn byte_after(&self, at: usize) -> u8 {
        self.text.as_bytes().get(at).copied().unwrap_or(b'\n')
    }

    /// The line that this byte is in.
    fn line_at(&self, at: usize) -> &str {
        let start = self.text[..at].rfind('\n').map_or(0, |newline| newline + 1);
        let end = self.text[at..].find('\n').map_or(self.text.len(), |newline| at + newline);
        &self.text[start..end]
    }

    /// The identity of an address in some form, unless the address is exact.
    fn address(&self, address: Ipv4Addr, form: Form) -> Option<Kind> {
        if is_exact_address(address) || self.chosen.has_address(address) {
            return None;
        }
        let class = if address.is_private() { Class::PrivateAddress } else { Class::PublicAddress };
        let network = self.chosen.network_of(address);
        Some(Kind::Identity(Identity { class, value: address.to_string(), form, network }))
    }
}

#[cfg(test)]
mod tests;
