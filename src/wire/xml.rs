//! As much XML as the services use: elements and text.

use std::borrow::Cow;

use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};

/// Deeper nesting than this is no response of a service.
const MAX_DEPTH: usize = 64;

/// An element: its name without a namespace prefix, its text, its children.
#[derive(Debug, Default)]
pub(super) struct Element {
    pub(super) name: String,
    pub(super) text: String,
    pub(super) children: Vec<Element>,
}

impl Element {
    /// The root element of a document.
    pub(super) fn parse(document: &str) -> Result<Self, String> {
        let mut reader = Reader::from_str(document);
        let mut open: Vec<Self> = vec![Self::default()];
        loop {
            let event = reader.read_event().map_err(|error| error.to_string())?;
            let top = open.len() - 1;
            match event {
                Event::Start(start) if top < MAX_DEPTH => open.push(Self::named(&start)),
                Event::Start(_) => return Err("too deeply nested".to_owned()),
                Event::Empty(start) => open[top].children.push(Self::named(&start)),
                Event::End(_) => {
                    let done = open.pop().unwrap_or_default();
                    open.last_mut().ok_or("an end without a start")?.children.push(done);
                }
                Event::Text(text) => open[top].text.push_str(&text.xml10_content()),
                Event::CData(text) => open[top].text.push_str(&text.xml10_content()),
                Event::GeneralRef(reference) => {
                    match reference.resolve_char_ref().map_err(|error| error.to_string())? {
                        Some(letter) => open[top].text.push(letter),
                        None => {
                            let text = resolve_predefined_entity(&reference).ok_or("an unknown entity")?;
                            open[top].text.push_str(text);
                        }
                    }
                }
                Event::Eof => break,
                Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
            }
        }
        match open.pop() {
            Some(document) if open.is_empty() => {
                document.children.into_iter().next().ok_or("no element".to_owned())
            }
            _ => Err("an element is not closed".to_owned()),
        }
    }

    /// The first child of this name.
    pub(super) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    fn named(start: &BytesStart<'_>) -> Self {
        Self { name: start.local_name().as_ref().to_owned(), ..Self::default() }
    }
}

/// Text for the inside of an element. What XML 1.0 cannot hold becomes U+FFFD; a carriage return is written as a
/// reference, or the reader would make it a line feed.
pub(super) fn escape(text: &str) -> Cow<'_, str> {
    let special = |letter: char| {
        matches!(letter, '<' | '>' | '&' | '\r' | '\u{fffe}' | '\u{ffff}') || is_control(letter)
    };
    if !text.contains(special) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for letter in text.chars() {
        match letter {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '\r' => out.push_str("&#13;"),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            letter if is_control(letter) => out.push('\u{fffd}'),
            letter => out.push(letter),
        }
    }
    Cow::Owned(out)
}

fn is_control(letter: char) -> bool {
    letter < ' ' && !matches!(letter, '\n' | '\t' | '\r')
}
