//! Command lines that mean nothing: the texts and exit statuses of the AWS CLI.

use super::Paging;

/// What is printed on standard error, and the exit status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// 252: the command line is wrong. 253: something is not configured. 254: the service refused. 255: anything else.
    pub exit: u8,
    /// The whole text, its empty first line included.
    pub text: String,
}

const USAGE: &str = "usage: aws [options] <command> <subcommand> [<subcommand> ...] [parameters]\nTo see help text, you can \
                     run:\n\n  aws help\n  aws <command> help\n  aws <command> <subcommand> help\n";

impl Failure {
    /// A wrong parameter.
    pub(crate) fn parameter(message: impl AsRef<str>) -> Self {
        Self { exit: 252, text: format!("\n{}\n", message.as_ref()) }
    }

    /// Anything else.
    pub(crate) fn general(message: impl AsRef<str>) -> Self {
        Self { exit: 255, text: format!("\n{}\n", message.as_ref()) }
    }

    /// A value that cannot be read.
    pub(crate) fn parsing(option: &str, message: impl AsRef<str>) -> Self {
        Self::parameter(format!("Error parsing parameter '--{option}': {}", message.as_ref()))
    }

    /// A command line that does not fit together.
    pub(crate) fn usage(message: impl AsRef<str>) -> Self {
        Self { exit: 252, text: format!("\n{USAGE}\naws: error: {}\n\n", message.as_ref()) }
    }

    pub(crate) fn usage_of(usage: &str, message: &str) -> Self {
        Self { exit: 252, text: format!("\nusage: aws [options] {usage}\naws: error: {message}\n") }
    }

    pub(crate) fn unknown_options(options: &[String]) -> Self {
        Self { exit: 252, text: format!("\n{USAGE}\nUnknown options: {}\n\n", options.join(", ")) }
    }

    pub(crate) fn required(names: &[&str]) -> Self {
        Self::usage(format!("the following arguments are required: {}", names.join(", ")))
    }

    /// A word that is none of the possible ones, with those near to it.
    pub(crate) fn choice(argument: &str, word: &str, choices: &[impl AsRef<str>]) -> Self {
        let mut text = format!("argument {argument}: Invalid choice, valid choices are:\n");
        for pair in choices.chunks(2) {
            let cells: Vec<_> = pair.iter().map(|choice| format!("{:<40}", choice.as_ref())).collect();
            text += &format!("\n{}", cells.join(" | "));
        }
        let near = nearest(word, choices);
        if !near.is_empty() {
            text += &format!("\n\n\nInvalid choice: '{word}', maybe you meant:\n");
            near.iter().for_each(|choice| text += &format!("\n  * {choice}"));
        }
        Self::usage(text)
    }

    pub(crate) fn no_paging(paging: &Paging) -> Self {
        let given = [
            ("--starting-token", paging.starting_token.is_some()),
            ("--page-size", paging.page_size.is_some()),
            ("--max-items", paging.max_items.is_some()),
        ];
        let given: Vec<_> = given.into_iter().filter(|(_, given)| *given).map(|(name, _)| name).collect();
        Self::parameter(format!(
            "Cannot specify --no-paginate along with pagination arguments: {}",
            given.join(", ")
        ))
    }
}

/// At most three choices that share most of their letters with the word, the nearest first.
fn nearest<'a>(word: &str, choices: &'a [impl AsRef<str>]) -> Vec<&'a str> {
    let mut near: Vec<_> = choices
        .iter()
        .map(|choice| (likeness(word, choice.as_ref()), choice.as_ref()))
        .filter(|(likeness, _)| *likeness >= 0.8)
        .collect();
    near.sort_by(|left, right| right.0.total_cmp(&left.0).then(right.1.cmp(left.1)));
    near.into_iter().take(3).map(|(_, choice)| choice).collect()
}

/// Twice the length of what two words have in common over the length of both, as Python's difflib counts it: the longest
/// common block, then the same to its left and right.
fn likeness(left: &str, right: &str) -> f64 {
    let (left, right): (Vec<_>, Vec<_>) = (left.chars().collect(), right.chars().collect());
    let total = left.len() + right.len();
    if total == 0 { 1.0 } else { 2.0 * common(&left, &right) as f64 / total as f64 }
}

fn common(left: &[char], right: &[char]) -> usize {
    let mut best = (0, 0, 0);
    for start in 0..left.len() {
        for other in 0..right.len() {
            let length = left[start..].iter().zip(&right[other..]).take_while(|(a, b)| a == b).count();
            if length > best.2 {
                best = (start, other, length);
            }
        }
    }
    let (start, other, length) = best;
    if length == 0 {
        return 0;
    }
    let before = common(&left[..start], &right[..other]);
    before + length + common(&left[start + length..], &right[other + length..])
}
