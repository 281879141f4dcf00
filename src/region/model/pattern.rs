//! The patterns of filters: `*` for any text, `?` for one character, `\` before either, or before itself, for the
//! character alone. This is the one place where a pattern is matched.
//!
//! Matching never goes back further than to the last star, so it takes at most as many steps as pattern and text are
//! long multiplied. What one call may spend on patterns is limited by its [`Effort`], whatever it sends.

use std::str::Chars;

use super::fault::{fault, invalid};
use crate::wire::Fault;

/// EC2's limit for the length of a pattern.
const LONGEST: usize = 255;
/// Steps for one call. Some thousand sensible filters on some thousand resources stay far below; a call that needs
/// all of them takes about a second.
const MOST_STEPS: u64 = 10_000_000;

/// What a call may still spend on matching.
#[derive(Debug)]
pub(crate) struct Effort {
    steps_left: u64,
}

impl Default for Effort {
    fn default() -> Effort {
        Effort { steps_left: MOST_STEPS }
    }
}

impl Effort {
    fn step(&mut self) -> Result<(), Fault> {
        self.steps_left = self.steps_left.checked_sub(1).ok_or_else(|| {
            // EC2's own code for filters that ask for too much; it has no public words for this case.
            fault("FilterLimitExceeded", "Matching the filter values of this call takes too long")
        })?;
        Ok(())
    }
}

/// A pattern that has been read.
#[derive(Debug)]
pub(crate) struct Pattern(Form);

