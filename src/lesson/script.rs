//! What a shell script uses, sets and calls, found without running it.
//!
//! Not a shell: just enough of bash's grammar to know where words, quotes, expansions, here-documents and commands
//! begin and end. Whatever cannot be known from the text counts as harmless. Offsets are those of the script.

mod builtins;
mod scanner;

use crate::source::Span;

/// What was found in a script, each in order of its place, inner commands before the ones around them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Script {
    pub commands: Vec<Command>,
    pub uses: Vec<Use>,
    pub sets: Vec<Set>,
    /// Where other text is run as part of this shell, by `source` or `eval`: from there on anything may be set.
    pub opaque_from: Option<usize>,
    /// Whether it defines functions, whose text runs later than it stands.
    pub functions: bool,
}

/// A command with its words; assignments before it and redirections are left out.
#[derive(Clone, Debug)]
pub(crate) struct Command {
    pub words: Vec<Word>,
    pub span: Span,
    /// The command that gets its output through a pipe.
    pub pipes_into: Option<String>,
}

/// A word of a command.
#[derive(Clone, Debug)]
pub(crate) struct Word {
    /// Without quotes and escapes; expansions stand as written.
    pub text: String,
    pub span: Span,
}

/// A variable whose value is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Use {
    pub name: String,
    /// From `$` to the name's end, or to the closing brace.
    pub span: Span,
}

/// A variable that has a value after `at`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Set {
    pub name: String,
    pub at: usize,
}

impl Script {
    /// Reads `text`. Any text will do; what is no shell script gives little.
    pub fn parse(text: &str) -> Self {
        scanner::scan(text)
    }
}

#[cfg(test)]
mod tests;
