//! What looks like a block and is none: Markdown sees no fence there, so it would silently never run.
//!
//! Limits: an opening line is told by its marks and its braces. A fence that is quoted in a fence, or whose first mark
//! has a backslash before it, is an example on purpose.

use std::sync::LazyLock;

use regex::Regex;

use crate::lesson::document::Draft;
use crate::lesson::markdown::Bar;
use crate::lesson::problems::Problems;
use crate::source::Span;

/// An opening line: quotations, list items, cells, tags and comments may begin before it; then marks, a language, and
/// braces with a name or an attribute.
static OPENING: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(concat!(
        r"^(?<before>(?:[\s>|\p{Cf}]|(?:[-*+]|\d{1,9}[.)])[ \t]+|\[[^\]\n]*\]:|<!--|</?[A-Za-z][^<>\n]*>)*)",
        r#"(?<marks>[`~]{2,}|['"´‘’“”′]{3,})(?<info>[ \t]*[\w+.#-]*[ \t]*\{[ \t]*(?:\#[A-Za-z]|[a-z-]+=).*)$"#
    ))
    .expect("a valid expression")
});

/// What a fence says without braces, where it could only be meant to stand in them.
static BARE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?:^|[\s(\[])(?:#[a-z][a-z0-9-]*\b|(?:on|via|with|exit|timeout|eventually|until|vary|match|show|file|capture",
        r"|capture-on|os|hint|ready|stop|logs|prompt)=).*"
    ))
    .expect("a valid expression")
});
/// Braces with a name, alone on their line.
static ALONE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^[\s>]*(\{#[a-z][^}\n]*\})[ \t]*$").expect("a valid expression"));

const FOUR_BACKTICKS: &str = "to show how a block is written, put it into a fence of four backticks";

/// The rules that concern one lesson.
pub(super) fn check(draft: &Draft, problems: &mut Problems<'_>) {
    let source = &draft.lesson.source;
    let in_fence =
        |at: usize| draft.fences.iter().any(|fence| (fence.span.start..fence.span.end).contains(&at));
    for fence in &draft.fences {
        without_braces(source.slice(fence.info), fence.info.start, problems);
    }
    for number in 1..=source.line_count() {
        let line = source.line_span(number);
        let text = source.slice(line);
        if let Some(braces) = ALONE.captures(text).and_then(|found| found.get(1)) {
            let span = Span::new(line.start + braces.start(), line.start + braces.end());
            if !in_fence(span.start) {
                problems
                    .error(
                        "not-a-block",
                        span,
                        "this looks like a block and is none: these braces belong to no fence",
                    )
                    .help(
                        "write them on the fence's first line, behind the language: ```` ```sh {#name} ````",
                    );
            }
        }
        let Some(found) = OPENING.captures(text) else { continue };
        let opening = Opening {
            before: &found["before"],
            marks: &found["marks"],
            info: found["info"].trim_end(),
            at: line.start + found["before"].len(),
        };
        if !in_fence(opening.at) {
            opening.check(draft, problems);
        }
    }
}

/// A fence that Markdown sees, and that would be a block if it had braces.
fn without_braces(info: &str, at: usize, problems: &mut Problems<'_>) {
    let language = info.find(char::is_whitespace).unwrap_or(info.len());
    if info.contains('{') {
        return;
    }
    if let Some(found) = BARE.find(&info[language..]) {
        let words = found.as_str().trim();
        let start = at + language + found.start() + found.as_str().len() - found.as_str().trim_start().len();
        problems
            .error(
                "not-a-block",
                Span::new(start, start + words.len()),
                "this looks like a block and is none: it has no braces",
            )
            .help(format!("write `{{{}}}`", words.trim_matches(['(', ')', '[', ']'])));
    }
}

struct Opening<'t> {
    before: &'t str,
    marks: &'t str,
    info: &'t str,
    /// Where the marks begin.
    at: usize,
}

impl Opening<'_> {
    fn check(&self, draft: &Draft, problems: &mut Problems<'_>) {
        let bar = draft.barred.iter().rev().find(|bar| (bar.span.start..bar.span.end).contains(&self.at));
        if bar.is_none() && self.is_inline_code() {
            return;
        }
        let at = self.at + self.marks.len();
        let backtick = self.info.find('`').filter(|_| bar.is_none() && self.marks.starts_with("```"));
        if let Some(backtick) = backtick {
            problems
                .error(
                    "backtick-in-fence",
                    Span::new(at + backtick, at + backtick + 1),
                    "a backtick here keeps Markdown from seeing this fence",
                )
                .help("use another quote mark, or a fence of `~~~`");
            return;
        }
        let (why, help) = match bar.map(|bar| (bar.by, bar.span)) {
            Some((Bar::Html, span)) => self.in_html(&draft.lesson.source.text()[span.start..self.at]),
            Some((Bar::Indentation, _)) => self.indented(),
            Some((Bar::Table, _)) => (
                "it stands in a table, which ends at the next empty line".to_owned(),
                "leave an empty line before it".to_owned(),
            ),
            None => self.not_fence(),
        };
        let end = self.info.find('}').map_or(self.info.len(), |brace| brace + 1);
        let span = Span::new(self.at, at + end);
        let added =
            problems.error("not-a-block", span, format!("this looks like a block and is none: {why}"));
        let html = bar.filter(|bar| bar.by == Bar::Html);
        let line = html.map(|bar| draft.lesson.source.position(bar.span.start).line);
        match line {
            Some(line) => added.note(format!("the HTML begins on line {line}")).help(help),
            None => added.help(help),
        };
    }

    /// Whether it is a piece of code within a line: it ends as it began.
    fn is_inline_code(&self) -> bool {
        self.marks.len() == 2 && self.info.contains(self.marks)
    }

    fn in_html(&self, html: &str) -> (String, String) {
        if html.rfind("<!--").is_some_and(|begin| !html[begin..].contains("-->")) {
            return (
                "it stands in an HTML comment".to_owned(),
                "take it out of the comment, or delete it; `hidden` runs a block without showing it"
                    .to_owned(),
            );
        }
        let why = "it stands in HTML, in which Markdown is not read".to_owned();
        let element = html.trim_start_matches('<').split(|c: char| !c.is_ascii_alphanumeric()).next();
        match element {
            // They end with their closing tag only.
            Some(element @ ("pre" | "script" | "style" | "textarea")) => {
                (why, format!("end the `<{element}>` before it; {FOUR_BACKTICKS}"))
            }
            _ => (why, "leave an empty line before it: there the HTML ends, and Markdown goes on".to_owned()),
        }
    }

    fn indented(&self) -> (String, String) {
        (
            "it is indented by four columns or more, so that Markdown sees no fence".to_owned(),
            format!("indent it by three columns at most, counted from the text around it; {FOUR_BACKTICKS}"),
        )
    }

    /// In running text, where only the line itself can be to blame.
    fn not_fence(&self) -> (String, String) {
        let marks = self.marks;
        let odd = self.before.chars().find(|c| !c.is_ascii());
        if marks.chars().any(|c| !matches!(c, '`' | '~')) || (marks.contains('`') && marks.contains('~')) {
            (
                "these marks begin no fence".to_owned(),
                "a fence is made of backticks, or of tildes: `~~~`".to_owned(),
            )
        } else if marks.len() == 2 {
            let mark = if marks.starts_with('`') { "backtick" } else { "tilde" };
            (
                format!("a fence begins with three {mark}s, and here are two"),
                format!("add a {mark}, also on the line that ends it"),
            )
        } else if let Some(odd) = odd {
            let code = u32::from(odd);
            (
                format!("the character U+{code:04X}, which cannot be seen, stands before it"),
                "delete that character".to_owned(),
            )
        } else if columns(self.before) >= 4 {
            self.indented()
        } else {
            (
                "Markdown sees no fence here".to_owned(),
                "begin it on a line of its own, with an empty line before it".to_owned(),
            )
        }
    }
}

/// How far blanks indent what follows them.
fn columns(before: &str) -> usize {
    let blanks = before.rsplit(|c| !matches!(c, ' ' | '\t')).next().unwrap_or_default();
    blanks.chars().fold(0, |column, c| if c == '\t' { column / 4 * 4 + 4 } else { column + 1 })
}
