//! The options that go with every command.

use super::Failure;
use super::arguments::{Scanned, Spec, Takes, scan};
use crate::aws::frame::Typed;
use crate::aws::journal::Origin;
use crate::aws::query::Query;
use crate::aws::request::Target;
use crate::session::BLOCK_VARIABLE;

/// How a result is printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Format {
    /// Indented JSON.
    #[default]
    Json,
    /// Tab-separated words.
    Text,
    /// Boxes.
    Table,
    /// YAML.
    Yaml,
    /// YAML, one list a page.
    YamlStream,
}

/// What the global options and the environment say.
#[derive(Debug, Default)]
pub struct Globals {
    /// `--query`.
    pub query: Option<Query>,
    /// `--output` or `AWS_DEFAULT_OUTPUT`.
    pub format: Format,
    /// Whether pages are fetched and joined.
    pub paginate: bool,
    /// `--color on`.
    pub color: bool,
    /// Where calls go.
    pub target: Target,
    /// The block on whose behalf calls are made.
    pub origin: Option<Origin>,
    /// How wide a table may be.
    pub width: usize,
    /// `--cli-binary-format raw-in-base64-out`.
    pub raw_binary: bool,
}

/// A command line without its global options.
#[derive(Debug)]
pub(super) enum Split {
    /// `--version`.
    Version,
    /// The options, the first word, and the rest.
    Command(Box<Globals>, String, Vec<String>),
}

const OPTIONS: [(&str, Takes); 19] = [
    ("--debug", Takes::Nothing),
    ("--endpoint-url", Takes::One),
    ("--no-verify-ssl", Takes::Nothing),
    ("--no-paginate", Takes::Nothing),
    ("--output", Takes::One),
    ("--query", Takes::One),
    ("--profile", Takes::One),
    ("--region", Takes::One),
    ("--version", Takes::Nothing),
    ("--color", Takes::One),
    ("--no-sign-request", Takes::Nothing),
    ("--ca-bundle", Takes::One),
    ("--cli-read-timeout", Takes::One),
    ("--cli-connect-timeout", Takes::One),
    ("--cli-binary-format", Takes::One),
    ("--no-cli-pager", Takes::Nothing),
    ("--cli-auto-prompt", Takes::Nothing),
    ("--no-cli-auto-prompt", Takes::Nothing),
    ("--cli-error-format", Takes::One),
];

const FORMATS: [(&str, Format); 5] = [
    ("json", Format::Json),
    ("text", Format::Text),
    ("table", Format::Table),
    ("yaml", Format::Yaml),
    ("yaml-stream", Format::YamlStream),
];

pub(super) fn split(typed: &Typed) -> Result<Split, Failure> {
    let specs: Vec<_> =
        OPTIONS.iter().map(|(name, takes)| Spec { name: (*name).to_owned(), takes: *takes }).collect();
    let Scanned { used, positionals, rest } = scan(&typed.argv, &specs, 1)?;
    let name_of = |index: usize| OPTIONS[index].0;
    if used.iter().any(|(index, _)| name_of(*index) == "--version") {
        return Ok(Split::Version);
    }
    let value = |name: &str| {
        used.iter().rfind(|(index, _)| name_of(*index) == name).and_then(|(_, values)| values.first())
    };
    let flag = |name: &str| used.iter().any(|(index, _)| name_of(*index) == name);
    choose("--output", value("--output"), &FORMATS.map(|(name, _)| name))?;
    choose("--color", value("--color"), &["on", "off", "auto"])?;
    choose("--cli-binary-format", value("--cli-binary-format"), &["base64", "raw-in-base64-out"])?;
    for name in ["--cli-read-timeout", "--cli-connect-timeout"] {
        if let Some(text) = value(name).filter(|text| text.parse::<i64>().is_err()) {
            return Err(Failure::general(format!("invalid literal for int() with base 10: '{text}'")));
        }
    }
    let Some(command) = positionals.into_iter().next() else {
        return Err(Failure::required(&["command"]));
    };
    let env = |name: &str| typed.env.get(name).filter(|value| !value.is_empty());
    let query = value("--query").map(|expression| super::compile_query(expression)).transpose()?;
    if let Some(url) = value("--endpoint-url").filter(|url| !has_scheme(url)) {
        return Err(Failure::parameter(format!(
            "Bad value for --endpoint-url \"{url}\": scheme is missing.  Must be of the form http://<hostname>/ or \
             https://<hostname>/"
        )));
    }
    let format = value("--output").or_else(|| env("AWS_DEFAULT_OUTPUT"));
    let format = match format {
        Some(word) => match FORMATS.iter().find(|(name, _)| name == word) {
            Some((_, format)) => *format,
            None => return Err(Failure::general(format!("Unknown output type: {word}"))),
        },
        None => Format::Json,
    };
    let region = value("--region").or_else(|| env("AWS_REGION")).or_else(|| env("AWS_DEFAULT_REGION"));
    let globals = Globals {
        query,
        format,
        paginate: !flag("--no-paginate"),
        color: value("--color").is_some_and(|word| word == "on"),
        target: Target {
            region: region.cloned(),
            endpoint_url: value("--endpoint-url").cloned(),
            unsigned: flag("--no-sign-request"),
        },
        origin: typed.env.get(BLOCK_VARIABLE).and_then(|word| Origin::from_word(word)),
        width: env("COLUMNS").and_then(|columns| columns.parse().ok()).unwrap_or(80),
        raw_binary: value("--cli-binary-format").is_some_and(|word| word == "raw-in-base64-out"),
    };
    Ok(Split::Command(Box::new(globals), command, rest))
}

fn choose(option: &str, word: Option<&String>, choices: &[&str]) -> Result<(), Failure> {
    match word {
        Some(word) if !choices.contains(&word.as_str()) => Err(Failure::choice(option, word, choices)),
        _ => Ok(()),
    }
}

fn has_scheme(url: &str) -> bool {
    url.split_once("://").is_some_and(|(scheme, _)| !scheme.is_empty())
}
