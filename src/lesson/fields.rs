//! The attributes that exist, and one block's attributes while they are turned into typed values.

use std::str::FromStr;
use std::time::Duration;

use crate::diagnostic::{closest, did_you_mean};
use crate::lesson::attributes::{RawAttribute, RawInfo, RawValue};
use crate::lesson::duration::{BadDuration, parse_duration};
use crate::lesson::problems::Problems;
use crate::name::NameError;
use crate::source::Span;

/// Every attribute with a value, and an example.
const WITH_VALUE: [(&str, &str); 20] = [
    ("#", "#create-subnet"),
    ("on", "on=web"),
    ("via", "via=web"),
    ("with", "with=VPC,SUBNET"),
    ("exit", "exit=28"),
    ("timeout", "timeout=30s"),
    ("eventually", "eventually=2m"),
    ("until", "until=\"active\""),
    ("ready", "ready=\"listening\""),
    ("stop", "stop=start-server"),
    ("logs", "logs=start-server"),
    ("file", "file=index.html"),
    ("capture", "capture=\"icmp\""),
    ("capture-on", "capture-on=web,db"),
    ("show", "show=tail:5"),
    ("match", "match=lines"),
    ("vary", "vary=\"[0-9]+ packages\""),
    ("os", "os=debian"),
    ("hint", "hint=\"Is the route there?\""),
    ("prompt", "prompt=\"mysql> \""),
];

/// Every attribute without a value.
const FLAGS: [&str; 5] = ["background", "check", "hidden", "screenshot", "follow"];

/// Words that other tools use, and what they are called here.
const FOREIGN: [(&str, &str); 9] = [
    ("name", "a name is written `#create-subnet`"),
    ("id", "a name is written `#create-subnet`"),
    ("host", "the host is given by `on=`"),
    ("env", "variables are handed over by `with=`"),
    ("status", "the expected status is given by `exit=`"),
    ("exit-code", "the expected status is given by `exit=`"),
    ("retry", "a block is repeated by `eventually=`"),
    ("through", "the host to go through is given by `via=`"),
    ("ignore", "what is volatile is given by `vary=`"),
];

/// The attributes of one block. What is taken is understood; what is left at the end does not apply to the block.
pub(crate) struct Fields<'a> {
    raw: &'a RawInfo,
    taken: Vec<&'static str>,
}

impl<'a> Fields<'a> {
    /// Checks the shape of each: known, with or without a value as it must be, only once, the name first.
    pub fn new(raw: &'a RawInfo, problems: &mut Problems<'_>) -> Self {
        for (index, attribute) in raw.attributes.iter().enumerate() {
            if index > 0 && stray_unit(&raw.attributes[index - 1], attribute).is_some() {
                continue;
            }
            shape(attribute, problems);
            if let Some(first) = raw.attributes[..index].iter().find(|known| known.key == attribute.key) {
                let what =
                    if attribute.key == "#" { "the name".to_owned() } else { format!("`{}`", attribute.key) };
                let column = problems.source().position(first.span.start).column;
                let written = problems.source().slice(first.span).to_owned();
                problems
                    .error("duplicate-attribute", attribute.span, format!("{what} is given twice"))
                    .note(format!("`{written}` stands in column {column}"));
            } else if attribute.key == "#" && index > 0 {
                problems
                    .warning("name-not-first", attribute.span, "the name should be the first attribute")
                    .help("names are easier to find when they stand right after the brace");
            }
        }
        Self { raw, taken: Vec::new() }
    }

    /// The attribute as written, taken.
    pub fn take(&mut self, key: &'static str) -> Option<&'a RawAttribute> {
        self.taken.push(key);
        self.peek(key)
    }

    /// The attribute as written, not taken.
    pub fn peek(&self, key: &str) -> Option<&'a RawAttribute> {
        self.raw.attributes.iter().find(|attribute| attribute.key == key)
    }

    /// Whether a flag is set.
    pub fn flag(&mut self, key: &'static str) -> bool {
        self.take(key).is_some()
    }

    /// The value of an attribute, and the attribute itself.
    pub fn value(&mut self, key: &'static str) -> Option<(&'a RawValue, &'a RawAttribute)> {
        let attribute = self.take(key)?;
        Some((attribute.value.as_ref()?, attribute))
    }

    /// A value that is a name of some kind.
    pub fn name<T: FromStr<Err = NameError>>(
        &mut self,
        key: &'static str,
        problems: &mut Problems<'_>,
    ) -> Option<T> {
        let (value, _) = self.value(key)?;
        named(&value.text, value.span, problems)
    }

