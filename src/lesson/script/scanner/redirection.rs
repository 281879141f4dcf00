//! Redirections and here-documents.

use super::{End, Pending, Scanner};

/// A here-document whose text begins on the next line.
pub(super) struct Heredoc {
    delimiter: String,
    /// Nothing is expanded in it.
    quoted: bool,
    strip_tabs: bool,
}

impl Heredoc {
    /// Whether `line` ends the text, and then how much of the line belongs to that end.
    fn closes(&self, line: &str, end: End) -> Option<usize> {
        let own = if self.strip_tabs { line.trim_start_matches('\t') } else { line };
        let after = own.strip_prefix(&self.delimiter)?;
        let indent = line.len() - own.len();
        match after.trim_end_matches(['\n', '\r']) {
            "" => Some(line.len()),
            // In a substitution the closing mark may stand right behind the delimiter.
            ")" if end == End::Paren => Some(indent + self.delimiter.len()),
            _ => None,
        }
    }
}

impl Scanner<'_> {
    pub(super) fn redirect(&mut self, pending: &mut Pending, end: End) {
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

    pub(super) fn redirect_target(&mut self, end: End) {
        self.blanks();
        if self.rest().starts_with(['<', '>']) && self.rest()[1..].starts_with('(') {
            self.at += 2;
            self.nested(End::Paren);
            self.eat(")");
        } else {
            self.word(end, false);
        }
    }

    /// Past the bodies of the here-documents begun on the line before.
    pub(super) fn heredoc_bodies(&mut self, end: End) {
        for heredoc in std::mem::take(&mut self.heredocs) {
            let start = self.at;
            let mut line = start;
            let mut close = None;
            while line < self.text.len() && close.is_none() {
                let next = self.text[line..].find('\n').map_or(self.text.len(), |at| line + at + 1);
                close = heredoc.closes(&self.text[line..next], end).map(|behind| (line, line + behind));
                line = next;
            }
            let (stop, behind) = close.unwrap_or((self.text.len(), self.text.len()));
            if !heredoc.quoted {
                self.expansions_until(stop);
            }
            // An expansion that is never closed may have gone further.
            self.at = self.at.max(behind);
        }
    }
}
