//! Words and quotes.

use super::super::Word;
use super::{End, Scanner};
use crate::source::Span;

impl Scanner<'_> {
    /// A word. Within `[[ ]]` (`test`) operators are part of it.
    pub(super) fn word(&mut self, end: End, test: bool) -> Word {
        let start = self.at;
        let mut text = String::new();
        while let Some(c) = self.peek() {
            match c {
                ' ' | '\t' | '\n' | '\r' => break,
                ';' | '&' | '|' | '<' | '>' | '(' | ')' if !test => {
                    if c == '(' && text.ends_with('=') {
                        self.array(end);
                        continue;
                    }
                    break;
                }
                '`' if end == End::Backtick => break,
                '\\' => {
                    self.at += 1;
                    match self.bump() {
                        Some('\n') | None => {}
                        Some(c) => text.push(c),
                    }
                }
                '\'' => {
                    self.at += 1;
                    let length = self.rest().find('\'').unwrap_or(self.rest().len());
                    text.push_str(&self.rest()[..length]);
                    self.at += length;
                    self.bump();
                }
                '"' => {
                    self.at += 1;
                    self.double_quoted(&mut text);
                }
                '$' | '`' => {
                    let from = self.at;
                    if c == '$' {
                        self.dollar(false)
                    } else {
                        self.backtick()
                    }
                    text.push_str(&self.text[from..self.at]);
                }
                c => {
                    text.push(c);
                    self.at += c.len_utf8();
                }
            }
        }
        if self.at == start {
            // Nothing that a word can begin with: never stand still.
            self.bump();
        }
        Word { text, span: Span::new(start, self.at) }
    }

    fn array(&mut self, end: End) {
        self.at += 1;
        while let Some(c) = self.peek() {
            match c {
                ')' => {
                    self.at += 1;
                    return;
                }
                ' ' | '\t' | '\n' | '\r' => self.at += 1,
                '#' if self.at_word_start() => self.skip_line(),
                _ => {
                    self.word(end, false);
                }
            }
        }
    }

    pub(super) fn double_quoted(&mut self, text: &mut String) {
        while let Some(c) = self.peek() {
            match c {
                '"' => {
                    self.at += 1;
                    return;
                }
                '\\' => {
                    self.at += 1;
                    match self.bump() {
                        Some('\n') | None => {}
                        Some(c @ ('"' | '\\' | '$' | '`')) => text.push(c),
                        Some(c) => text.extend(['\\', c]),
                    }
                }
                '$' | '`' => {
                    let from = self.at;
                    if c == '$' {
                        self.dollar(true)
                    } else {
                        self.backtick()
                    }
                    text.push_str(&self.text[from..self.at]);
                }
                c => {
                    text.push(c);
                    self.at += c.len_utf8();
                }
            }
        }
    }
}
