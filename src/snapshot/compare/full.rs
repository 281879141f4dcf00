//! Lines in their order.

use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::super::renaming::Trial;
use super::super::verdict::{Difference, Line, Place, Reason};
use super::super::volatile::Kind;
use super::line::{self, Spacing};
use super::text::{Piece, Text, TextLine};

pub(super) fn compare(
    old: &Text,
    new: &Text,
    trial: &mut Trial<'_>,
    spacing: &mut Spacing,
    difference: &mut Difference,
) {
    let mark = trial.mark();
    let before = spacing.clone();
    let equal = old.lines.len() == new.lines.len()
        && old.lines.iter().zip(&new.lines).all(|(old, new)| line::compare(old, new, trial, spacing).is_ok());
    if !equal {
        trial.rollback(mark);
        *spacing = before;
        explain(old, new, trial, spacing, difference);
    }
}

/// Goes through texts that do not match again, aligned, to find every reason and to show them side by side.
fn explain(
    old: &Text,
    new: &Text,
    trial: &mut Trial<'_>,
    spacing: &mut Spacing,
    difference: &mut Difference,
) {
    let skeletons = |text: &Text| text.lines.iter().map(TextLine::skeleton).collect::<Vec<_>>();
    let (old_skeletons, new_skeletons) = (skeletons(old), skeletons(new));
    let aligned = capture_diff_slices(Algorithm::Myers, &old_skeletons, &new_skeletons);
    let mut view = Vec::new();
    for op in aligned {
        let (old_range, new_range) = (op.old_range(), op.new_range());
        let paired = old_range.len().min(new_range.len());
        let replaced = !matches!(op, DiffOp::Equal { .. });
        for (i, j) in old_range.clone().zip(new_range.clone()) {
            let (old, new) = (&old.lines[i], &new.lines[j]);
            match line::compare(old, new, trial, spacing) {
                Ok(()) => view.push(View::Same(old)),
                Err(message) => {
                    difference.reasons.push(Reason { place: Place::Expected(i + 1), message });
                    view.push(View::Changed(old, new));
                }
            }
        }
        debug_assert!(replaced || old_range.len() == new_range.len());
        for i in old_range.start + paired..old_range.end {
            let message = format!("the line `{}` is missing", old.lines[i].text.trim());
            difference.reasons.push(Reason { place: Place::Expected(i + 1), message });
            view.push(View::Missing(&old.lines[i]));
        }
        for j in new_range.start + paired..new_range.end {
            let message = format!("the line `{}` is not recorded", new.lines[j].text.trim());
            difference.reasons.push(Reason { place: Place::Actual(j + 1), message });
            view.push(View::Extra(&new.lines[j]));
        }
    }
    // Only now is all known that this block teaches, so only now are lines translated.
    difference.lines = view.into_iter().map(|view| view.to_line(trial)).collect();
    if difference.reasons.is_empty() {
        // Aligned otherwise every line found a counterpart: what is left is their order or their number.
        difference.reasons.push(Reason {
            place: Place::Output,
            message: "the lines match only in another order".to_owned(),
        });
    }
}

/// Both texts with nothing translated, where only blanks differ.
pub(super) fn plain_view(old: &Text, new: &Text) -> Vec<Line> {
    let lines = old.lines.iter().zip(&new.lines);
    lines
        .map(|(old, new)| match old.text == new.text {
            true => Line::Same(old.text.clone()),
            false => Line::Changed { expected: old.text.clone(), actual: new.text.clone() },
        })
        .collect()
}

pub(super) enum View<'t> {
    Same(&'t TextLine),
    Missing(&'t TextLine),
    Extra(&'t TextLine),
    Changed(&'t TextLine, &'t TextLine),
}

impl View<'_> {
    pub(super) fn to_line(&self, trial: &Trial<'_>) -> Line {
        match self {
            Self::Same(line) => Line::Same(line.text.clone()),
            Self::Missing(line) => Line::Missing(line.text.clone()),
            Self::Extra(line) => Line::Extra(trial.translate_back(&line.text)),
            Self::Changed(old, new) => {
                Line::Changed { expected: old.text.clone(), actual: trial.translate_back(&borrow(old, new)) }
            }
        }
    }
}

/// The new line with the recorded line's quantities where both have the same ones in the same order: a round-trip
/// time is no part of the difference.
fn borrow(old: &TextLine, new: &TextLine) -> String {
    let quantities = |line: &TextLine| -> Vec<(Kind, String)> {
        let tokens = line.pieces.iter().filter_map(|piece| match piece {
            Piece::Token(kind @ (Kind::Quantity(..) | Kind::Vary(_)), text) => {
                Some((kind.clone(), text.clone()))
            }
            _ => None,
        });
        tokens.collect()
    };
    let (old, mine) = (quantities(old), quantities(new));
    if old.len() != mine.len() || old.iter().zip(&mine).any(|(old, mine)| old.0 != mine.0) {
        return new.text.clone();
    }
    let mut lent = old.into_iter().map(|(_, text)| text);
    let mut out = String::new();
    for piece in &new.pieces {
        match piece {
            Piece::Token(Kind::Quantity(..) | Kind::Vary(_), _) => {
                out.push_str(&lent.next().unwrap_or_default())
            }
            Piece::Word(text) | Piece::Blank(text) | Piece::Token(_, text) => out.push_str(text),
            Piece::Rule(sign, length) => out.extend(std::iter::repeat_n(*sign, *length)),
        }
    }
    out
}
