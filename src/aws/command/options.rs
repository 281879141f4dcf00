//! The options of an operation: one for each member of its input, and those that the command line adds.

use serde_json::{Map, Value};

use super::arguments::{Scanned, Spec, Takes};
use super::ec2::{self, Role};
use super::failure::Failure;
use crate::aws::frame::Typed;
use crate::wire::{Kind, Member, Operation, Shape, kebab};

/// An option of an operation.
pub(super) struct Choice {
    /// Without its dashes.
    pub(super) name: String,
    pub(super) takes: Takes,
    pub(super) required: bool,
    pub(super) role: Use,
}

/// What an option is for.
#[derive(Clone, Copy)]
pub(super) enum Use {
    /// A member of the input.
    Member(&'static Member),
    /// `--flag` and `--no-flag` of a boolean.
    Flag(&'static Member, bool),
    /// `--attribute [Value=...]`: a structure of one boolean.
    Switch(&'static Member),
    /// `--no-attribute`.
    SwitchOff(&'static Member),
    /// An option that only the command line has.
    Ec2(Role),
    StartingToken,
    PageSize,
    MaxItems,
    InputJson,
    InputYaml,
    Skeleton,
}

/// All options of an operation, in the order in which errors list them.
pub(super) struct Options {
    pub(super) choices: Vec<Choice>,
}

impl Options {
    pub(super) fn of(operation: &'static Operation) -> Self {
        let mut choices = Vec::new();
        let mut switches = Vec::new();
        let mut add =
            |name: String, takes, required, role| choices.push(Choice { name, takes, required, role });
        for member in operation.input().map(Shape::members).unwrap_or_default() {
            let name = kebab(&member.name);
            let required = member.required && !member.idempotency_token;
            match &member.shape().kind {
                Kind::Boolean => {
                    let no = ec2::negative(operation, &name);
                    add(name, Takes::Nothing, false, Use::Flag(member, true));
                    add(no, Takes::Nothing, false, Use::Flag(member, false));
                }
                Kind::List(_) => add(name, Takes::Many, required, Use::Member(member)),
                _ if is_switch(member.shape()) && operation.service.name() == "ec2" => {
                    switches.push((format!("no-{name}"), member));
                    add(name, Takes::Optional, false, Use::Switch(member));
                }
                _ => add(name, Takes::One, required, Use::Member(member)),
            }
        }
        add("cli-input-json".to_owned(), Takes::One, false, Use::InputJson);
        add("cli-input-yaml".to_owned(), Takes::One, false, Use::InputYaml);
        if let Some(paginator) = operation.service.paginator(operation.name) {
            add("starting-token".to_owned(), Takes::One, false, Use::StartingToken);
            if paginator["limit_key"].is_string() {
                add("page-size".to_owned(), Takes::One, false, Use::PageSize);
            }
            add("max-items".to_owned(), Takes::One, false, Use::MaxItems);
        }
        add("generate-cli-skeleton".to_owned(), Takes::Optional, false, Use::Skeleton);
        ec2::change(operation, &mut choices);
        let off = |(name, member)| Choice {
            name,
            takes: Takes::Nothing,
            required: false,
            role: Use::SwitchOff(member),
        };
        choices.extend(switches.into_iter().map(off));
        Self { choices }
    }

    pub(super) fn specs(&self) -> Vec<Spec> {
        self.choices
            .iter()
            .map(|choice| Spec { name: format!("--{}", choice.name), takes: choice.takes })
            .collect()
    }

    /// The options that were used, with their values; files read, types of the simple ones and required ones checked.
    pub(super) fn used(&self, scanned: Scanned, typed: &Typed) -> Result<Used<'_>, Failure> {
        let mut used: Vec<Option<Values>> = self.choices.iter().map(|_| None).collect();
        for (index, words) in scanned.used {
            let choice = &self.choices[index];
            choice.check_number(&words)?;
            if let Use::Flag(member, _) = choice.role {
                // Of --flag and --no-flag the last one counts.
                let same =
                    |other: &Choice| matches!(other.role, Use::Flag(other, _) if std::ptr::eq(other, member));
                self.choices
                    .iter()
                    .zip(&mut used)
                    .filter(|(other, _)| same(other))
                    .for_each(|(_, slot)| *slot = None);
            }
            used[index] = Some(Values { words: words.into_iter().map(Word::Text).collect(), whole: false });
        }
        let optional = |role: &Use| matches!(role, Use::InputJson | Use::InputYaml | Use::Skeleton);
        let from_elsewhere =
            self.choices.iter().zip(&used).any(|(choice, values)| values.is_some() && optional(&choice.role));
        let missing: Vec<_> = self
            .choices
            .iter()
            .zip(&used)
            .filter(|(choice, values)| choice.required && values.is_none())
            .collect();
        if !missing.is_empty() && !from_elsewhere {
            let names: Vec<_> = missing.iter().map(|(choice, _)| format!("--{}", choice.name)).collect();
            return Err(Failure::required(&names.iter().map(String::as_str).collect::<Vec<_>>()));
        }
        let unknown: Vec<_> = scanned.rest.into_iter().chain(scanned.positionals).collect();
        if !unknown.is_empty() {
            return Err(Failure::unknown_options(&unknown));
        }
        let mut pairs = Vec::new();
        for (choice, values) in self.choices.iter().zip(used) {
            if let Some(values) = values {
                pairs.push((choice, values.with_files(&choice.name, typed)?));
            }
        }
        self.check_switches(&pairs)?;
        Ok(Used { pairs })
    }

    fn check_switches(&self, pairs: &[(&Choice, Values)]) -> Result<(), Failure> {
        for (on, _) in pairs {
            if let Use::Switch(member) = on.role {
                let off = |other: &Choice| matches!(other.role, Use::SwitchOff(other) if std::ptr::eq(other, member));
                if let Some((off, _)) = pairs.iter().find(|(other, _)| off(other)) {
                    let (on, off) = (&on.name, &off.name);
                    let message =
                        format!("Cannot specify both the \"--{on}\" option and the \"--{off}\" option.");
                    return Err(Failure::parameter(message));
                }
            }
        }
        Ok(())
    }
}

impl Choice {
    /// Numbers that are read before anything else is looked at.
    fn check_number(&self, words: &[String]) -> Result<(), Failure> {
        let kind = match self.role {
            Use::PageSize | Use::MaxItems | Use::Ec2(Role::SecondaryCount) => Some("int"),
            Use::Member(member) => match member.shape().kind {
                Kind::Long => Some("int"),
                Kind::Float => Some("float"),
                _ => None,
            },
            _ => None,
        };
        let valid = |kind: &str, word: &String| match kind {
            "int" => word.trim().parse::<i64>().is_ok(),
            _ => word.trim().parse::<f64>().is_ok(),
        };
        match (kind, words.first()) {
            (Some(kind), Some(word)) if !valid(kind, word) => {
                Err(Failure::usage(format!("argument --{}: invalid {kind} value: '{word}'", self.name)))
            }
            _ => Ok(()),
        }
    }
}

/// A structure of nothing but a boolean `Value`.
fn is_switch(shape: &Shape) -> bool {
    match shape.members() {
        [member] => member.name == "Value" && matches!(member.shape().kind, Kind::Boolean),
        _ => false,
    }
}

/// What was typed after an option.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Values {
    pub(super) words: Vec<Word>,
    /// Whether the words are one text from a file, also where several words are possible.
    pub(super) whole: bool,
}

/// A word, or what a file holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Word {
    Text(String),
    Bytes(Vec<u8>),
}

impl Word {
    pub(super) fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        }
    }
}

