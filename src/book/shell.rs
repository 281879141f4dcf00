//! Shell scripts as a reader sees them: comments, texts and options told apart, and each variable with what it held.
//!
//! This colours; it does not parse. Where it takes something for what it is not, a colour is wrong and the text is not.

use std::collections::BTreeMap;

use super::html::Html;
use super::identity::Identities;
use super::names::Names;

mod here;

use here::Here;

/// What variables held, by name.
pub(super) type Values = BTreeMap<String, String>;

/// A script as HTML. `before` is what variables held when it began, `after` what it assigned: a variable means the new
/// value from its assignment on.
pub(super) fn highlight(
    script: &str,
    before: &Values,
    after: &Values,
    ids: &mut Identities,
    names: &Names,
) -> Html {
    let values = before.clone();
    let mut painter = Painter { rest: script, out: Html::new(), values, after, ids, names };
    painter.script();
    painter.out
}

struct Painter<'a> {
    rest: &'a str,
    out: Html,
    values: Values,
    after: &'a Values,
    ids: &'a mut Identities,
    names: &'a Names,
}

impl<'a> Painter<'a> {
    fn script(&mut self) {
        // Texts whose end is still to come: `"` or `)` of `$(`.
        let mut open: Vec<char> = Vec::new();
        let mut here_documents: Vec<Here> = Vec::new();
        let mut at_word = true;
        let mut at_command = true;
        while let Some(c) = self.rest.chars().next() {
            let quoted = open.last() == Some(&'"');
            if c == '\\' {
                self.plain(1 + self.rest[1..].chars().next().map_or(0, char::len_utf8));
                at_word = false;
            } else if let Some(length) = arithmetic(self.rest) {
                self.plain(length);
                at_word = false;
            } else if self.rest.starts_with("$(") {
                self.plain(2);
                open.push(')');
                (at_word, at_command) = (true, true);
            } else if c == '$' {
                self.variable();
                at_word = false;
            } else if c == '"' {
                match quoted {
                    true => open.truncate(open.len() - 1),
                    false => open.push('"'),
                }
                self.painted(1, "lab-text");
                (at_word, at_command) = (false, false);
            } else if quoted {
                let end = self.rest.find(['"', '$', '\\']).unwrap_or(self.rest.len());
                self.painted(end, "lab-text");
            } else if c == '\'' {
                let end = self.rest[1..].find('\'').map_or(self.rest.len(), |end| end + 2);
                self.painted(end, "lab-text");
                (at_word, at_command) = (false, false);
            } else if c == '#' && at_word {
                self.painted(self.rest.find('\n').unwrap_or(self.rest.len()), "lab-comment");
            } else if c == '\n' {
                self.plain(1);
                here_documents.drain(..).for_each(|here| self.here_document(&here));
                (at_word, at_command) = (true, true);
            } else if let Some(here) = Here::begins(self.rest) {
                self.plain(here.length);
                here_documents.push(here);
                at_word = false;
            } else if c == ')' {
                if open.last() == Some(&')') {
                    open.pop();
                }
                self.plain(1);
                (at_word, at_command) = (false, false);
            } else if c.is_ascii_whitespace() {
                self.plain(1);
                at_word = true;
            } else if matches!(c, ';' | '|' | '&' | '(') {
                self.plain(1);
                (at_word, at_command) = (true, true);
            } else {
                at_command = self.word(at_word, at_command);
                at_word = false;
            }
        }
    }

    /// A piece of a word. Returns whether the next word is still a command.
    fn word(&mut self, at_word: bool, at_command: bool) -> bool {
        let end = self.rest.find(|c: char| c.is_ascii_whitespace() || "\\$\"'#;|&()".contains(c));
        // `#` inside a word begins nothing.
        let first = self.rest.chars().next().map_or(1, char::len_utf8);
        let end = end.unwrap_or(self.rest.len()).max(first);
        let word = &self.rest[..end];
        if let Some(name) = at_command.then(|| assigned(word)).flatten() {
            let name = &self.rest[..name];
            self.assignment(name);
            return true;
        }
        match at_word {
            true if word.starts_with('-') => self.painted(end, "lab-option"),
            true if at_command => self.painted(end, "lab-program"),
            _ => self.marked(end),
        }
        matches!(
            word,
            "{" | "if" | "then" | "else" | "elif" | "do" | "while" | "until" | "!" | "sudo" | "time"
        )
    }

