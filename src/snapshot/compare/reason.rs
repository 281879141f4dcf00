//! Why two lines do not match, in words that point at the cause.

use super::super::renaming::{Conflict, Trial};
use super::super::volatile::{Class, Identity};
use super::text::{Piece, TextLine};

/// Two identities of one class that cannot stand for each other.
pub(super) fn conflict(class: &Class, recorded: &str, got: &str, conflict: &Conflict) -> String {
    let expected = match &conflict.expected_now {
        Some(pair) => format!(
            "expected {} recorded as {recorded} (now {}, since `{}`)",
            class.noun(),
            pair.now,
            pair.seen_in
        ),
        None => format!("expected {} recorded as {recorded}, which is new here", class.noun()),
    };
    match &conflict.actual_is {
        Some((is, since)) => format!("{expected}, got {got}, which stands for {is} (since `{since}`)"),
        None => format!("{expected}, got {got}, which is unknown"),
    }
}

/// Two identities of different classes or forms, or addresses in different networks.
pub(super) fn other_kind(
    old: &Identity,
    new: &Identity,
    old_text: &str,
    new_text: &str,
    trial: &Trial<'_>,
) -> String {
    let now = trial.now(&old.class, &old.value).map_or(String::new(), |pair| format!(" (now {})", pair.now));
    let is = trial
        .recorded(&new.class, &new.value)
        .map_or(String::new(), |(is, since)| format!(", which stands for {is} (since `{since}`)"));
    let wrong = match (old.class == new.class, old.network, new.network) {
        (true, old, new) if old != new => {
            let within = |net: Option<ipnet::Ipv4Net>| {
                net.map_or("no chosen network".to_owned(), |net| net.to_string())
            };
            format!(": it must be in {}, and is in {}", within(old), within(new))
        }
        (true, _, _) => ", in another form".to_owned(),
        (false, _, _) => format!(", {}", new.class.noun()),
    };
    format!("expected {} recorded as {old_text}{now}, got {new_text}{wrong}{is}", old.class.noun())
}

/// Another number of line breaks at the end of the output.
pub(super) fn line_breaks(was: u32, is: u32) -> String {
    let said = match was {
        0 => "no line break".to_owned(),
        1 => "one line break".to_owned(),
        more => format!("{more} line breaks"),
    };
    format!(
        "expected {said} at the end of the output, got {}",
        if is == 0 { "none".to_owned() } else { is.to_string() }
    )
}

/// Pieces that must be the same and are not: the words that they are in.
pub(super) fn literal(old: &TextLine, i: usize, new: &TextLine, j: usize) -> String {
    match (word_at(&old.pieces, i), word_at(&new.pieces, j)) {
        (Some(old), Some(new)) if old == new => format!("the blanks around `{old}` differ"),
        (Some(old), Some(new)) => format!("expected `{old}`, got `{new}`"),
        (Some(old), None) => format!("the line ends before `{old}`"),
        (None, Some(new)) => format!("the line goes on with `{new}`"),
        (None, None) => "the blanks at the line's end differ".to_owned(),
    }
}

/// The word that a piece belongs to; of blanks, the word after them. `None` at the line's end.
fn word_at(pieces: &[Piece], at: usize) -> Option<String> {
    let blank = |piece: &Piece| matches!(piece, Piece::Blank(_));
    let at = at + pieces.get(at..)?.iter().take_while(|piece| blank(piece)).count();
    pieces.get(at)?;
    let start = pieces[..at].iter().rposition(blank).map_or(0, |blank| blank + 1);
    let end = pieces[at..].iter().position(blank).map_or(pieces.len(), |end| at + end);
    let mut word = String::new();
    for piece in &pieces[start..end] {
        match piece {
            Piece::Word(text) | Piece::Blank(text) | Piece::Token(_, text) => word.push_str(text),
            Piece::Rule(sign, length) => word.extend(std::iter::repeat_n(*sign, *length)),
        }
    }
    Some(word)
}
