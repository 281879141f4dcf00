//! One lesson as one page: its prose unchanged, each block with its result in place of the fence.

use pulldown_cmark::{Event, Parser, Tag, TagEnd};

use super::block::Recorded;
use super::error::BookError;
use super::html::Html;
use super::identity::Identities;
use super::names::Names;
use super::pictures::Pictures;
use super::prose::Prose;
use super::recordings::Recordings;
use super::results::Results;
use super::shell::Values;
use super::tabs;
use crate::lesson::{Item, Lesson};
use crate::secret::Secrets;
use crate::source::Span;

/// What is known while a page is written.
pub(super) struct Page<'a> {
    pub lesson: &'a Lesson,
    pub names: &'a Names,
    pub pictures: &'a Pictures,
    pub secrets: &'a Secrets,
    pub ids: Identities,
    /// What variables held so far, since the beginning of the course.
    pub values: &'a mut Values,
}

/// A stretch of a page.
enum Part<'a> {
    Prose(Span),
    /// One block, or its variants for several systems; where they stand together.
    Blocks(Vec<Recorded<'a>>, Span),
    /// The variables of a block that is run and not shown; later ones use them.
    Hidden(Vec<(String, String)>),
}

/// The lesson as Markdown for mdBook, and what is known of its results. `names` already knows this lesson's records; `values` learns them on the way.
pub(super) fn write(
    lesson: &Lesson,
    results: &Results,
    names: &Names,
    pictures: &Pictures,
    values: &mut Values,
) -> Result<(String, Recordings), BookError> {
    let parts = parts(lesson, results)?;
    let recordings = recordings(&parts);
    let mut page =
        Page { lesson, names, pictures, secrets: results.secrets(), ids: Identities::default(), values };
    let text = lesson.source.text();
    let words = Prose::new(text);
    let mut out = String::with_capacity(2 * text.len());
    let mut titled = false;
    for part in &parts {
        match part {
            Part::Prose(span) if !titled => {
                let end = span.start + end_of_title(&text[span.start..span.end]);
                let title = words.of(Span::new(span.start, end));
                let rest = words.of(Span::new(end, span.end));
                out.push_str(&title);
                let note = recordings.text();
                if !title.is_empty() && !note.is_empty() {
                    let note = Html::labelled("p", "lab-recorded", &note);
                    out.push_str(&format!("\n{}\n\n", note.into_string()));
                }
                out.push_str(&rest);
                titled = !title.is_empty();
            }
            Part::Prose(span) => out.push_str(&words.of(*span)),
            Part::Hidden(variables) => page.values.extend(variables.iter().cloned()),
            Part::Blocks(variants, span) => {
                let html = match variants.as_slice() {
                    [] => Html::new(),
                    [one] => one.html(&mut page)?,
                    variants => tabs::html(variants, &mut page)?,
                };
                out.push_str(&html.into_string());
                // Raw HTML ends at an empty line; one inside the same quotation or list.
                out.push('\n');
                out.push_str(container(text, span.start).trim_end());
            }
        }
    }
    Ok((out, recordings))
}

/// The lesson's stretches with their records. Blocks that the book does not show are not there.
fn parts<'a>(lesson: &'a Lesson, results: &Results) -> Result<Vec<Part<'a>>, BookError> {
    let mut parts: Vec<Part<'a>> = Vec::new();
    let text = lesson.source.text();
    for item in &lesson.items {
        let block = match item {
            Item::Prose(span) => {
                parts.push(Part::Prose(*span));
                continue;
            }
            Item::Block(block) => &**block,
        };
        // The checks are no part of the story.
        if block.is_check() {
            continue;
        }
        let record = results.of(lesson, block)?;
        if block.hidden {
            parts.push(Part::Hidden(record.map(|record| record.variables).unwrap_or_default()));
            continue;
        }
        let picture = record.as_ref().and_then(|_| results.picture_of(lesson, block));
        let recorded = Recorded { block, record, picture, alone: true };
        // Variants of one block with nothing but white space between them are shown as one.
        if let [.., Part::Blocks(variants, span), Part::Prose(between)] = parts.as_mut_slice()
            && variants.last().is_some_and(|last| last.block.name == block.name)
            && text[between.start..between.end].trim().is_empty()
        {
            variants.push(recorded);
            variants.iter_mut().for_each(|variant| variant.alone = false);
            *span = Span::new(span.start, block.span.end);
            parts.pop();
        } else {
            parts.push(Part::Blocks(vec![recorded], block.span));
        }
    }
    Ok(parts)
}

/// The byte after the first heading; 0 when there is none.
fn end_of_title(prose: &str) -> usize {
    let mut events = Parser::new(prose).into_offset_iter();
    let first = events.find(|(event, _)| {
        matches!(event, Event::Start(Tag::Heading { .. }) | Event::End(TagEnd::Heading(_)))
    });
    first.map_or(0, |(_, span)| span.end)
}

/// What is known of the results that the page shows.
fn recordings(parts: &[Part<'_>]) -> Recordings {
    let mut all = Recordings::default();
    for part in parts {
        if let Part::Blocks(variants, _) = part {
            variants.iter().for_each(|recorded| all.add(recorded));
        }
    }
    all
}

/// What stands before the fence on its line, as it goes on below: quote marks stay, list markers become blanks.
fn container(text: &str, fence: usize) -> String {
    let start = text[..fence].rfind('\n').map_or(0, |newline| newline + 1);
    text[start..fence].chars().map(|c| if c == '>' { '>' } else { ' ' }).collect()
}
