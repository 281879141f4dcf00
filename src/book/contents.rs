//! The first page of a book that has none of its own: its title, what it is about, its lessons, and how to read them.

use std::path::Path;

use mdbook_preprocessor::book::Chapter;
use pulldown_cmark::{Event, Parser, Tag, TagEnd};

use super::html::Html;
use super::recordings::Recordings;
use crate::lesson::Lesson;

/// Said of every book: what its pages show.
const HOW_TO_READ: &str = "
## How to read a lesson

Every block of commands was run, and what it printed stands below it. What nobody has run yet says so.

- At its head stands **where** it runs: `laptop` is your own machine, any other name is a server, with the `ssh` command
  that takes you there.
- An id or an address has **one colour** throughout a page. Point at it to see what it is.
- A block that **fails on purpose** has a coloured edge. It is part of the lesson, which says why it fails and what
  makes it work.
- Where commands differ from system to system, there is a **tab** for each system.
- In a conversation with a program, what you type stands out from what the program prints. The button in a corner copies
  commands only.
";

/// How lessons say what they lead to. In a list of lessons it is said of each, and needs no words.
const OPENING: &str = "At the end of this lesson";

/// A lesson in the list.
pub(super) struct Entry<'a> {
    pub lesson: &'a Lesson,
    /// Where it stands in the contents: `1.`; none for what comes before the first.
    pub number: Option<String>,
    /// Its page, relative to the book.
    pub page: &'a Path,
}

/// The page.
pub(super) fn chapter(
    title: Option<&str>,
    description: Option<&str>,
    entries: &[Entry<'_>],
    recordings: &Recordings,
) -> Chapter {
    let title = title.unwrap_or("Lessons");
    let mut text = format!("# {}\n", escaped(title));
    if let Some(description) = description {
        let stop = if description.ends_with(['.', '!', '?']) { "" } else { "." };
        text.push_str(&format!("\n{}{stop}\n", escaped(description)));
    }
    let list = entries.iter().map(item).collect();
    let list = Html::element("ul", &[("class", "lab-contents")], list);
    text.push_str(&format!("\n## Lessons\n\n{}\n{HOW_TO_READ}", list.into_string()));
    let recorded = recordings.text();
    if !recorded.is_empty() {
        text.push_str(&format!("\n{}\n", Html::labelled("p", "lab-recorded", &recorded).into_string()));
    }
    Chapter::new(title, text, "index.md", Vec::new())
}

fn item(entry: &Entry<'_>) -> Html {
    let page = entry.page.with_extension("html").display().to_string();
    let number = Html::labelled("span", "lab-number", entry.number.as_deref().unwrap_or_default());
    let link = Html::element("a", &[("href", &page)], Html::text(&entry.lesson.title));
    let about = Html::element("p", &[("class", "lab-about")], about(entry.lesson.source.text()));
    Html::element("li", &[], number.and_text(" ").then(link).and_text(" ").then(about))
}

/// The first sentence of the first paragraph, without what all of them begin with.
fn about(lesson: &str) -> Html {
    let mut html = Html::new();
    let mut inside = false;
    let mut first = true;
    for event in Parser::new(lesson) {
        let (text, is_code) = match &event {
            Event::Start(Tag::Paragraph) => {
                inside = true;
                continue;
            }
            Event::End(TagEnd::Paragraph) => break,
            Event::Text(text) if inside => (&**text, false),
            Event::Code(text) if inside => (&**text, true),
            Event::SoftBreak | Event::HardBreak if inside => (" ", false),
            _ => continue,
        };
        if is_code {
            html = html.and("code", &[], Html::text(text));
            first = false;
            continue;
        }
        let end = text.find(". ").map(|end| end + 1);
        let mut part = text[..end.unwrap_or(text.len())].to_owned();
        if let Some(rest) = part.strip_prefix(OPENING).filter(|_| first) {
            part = rest.trim_start_matches([',', ' ']).to_owned();
            let length = part.chars().next().map_or(0, char::len_utf8);
            part[..length].make_ascii_uppercase();
        }
        first &= part.is_empty();
        html = html.and_text(&part);
        if end.is_some() {
            break;
        }
    }
    html
}

/// Text as Markdown that means it.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '\n' => out.push(' '),
            c if c.is_ascii_punctuation() => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lesson_is_told_by_its_first_sentence() {
        let about = |lesson| about(lesson).into_string();
        let lesson =
            "# Title\n\nAt the end of this lesson, a `<db>` *runs*\non version 1.2. More.\n\nAnd more.\n";
        assert_eq!(about(lesson), "A <code>&lt;db&gt;</code> runs on version 1.2.");
        assert_eq!(about("At the end of this lesson `web` stands.\n\nMore"), "<code>web</code> stands.");
        assert_eq!(about("# Title\n"), "");
    }

    #[test]
    fn titles_are_text() {
        assert_eq!(escaped("{{#include x}} *a*\n"), r"\{\{\#include x\}\} \*a\* ");
    }
}
