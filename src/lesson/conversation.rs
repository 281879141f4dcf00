//! The lines of a `console` fence taken apart into prompts and what is typed.

use crate::lesson::console::{Entry, Input, Key, Wait};
use crate::lesson::fence::Fence;
use crate::lesson::problems::Problems;
use crate::source::Span;

/// What is typed, in order. `prompt` is the value of the attribute of that name, with its place.
pub(crate) fn entries(
    fence: &Fence,
    prompt: Option<(String, Span)>,
    problems: &mut Problems<'_>,
) -> Vec<Entry> {
    let mut found: Vec<Entry> = Vec::new();
    let mut used = false;
    let given = prompt.as_ref().map(|(text, _)| text.as_str()).filter(|text| !text.trim().is_empty());
    let mut offset = 0;
    for (index, text) in fence.body.text.split_inclusive('\n').enumerate() {
        let start = offset;
        offset += text.len();
        let text = text.trim_end_matches(['\n', '\r']);
        if text.trim().is_empty() {
            continue;
        }
        let span = fence.body.locate_span(Span::new(start, start + text.trim_end().len()));
        let own = given.filter(|given| starts_with_prompt(text, given));
        used |= own.is_some();
        let Some((wait, input)) = entry(text, own) else {
            problems
                .error("no-prompt", span, "this line has no prompt")
                .note("a prompt ends in `$ `, `# `, `> `, `: ` or `? `")
                .help("put the prompt before what is typed, `> ` before what is typed without one, or give `prompt=\"..\"`");
            continue;
        };
        if let (Wait::Prompt(shown), true) = (&wait, found.is_empty())
            && shown != "$"
        {
            first_prompt(span, problems);
        } else if found.is_empty() && wait == Wait::Quiet {
            first_prompt(span, problems);
        }
        found.push(Entry { wait, input, line: index + 1, span });
    }
    match prompt {
        Some((text, span)) if text.trim().is_empty() => {
            problems.error("empty-value", span, "`prompt` is empty").help("name the prompt, or leave it out");
        }
        Some((text, span)) if !used => {
            problems
                .warning("no-effect", span, format!("no line begins with the prompt `{text}`"))
                .help("prompts are compared with the lines of this block as they stand");
        }
        _ => {}
    }
    if found.is_empty() && fence.body.text.trim().is_empty() {
        let opening = Span::new(fence.span.start, fence.info.end);
        problems
            .error("empty-block", opening, "there is nothing to type in this block")
            .help("begin with `$ ` and a command");
    }
    found
}

fn first_prompt(span: Span, problems: &mut Problems<'_>) {
    problems
        .error("first-prompt", span, "a console begins at the prompt `$ `")
        .help("begin with `$ ` and the command that starts the program");
}

fn starts_with_prompt(line: &str, prompt: &str) -> bool {
    line.strip_prefix(prompt.trim_end())
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(' ') || !prompt.ends_with(' '))
}

/// One line taken apart. None when it has no prompt.
fn entry(line: &str, given: Option<&str>) -> Option<(Wait, Input)> {
    if let Some(key) = key(line.trim()) {
        return Some((Wait::Quiet, Input::Key(key)));
    }
    let (wait, typed) = match given {
        Some(given) => {
            let rest = line.strip_prefix(given).unwrap_or(&line[given.trim_end().len()..]);
            (Wait::Prompt(given.trim_end().to_owned()), rest)
        }
        None if line == ">" => (Wait::Quiet, ""),
        None => match line.strip_prefix("> ") {
            Some(rest) => (Wait::Quiet, rest),
            None => {
                let end = prompt_end(line)?;
                (Wait::Prompt(line[..end].trim_end().to_owned()), &line[end..])
            }
        },
    };
    let input = key(typed.trim()).map_or_else(|| Input::Line(typed.to_owned()), Input::Key);
    Some((wait, input))
}

fn key(text: &str) -> Option<Key> {
    [Key::Escape, Key::Interrupt, Key::EndOfInput].into_iter().find(|key| key.as_str() == text)
}

/// Where what is typed begins: after the first `$ `, `# `, `> `, `: ` or `? `, and after a choice in brackets that
/// follows a question, as in `Continue? [Y/n] `. The blank may be missing at the end of the line.
fn prompt_end(line: &str) -> Option<usize> {
    let marks = line.char_indices().filter(|(_, c)| matches!(c, '$' | '#' | '>' | ':' | '?'));
    for (at, mark) in marks {
        let rest = &line[at + 1..];
        if !rest.is_empty() && !rest.starts_with(' ') {
            continue;
        }
        let mut end = at + 1 + usize::from(!rest.is_empty());
        if matches!(mark, ':' | '?')
            && line[end..].starts_with('[')
            && let Some(close) = line[end..].find(']')
        {
            let after = end + close + 1;
            if line[after..].is_empty() {
                end = after;
            } else if line[after..].starts_with(' ') {
                end = after + 1;
            }
        }
        return Some(end);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prompts_end_at_their_mark() {
        for (line, prompt, typed) in [
            ("$ telnet $WEB 8080", "$", "telnet $WEB 8080"),
            ("admin@web:~$ ls", "admin@web:~$", "ls"),
            ("root@web:/# id", "root@web:/#", "id"),
            ("MariaDB [(none)]> SHOW DATABASES;", "MariaDB [(none)]>", "SHOW DATABASES;"),
            ("Enter password: secret", "Enter password:", "secret"),
            (
                "Switch to unix_socket authentication [Y/n] n? y",
                "Switch to unix_socket authentication [Y/n] n?",
                "y",
            ),
            ("Change the root password? [Y/n] n", "Change the root password? [Y/n]", "n"),
            ("Continue: [y] y", "Continue: [y]", "y"),
            ("Remove it? [Y/n]", "Remove it? [Y/n]", ""),
            ("Are you sure (yes/no/[fingerprint])? yes", "Are you sure (yes/no/[fingerprint])?", "yes"),
            ("Password:", "Password:", ""),
            ("$ [ -f x ] && echo", "$", "[ -f x ] && echo"),
            ("telnet> quit", "telnet>", "quit"),
        ] {
            let (wait, input) = entry(line, None).unwrap();
            assert_eq!((wait, input), (Wait::Prompt(prompt.into()), Input::Line(typed.into())), "{line}");
        }
        assert_eq!(entry("just words", None), None);
        assert_eq!(entry("http://x", None), None);
    }

    #[test]
    fn lines_without_a_prompt_and_keys() {
        assert_eq!(
            entry("> GET / HTTP/1.1", None),
            Some((Wait::Quiet, Input::Line("GET / HTTP/1.1".into())))
        );
        assert_eq!(entry(">", None), Some((Wait::Quiet, Input::Line(String::new()))));
        assert_eq!(entry("^]", None), Some((Wait::Quiet, Input::Key(Key::Escape))));
        assert_eq!(entry("^C ", None), Some((Wait::Quiet, Input::Key(Key::Interrupt))));
        let end = Some((Wait::Prompt("mysql>".into()), Input::Key(Key::EndOfInput)));
        assert_eq!(entry("mysql> ^D", None), end);
    }

    #[test]
    fn a_given_prompt_comes_first() {
        assert!(starts_with_prompt("ftp=> ls", "ftp=> "));
        assert_eq!(entry("=: ls", Some("=: ")), Some((Wait::Prompt("=:".into()), Input::Line("ls".into()))));
        assert_eq!(entry("Your choice 1", Some("Your choice ")).unwrap().1, Input::Line("1".into()));
        assert!(!starts_with_prompt("Your choices", "Your choice "));
    }
}
