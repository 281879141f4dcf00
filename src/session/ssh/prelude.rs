//! What a server prints before a program that was asked for begins.
//!
//! The program is started by the user's login shell, which may read files of its own first, and print (`~/.bashrc`, a
//! forced command). A word that nobody can guess ends that, on each stream.

use crate::session::random_hex;
use crate::session::state::quote;

/// Said when the word does not come.
pub(super) const LATE: &str = "does not come to starting a program";

/// Takes what comes until the program begins.
pub(super) struct Prelude {
    word: String,
    output: Stream,
    /// None on a terminal, which has one stream.
    errors: Option<Stream>,
}

#[derive(Default)]
struct Stream {
    seen: Vec<u8>,
    /// Where the program's own begins.
    begins: Option<usize>,
}

impl Stream {
    fn take(&mut self, bytes: &[u8], word: &str) {
        let from = self.seen.len().saturating_sub(word.len());
        self.seen.extend_from_slice(bytes);
        if self.begins.is_none() {
            let at = self.seen[from..].windows(word.len()).position(|window| window == word.as_bytes());
            self.begins = at.map(|at| from + at + word.len());
        }
    }

    fn said(&self, word: &str) -> &[u8] {
        &self.seen[..self.begins.map_or(self.seen.len(), |begins| begins - word.len())]
    }

    fn rest(mut self) -> Vec<u8> {
        self.seen.split_off(self.begins.unwrap_or(self.seen.len()))
    }
}

impl Prelude {
    pub(super) fn new(on_terminal: bool) -> Self {
        Self { word: random_hex(16), output: Stream::default(), errors: (!on_terminal).then(Stream::default) }
    }

    /// What the login shell is given. It gives way in the end, so that the program leads the session that the server made;
    /// `sh` is between them because a login shell need not be one that knows what follows. Bash reads the file that
    /// `BASH_ENV` names also for a command.
    pub(super) fn command(&self, argv: &[String]) -> String {
        let word = &self.word;
        let on_errors = if self.errors.is_some() { format!("printf %s {word} >&2; ") } else { String::new() };
        let script = format!("unset BASH_ENV ENV; printf %s {word}; {on_errors}exec \"$@\"");
        let words: Vec<String> = argv.iter().map(|word| quote(word)).collect();
        format!("exec sh -c {} lab {}", quote(&script), words.join(" "))
    }

    pub(super) fn output(&mut self, bytes: &[u8]) {
        self.output.take(bytes, &self.word);
    }

    pub(super) fn errors(&mut self, bytes: &[u8]) {
        match &mut self.errors {
            Some(errors) => errors.take(bytes, &self.word),
            None => self.output.take(bytes, &self.word),
        }
    }

    /// Whether the program has begun.
    pub(super) fn is_over(&self) -> bool {
        self.output.begins.is_some() && self.errors.as_ref().is_none_or(|errors| errors.begins.is_some())
    }

    /// What was printed before it.
    pub(super) fn said(&self) -> String {
        let streams = std::iter::once(&self.output).chain(&self.errors);
        let said = streams.map(|stream| String::from_utf8_lossy(stream.said(&self.word)).trim().to_owned());
        said.filter(|said| !said.is_empty()).collect::<Vec<_>>().join("\n")
    }

    /// What came after the word: of output, and of errors.
    pub(super) fn rest(self) -> (Vec<u8>, Vec<u8>) {
        (self.output.rest(), self.errors.map(Stream::rest).unwrap_or_default())
    }
}

/// Why no program was started, and where to look.
pub(super) fn noisy(what: &str, said: &str) -> String {
    let words = match said {
        "" => "it prints nothing".to_owned(),
        said => {
            let shown: String = said.chars().take(300).collect();
            format!("it prints: {shown}")
        }
    };
    format!(
        "the login shell there {what} ({words}); look at what it reads first, ~/.bashrc and what that reads, for a command \
         that waits or leaves (`exit`, `exec`), and at ForceCommand in the server's sshd_config"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_before_the_word_is_told_apart_however_it_is_cut() {
        let whole = |prelude: &Prelude| format!("Welcome to {}{}out", &prelude.word[..5], prelude.word);
        let length = whole(&Prelude::new(false)).len();
        for at in 0..length {
            let mut prelude = Prelude::new(false);
            let text = whole(&prelude);
            prelude.output(&text.as_bytes()[..at]);
            assert!(!prelude.is_over());
            prelude.output(&text.as_bytes()[at..]);
            assert!(!prelude.is_over(), "the other stream has not begun");
            let word = prelude.word.clone();
            prelude.errors(format!("warning\n{word}err").as_bytes());
            assert!(prelude.is_over());
            assert_eq!(prelude.said(), format!("Welcome to {}\nwarning", &word[..5]));
            assert_eq!(prelude.rest(), (b"out".to_vec(), b"err".to_vec()));
        }
    }

    #[test]
    fn a_terminal_has_one_stream() {
        let mut prelude = Prelude::new(true);
        let word = prelude.word.clone();
        prelude.output(format!("{word}$ ").as_bytes());
        assert!(prelude.is_over() && prelude.said().is_empty());
        assert_eq!(prelude.rest(), (b"$ ".to_vec(), Vec::new()));
        assert!(!Prelude::new(true).command(&["x".to_owned()]).contains(">&2"));
    }
}
