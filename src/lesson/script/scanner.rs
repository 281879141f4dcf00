//! The walk through a script's characters.

use super::builtins::{self, Effect};
use super::{Command, Script, Set, Use, Word};
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

struct Heredoc {
    delimiter: String,
    quoted: bool,
    strip_tabs: bool,
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

    fn redirect(&mut self, pending: &mut Pending, end: End) {
        let adjacent = pending.words.last().is_some_and(|word| {
            word.span.end == self.at
                && !word.text.is_empty()
                && word.text.bytes().all(|byte| byte.is_ascii_digit())
        });
        if adjacent {
            pending.words.pop();
        }
        if self.eat("<<<") {
            self.redirect_target(end);
        } else if self.rest().starts_with("<<") {
            self.at += 2;
            let strip_tabs = self.eat("-");
            self.blanks();
            let start = self.at;
            let before = self.out.uses.len();
            let word = self.word(end, false);
            // The delimiter is taken as it stands.
            self.out.uses.truncate(before);
            let quoted = self.text[start..self.at].contains(['\'', '"', '\\']);
            self.heredocs.push(Heredoc { delimiter: word.text, quoted, strip_tabs });
        } else if self.eat("<(") || self.eat(">(") {
            self.nested(End::Paren);
            self.eat(")");
        } else {
            self.bump();
            while matches!(self.peek(), Some('>' | '&' | '|')) {
                self.at += 1;
            }
            self.redirect_target(end);
        }
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(' ' | '\t')) {
            self.at += 1;
        }
    }

    fn redirect_target(&mut self, end: End) {
        self.blanks();
        if self.rest().starts_with(['<', '>']) && self.rest()[1..].starts_with('(') {
            self.at += 2;
            self.nested(End::Paren);
            self.eat(")");
        } else {
            self.word(end, false);
        }
    }

    /// The bodies of the here-documents begun on the line before.
    fn heredoc_bodies(&mut self, end: End) {
        for heredoc in std::mem::take(&mut self.heredocs) {
            let start = self.at;
            let mut stop = self.text.len();
            let mut next = self.text.len();
            let mut at = start;
            for line in self.text[start..].split_inclusive('\n') {
                let own = line.trim_end_matches(['\n', '\r']);
                let own = if heredoc.strip_tabs { own.trim_start_matches('\t') } else { own };
                // In a substitution the closing mark may stand right behind the delimiter.
                let closes = own == heredoc.delimiter
                    || end == End::Paren && own.strip_prefix(&heredoc.delimiter) == Some(")");
                if closes {
                    stop = at;
                    next = at + line.len()
                        - usize::from(own != heredoc.delimiter) * (line.len() - heredoc.delimiter.len());
                    break;
                }
                at += line.len();
            }
            if !heredoc.quoted {
                self.expansions_until(stop);
            }
            self.at = next.max(self.at.min(stop)).max(start);
        }
    }

    /// The expansions in text that is as if between double quotes, up to the place `stop`.
    fn expansions_until(&mut self, stop: usize) {
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

    /// A word. Within `[[ ]]` (`test`) operators are part of it.
    fn word(&mut self, end: End, test: bool) -> Word {
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

    fn double_quoted(&mut self, text: &mut String) {
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

    fn backtick(&mut self) {
        self.at += 1;
        self.nested(End::Backtick);
        self.eat("`");
    }

    /// An expansion, or a dollar sign that is none.
    fn dollar(&mut self, quoted: bool) {
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
    fn arithmetic(&mut self, close: &str) {
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
