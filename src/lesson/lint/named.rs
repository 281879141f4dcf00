//! Values that a lesson names (`vary="(?<suffix>..)"`): one that is nearly called as another is probably that one.

use crate::diagnostic::closest;
use crate::lesson::document::Draft;
use crate::lesson::problems::Problems;
use crate::source::Span;

pub(super) fn check(drafts: &[Draft], problems: &mut [Problems<'_>]) {
    let mut known: Vec<String> = Vec::new();
    for (draft, problems) in drafts.iter().zip(problems.iter_mut()) {
        for block in draft.lesson.blocks() {
            let vary = block.outcome().and_then(|outcome| outcome.vary.as_ref());
            let span = block.attribute("vary").unwrap_or(block.name_span);
            for name in vary.into_iter().flat_map(|vary| vary.names()) {
                if known.iter().any(|known| known == name) {
                    continue;
                }
                if let Some(close) = closest(name, known.iter().map(String::as_str)) {
                    let text = draft.lesson.source.slice(span);
                    let at = text.find(&format!("<{name}>")).map(|at| span.start + at + 1);
                    let span = at.map_or(span, |at| Span::new(at, at + name.len()));
                    problems
                        .warning("similar-group", span, format!("no block before names a value `{name}`"))
                        .note("values of one name are one thing in the whole lab, of two names they are two")
                        .help(format!("did you mean `{close}`?"));
                }
                known.push(name.to_owned());
            }
        }
    }
}