    fn assignment(&mut self, name: &str) {
        let value = self.after.get(name).cloned();
        match value.as_deref().and_then(|value| self.ids.mark_as(name, value, self.names)) {
            Some(html) => self.push(html),
            None => self.push(self.hover(name, value.as_deref())),
        }
        self.rest = &self.rest[name.len()..];
        if let Some(value) = value {
            self.values.insert(name.to_owned(), value);
        }
        let sign = if self.rest.starts_with("+=") { 2 } else { 1 };
        self.plain(sign);
    }

    /// `$NAME`, `${NAME}`, or a dollar sign.
    fn variable(&mut self) {
        let braces = self.rest.starts_with("${");
        let body = &self.rest[if braces { 2 } else { 1 }..];
        let length = body.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(body.len());
        let name = &body[..length];
        let closed = !braces || body[length..].starts_with('}');
        if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) || !closed {
            return self.plain(1);
        }
        let end = 1 + length + if braces { 2 } else { 0 };
        let text = &self.rest[..end];
        let value = self.values.get(name).cloned();
        match value.as_deref().and_then(|value| self.ids.mark_as(text, value, self.names)) {
            Some(html) => self.push(html),
            None => self.push(self.hover(text, value.as_deref())),
        }
        self.rest = &self.rest[end..];
    }

    fn hover(&self, text: &str, value: Option<&str>) -> Html {
        match value {
            Some(value) => {
                let title = format!("{} = {value}", text.trim_matches(['$', '{', '}']));
                Html::element("span", &[("class", "lab-var"), ("title", &title)], Html::text(text))
            }
            None => Html::labelled("span", "lab-var", text),
        }
    }

    /// The lines of a here-document up to its end; variables in it are expanded unless its mark is quoted.
    fn here_document(&mut self, here: &Here) {
        while !self.rest.is_empty() {
            let end = self.rest.find('\n').map_or(self.rest.len(), |newline| newline + 1);
            let line = &self.rest[..end];
            let bare = if here.tabs { line.trim_start_matches('\t') } else { line };
            if bare.trim_end_matches('\n') == here.mark {
                return self.plain(end);
            }
            let after = &self.rest[end..];
            while self.rest.len() > after.len() {
                let left = self.rest.len() - after.len();
                if here.expands && self.rest.starts_with('$') {
                    self.variable();
                } else {
                    let first = self.rest.chars().next().map_or(1, char::len_utf8);
                    let next = self.rest[first..left].find('$').filter(|_| here.expands);
                    self.painted(next.map_or(left, |at| first + at), "lab-text");
                }
            }
        }
    }

    fn plain(&mut self, length: usize) {
        let (text, rest) = self.rest.split_at(length);
        self.push(Html::text(text));
        self.rest = rest;
    }

    fn marked(&mut self, length: usize) {
        let (text, rest) = self.rest.split_at(length);
        let html = self.ids.mark(text, self.names);
        self.push(html);
        self.rest = rest;
    }

    fn painted(&mut self, length: usize, class: &'static str) {
        let (text, rest) = self.rest.split_at(length);
        let inner = self.ids.mark(text, self.names);
        self.push(Html::element("span", &[("class", class)], inner));
        self.rest = rest;
    }

    fn push(&mut self, html: Html) {
        self.out = std::mem::take(&mut self.out).then(html);
    }
}

/// The length of `$((..))` when the text begins with one.
fn arithmetic(text: &str) -> Option<usize> {
    if !text.starts_with("$((") {
        return None;
    }
    let mut open = 0_usize;
    for (at, c) in text.char_indices() {
        match c {
            '(' => open += 1,
            ')' => open = open.saturating_sub(1),
            '\n' => return None,
            _ => continue,
        }
        if open == 0 {
            return Some(at + 1);
        }
    }
    None
}

/// The length of the name when the word begins as an assignment.
fn assigned(word: &str) -> Option<usize> {
    let length = word.find(|c: char| !c.is_ascii_alphanumeric() && c != '_')?;
    let begins = !word.starts_with(|c: char| c.is_ascii_digit()) && length > 0;
    (begins && (word[length..].starts_with('=') || word[length..].starts_with("+="))).then_some(length)
}

#[cfg(test)]
mod tests;