    /// A value that is a list of names with commas between them.
    pub fn names<T: FromStr<Err = NameError> + PartialEq>(
        &mut self,
        key: &'static str,
        problems: &mut Problems<'_>,
    ) -> Vec<T> {
        let Some((value, _)) = self.value(key) else { return Vec::new() };
        let mut found = Vec::new();
        let mut at = 0;
        for word in value.text.split(',') {
            let span = value.part(at, at + word.len());
            at += word.len() + 1;
            if let Some(name) = named(word, span, problems) {
                if found.contains(&name) {
                    problems.error("duplicate-word", span, format!("`{word}` stands twice in `{key}`"));
                } else {
                    found.push(name);
                }
            }
        }
        found
    }

    /// A value that is a duration.
    pub fn duration(&mut self, key: &'static str, problems: &mut Problems<'_>) -> Option<Duration> {
        let (value, attribute) = self.value(key)?;
        let index = self.raw.attributes.iter().position(|known| std::ptr::eq(known, attribute))?;
        let unit = self.raw.attributes.get(index + 1).and_then(|next| stray_unit(attribute, next));
        let (text, span) = match unit {
            Some((unit, end)) => (format!("{} {unit}", value.text), Span::new(value.span.start, end)),
            None => (value.text.clone(), value.span),
        };
        match parse_duration(&text) {
            Ok(duration) => Some(duration),
            Err(BadDuration { reason, suggestion }) => {
                let help = suggestion.map(|suggestion| format!("did you mean `{suggestion}`?"));
                problems
                    .error("bad-duration", span, format!("`{text}` is not a duration: {reason}"))
                    .help("durations are written `500ms`, `30s`, `2m` or `1m30s`")
                    .maybe_help(help);
                None
            }
        }
    }

    /// Says of each known attribute that was not taken that it does not apply to `what`, such as `a diagram`.
    pub fn finish(self, what: &str, problems: &mut Problems<'_>) {
        for attribute in &self.raw.attributes {
            let known = is_known(&attribute.key);
            if known && !self.taken.contains(&attribute.key.as_str()) {
                let message = format!("`{}` does not apply to {what}", attribute.key);
                problems.error("does-not-apply", attribute.span, message);
            }
        }
    }
}

fn is_known(key: &str) -> bool {
    FLAGS.contains(&key) || WITH_VALUE.iter().any(|(known, _)| *known == key)
}

fn shape(attribute: &RawAttribute, problems: &mut Problems<'_>) {
    let key = attribute.key.as_str();
    if let Some((_, example)) = WITH_VALUE.iter().find(|(known, _)| *known == key) {
        if attribute.value.is_none() && attribute.span == attribute.key_span {
            problems
                .error("no-value", attribute.span, format!("`{key}` needs a value"))
                .help(format!("for example `{example}`"));
        }
        return;
    }
    if FLAGS.contains(&key) {
        if attribute.value.is_some() {
            problems
                .error("flag-with-value", attribute.span, format!("`{key}` takes no value"))
                .help(format!("write `{key}` alone, or leave it out"));
        }
        return;
    }
    let known = FLAGS.into_iter().chain(WITH_VALUE.into_iter().map(|(known, _)| known));
    let foreign =
        |word: &str| FOREIGN.iter().find(|(known, _)| *known == word).map(|(_, help)| (*help).to_owned());
    let help = foreign(key)
        .or_else(|| did_you_mean(key, known))
        .or_else(|| foreign(closest(key, FOREIGN.into_iter().map(|(word, _)| word))?));
    problems
        .error("unknown-attribute", attribute.key_span, format!("there is no attribute `{key}`"))
        .maybe_help(help);
}

/// The unit and its end, when a duration was written with a space before its unit: `timeout=2 m`.
fn stray_unit<'a>(before: &RawAttribute, attribute: &'a RawAttribute) -> Option<(&'a str, usize)> {
    let number = before
        .value
        .as_ref()
        .is_some_and(|value| !value.text.is_empty() && value.text.bytes().all(|byte| byte.is_ascii_digit()));
    let unit = attribute.value.is_none()
        && matches!(attribute.key.as_str(), "ms" | "s" | "sec" | "m" | "min" | "minutes" | "seconds" | "h");
    let duration = matches!(before.key.as_str(), "timeout" | "eventually");
    (duration && number && unit).then_some((attribute.key.as_str(), attribute.span.end))
}

fn named<T: FromStr<Err = NameError>>(text: &str, span: Span, problems: &mut Problems<'_>) -> Option<T> {
    match text.parse() {
        Ok(name) => Some(name),
        Err(NameError { what, text, rule }) => {
            let what = what.trim_start_matches("an ").trim_start_matches("a ");
            let message = match text.as_str() {
                "" => format!("a {what} is missing here"),
                _ => format!("`{text}` is not a valid {what}"),
            };
            problems.error("bad-name", span, message).help(rule);
            None
        }
    }
}
