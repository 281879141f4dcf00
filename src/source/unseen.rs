//! Characters that nobody sees, or that change how others are seen: a text in which they stand is not what it looks like.
//!
//! Where a text of a stranger is shown, they are shown as what they are. Joiners and selectors between letters or signs
//! of scripts that need them are no such characters.

use std::borrow::Cow;

/// A piece of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part<'t> {
    /// What is as it looks.
    Seen(&'t str),
    /// One character that is not.
    Unseen(char),
}

/// The pieces of a text.
pub fn parts(text: &str) -> impl Iterator<Item = Part<'_>> {
    let mut rest = text;
    let mut before = None;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        if is_unseen(first, before, rest.chars().nth(1)) {
            rest = &rest[first.len_utf8()..];
            before = None;
            return Some(Part::Unseen(first));
        }
        let mut end = 0;
        let mut chars = rest.chars().peekable();
        while let Some(c) = chars.next() {
            if is_unseen(c, before, chars.peek().copied()) {
                break;
            }
            before = Some(c);
            end += c.len_utf8();
        }
        let seen = &rest[..end];
        rest = &rest[end..];
        Some(Part::Seen(seen))
    })
}

/// The text with `<U+202E>` in place of such a character.
pub fn shown(text: &str) -> Cow<'_, str> {
    // Nearly every text has none.
    if parts(text).all(|part| matches!(part, Part::Seen(_))) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for part in parts(text) {
        match part {
            Part::Seen(text) => out.push_str(text),
            Part::Unseen(c) => out.push_str(&format!("<{}>", code(c))),
        }
    }
    Cow::Owned(out)
}

/// `U+202E`
pub fn code(c: char) -> String {
    format!("U+{:04X}", u32::from(c))
}

/// What it is.
pub fn name(c: char) -> &'static str {
    match c {
        '\u{80}'..='\u{9f}' => "a control character",
        '\u{ad}' => "a soft hyphen",
        '\u{61c}' | '\u{200e}' | '\u{200f}' => "a mark of the direction of writing",
        '\u{200b}' => "a space without width",
        '\u{200c}' | '\u{200d}' => "a joiner without width",
        '\u{202a}' | '\u{202b}' => "the beginning of another direction of writing",
        '\u{202d}' | '\u{202e}' => "an override of the direction of writing",
        '\u{202c}' | '\u{2069}' => "the end of another direction of writing",
        '\u{2066}'..='\u{2068}' => "the beginning of a direction of writing set apart",
        '\u{2028}' | '\u{2029}' => "a separator of lines or paragraphs",
        '\u{feff}' => "a byte order mark",
        '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}' => "a variation selector",
        '\u{e0000}'..='\u{e007f}' => "a tag character",
        _ => "a character that cannot be seen",
    }
}

fn is_unseen(c: char, before: Option<char>, after: Option<char>) -> bool {
    let other = |c: Option<char>| c.is_some_and(|c| !c.is_ascii());
    match c {
        // Of Arabic, of the scripts of India, of signs made of several.
        '\u{200c}' | '\u{200d}' => !(other(before) && other(after)),
        '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}' => {
            !(other(before) || matches!(before, Some('0'..='9' | '#' | '*')) && after == Some('\u{20e3}'))
        }
        '\u{80}'..='\u{9f}' | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' => true,
        '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{200b}' | '\u{200e}' | '\u{200f}' => true,
        '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' => true,
        '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' => true,
        '\u{e0000}'..='\u{e0fff}' => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_how_a_text_looks_is_shown() {
        assert_eq!(shown("rm \u{202e}txt.exe\u{202c}"), "rm <U+202E>txt.exe<U+202C>");
        assert_eq!(shown("a\u{200b}b\u{ad}c\u{2066}\u{9b}31m"), "a<U+200B>b<U+00AD>c<U+2066><U+009B>31m");
        assert_eq!(shown("x\u{e0041}\u{e007f}\u{feff}\u{3164}"), "x<U+E0041><U+E007F><U+FEFF><U+3164>");
        assert_eq!(shown("pass\u{200d}word a\u{fe0f}"), "pass<U+200D>word a<U+FE0F>");
    }

    #[test]
    fn scripts_and_signs_that_need_joiners_keep_them() {
        for text in [
            "می\u{200c}خواهم",
            "👩\u{200d}💻",
            "❤\u{fe0f}",
            "1\u{fe0f}\u{20e3}",
            "क\u{94d}\u{200d}ष",
            "e\u{301} 日本 \t\n\u{1b}[0m",
        ] {
            assert!(matches!(shown(text), Cow::Borrowed(_)), "{text:?} became {}", shown(text));
        }
    }

    #[test]
    fn the_parts_are_the_text() {
        let text = "\u{202e}ab\u{202c}\u{202c}c";
        let parts: Vec<Part<'_>> = parts(text).collect();
        use Part::{Seen, Unseen};
        assert_eq!(
            parts,
            [Unseen('\u{202e}'), Seen("ab"), Unseen('\u{202c}'), Unseen('\u{202c}'), Seen("c")]
        );
    }
}
