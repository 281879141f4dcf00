//! Options and words, told apart as Python's argparse does it for the AWS CLI.

use super::failure::Failure;

/// An option and how many words follow it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Spec {
    /// With its dashes.
    pub(super) name: String,
    pub(super) takes: Takes,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Takes {
    Nothing,
    One,
    Optional,
    Many,
}

/// A command line taken apart.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Scanned {
    /// The options that were used, by their index, with the words that follow them, in order.
    pub(super) used: Vec<(usize, Vec<String>)>,
    /// As many free words as were asked for.
    pub(super) positionals: Vec<String>,
    /// Everything else, in order.
    pub(super) rest: Vec<String>,
}

enum Part {
    Word,
    Option { spec: usize, value: Option<String> },
    Unknown,
}

/// Takes a command line apart. Options may be abbreviated as long as only one is meant.
pub(super) fn scan(args: &[String], specs: &[Spec], positionals: usize) -> Result<Scanned, Failure> {
    // After `--` there are only words.
    let end = args.iter().position(|arg| arg == "--").unwrap_or(args.len());
    let args: Vec<String> =
        args.iter().enumerate().filter(|(at, _)| *at != end).map(|(_, arg)| arg.clone()).collect();
    let parts =
        args.iter().enumerate().map(|(at, arg)| if at < end { part(arg, specs) } else { Ok(Part::Word) });
    let parts = parts.collect::<Result<Vec<_>, _>>()?;
    let mut scanned = Scanned::default();
    let mut at = 0;
    while at < args.len() {
        match &parts[at] {
            Part::Word if scanned.positionals.len() < positionals => {
                scanned.positionals.push(args[at].clone())
            }
            Part::Word | Part::Unknown => scanned.rest.push(args[at].clone()),
            Part::Option { spec, value } => {
                let words = parts[at + 1..].iter().take_while(|part| matches!(part, Part::Word)).count();
                let words = &args[at + 1..at + 1 + words];
                let spec_of = &specs[*spec];
                let wrong = |message: &str| Failure::usage(format!("argument {}: {message}", spec_of.name));
                let values = match (spec_of.takes, value) {
                    (Takes::Nothing, Some(value)) => {
                        return Err(wrong(&format!("ignored explicit argument '{value}'")));
                    }
                    (Takes::Nothing, None) => Vec::new(),
                    (_, Some(value)) => vec![value.clone()],
                    (Takes::One, None) => {
                        at += 1;
                        vec![words.first().ok_or_else(|| wrong("expected one argument"))?.clone()]
                    }
                    (Takes::Optional, None) => {
                        let word = words.first().cloned();
                        at += usize::from(word.is_some());
                        word.into_iter().collect()
                    }
                    (Takes::Many, None) => {
                        at += words.len();
                        words.to_vec()
                    }
                };
                scanned.used.push((*spec, values));
            }
        }
        at += 1;
    }
    Ok(scanned)
}

fn part(arg: &str, specs: &[Spec]) -> Result<Part, Failure> {
    if !arg.starts_with('-') || arg == "-" {
        return Ok(Part::Word);
    }
    let exact = |name: &str| specs.iter().position(|spec| spec.name == name);
    if let Some(spec) = exact(arg) {
        return Ok(Part::Option { spec, value: None });
    }
    let (name, value) = match arg.split_once('=') {
        Some((name, value)) => (name, Some(value.to_owned())),
        None => (arg, None),
    };
    if let (Some(spec), true) = (exact(name), value.is_some()) {
        return Ok(Part::Option { spec, value });
    }
    if name.starts_with("--") {
        let meant: Vec<_> = (0..specs.len()).filter(|index| specs[*index].name.starts_with(name)).collect();
        match meant.as_slice() {
            [] => {}
            [spec] => return Ok(Part::Option { spec: *spec, value }),
            many => {
                let names: Vec<_> = many.iter().map(|index| specs[*index].name.as_str()).collect();
                let names = names.join(", ");
                return Err(Failure::usage(format!("ambiguous option: {arg} could match {names}")));
            }
        }
    }
    let is_word = is_negative_number(arg) || arg.contains(' ');
    Ok(if is_word { Part::Word } else { Part::Unknown })
}

fn is_negative_number(arg: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    arg.strip_prefix('-').is_some_and(|rest| match rest.split_once('.') {
        Some((whole, fraction)) => digits(whole) && digits(fraction) && !fraction.is_empty(),
        None => digits(rest) && !rest.is_empty(),
    })
}
