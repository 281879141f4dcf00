//! A fence with braces becomes a typed block.
//!
//! A mistake is told and then passed over with a default, so that one mistake does not hide or cause others.

use crate::diagnostic::{closest, did_you_mean};
use crate::lesson::attributes::RawInfo;
use crate::lesson::block::{
    Background, Block, BlockKind, Capture, Check, Compare, DEFAULT_TIMEOUT, Eventually, File, Logs, Outcome,
    Pattern, Place, Shell, Show,
};
use crate::lesson::console::Console;
use crate::lesson::fields::Fields;
use crate::lesson::http::Http;
use crate::lesson::markdown::{Fence, FenceEnd};
use crate::lesson::pattern::parse_pattern;
use crate::lesson::problems::Problems;
use crate::lesson::script::Script;
use crate::name::{BlockName, HostName, Os};
use crate::source::Span;

/// The languages whose fences are commands for the shell.
const SHELL: [&str; 2] = ["sh", "bash"];

/// The languages that mean something of their own.
const LANGUAGES: [&str; 5] = ["sh", "bash", "console", "http", "diagram"];

/// Which kind a block is, before its attributes are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
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
    fn what(self) -> &'static str {
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

/// The block that `fence` is. None for prose, and where nothing can be made of it.
pub(crate) fn block(fence: &Fence, problems: &mut Problems<'_>) -> Option<Block> {
    let raw = RawInfo::parse(problems.source(), fence.info, problems);
    not_closed(fence, problems);
    let raw = raw?;
    let mut fields = Fields::new(&raw, problems);
    let (name, name_span) = name(&raw, &mut fields, problems);
    let os = os(&mut fields, problems);
    let shape = shape(&raw, &mut fields, problems)?;
    let mut reader = Reader { fence, fields, problems, shape };
    let kind = reader.kind();
    let hidden = !matches!(shape, Shape::Diagram | Shape::Check) && reader.hidden(&kind);
    let Reader { fields, problems, .. } = reader;
    fields.finish(shape.what(), problems);
    Some(Block {
        name,
        os,
        hidden,
        language: raw.language.clone(),
        body: fence.body.clone(),
        kind,
        span: fence.span,
        name_span,
        attributes: raw.attributes.iter().map(|attribute| (attribute.key.clone(), attribute.span)).collect(),
    })
}

fn not_closed(fence: &Fence, problems: &mut Problems<'_>) {
    let opening = Span::new(fence.span.start, fence.info.end);
    match fence.end {
        FenceEnd::Closed => {}
        FenceEnd::Never => {
            problems
                .error("fence-not-closed", opening, "this fence is never closed")
                .help("end it with a line of as many backticks");
        }
        FenceEnd::NextOpens(at) => {
            let line = problems.source().position(at).line;
            problems
                .error("fence-not-closed", opening, "this fence is not closed before the next one opens")
                .note(format!("the next one opens on line {line}"))
                .help("end it with a line of as many backticks; if that line belongs to its text, begin and end with more of them");
        }
    }
}

fn name(raw: &RawInfo, fields: &mut Fields<'_>, problems: &mut Problems<'_>) -> (BlockName, Span) {
    let given = fields.peek("#").map(|attribute| attribute.span);
    if given.is_none() {
        problems
            .error("no-name", raw.braces, "this block has no name")
            .help("begin with a verb phrase that is unique in the lesson, such as `#create-subnet`; a fence that shall not run has no braces");
    }
    let name = fields.name("#", problems);
    // A name for what has none; a lesson with such a block is never handed out.
    let fallback = || BlockName::new("unnamed").expect("a valid name");
    (name.unwrap_or_else(fallback), given.unwrap_or(raw.braces))
}

fn os(fields: &mut Fields<'_>, problems: &mut Problems<'_>) -> Option<Os> {
    let (value, _) = fields.value("os")?;
    let known = Os::ALL.map(Os::as_str);
    let os = value.text.parse().ok();
    if os.is_none() {
        problems
            .error("unknown-os", value.span, format!("there is no variant `{}`", value.text))
            .help("the variants are `debian` and `al2023`")
            .maybe_help(did_you_mean(&value.text, known));
    }
    os
}

