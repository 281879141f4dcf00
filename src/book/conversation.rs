//! Conversations: what a person typed set apart from what the terminal printed.
//!
//! The record is the terminal's text. What was typed is found in it again by the lesson's own lines, in their order:
//! after its prompt, or as a line of its own. What cannot be found (a password, which is not shown) stays unmarked.

use std::ops::Range;

use super::html::Html;
use super::identity::Identities;
use super::names::Names;
use crate::lesson::{Console, Input, Wait};

/// The places in a transcript that were typed, in order.
pub(super) fn typed(transcript: &str, console: &Console) -> Vec<Range<usize>> {
    let mut spans = Vec::new();
    let mut from = 0;
    for entry in &console.entries {
        let text = match &entry.input {
            Input::Line(text) => text.as_str(),
            Input::Key(key) => key.as_str(),
        };
        if text.is_empty() || entry.is_secret() {
            continue;
        }
        let found = lines(transcript, from).find_map(|(start, line)| find(start, line, &entry.wait, text));
        // What was printed last may have had no end of line.
        let behind = || {
            let mut lines = lines(transcript, from).filter(|_| entry.wait == Wait::Quiet);
            lines.find_map(|(start, line)| {
                let at = start + line.trim_end().strip_suffix(text)?.len();
                Some(at..at + text.len())
            })
        };
        if let Some(span) = found.or_else(behind) {
            // A second thing may be typed on the same line, when a program asks again without a line break.
            from = span.end;
            spans.push(span);
        }
    }
    spans
}

/// The lines from a byte on; the first may be a part of one.
fn lines(text: &str, from: usize) -> impl Iterator<Item = (usize, &str)> {
    let mut start = from;
    text[from..].split_inclusive('\n').map(move |line| {
        let at = start;
        start += line.len();
        (at, line.trim_end_matches('\n'))
    })
}

fn find(start: usize, line: &str, wait: &Wait, text: &str) -> Option<Range<usize>> {
    let at = match wait {
        Wait::Prompt(prompt) => {
            let prompt = prompt.trim_end();
            line.match_indices(text).map(|(at, _)| at).find(|at| line[..*at].trim_end().ends_with(prompt))?
        }
        // Echoed as a line of its own. A key's sign may have text behind it: `^Cbye`.
        Wait::Quiet => {
            (line.trim_end() == text || text.starts_with('^') && line.starts_with(text)).then_some(0)?
        }
    };
    Some(start + at..start + at + text.len())
}

/// A transcript with what was typed in `kbd` elements.
pub(super) fn html(transcript: &str, typed: &[Range<usize>], ids: &mut Identities, names: &Names) -> Html {
    let mut html = Html::new();
    let mut done = 0;
    for span in typed {
        html = html.then(ids.mark(&transcript[done..span.start], names));
        html = html.and("kbd", &[], ids.mark(&transcript[span.clone()], names));
        done = span.end;
    }
    html.then(ids.mark(&transcript[done..], names))
}

/// What a person types, as text to copy: the lines without their prompts, and without passwords.
pub(super) fn to_copy(console: &Console) -> String {
    let lines = console.entries.iter().filter_map(|entry| match &entry.input {
        Input::Line(text) if !entry.is_secret() => Some(format!("{text}\n")),
        Input::Line(_) | Input::Key(_) => None,
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lesson::{Entry, Key};

    fn console(entries: &[(Option<&str>, Input)]) -> Console {
        let entry = |(wait, input): &(Option<&str>, Input)| Entry {
            wait: wait.map_or(Wait::Quiet, |prompt| Wait::Prompt(prompt.to_owned())),
            input: input.clone(),
            line: 1,
            span: crate::source::Span::default(),
        };
        Console {
            place: Default::default(),
            entries: entries.iter().map(entry).collect(),
            timeout: crate::lesson::DEFAULT_TIMEOUT,
            capture: None,
            outcome: Default::default(),
        }
    }

    fn line(text: &str) -> Input {
        Input::Line(text.to_owned())
    }

    #[test]
    fn typed_text_is_found_after_its_prompt_and_in_order() {
        let transcript = "$ telnet $WEB 8080\nTrying 203.0.113.9...\nGET / is answered\nGET / HTTP/1.1\nHost: web\n\n\
                          HTTP/1.1 200 OK\n^]\ntelnet> quit\nConnection closed.\n$ ";
        let console = console(&[
            (Some("$ "), line("telnet $WEB 8080")),
            (None, line("GET / HTTP/1.1")),
            (None, line("Host: web")),
            (None, line("")),
            (None, Input::Key(Key::Escape)),
            (Some("telnet> "), line("quit")),
        ]);
        let found: Vec<&str> =
            typed(transcript, &console).into_iter().map(|span| &transcript[span]).collect();
        assert_eq!(found, ["telnet $WEB 8080", "GET / HTTP/1.1", "Host: web", "^]", "quit"]);
        let quit = typed(transcript, &console).pop().unwrap();
        assert!(transcript[..quit.start].ends_with("telnet> "));
    }

    #[test]
    fn what_is_typed_behind_printed_text_is_found_too() {
        let transcript = "$ cat\n{\"body\":\"\"}test\ntest\n";
        let console = console(&[(Some("$ "), line("cat")), (None, line("test"))]);
        assert_eq!(typed(transcript, &console)[1], 22..26, "a line of its own comes first");
        let transcript = &transcript[..22];
        assert_eq!(&transcript[..typed(transcript, &console)[1].start], "$ cat\n{\"body\":\"\"}");
    }

    #[test]
    fn secrets_and_what_is_not_there_stay_unmarked() {
        let console = console(&[
            (Some("$ "), line("mysql -p")),
            (Some("Enter password: "), line("hunter2")),
            (Some("mysql> "), line("select 1;")),
        ]);
        let transcript = "$ mysql -p\nEnter password: \nhunter2 is no password here\nmysql> select 1;\n";
        let found: Vec<&str> =
            typed(transcript, &console).into_iter().map(|span| &transcript[span]).collect();
        assert_eq!(found, ["mysql -p", "select 1;"]);
        assert_eq!(to_copy(&console), "mysql -p\nselect 1;\n");
    }
}
