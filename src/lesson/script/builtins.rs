//! What bash's own commands do to variables.

use super::Word;

/// What a command does to the variables of the shell.
pub(super) enum Effect {
    None,
    Sets(Vec<String>),
    /// It runs text that is not known here.
    Anything,
}

/// The effect of a command with these words; never empty.
pub(super) fn effect(words: &[Word]) -> Effect {
    let text = |index: usize| words.get(index).map(|word| word.text.as_str());
    let words = match text(0) {
        Some("builtin" | "command") => &words[1..],
        _ => words,
    };
    let Some((command, arguments)) = words.split_first() else { return Effect::None };
    match command.text.as_str() {
        "export" | "readonly" => Effect::Sets(declared(arguments, true)),
        "declare" | "typeset" | "local" => Effect::Sets(declared(arguments, false)),
        "read" => Effect::Sets(read(arguments, &["-d", "-i", "-n", "-N", "-p", "-t", "-u"])),
        "mapfile" | "readarray" => Effect::Sets(read(arguments, &["-d", "-n", "-O", "-s", "-u", "-C", "-c"])),
        "for" | "select" => Effect::Sets(names(arguments.first())),
        "getopts" => Effect::Sets(names(arguments.get(1))),
        "printf" if arguments.first().is_some_and(|word| word.text == "-v") => {
            Effect::Sets(names(arguments.get(1)))
        }
        "let" => Effect::Sets(
            arguments.iter().filter_map(|word| leading_name(&word.text)).map(str::to_owned).collect(),
        ),
        "source" | "." | "eval" => Effect::Anything,
        _ => Effect::None,
    }
}

fn names(word: Option<&Word>) -> Vec<String> {
    word.and_then(|word| leading_name(&word.text).filter(|name| *name == word.text))
        .map(str::to_owned)
        .into_iter()
        .collect()
}

fn declared(arguments: &[Word], with_value_only: bool) -> Vec<String> {
    arguments
        .iter()
        .filter(|word| !with_value_only || word.text.contains('='))
        .filter_map(|word| leading_name(&word.text))
        .map(str::to_owned)
        .collect()
}

/// The names after the options; `with_value` are the options whose value is the next word. `-a NAME` is a name too.
fn read(arguments: &[Word], with_value: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    let mut skip = false;
    for word in arguments {
        if std::mem::take(&mut skip) {
            continue;
        }
        // Options may be joined, as in `-rp`: the last one has the value.
        let last = word.text.chars().next_back().map(|c| format!("-{c}")).unwrap_or_default();
        if word.text.starts_with('-') {
            skip = with_value.contains(&last.as_str());
        } else {
            found.extend(names(Some(word)));
        }
    }
    if found.is_empty() {
        found.push("REPLY".to_owned());
    }
    found
}

/// The variable name that `text` begins with.
pub(super) fn leading_name(text: &str) -> Option<&str> {
    if !text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        return None;
    }
    let length = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
    Some(&text[..length])
}

/// Whether an operator that assigns follows a name in arithmetic.
pub(super) fn arithmetic_assigns(after: &str) -> bool {
    let after = after.trim_start_matches([' ', '\t']);
    let operators = ["++", "--", "+=", "-=", "*=", "/=", "%=", "<<=", ">>=", "&=", "^=", "|="];
    operators.iter().any(|operator| after.starts_with(operator))
        || (after.starts_with('=') && !after.starts_with("=="))
}
