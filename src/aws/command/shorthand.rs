//! Shorthand syntax: `Key=Name,Value=web`, `ResourceType=vpc,Tags=[{Key=Name,Value=a}]`, `Name=x,Values=a,b`.

use serde_json::{Map, Value};

use crate::wire::{Kind, Shape};

/// Why a text is not shorthand.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum ShorthandError {
    #[error("Expected: '{expected}', received: '{received}' for input:\n{place}")]
    Expected { expected: String, received: String, place: String },
    #[error(
        "Second instance of key \"{key}\" encountered for input:\n{place}\nThis is often because there is a preceding \",\" \
         instead of a space."
    )]
    Twice { key: String, place: String },
}

/// The object that a text in shorthand means; every value in it still text.
pub(super) fn parse(text: &str) -> Result<Value, ShorthandError> {
    let mut parser = Parser { text: text.chars().collect(), at: 0 };
    let mut object = Map::new();
    let (key, value) = parser.pair()?;
    object.insert(key, value);
    let mut last = parser.at;
    while parser.at < parser.text.len() {
        parser.expect(',')?;
        let (key, value) = parser.pair()?;
        if object.contains_key(&key) {
            let place = parser.place(last + 1);
            return Err(ShorthandError::Twice { key, place });
        }
        object.insert(key, value);
        last = parser.at;
    }
    Ok(Value::Object(object))
}

/// Gives texts the types of the model: numbers, booleans, and lists of one.
///
/// # Errors
///
/// When a text is not the number that the model wants: the text.
pub(super) fn coerce(shape: &Shape, value: &mut Value) -> Result<(), String> {
    match (&shape.kind, &mut *value) {
        (Kind::Structure(members), Value::Object(object)) => {
            for member in members {
                if let Some(value) = object.get_mut(&member.name) {
                    coerce(member.shape(), value)?;
                }
            }
        }
        (Kind::List(element), Value::Array(items)) => {
            items.iter_mut().try_for_each(|item| coerce(element.shape(), item))?;
        }
        (Kind::List(_), single) => *value = Value::Array(vec![single.take()]),
        (Kind::Map(_, element), Value::Object(object)) => {
            object.values_mut().try_for_each(|item| coerce(element.shape(), item))?;
        }
        (Kind::Integer | Kind::Long, Value::String(text)) => {
            *value = text.trim().parse::<i64>().map_err(|_| text.clone())?.into();
        }
        (Kind::Float, Value::String(text)) => {
            *value = text.trim().parse::<f64>().map_err(|_| text.clone())?.into()
        }
        (Kind::Boolean, Value::String(text)) => match text.to_lowercase().as_str() {
            "true" => *value = true.into(),
            "false" => *value = false.into(),
            _ => {}
        },
        _ => {}
    }
    Ok(())
}

struct Parser {
    text: Vec<char>,
    at: usize,
}

impl Parser {
    fn pair(&mut self) -> Result<(String, Value), ShorthandError> {
        let key = self.key();
        self.expect('=')?;
        Ok((key, self.values()?))
    }

    fn key(&mut self) -> String {
        let start = self.at;
        while self.current().is_some_and(|letter| letter.is_ascii_alphanumeric() || "-_.#/:".contains(letter))
        {
            self.at += 1;
        }
        self.text[start..self.at].iter().collect()
    }

    fn values(&mut self) -> Result<Value, ShorthandError> {
        match self.current() {
            None => Ok("".into()),
            Some('[') => self.list(),
            Some('{') => self.object(),
            Some(_) => self.words(),
        }
    }

    /// `a` or `a,b,c`; what looks like the next key is left alone.
    fn words(&mut self) -> Result<Value, ShorthandError> {
        let first = self.first_word()?;
        self.skip_space();
        if self.current() != Some(',') {
            return Ok(first.into());
        }
        self.expect(',')?;
        let mut words = vec![first];
        loop {
            let word = self.next_word();
            match word {
                Ok((word, true)) => {
                    words.push(word);
                    break;
                }
                Ok((word, false)) => words.push(word),
                Err(error) if self.at >= self.text.len() => return Err(error),
                Err(_) => {
                    while self.text[self.at] != ',' {
                        self.at -= 1;
                    }
                    break;
                }
            }
        }
        if words.len() == 1 { Ok(words.swap_remove(0).into()) } else { Ok(words.into()) }
    }

    /// A further word of a list, and whether it was the last.
    fn next_word(&mut self) -> Result<(String, bool), ShorthandError> {
        let word = match self.current() {
            Some(quote @ ('\'' | '"')) => self.quoted(quote)?,
            _ => self.plain(follows_second).ok_or_else(|| self.error("<second>", "<none>"))?,
        };
        self.skip_space();
        if self.at >= self.text.len() {
            return Ok((word, true));
        }
        self.expect(',')?;
        Ok((word, false))
    }

