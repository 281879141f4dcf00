//! A lesson's own words, in which characters that nobody sees are shown as what they are.

use std::ops::Range;

use pulldown_cmark::{Event, Parser};

use super::html::Html;
use crate::source::Span;
use crate::source::unseen::{self, Part};

/// What is put in place of characters of one text.
pub(super) struct Prose<'t> {
    text: &'t str,
    shown: Vec<(Range<usize>, String)>,
}

impl<'t> Prose<'t> {
    /// Looks for them in Markdown.
    pub fn new(text: &'t str) -> Self {
        let mut at = 0;
        let mut shown = Vec::new();
        for part in unseen::parts(text) {
            let length = match part {
                Part::Seen(seen) => seen.len(),
                Part::Unseen(c) => {
                    // What an editor put at the beginning of a file is no part of the text.
                    let kept = if at == 0 && c == '\u{feff}' {
                        c.to_string()
                    } else {
                        format!("<{}>", unseen::code(c))
                    };
                    shown.push((at..at + c.len_utf8(), kept));
                    c.len_utf8()
                }
            };
            at += length;
        }
        let mut prose = Self { text, shown };
        prose.mark_text();
        prose
    }

    /// In running text a character is marked up; in code, addresses and HTML it can only be spelt.
    fn mark_text(&mut self) {
        if self.shown.is_empty() && !self.text.contains('&') {
            return;
        }
        let events = Parser::new(self.text).into_offset_iter();
        let mut in_code = false;
        for (event, range) in events {
            match event {
                Event::Start(pulldown_cmark::Tag::CodeBlock(_)) => in_code = true,
                Event::End(pulldown_cmark::TagEnd::CodeBlock) => in_code = false,
                // `&#x202e;` stands in the text as itself.
                Event::Text(text)
                    if !in_code && self.text[range.clone()].starts_with('&') && text.chars().count() == 1 =>
                {
                    if let Some(Part::Unseen(c)) = unseen::parts(&text).next() {
                        self.shown.push((range, Html::unseen(c).into_string()));
                    }
                }
                Event::Text(_) if !in_code => {
                    let within = |span: &Range<usize>| range.start <= span.start && span.end <= range.end;
                    for (span, shown) in self.shown.iter_mut().filter(|(span, _)| within(span)) {
                        let c = self.text[span.clone()].chars().next();
                        if let Some(c) = c.filter(|c| span.start > 0 || *c != '\u{feff}') {
                            *shown = Html::unseen(c).into_string();
                        }
                    }
                }
                _ => {}
            }
        }
        self.shown.sort_by_key(|(span, _)| span.start);
    }

    /// A part of the text.
    pub fn of(&self, span: Span) -> String {
        let mut out = String::with_capacity(span.len());
        let mut done = span.start;
        for (at, shown) in self.shown.iter().filter(|(at, _)| span.start <= at.start && at.end <= span.end) {
            out.push_str(&self.text[done..at.start]);
            out.push_str(shown);
            done = at.end;
        }
        out.push_str(&self.text[done..span.end]);
        out
    }

    /// All of it.
    pub fn whole(&self) -> String {
        self.of(Span::new(0, self.text.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn running_text_is_marked_up_and_code_is_spelt() {
        let text = "a \u{202e}b `c\u{202e}` [d](e\u{200b}.md)\n\n```sh\nf\u{2066}\n```\n";
        let shown = Prose::new(text).whole();
        assert!(shown.starts_with("a <span class=\"lab-unseen\" title=\"U+202E"), "{shown}");
        assert!(shown.contains("`c<U+202E>` [d](e<U+200B>.md)\n\n```sh\nf<U+2066>\n```\n"), "{shown}");
        let shown = Prose::new("a &#x202e;b &amp; &#8238;").whole();
        assert_eq!((shown.matches("lab-unseen").count(), shown.contains("&amp;")), (2, true), "{shown}");
        let text = "\u{feff}# Plain 日本\n";
        assert_eq!(Prose::new(text).whole(), text);
    }
}
