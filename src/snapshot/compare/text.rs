//! A text as lines of pieces: what is compared one by one.

use super::super::volatile::{self, Hints, Identity, Kind, Named, Token};
use super::super::{Rules, file};

/// A part of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// Literal, without blanks.
    Word(String),
    /// Blanks: spaces and tabs.
    Blank(String),
    /// Three or more `-` or `=` in a row: a table's rule, or a heading's underline.
    Rule(char, usize),
    /// What changes from run to run, with its text.
    Token(Kind, String),
}

/// A line: its text, and the same in pieces.
#[derive(Clone, Debug)]
pub(super) struct TextLine {
    /// May hold newlines when a token spans them.
    pub text: String,
    pub pieces: Vec<Piece>,
}

/// A whole text.
pub(super) struct Text {
    pub lines: Vec<TextLine>,
}

impl Text {
    /// What ends the text (blank lines, blanks) is not part of it: files do not keep it. `named` are the values with a
    /// name that are known on this side.
    pub(super) fn new(text: &str, rules: &Rules, named: &[Named]) -> Self {
        let text = file::normalise(text);
        let mut lines = Vec::new();
        if text.is_empty() {
            return Self { lines };
        }
        let hints = Hints { chosen: &rules.chosen, vary: &rules.vary, rest: true, named };
        let tokens = volatile::find(&text, &hints);
        let mut builder =
            Builder { lines: &mut lines, line: TextLine { text: String::new(), pieces: Vec::new() } };
        let mut done = 0;
        for Token { span, kind } in tokens {
            builder.literal(&text[done..span.start]);
            builder.token(kind, &text[span.clone()]);
            done = span.end;
        }
        builder.literal(&text[done..]);
        let last = builder.line;
        lines.push(last);
        Self { lines }
    }
}

struct Builder<'l> {
    lines: &'l mut Vec<TextLine>,
    line: TextLine,
}

impl Builder<'_> {
    fn token(&mut self, kind: Kind, text: &str) {
        self.line.text.push_str(text);
        self.line.pieces.push(Piece::Token(kind, text.to_owned()));
    }

    fn literal(&mut self, text: &str) {
        for (index, part) in text.split('\n').enumerate() {
            if index > 0 {
                let empty = TextLine { text: String::new(), pieces: Vec::new() };
                self.lines.push(std::mem::replace(&mut self.line, empty));
            }
            self.line.text.push_str(part);
            push_literal(&mut self.line.pieces, part);
        }
    }
}

fn push_literal(pieces: &mut Vec<Piece>, text: &str) {
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let run = |same: fn(char, char) -> bool| rest.find(|c| !same(c, first)).unwrap_or(rest.len());
        let dashes = run(|c, first| c == first && matches!(c, '-' | '='));
        let (length, piece) = if matches!(first, ' ' | '\t') {
            let length = run(|c, _| matches!(c, ' ' | '\t'));
            (length, Piece::Blank(rest[..length].to_owned()))
        } else if dashes >= 3 {
            (dashes, Piece::Rule(first, dashes))
        } else {
            let length = word_length(rest);
            (length, Piece::Word(rest[..length].to_owned()))
        };
        pieces.push(piece);
        rest = &rest[length..];
    }
}

/// Up to the next blank or rule.
fn word_length(text: &str) -> usize {
    let word = &text[..text.find([' ', '\t']).unwrap_or(text.len())];
    let first = word.chars().next().map_or(0, char::len_utf8);
    let rules = ["---", "==="].iter().filter_map(|rule| word[first..].find(rule).map(|at| at + first));
    rules.min().unwrap_or(word.len())
}

impl TextLine {
    /// The line with everything masked that a renaming could change: equal skeletons may match, others cannot.
    pub(super) fn skeleton(&self) -> String {
        let mut out = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Word(word) => out.push_str(word),
                Piece::Blank(_) => out.push(' '),
                Piece::Rule(sign, _) => out.extend([*sign; 3]),
                Piece::Token(kind, _) => {
                    out.push('\u{1}');
                    match kind {
                        Kind::Identity(identity) => {
                            out.push_str(&identity.class.name());
                            if let Some(network) = identity.network {
                                out.push_str(&network.to_string());
                            }
                        }
                        Kind::Quantity(what, layout) => out.push_str(&format!("{what:?}{layout}")),
                        Kind::Vary(number) => out.push_str(&number.to_string()),
                    }
                    out.push('\u{1}');
                }
            }
        }
        // Blanks at either end may come and go beside a token.
        out.trim().to_owned()
    }

    /// What of it takes part in the renaming.
    pub(super) fn identities(&self) -> impl Iterator<Item = &Identity> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Token(Kind::Identity(identity), _) => Some(identity),
            _ => None,
        })
    }
}