    fn list(&mut self) -> Result<Value, ShorthandError> {
        self.expect('[')?;
        let mut items = Vec::new();
        while self.current() != Some(']') {
            items.push(self.item()?);
            self.skip_space();
            if self.current() != Some(']') {
                self.expect_here(',')?;
                self.skip_space();
            }
        }
        self.expect_here(']')?;
        Ok(items.into())
    }

    fn object(&mut self) -> Result<Value, ShorthandError> {
        self.expect('{')?;
        let mut object = Map::new();
        while self.current() != Some('}') {
            let key = self.key();
            self.expect('=')?;
            let value = self.item()?;
            self.skip_space();
            if self.current() != Some('}') {
                self.expect_here(',')?;
                self.skip_space();
            }
            object.insert(key, value);
        }
        self.expect_here('}')?;
        Ok(object.into())
    }

    fn item(&mut self) -> Result<Value, ShorthandError> {
        match self.current() {
            Some('[') => self.list(),
            Some('{') => self.object(),
            _ => Ok(self.first_word()?.into()),
        }
    }

    fn first_word(&mut self) -> Result<String, ShorthandError> {
        match self.current() {
            Some(quote @ ('\'' | '"')) => self.quoted(quote),
            _ => Ok(self.plain(follows_first).unwrap_or_default()),
        }
    }

    /// A word without quotes; `\,` is a comma in it.
    fn plain(&mut self, follows: fn(char) -> bool) -> Option<String> {
        let start = self.at;
        let mut word = String::new();
        while let Some(letter) = self.current() {
            if letter == '\\' && self.text.get(self.at + 1) == Some(&',') {
                word.push(',');
                self.at += 2;
            } else if if self.at == start { starts(letter) } else { follows(letter) } {
                word.push(letter);
                self.at += 1;
            } else {
                break;
            }
        }
        (self.at > start).then(|| word.trim_end().to_owned())
    }

    fn quoted(&mut self, quote: char) -> Result<String, ShorthandError> {
        let mut escaped = None;
        let mut end = None;
        let mut index = self.at + 1;
        while index < self.text.len() && end.is_none() {
            if self.text[index] == '\\' && self.text.get(index + 1) == Some(&quote) {
                escaped = Some(index + 1);
                index += 1;
            } else if self.text[index] == quote {
                end = Some(index);
            }
            index += 1;
        }
        // Without another quote, the escaped one was the end, after a backslash.
        let Some(end) = end.or(escaped) else {
            let name = if quote == '\'' { "<singled quoted>" } else { "<double quoted>" };
            return Err(self.error(name, "<none>"));
        };
        let inner: String = self.text[self.at + 1..end].iter().collect();
        self.at = end + 1;
        Ok(inner.replace(&format!("\\{quote}"), &quote.to_string()).replace("\\\\", "\\"))
    }

    /// This letter, with space around it.
    fn expect(&mut self, letter: char) -> Result<(), ShorthandError> {
        self.skip_space();
        self.expect_here(letter)?;
        self.skip_space();
        Ok(())
    }

    fn expect_here(&mut self, letter: char) -> Result<(), ShorthandError> {
        match self.current() {
            Some(found) if found == letter => {
                self.at += 1;
                Ok(())
            }
            Some(found) => Err(self.error(&letter.to_string(), &found.to_string())),
            None => Err(self.error(&letter.to_string(), "EOF")),
        }
    }

    fn current(&self) -> Option<char> {
        self.text.get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while self.current().is_some_and(|letter| letter.is_ascii_whitespace() || letter == '\u{b}') {
            self.at += 1;
        }
    }

    fn error(&self, expected: &str, received: &str) -> ShorthandError {
        let place = self.place(self.at);
        ShorthandError::Expected { expected: expected.to_owned(), received: received.to_owned(), place }
    }

    /// The text with a caret under the letter at `at`.
    fn place(&self, at: usize) -> String {
        let at = at.min(self.text.len());
        let line_start =
            self.text[..at].iter().rposition(|letter| *letter == '\n').map_or(0, |index| index + 1);
        let line_end =
            self.text[at..].iter().position(|letter| *letter == '\n').map_or(self.text.len(), |end| at + end);
        let before: String = self.text[..line_end].iter().collect();
        let after: String = self.text[line_end..].iter().collect();
        format!("{before}\n{}^{after}", " ".repeat(at - line_start))
    }
}

fn starts(letter: char) -> bool {
    matches!(letter, '!' | '#'..='&' | '('..='+' | '-'..='<' | '>'..='Z' | '\\'..='z' | '|'..='\u{ffff}')
}

/// Letters inside a first word: it may hold `=`, but ends at closing brackets.
fn follows_first(letter: char) -> bool {
    letter.is_whitespace()
        || matches!(letter, '!' | '#'..='&' | '('..='+' | '-'..='\\' | '^'..='|' | '~'..='\u{ffff}')
}

/// Letters inside a further word: it may hold brackets, but `=` would make it a key.
fn follows_second(letter: char) -> bool {
    letter.is_whitespace() || matches!(letter, '!' | '#'..='&' | '('..='+' | '-'..='<' | '>'..='\u{ffff}')
}
