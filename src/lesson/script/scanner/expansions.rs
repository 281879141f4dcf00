//! What begins with a dollar sign or a backtick.

use super::super::builtins;
use super::super::{Set, Use};
use super::{End, Scanner};
use crate::source::Span;

impl Scanner<'_> {
    /// The expansions in text that is as if between double quotes, up to the place `stop`.
    pub(super) fn expansions_until(&mut self, stop: usize) {
        while self.at < stop {
            match self.peek() {
                Some('\\') => {
                    self.bump();
                    self.bump();
                }
                Some('$') => self.dollar(true),
                Some('`') => self.backtick(),
                Some(_) => {
                    self.bump();
                }
                None => return,
            }
        }
    }

    pub(super) fn backtick(&mut self) {
        self.at += 1;
        self.nested(End::Backtick);
        self.eat("`");
    }

    /// An expansion, or a dollar sign that is none.
    pub(super) fn dollar(&mut self, quoted: bool) {
        let start = self.at;
        self.at += 1;
        if self.eat("((") {
            self.arithmetic("))");
        } else if self.eat("(") {
            self.nested(End::Paren);
            self.eat(")");
        } else if self.eat("{") {
            self.braces(start);
        } else if !quoted && self.eat("'") {
            while let Some(c) = self.bump() {
                match c {
                    '\\' => {
                        self.bump();
                    }
                    '\'' => break,
                    _ => {}
                }
            }
        } else if let Some(name) = builtins::leading_name(self.rest()).map(str::to_owned) {
            self.at += name.len();
            self.out.uses.push(Use { name, span: Span::new(start, self.at) });
        } else if self.peek().is_some_and(|c| c.is_ascii_digit() || "@*#?-$!".contains(c)) {
            self.at += 1;
        }
    }

    /// `${..}` after its opening brace.
    fn braces(&mut self, start: usize) {
        let length_of = self.rest().starts_with('#') && !self.rest().starts_with("#}");
        let indirect = self.rest().starts_with('!');
        if length_of || indirect {
            self.at += 1;
        }
        let name = builtins::leading_name(self.rest()).map(str::to_owned);
        self.at += name.as_ref().map_or(0, String::len);
        let after = self.rest().strip_prefix(':').unwrap_or(self.rest());
        let assigns = after.starts_with('=');
        let guarded = assigns || after.starts_with(['-', '+']);
        // `${!PREFIX*}` asks for names.
        let names = indirect && self.rest().starts_with(['*', '@']);
        while let Some(c) = self.peek() {
            match c {
                '}' => {
                    self.at += 1;
                    break;
                }
                '\\' => {
                    self.bump();
                    self.bump();
                }
                '\'' => {
                    self.at += 1;
                    // An apostrophe without a partner is one.
                    let rest = self.rest();
                    if let Some(length) = rest.find('\'').filter(|end| !rest[..*end].contains('}')) {
                        self.at += length + 1;
                    }
                }
                '"' => {
                    self.at += 1;
                    self.double_quoted(&mut String::new());
                }
                '$' => self.dollar(true),
                '`' => self.backtick(),
                c => self.at += c.len_utf8(),
            }
        }
        let Some(name) = name else { return };
        if assigns {
            self.out.sets.push(Set { name, at: self.at });
        } else if !guarded && !names {
            self.out.uses.push(Use { name, span: Span::new(start, self.at) });
        }
    }

    /// Arithmetic up to `close` at its own level. A name that is assigned to there is set.
    pub(super) fn arithmetic(&mut self, close: &str) {
        let mut level = 0_usize;
        while let Some(c) = self.peek() {
            match c {
                _ if level == 0 && self.eat(close) => return,
                '(' => {
                    level += 1;
                    self.at += 1;
                }
                ')' => {
                    level = level.saturating_sub(1);
                    self.at += 1;
                }
                '$' => self.dollar(true),
                '`' => self.backtick(),
                _ => match builtins::leading_name(self.rest()).map(str::to_owned) {
                    Some(name) => {
                        self.at += name.len();
                        if builtins::arithmetic_assigns(self.rest()) {
                            self.out.sets.push(Set { name, at: self.at });
                        }
                    }
                    None => self.at += c.len_utf8(),
                },
            }
        }
    }
}
