//! Which kind of block a fence is: from its language, and the attributes that change its nature.

use crate::diagnostic::closest;
use crate::lesson::attributes::RawInfo;
use crate::lesson::fields::Fields;
use crate::lesson::problems::Problems;

/// The languages whose fences are commands for the shell.
const SHELL: [&str; 2] = ["sh", "bash"];

/// The languages that mean something of their own.
const LANGUAGES: [&str; 5] = ["sh", "bash", "console", "http", "diagram"];

/// Which kind a block is, before its attributes are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Shell,
    Console,
    Http,
    Diagram,
    File,
    Background,
    Stop,
    Logs,
    Check,
}

impl Shape {
    /// The kind with its article, for messages.
    pub fn what(self) -> &'static str {
        match self {
            Self::Shell => "a block of commands",
            Self::Console => "a `console` block",
            Self::Http => "an `http` block",
            Self::Diagram => "a `diagram` block",
            Self::File => "a block with `file`",
            Self::Background => "a block with `background`",
            Self::Stop => "a block with `stop`",
            Self::Logs => "a block with `logs`",
            Self::Check => "a block with `check`",
        }
    }
}

/// Decides what the block is from its language and the attributes that change its nature.
pub(super) fn shape(raw: &RawInfo, fields: &mut Fields<'_>, problems: &mut Problems<'_>) -> Option<Shape> {
    let deciding = [
        ("file", Shape::File),
        ("background", Shape::Background),
        ("stop", Shape::Stop),
        ("logs", Shape::Logs),
        ("check", Shape::Check),
    ];
    let mut given = deciding.into_iter().filter_map(|(key, shape)| Some((fields.peek(key)?, key, shape)));
    let first = given.next().map(|(attribute, _, shape)| (attribute, shape));
    for (other, key) in given.map(|(attribute, key, _)| (attribute, key)).collect::<Vec<_>>() {
        fields.take(key);
        let known = first.map_or("", |(attribute, _)| attribute.key.as_str());
        problems
            .error("cannot-combine", other.span, format!("`{}` cannot stand beside `{known}`", other.key))
            .help("make two blocks of it");
    }
    let shell = SHELL.contains(&raw.language.as_str());
    let Some((attribute, shape)) = first else {
        return match raw.language.as_str() {
            "console" => Some(Shape::Console),
            "http" => Some(Shape::Http),
            "diagram" => Some(Shape::Diagram),
            _ if shell => Some(Shape::Shell),
            _ => unknown_language(raw, problems),
        };
    };
    let fits = match shape {
        Shape::File => true,
        Shape::Stop | Shape::Logs => shell || raw.language == "text",
        _ => shell,
    };
    if !fits && !raw.language.is_empty() {
        let message = format!(
            "`{}` is for commands, and the language of this block is `{}`",
            attribute.key, raw.language
        );
        problems.error("cannot-combine", attribute.span, message).help("the language of commands is `sh`");
        return None;
    }
    Some(shape)
}

fn unknown_language(raw: &RawInfo, problems: &mut Problems<'_>) -> Option<Shape> {
    let language = raw.language.as_str();
    if language.is_empty() {
        // Told already. Most fences are commands.
        return Some(Shape::Shell);
    }
    let alias = match language {
        "zsh" | "ksh" | "Sh" | "SH" => Some("sh"),
        "term" | "terminal" | "shell-session" | "shellsession" => Some("console"),
        language if language.starts_with("sh") => Some("sh"),
        _ => closest(language, LANGUAGES),
    };
    problems
        .error("unknown-language", raw.language_span, format!("no block with the language `{language}` can be run"))
        .help("run `sh`, `console`, `http` or `diagram`; with `file=PATH` any language is written to a file; without braces it is prose")
        .maybe_help(alias.map(|known| format!("did you mean `{known}`?")));
    match alias {
        Some("console") => Some(Shape::Console),
        Some("http") => Some(Shape::Http),
        Some("diagram") => Some(Shape::Diagram),
        Some(_) => Some(Shape::Shell),
        None => None,
    }
}