impl Values {
    /// The first word.
    pub(super) fn text(&self) -> Option<String> {
        self.words.first().map(Word::text)
    }

    /// The first word as a number.
    pub(super) fn number(&self) -> Option<i64> {
        self.text()?.trim().parse().ok()
    }

    fn with_files(self, option: &str, typed: &Typed) -> Result<Self, Failure> {
        let [Word::Text(word)] = self.words.as_slice() else {
            return Ok(self);
        };
        let binary = word.starts_with("fileb://");
        if !binary && !word.starts_with("file://") {
            return Ok(self);
        }
        let unreadable =
            |reason: &str| Failure::parsing(option, format!("Unable to load paramfile {word}: {reason}"));
        let content = match typed.files.get(word) {
            Some(Ok(content)) => content.clone(),
            Some(Err(reason)) => return Err(unreadable(reason)),
            None => return Err(unreadable("it was not sent along")),
        };
        let word = if binary {
            Word::Bytes(content)
        } else {
            let path = word.trim_start_matches("file://");
            Word::Text(String::from_utf8(content).map_err(|_| {
                let hint =
                    "If this is a binary file, please use the fileb:// prefix instead of the file:// prefix.";
                let what = "text contents could not be decoded.";
                Failure::parsing(option, format!("Unable to load paramfile ({path}), {what}  {hint}"))
            })?)
        };
        Ok(Self { words: vec![word], whole: true })
    }
}

/// The options that were used, in the table's order.
pub(super) struct Used<'a> {
    pairs: Vec<(&'a Choice, Values)>,
}

impl Used<'_> {
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Choice, &Values)> {
        self.pairs.iter().map(|(choice, values)| (*choice, values))
    }

    /// What was typed after the option of this name.
    pub(super) fn get(&self, name: &str) -> Option<&Values> {
        self.iter().find(|(choice, _)| choice.name == name).map(|(_, values)| values)
    }

    /// The kind of skeleton that is asked for.
    pub(super) fn skeleton(&self) -> Option<String> {
        self.get("generate-cli-skeleton").map(|values| values.text().unwrap_or_else(|| "input".to_owned()))
    }

    /// The parameters of `--cli-input-json` or `--cli-input-yaml`.
    pub(super) fn input(&self) -> Result<Option<Map<String, Value>>, Failure> {
        let (name, text) = match (self.get("cli-input-json"), self.get("cli-input-yaml")) {
            (None, None) => return Ok(None),
            (Some(_), Some(_)) => {
                return Err(Failure::parameter("Only one --cli-input- parameter may be specified."));
            }
            (Some(values), None) => ("cli-input-json", values.text().unwrap_or_default()),
            (None, Some(values)) => ("cli-input-yaml", values.text().unwrap_or_default()),
        };
        let parsed: Option<Value> = match name {
            "cli-input-json" => text.parse().ok(),
            _ => serde_yaml_ng::from_str(&text).ok(),
        };
        match parsed {
            Some(Value::Object(object)) => Ok(Some(object)),
            Some(other) => {
                let kind = super::validate::class(&other);
                Err(Failure::parsing(name, format!("Invalid type: expecting map, received {kind}")))
            }
            None => {
                let kind = if name == "cli-input-json" { "JSON" } else { "YAML" };
                Err(Failure::parameter(format!("Error parsing parameter '{name}': Invalid {kind} received.")))
            }
        }
    }
}