/// Decides what the block is from its language and the attributes that change its nature.
fn shape(raw: &RawInfo, fields: &mut Fields<'_>, problems: &mut Problems<'_>) -> Option<Shape> {
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

struct Reader<'a, 'p, 's> {
    fence: &'a Fence,
    fields: Fields<'a>,
    problems: &'p mut Problems<'s>,
    shape: Shape,
}

impl Reader<'_, '_, '_> {
    fn kind(&mut self) -> BlockKind {
        match self.shape {
            Shape::Shell => BlockKind::Shell(self.shell()),
            Shape::Console => BlockKind::Console(self.console()),
            Shape::Http => BlockKind::Http(self.http()),
            Shape::Diagram => BlockKind::Diagram,
            Shape::File => BlockKind::File(self.file()),
            Shape::Background => BlockKind::Background(self.background()),
            Shape::Stop => BlockKind::Stop { target: self.target("stop") },
            Shape::Logs => BlockKind::Logs(self.logs()),
            Shape::Check => BlockKind::Check(self.check()),
        }
    }

    fn shell(&mut self) -> Shell {
        self.commands_needed();
        let place = self.place();
        Shell {
            exit: self.exit(),
            timeout: self.timeout(),
            eventually: self.eventually(),
            capture: self.capture(&place.on),
            outcome: self.outcome(),
            place,
        }
    }

    fn console(&mut self) -> Console {
        let place = self.place();
        let prompt =
            self.fields.value("prompt").map(|(value, attribute)| (value.text.clone(), attribute.span));
        Console {
            entries: crate::lesson::conversation::entries(self.fence, prompt, self.problems),
            timeout: self.timeout(),
            capture: self.capture(&place.on),
            outcome: self.outcome(),
            place,
        }
    }

    fn http(&mut self) -> Http {
        let on = HostName::laptop();
        for key in ["on", "via"] {
            if let Some(attribute) = self.fields.take(key) {
                self.problems
                    .error("does-not-apply", attribute.span, format!("`{key}` does not apply to an `http` block"))
                    .help("a browser runs on the laptop; for a request from another host use `curl` in an `sh` block");
            }
        }
        Http {
            request: crate::lesson::request::request(self.fence, self.problems),
            follow: self.fields.flag("follow"),
            screenshot: self.fields.flag("screenshot"),
            timeout: self.timeout(),
            eventually: self.eventually(),
            capture: self.capture(&on),
            outcome: self.outcome(),
            on,
        }
    }

    fn file(&mut self) -> File {
        let (on, via) = self.host();
        let (path, span) = match self.fields.value("file") {
            Some((value, attribute)) => (value.text.clone(), attribute.span),
            // Told already.
            None => ("unnamed".to_owned(), Span::default()),
        };
        let help = match path.as_str() {
            "" => Some("name a file, such as `file=index.html`"),
            path if path.ends_with('/') || path == "~" => Some("name a file, not a directory"),
            path if path.contains('$') => Some("the path is taken as it stands: variables are not put in"),
            path if path.chars().any(char::is_control) => Some("leave out control characters"),
            _ => None,
        };
        if let Some(help) = help {
            self.problems.error("bad-path", span, format!("`{path}` is no path to write to")).help(help);
        }
        File { on, via, path: path.into(), timeout: self.timeout() }
    }

    fn background(&mut self) -> Background {
        self.fields.flag("background");
        self.commands_needed();
        Background {
            place: self.place(),
            ready: self.text("ready"),
            timeout: self.timeout(),
            outcome: self.outcome(),
        }
    }

    fn logs(&mut self) -> Logs {
        let target = self.target("logs");
        Logs { target, timeout: self.timeout(), eventually: self.eventually(), outcome: self.outcome() }
    }

    fn check(&mut self) -> Check {
        self.fields.flag("check");
        self.commands_needed();
        Check {
            place: self.place(),
            exit: self.exit(),
            timeout: self.timeout(),
            eventually: self.eventually(),
            hint: self.text("hint"),
        }
    }

    fn commands_needed(&mut self) {
        if Script::parse(&self.fence.body.text).commands.is_empty() && self.fence.body.text.trim().is_empty()
        {
            let span = Span::new(self.fence.span.start, self.fence.info.end);
            self.problems.error("empty-block", span, "there are no commands in this block");
        }
    }

    /// `stop` and `logs`: the block they are about. Their body is for people, and may hold remarks only.
    fn target(&mut self, key: &'static str) -> BlockName {
        let script = Script::parse(&self.fence.body.text);
        if let Some(command) = script.commands.first() {
            let span = self.fence.body.locate_span(command.span);
            self.problems
                .error(
                    "commands-of-its-own",
                    span,
                    format!("a block with `{key}` has no commands of its own"),
                )
                .help("remarks after `#` are fine; put commands into a block of their own");
        }
        let name = self.fields.name(key, self.problems);
        name.unwrap_or_else(|| BlockName::new("unnamed").expect("a valid name"))
    }

    fn host(&mut self) -> (HostName, Option<HostName>) {
        let on: HostName = self.fields.name("on", self.problems).unwrap_or_default();
        let span = self.fields.peek("via").map(|attribute| attribute.span);
        let via: Option<HostName> = self.fields.name("via", self.problems);
        let Some((via, span)) = via.zip(span) else { return (on, None) };
        let wrong = if on.is_laptop() && self.on_laptop() {
            Some(("the laptop is not reached through another host", "add `on=HOST`, or leave out `via`"))
        } else if via.is_laptop() {
            Some(("every way begins on the laptop", "leave out `via=laptop`"))
        } else if via == on {
            Some(("a host is not reached through itself", "name the host between the laptop and this one"))
        } else {
            None
        };
        match wrong {
            Some((message, help)) => {
                self.problems.error("bad-via", span, message).help(help);
                (on, None)
            }
            None => (on, Some(via)),
        }
    }

    /// Whether the block was meant to run on the laptop: not when its host was only misspelt.
    fn on_laptop(&self) -> bool {
        let on = self.fields.peek("on").and_then(|attribute| attribute.value.as_ref());
        on.is_none_or(|value| value.text == HostName::LAPTOP)
    }

    fn place(&mut self) -> Place {
        let (on, via) = self.host();
        let span = self.fields.peek("with").map(|attribute| attribute.span);
        let with = self.fields.names("with", self.problems);
        if let Some(span) = span
            && self.on_laptop()
        {
            self.problems
                .error("does-not-apply", span, "`with` does not apply to the laptop")
                .help("its variables are there already; with `on=HOST` they are set on that host");
        }
        Place { on, via, with }
    }

    fn exit(&mut self) -> u8 {
        let Some((value, _)) = self.fields.value("exit") else { return 0 };
        value.text.parse().unwrap_or_else(|_| {
            self.problems
                .error("bad-exit", value.span, format!("`{}` is not an exit status", value.text))
                .help("a status is a number from 0 to 255");
            0
        })
    }

    fn timeout(&mut self) -> std::time::Duration {
        self.fields.duration("timeout", self.problems).unwrap_or(DEFAULT_TIMEOUT)
    }

    /// A text that must not be empty.
    fn text(&mut self, key: &'static str) -> Option<String> {
        let (value, attribute) = self.fields.value(key)?;
        if value.text.trim().is_empty() {
            self.problems
                .error("empty-value", attribute.span, format!("`{key}` is empty"))
                .help("name a text, or leave it out");
        }
        Some(value.text.clone())
    }

    fn eventually(&mut self) -> Option<Eventually> {
        let attribute = self.fields.peek("eventually");
        let within = self.fields.duration("eventually", self.problems);
        let until_span = self.fields.peek("until").map(|attribute| attribute.span);
        let until = self.text("until");
        match attribute {
            None => {
                if let Some(span) = until_span {
                    self.problems
                        .error(
                            "needs-another",
                            span,
                            "`until` says when `eventually` is over, and there is none",
                        )
                        .help("add a deadline, such as `eventually=2m`");
                }
                None
            }
            Some(attribute) => {
                if matches!(self.shape, Shape::Shell | Shape::Check) {
                    self.refuse_creating(attribute.span);
                }
                within.map(|within| Eventually { within, until })
            }
        }
    }

    /// What creates something would create it again with each attempt.
    fn refuse_creating(&mut self, span: Span) {
        let script = Script::parse(&self.fence.body.text);
        if let Some((command, verb)) =
            script.commands.iter().find_map(|command| Some((command, command.creates()?)))
        {
            let place = self.fence.body.locate_span(command.span);
            let line = self.problems.source().position(place.start).line;
            self.problems
                .error("eventually-creates", span, "a block that creates something cannot be repeated")
                .note(format!("`{verb}` on line {line} would create something with each attempt"))
                .help("create it in one block, and wait for it in the next");
        }
    }

    fn capture(&mut self, on: &HostName) -> Option<Capture> {
        let filter = self.fields.value("capture").map(|(value, _)| value.text.clone());
        let hosts_span = self.fields.peek("capture-on").map(|attribute| attribute.span);
        let mut hosts: Vec<HostName> = self.fields.names("capture-on", self.problems);
        let Some(filter) = filter else {
            if let Some(span) = hosts_span {
                self.problems
                    .error(
                        "needs-another",
                        span,
                        "`capture-on` says where `capture` records, and there is none",
                    )
                    .help("add what shall be recorded, such as `capture=\"icmp\"`");
            }
            return None;
        };
        if hosts.is_empty() {
            hosts.push(on.clone());
        }
        Some(Capture { filter, hosts })
    }

    fn outcome(&mut self) -> Outcome {
        let compare = self.compare();
        let span = self.fields.peek("vary").map(|attribute| attribute.span);
        let vary = self.vary();
        if let Some(span) = span
            && compare == Compare::Exit
        {
            self.problems
                .warning("no-effect", span, "`vary` has no effect beside `match=exit`")
                .help("leave out one of the two; `vary` alone compares more");
        }
        Outcome { compare, vary, show: self.show() }
    }

    fn compare(&mut self) -> Compare {
        let Some((value, _)) = self.fields.value("match") else { return Compare::All };
        match value.text.as_str() {
            "exit" => Compare::Exit,
            "lines" => Compare::Lines,
            other => {
                self.problems
                    .error("bad-match", value.span, format!("`{other}` is no way to compare"))
                    .help("use `match=exit` or `match=lines`; everything is compared without it")
                    .maybe_help(did_you_mean(other, ["exit", "lines"]));
                Compare::All
            }
        }
    }

    fn vary(&mut self) -> Option<Pattern> {
        let (value, _) = self.fields.value("vary")?;
        parse_pattern(value, self.problems)
    }

    fn show(&mut self) -> Show {
        let Some((value, _)) = self.fields.value("show") else { return Show::All };
        let count = |text: &str| text.parse::<usize>().ok().filter(|count| *count > 0);
        match value.text.split_once(':') {
            None if value.text == "none" => return Show::None,
            Some(("head", lines)) if count(lines).is_some() => return Show::Head(count(lines).unwrap_or(1)),
            Some(("tail", lines)) if count(lines).is_some() => return Show::Tail(count(lines).unwrap_or(1)),
            _ => {}
        }
        let word = value.text.split(':').next().unwrap_or_default();
        let guess = closest(word, ["none", "head", "tail"]);
        self.problems
            .error("bad-show", value.span, format!("`{}` is no part of an output", value.text))
            .help("use `show=none`, `show=head:5` or `show=tail:5`")
            .maybe_help(guess.map(|word| match word {
                "none" => "did you mean `none`?".to_owned(),
                word => format!("did you mean `{word}:5`?"),
            }));
        Show::All
    }

    fn hidden(&mut self, kind: &BlockKind) -> bool {
        let Some(attribute) = self.fields.take("hidden") else { return false };
        if matches!(kind, BlockKind::Logs(_)) {
            self.problems.warning(
                "no-effect",
                attribute.span,
                "a hidden block with `logs` shows nothing to anybody",
            );
        } else if let Some(show) = self.fields.peek("show") {
            self.problems
                .warning("no-effect", show.span, "`show` has no effect beside `hidden`")
                .help("the book shows nothing of a hidden block");
        }
        true
    }
}
