//! Whether two lines match.

use super::super::renaming::Trial;
use super::super::verdict::{Place, Reason};
use super::super::volatile::{Identity, Kind};
use super::reason;
use super::text::{Piece, TextLine};

/// Differences in blanks and rules, which are right only where a token next to them, or in the same table, has
/// another width than in the recording.
#[derive(Clone, Debug)]
pub(super) struct Spacing {
    /// Two tokens that match have different widths.
    widths_differ: bool,
    /// The first place where blanks or rules differ.
    differs_at: Option<(String, String)>,
}

impl Spacing {
    /// `free` when columns may have any width from the beginning.
    pub(super) fn new(free: bool) -> Self {
        Self { widths_differ: free, differs_at: None }
    }

    /// A difference in blanks that nothing explains.
    pub(super) fn unexplained(&self) -> Option<Reason> {
        let (expected, actual) = self.differs_at.as_ref().filter(|_| !self.widths_differ)?;
        let message = format!("only blanks differ: expected `{expected}`, got `{actual}`");
        Some(Reason { place: Place::Output, message })
    }
}

/// Compares two lines; when they do not match, the trial is as it was, and the reason is returned.
pub(super) fn compare(
    expected: &TextLine,
    actual: &TextLine,
    trial: &mut Trial<'_>,
    spacing: &mut Spacing,
) -> Result<(), String> {
    let mark = trial.mark();
    let before = spacing.clone();
    let result = pieces(expected, actual, trial, spacing);
    if result.is_err() {
        trial.rollback(mark);
        *spacing = before;
    }
    result
}

fn pieces(
    old: &TextLine,
    new: &TextLine,
    trial: &mut Trial<'_>,
    spacing: &mut Spacing,
) -> Result<(), String> {
    let (mut i, mut j) = (0, 0);
    let (a, b) = (&old.pieces, &new.pieces);
    let note = |spacing: &mut Spacing| {
        spacing.differs_at.get_or_insert_with(|| (old.text.clone(), new.text.clone()));
    };
    loop {
        match (a.get(i), b.get(j)) {
            (None, None) => return Ok(()),
            (Some(Piece::Blank(x)), Some(Piece::Blank(y))) => {
                if x != y {
                    if !may_differ(a, i, x) && !may_differ(b, j, y) {
                        return Err(reason::literal(old, i, new, j));
                    }
                    note(spacing);
                }
            }
            // Right-aligned numbers: blanks before the first token, or none. And what fills a line's end.
            (Some(Piece::Blank(_)), other) if may_vanish(a, i, other) => {
                note(spacing);
                i += 1;
                continue;
            }
            (other, Some(Piece::Blank(_))) if may_vanish(b, j, other) => {
                note(spacing);
                j += 1;
                continue;
            }
            (Some(Piece::Rule(x, m)), Some(Piece::Rule(y, n))) if x == y => {
                if m != n {
                    note(spacing);
                }
            }
            (Some(Piece::Word(x)), Some(Piece::Word(y))) if x == y => {}
            (Some(Piece::Token(x, old_text)), Some(Piece::Token(y, new_text))) => {
                token(x, old_text, y, new_text, trial)?;
                spacing.widths_differ |= old_text.chars().count() != new_text.chars().count();
            }
            _ => return Err(reason::literal(old, i, new, j)),
        }
        i += 1;
        j += 1;
    }
}

/// Whether the blanks at `at` may have another length: padding (more than one blank, or a tab), or beside a word with
/// a token. Blanks that indent a line are structure, unless a token follows.
fn may_differ(pieces: &[Piece], at: usize, blanks: &str) -> bool {
    let beside_token = word_has_token(pieces[at + 1..].iter()) || word_has_token(pieces[..at].iter().rev());
    beside_token || (at > 0 && (blanks.len() > 1 || blanks.contains('\t')))
}

/// Whether the blanks at `at`, which are at an end of the line, may be there or not.
fn may_vanish(pieces: &[Piece], at: usize, other: Option<&Piece>) -> bool {
    let first =
        at == 0 && matches!(pieces.get(1), Some(Piece::Token(..))) && matches!(other, Some(Piece::Token(..)));
    let last = at + 1 == pieces.len() && other.is_none();
    first || last
}

fn word_has_token<'p>(pieces: impl Iterator<Item = &'p Piece>) -> bool {
    pieces
        .take_while(|piece| !matches!(piece, Piece::Blank(_)))
        .any(|piece| matches!(piece, Piece::Token(..)))
}

fn token(
    old: &Kind,
    old_text: &str,
    new: &Kind,
    new_text: &str,
    trial: &mut Trial<'_>,
) -> Result<(), String> {
    match (old, new) {
        (Kind::Identity(x), Kind::Identity(y)) if same_kind(x, y) => trial
            .unify(&x.class, &x.value, &y.value)
            .map_err(|conflict| reason::conflict(&x.class, &x.value, &y.value, &conflict)),
        (Kind::Identity(x), Kind::Identity(y)) => Err(reason::other_kind(x, y, old_text, new_text, trial)),
        (Kind::Quantity(x, p), Kind::Quantity(y, q)) if x == y && p == q => Ok(()),
        (Kind::Quantity(what, _), _) => {
            Err(format!("expected {} such as `{old_text}`, got `{new_text}`", what.noun()))
        }
        (Kind::Vary(x), Kind::Vary(y)) if x == y => Ok(()),
        (Kind::Vary(_), _) => {
            Err(format!("expected what `vary` matches, such as `{old_text}`, got `{new_text}`"))
        }
        (Kind::Identity(x), _) => Err(format!("expected {} {old_text}, got `{new_text}`", x.class.noun())),
    }
}

/// Same class, same form, and addresses in the same chosen network.
fn same_kind(x: &Identity, y: &Identity) -> bool {
    x.class == y.class && x.form == y.form && x.network == y.network
}
