//! The values that several kinds of blocks share.

use std::time::Duration;

use crate::diagnostic::{closest, did_you_mean};
use crate::lesson::block::{
    BlockKind, Capture, Compare, DEFAULT_TIMEOUT, Eventually, Outcome, Place, Ready, Show,
};
use crate::lesson::pattern::{Pattern, parse_pattern};
use crate::lesson::script::Script;
use crate::lesson::typed::kinds::Reader;
use crate::lesson::typed::shape::Shape;
use crate::name::HostName;
use crate::source::Span;

impl Reader<'_, '_, '_> {
    pub fn host(&mut self) -> (HostName, Option<HostName>) {
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

    pub fn place(&mut self) -> Place {
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

    pub fn exit(&mut self) -> u8 {
        let Some((value, _)) = self.fields.value("exit") else { return 0 };
        value.text.parse().unwrap_or_else(|_| {
            self.problems
                .error("bad-exit", value.span, format!("`{}` is not an exit status", value.text))
                .help("a status is a number from 0 to 255");
            0
        })
    }

    pub fn timeout(&mut self) -> Duration {
        self.fields.duration("timeout", self.problems).unwrap_or(DEFAULT_TIMEOUT)
    }

    /// A text that must not be empty.
    pub fn text(&mut self, key: &'static str) -> Option<String> {
        let (value, attribute) = self.fields.value(key)?;
        if value.text.trim().is_empty() {
            self.problems
                .error("empty-value", attribute.span, format!("`{key}` is empty"))
                .help("name a text, or leave it out");
        }
        Some(value.text.clone())
    }

    /// A text, or a port: `:8080`.
    pub fn ready(&mut self) -> Option<Ready> {
        let text = self.text("ready")?;
        let digits = text
            .strip_prefix(':')
            .filter(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()));
        let Some(digits) = digits else { return Some(Ready::Text(text)) };
        let port = digits.parse().ok().filter(|port| *port > 0);
        if port.is_none() {
            let span = self.fields.peek("ready").map_or(Span::default(), |attribute| attribute.span);
            self.problems
                .error("bad-port", span, format!("`{text}` is no port"))
                .help("ports are numbers from 1 to 65535, such as `ready=:8080`");
        }
        port.map(Ready::Port)
    }

    pub fn eventually(&mut self) -> Option<Eventually> {
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

    pub fn capture(&mut self, on: &HostName) -> Option<Capture> {
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

    pub fn outcome(&mut self) -> Outcome {
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

    pub fn hidden(&mut self, kind: &BlockKind) -> bool {
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
