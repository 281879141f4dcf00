//! A command of a script read as a call of the AWS CLI.

use crate::lesson::script::{Command, Word};

/// `aws SERVICE OPERATION --option value ..`.
pub(crate) struct AwsCommand<'a> {
    pub service: &'a Word,
    pub operation: &'a Word,
    /// Each option without its dashes, with its values.
    pub options: Vec<(&'a str, Vec<&'a Word>)>,
}

/// The options that may stand before the service and have a value.
const GLOBAL_WITH_VALUE: [&str; 8] = [
    "--region",
    "--profile",
    "--output",
    "--query",
    "--endpoint-url",
    "--color",
    "--ca-bundle",
    "--cli-read-timeout",
];

impl Command {
    /// The command as a call of the AWS CLI, if it is one.
    pub fn aws(&self) -> Option<AwsCommand<'_>> {
        let (program, words) = self.words.split_first()?;
        if program.text != "aws" {
            return None;
        }
        let mut plain = Vec::new();
        let mut options: Vec<(&str, Vec<&Word>)> = Vec::new();
        for word in words {
            match (word.text.strip_prefix("--"), options.last_mut()) {
                (Some(option), _) if !option.is_empty() => options.push((option, Vec::new())),
                (_, Some((option, values))) => {
                    let global = GLOBAL_WITH_VALUE.iter().any(|known| known[2..] == **option);
                    // Before the operation is known, only an option of the CLI itself has a value.
                    if plain.len() >= 2 || (global && values.is_empty()) {
                        values.push(word);
                    } else {
                        plain.push(word);
                    }
                }
                (_, None) => plain.push(word),
            }
        }
        Some(AwsCommand { service: plain.first()?, operation: plain.get(1)?, options })
    }

    /// The operation, when the command creates something in the cloud each time it runs.
    pub fn creates(&self) -> Option<&str> {
        const CREATING: [&str; 8] =
            ["create-", "run-", "allocate-", "import-", "copy-", "purchase-", "provision-", "request-spot"];
        let call = self.aws()?;
        let operation = call.operation.text.as_str();
        let creates = CREATING.iter().any(|prefix| operation.starts_with(prefix));
        // Setting the same tags twice changes nothing, and a dry run creates nothing.
        (creates && operation != "create-tags" && call.option("dry-run").is_none()).then_some(operation)
    }
}

impl<'a> AwsCommand<'a> {
    /// The values of an option, if it is given.
    pub fn option(&self, name: &str) -> Option<&[&'a Word]> {
        self.options.iter().find(|(option, _)| *option == name).map(|(_, values)| values.as_slice())
    }
}

/// The values of all tags with the key `Name` in `text`, which may be the CLI's shorthand or JSON.
pub(crate) fn name_tags<'a>(text: &'a str) -> Vec<&'a str> {
    let mut found = Vec::new();
    for part in text.split('{') {
        let mut key = None;
        let mut value = None;
        for field in part.split(['}', ',', ']']) {
            let Some((name, content)) = field.split_once(['=', ':']) else { continue };
            let bare = |text: &'a str| text.trim().trim_matches('"');
            match bare(name) {
                "Key" => key = Some(bare(content)),
                "Value" => value = Some(bare(content)),
                _ => {}
            }
        }
        if key == Some("Name") {
            found.extend(value);
        }
    }
    found
}
