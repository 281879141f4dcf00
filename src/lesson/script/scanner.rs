//! The walk through a script's characters.

mod expansions;
mod redirection;
mod words;

use redirection::Heredoc;

use super::builtins::{self, Effect};
use super::{Command, Script, Set, Word};
use crate::source::Span;

/// How deep substitutions may lie within each other; deeper ones are passed over.
const MAX_DEPTH: usize = 40;

pub(super) fn scan(text: &str) -> Script {
    let mut scanner = Scanner { text, at: 0, out: Script::default(), heredocs: Vec::new(), depth: 0 };
    while scanner.at < text.len() {
        // A closing mark that nothing opened ends a list of commands; the next begins behind it.
        scanner.commands(End::Text);
        scanner.bump();
    }
    scanner.out.uses.sort_by_key(|found| found.span);
    scanner.out.sets.sort_by_key(|found| found.at);
    scanner.out
}

/// What ends a list of commands, apart from the end of the text.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Text,
    Paren,
    Backtick,
}

struct Scanner<'a> {
    text: &'a str,
    at: usize,
    out: Script,
    heredocs: Vec<Heredoc>,
    depth: usize,
}

/// A command while its words are being read.
#[derive(Default)]
struct Pending {
    words: Vec<Word>,
    assigned: Vec<String>,
    /// The index of the command whose output it reads.
    reads: Option<usize>,
}

impl Scanner<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn bump(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn eat(&mut self, text: &str) -> bool {
        let found = self.rest().starts_with(text);
        if found {
            self.at += text.len();
        }
        found
    }

    /// Commands up to `end`, which is not consumed.
    fn commands(&mut self, end: End) {
        let mut pending = Pending::default();
        let mut cases = 0_usize;
        while let Some(c) = self.peek() {
            match c {
                ' ' | '\t' | '\r' => self.at += 1,
                '\\' if self.rest().starts_with("\\\n") => self.at += 2,
                '#' if self.at_word_start() => self.skip_line(),
                '\n' => {
                    self.finish(&mut pending);
                    self.at += 1;
                    self.heredoc_bodies(end);
                }
                ';' => {
                    self.finish(&mut pending);
                    self.at += 1;
                }
                '&' if self.eat("&>>") || self.eat("&>") => self.redirect_target(end),
                '&' => {
                    self.finish(&mut pending);
                    self.at += 1;
                }
                '|' => {
                    let pipe = !self.eat("||");
                    let index = self.finish(&mut pending);
                    if pipe {
                        self.at += 1;
                        self.eat("&");
                        pending.reads = index;
                    }
                }
                ')' if cases > 0 => {
                    pending = Pending::default();
                    self.at += 1;
                }
                ')' => break,
                '`' if end == End::Backtick => break,
                '(' if self.rest().starts_with("((") && pending.words.is_empty() => {
                    self.at += 2;
                    self.arithmetic("))");
                }
                '(' if !pending.words.is_empty() && self.rest().starts_with("()") => {
                    // The head of a function.
                    self.at += 2;
                    self.out.functions = true;
                    pending = Pending::default();
                }
                '(' => {
                    self.at += 1;
                    self.nested(End::Paren);
                    self.eat(")");
                }
                '<' | '>' => self.redirect(&mut pending, end),
                _ => self.command_word(&mut pending, end, &mut cases),
            }
        }
        self.finish(&mut pending);
    }

    fn nested(&mut self, end: End) {
        self.depth += 1;
        if self.depth < MAX_DEPTH {
            self.commands(end);
        } else {
            self.at = self.text.len();
        }
        self.depth -= 1;
    }

    fn at_word_start(&self) -> bool {
        let before = self.text[..self.at].chars().next_back();
        before.is_none_or(|c| c.is_whitespace() || matches!(c, ';' | '&' | '|' | '(' | ')' | '`'))
    }

    fn skip_line(&mut self) {
        self.at += self.rest().find('\n').unwrap_or(self.rest().len());
    }

    fn command_word(&mut self, pending: &mut Pending, end: End, cases: &mut usize) {
        if pending.words.is_empty()
            && let Some(name) = self.assignment()
        {
            self.word(end, false);
            pending.assigned.push(name);
            return;
        }
        let test = pending.words.first().is_some_and(|word| word.text == "[[");
        let word = self.word(end, test);
        if pending.words.is_empty() {
            match word.text.as_str() {
                "if" | "then" | "else" | "elif" | "while" | "until" | "do" | "!" | "time" | "{" | "}"
                | "fi" | "done" => {
                    return;
                }
                "case" => *cases += 1,
                "esac" => {
                    *cases = cases.saturating_sub(1);
                    return;
                }
                _ => {}
            }
        } else if word.text == "in" && pending.words.len() == 2 && pending.words[0].text == "case" {
            *pending = Pending::default();
            return;
        }
        self.out.functions |= word.text == "function" && pending.words.is_empty();
        let closes_test = test && word.text == "]]";
        pending.words.push(word);
        if closes_test {
            self.finish(pending);
        }
    }

    /// The name at which the word here assigns a value.
    fn assignment(&self) -> Option<String> {
        let rest = self.rest();
        let name = builtins::leading_name(rest)?;
        let mut after = &rest[name.len()..];
        if let Some(index) = after.strip_prefix('[') {
            after = &index[index.find(']')? + 1..];
        }
        let after = after.strip_prefix('+').unwrap_or(after);
        after.starts_with('=').then(|| name.to_owned())
    }

    /// Ends the command: its assignments hold from here, and what it does to variables.
    fn finish(&mut self, pending: &mut Pending) -> Option<usize> {
        if pending.words.is_empty() && pending.assigned.is_empty() {
            // A line may end behind a pipe; what reads from it is still to come.
            return None;
        }
        let Pending { words, assigned, reads } = std::mem::take(pending);
        let at = self.at;
        if words.is_empty() {
            self.out.sets.extend(assigned.into_iter().map(|name| Set { name, at }));
        }
        let span = Span::new(words.first()?.span.start, words.last()?.span.end);
        match builtins::effect(&words) {
            Effect::None => {}
            Effect::Sets(names) => self.out.sets.extend(names.into_iter().map(|name| Set { name, at })),
            Effect::Anything => {
                self.out.opaque_from = Some(self.out.opaque_from.map_or(at, |known| known.min(at)))
            }
        }
        if let Some(from) = reads.and_then(|index| self.out.commands.get_mut(index)) {
            from.pipes_into = Some(words[0].text.clone());
        }
        self.out.commands.push(Command { words, span, pipes_into: None });
        Some(self.out.commands.len() - 1)
    }
}