#[derive(Debug)]
enum Form {
    /// Without a wildcard: equal or not.
    Text(String),
    Tokens(Vec<Token>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    Char(char),
    /// `?`
    One,
    /// `*`
    Any,
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// When it is too long, or a backslash stands before anything but `*`, `?` and itself.
    pub(crate) fn read(text: &str) -> Result<Pattern, Fault> {
        if text.chars().count() > LONGEST {
            let message = format!("The maximum length for a filter value is {LONGEST} characters");
            return Err(fault("FilterLimitExceeded", message));
        }
        let mut tokens = Vec::new();
        let mut characters = text.chars();
        while let Some(character) = characters.next() {
            tokens.push(match character {
                '*' => Token::Any,
                '?' => Token::One,
                '\\' => match characters.next() {
                    Some(escaped @ ('*' | '?' | '\\')) => Token::Char(escaped),
                    other => {
                        let sequence: String = std::iter::once('\\').chain(other).collect();
                        let message =
                            format!("Invalid filter value: The escape sequence '{sequence}' is invalid");
                        return Err(invalid(message));
                    }
                },
                plain => Token::Char(plain),
            });
        }
        // A run of stars means one star.
        tokens.dedup_by(|a, b| *a == Token::Any && *b == Token::Any);
        let plain = |token: &Token| match token {
            Token::Char(character) => Some(*character),
            Token::One | Token::Any => None,
        };
        Ok(Pattern(match tokens.iter().map(plain).collect() {
            Some(text) => Form::Text(text),
            None => Form::Tokens(tokens),
        }))
    }

    /// Whether the pattern matches the whole text.
    ///
    /// # Errors
    /// When the call has spent all that it may.
    pub(crate) fn matches(&self, text: &str, effort: &mut Effort) -> Result<bool, Fault> {
        match &self.0 {
            Form::Text(wanted) => effort.step().map(|()| wanted == text),
            Form::Tokens(tokens) => glob(tokens, text.chars(), effort),
        }
    }
}

/// Takes as little as possible for each star. When what follows it does not fit, the last star takes one character
/// more; an earlier star need never take more, for the later one can take whatever that would have left.
fn glob<'a>(tokens: &[Token], mut text: Chars<'a>, effort: &mut Effort) -> Result<bool, Fault> {
    let mut at = 0;
    // The last star: the token behind it, and the text behind what it has taken.
    let mut last_star: Option<(usize, Chars<'a>)> = None;
    loop {
        effort.step()?;
        let token = tokens.get(at);
        if token == Some(&Token::Any) {
            at += 1;
            if at == tokens.len() {
                return Ok(true);
            }
            last_star = Some((at, text.clone()));
            continue;
        }
        let mut ahead = text.clone();
        match (token, ahead.next()) {
            (None, None) => return Ok(true),
            // Taking more does not make the text longer.
            (Some(_), None) => return Ok(false),
            (Some(Token::One), Some(_)) => (at, text) = (at + 1, ahead),
            (Some(Token::Char(wanted)), Some(found)) if *wanted == found => (at, text) = (at + 1, ahead),
            _ => {
                let Some((behind, from)) = &mut last_star else { return Ok(false) };
                from.next();
                (at, text) = (*behind, from.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn matches(pattern: &str, text: &str) -> bool {
        Pattern::read(pattern).unwrap().matches(text, &mut Effort::default()).unwrap()
    }

    #[test]
    fn wildcards_and_escapes() {
        assert!(matches("a*c?e", "abbbcde") && !matches("a*c?e", "abbbce"));
        assert!(matches("***", "") && matches("", "") && !matches("", "a") && !matches("?", ""));
        assert!(matches("\\*", "*") && !matches("\\*", "x"));
        assert!(matches("\\*amazon\\?\\\\", "*amazon?\\") && !matches("\\*amazon\\?\\\\", "xamazonx\\"));
        assert!(matches("?", "\u{fc}") && matches("*\u{fc}*", "gr\u{fc}n") && !matches("??", "\u{fc}"));
        assert!(matches("a*a*a*a*a*a*a*a*a*a", "aaaaaaaaaaaaa"), "more than eight stars are as good as one");
    }

    #[test]
    fn any_other_escape_is_invalid() {
        for (pattern, sequence) in [("debian-\\d+", "\\d"), ("\\", "\\"), ("a\\\\\\", "\\"), ("\\n", "\\n")] {
            let fault = Pattern::read(pattern).unwrap_err();
            assert_eq!(fault.code, "InvalidParameterValue");
            assert_eq!(
                fault.message,
                format!("Invalid filter value: The escape sequence '{sequence}' is invalid")
            );
        }
    }

    #[test]
    fn a_pattern_has_an_end() {
        assert!(Pattern::read(&"\u{fc}".repeat(255)).is_ok());
        let fault = Pattern::read(&"a".repeat(256)).unwrap_err();
        assert_eq!(fault.code, "FilterLimitExceeded");
    }

    /// The hostile pattern of the report: with one more star each, backtracking took thirty times as long.
    #[test]
    fn no_pattern_takes_more_steps_than_lengths_multiplied() {
        let text = "a".repeat(255);
        for pattern in
            [format!("{}b", "*a".repeat(127)), format!("*{}b", "a".repeat(120)), "*?*?*b".to_owned()]
        {
            let mut effort = Effort::default();
            assert!(!Pattern::read(&pattern).unwrap().matches(&text, &mut effort).unwrap());
            let steps = MOST_STEPS - effort.steps_left;
            assert!(steps <= 2 * 256 * 256, "{pattern}: {steps} steps");
        }
    }

    #[test]
    fn a_call_ends_when_it_has_spent_its_effort() {
        let (pattern, text) = (Pattern::read(&format!("*{}b", "a".repeat(120))).unwrap(), "a".repeat(255));
        let mut effort = Effort::default();
        let ended = (0..100_000).find_map(|_| pattern.matches(&text, &mut effort).err());
        assert_eq!(ended.expect("it ends").code, "FilterLimitExceeded");
    }

    /// The definition, by a table: `fits[i][j]` says whether the first `i` tokens match the first `j` characters.
    fn by_definition(pattern: &str, text: &str) -> bool {
        let mut tokens: Vec<(bool, char)> = Vec::new();
        let mut characters = pattern.chars();
        while let Some(character) = characters.next() {
            match character {
                '\\' => tokens.push((true, characters.next().expect("escapes are whole"))),
                other => tokens.push((false, other)),
            }
        }
        let text: Vec<char> = text.chars().collect();
        let mut fits = vec![vec![false; text.len() + 1]; tokens.len() + 1];
        fits[0][0] = true;
        for i in 1..=tokens.len() {
            for j in 0..=text.len() {
                fits[i][j] = match tokens[i - 1] {
                    (false, '*') => fits[i - 1][j] || (j > 0 && fits[i][j - 1]),
                    (false, '?') => j > 0 && fits[i - 1][j - 1],
                    (_, wanted) => j > 0 && text[j - 1] == wanted && fits[i - 1][j - 1],
                };
            }
        }
        fits[tokens.len()][text.len()]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]

        #[test]
        fn it_agrees_with_the_definition(
            pattern in r"([ab\*\?]|\\\*|\\\?|\\\\|\u{fc}){0,14}",
            text in r"[ab\*\?\\\u{fc}]{0,14}",
        ) {
            prop_assert_eq!(matches(&pattern, &text), by_definition(&pattern, &text));
        }
    }
}
