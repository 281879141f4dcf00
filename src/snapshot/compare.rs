//! Whether two results are the same up to a consistent renaming: the one place where that is decided.
//!
//! Both texts are cut into lines of [`text::Piece`]s. Lines are compared piece by piece ([`line`]) under a renaming on
//! trial ([`super::renaming::Trial`]), which is kept only when everything matches. [`full`] compares lines in their
//! order, [`anyorder`] looks for an order in which they match.

use super::renaming::{Side, Trial};
use super::verdict::{Difference, Line, Place, Reason};
use super::volatile::Class;
use super::{Matching, Record, Renaming, Rules, Verdict, ansi};

mod align;
mod anyorder;
mod full;
mod line;
mod reason;
mod text;

use text::Text;

/// Compares a new result with the recorded one.
///
/// The renaming grows only when the verdict is [`Verdict::Matches`]; else it is as it was.
pub fn compare(expected: &Record, actual: &Record, rules: &Rules, renaming: &mut Renaming) -> Verdict {
    let mut difference = Difference::default();
    if expected.exit != actual.exit {
        difference.reasons.push(Reason {
            place: Place::Exit,
            message: format!("expected exit status {}, got {}", expected.exit, actual.exit),
        });
    }
    if rules.matching == Matching::Exit {
        return verdict(difference, None, renaming);
    }

    let mut trial = Trial::new(renaming, rules);
    // The recording's region stands for this run's, whether or not this block names it.
    let (recorded, now) = (&expected.origin.region, &actual.origin.region);
    if !recorded.is_empty()
        && !now.is_empty()
        && let Err(conflict) = trial.unify(&Class::Region, recorded, now)
    {
        let message = reason::conflict(&Class::Region, recorded, now, &conflict);
        difference.reasons.push(Reason { place: Place::Output, message });
    }
    let mut spacing = line::Spacing::new(expected.origin.is_realigned() || actual.origin.is_realigned());
    compare_variables(expected, actual, &mut trial, &mut spacing, &mut difference);
    // Now with the names of what the variables hold.
    let (mut old, mut new) = (
        Text::new(&expected.output, rules, &trial.named(Side::Recorded)),
        Text::new(&actual.output, rules, &trial.named(Side::Now)),
    );
    align::align(&mut old, &mut new);
    match rules.matching {
        Matching::Lines => anyorder::compare(&old, &new, &mut trial, &mut spacing, &mut difference),
        Matching::Full | Matching::Exit => {
            full::compare(&old, &new, &mut trial, &mut spacing, &mut difference)
        }
    }
    if let (Some(was), Some(is)) = (expected.line_breaks, actual.line_breaks)
        && was != is
    {
        let message = reason::line_breaks(was, is);
        difference.reasons.push(Reason { place: Place::Output, message });
    }
    if difference.reasons.is_empty()
        && let Some(reason) = spacing.unexplained()
    {
        difference.reasons.push(reason);
        difference.lines = full::plain_view(&old, &new);
    }
    let learned = trial.learned();
    verdict(difference, Some(learned), renaming)
}

fn verdict(
    difference: Difference,
    learned: Option<super::renaming::Learned>,
    renaming: &mut Renaming,
) -> Verdict {
    if !difference.reasons.is_empty() {
        return Verdict::Differs(Box::new(difference));
    }
    if let Some(learned) = learned {
        learned.add_to(renaming);
    }
    Verdict::Matches
}

/// Variables are compared by name, as lines `NAME=value`, in any order: the shell tells them by name.
fn compare_variables(
    expected: &Record,
    actual: &Record,
    trial: &mut Trial<'_>,
    spacing: &mut line::Spacing,
    difference: &mut Difference,
) {
    let rules = trial.rules();
    // As files hold them.
    let write = |(name, value): &(String, String)| format!("{name}={}", ansi::printable(value));
    for pair in &expected.variables {
        let old = write(pair);
        let Some(new) = actual.variables.iter().find(|(name, _)| *name == pair.0).map(write) else {
            difference.variables.push(Line::Missing(old));
            let message = format!("the variable {} is not set", pair.0);
            difference.reasons.push(Reason { place: Place::Variable(pair.0.clone()), message });
            continue;
        };
        let (old_text, new_text) = (
            Text::new(&old, rules, &trial.named(Side::Recorded)),
            Text::new(&new, rules, &trial.named(Side::Now)),
        );
        let mut inner = Difference::default();
        full::compare(&old_text, &new_text, trial, spacing, &mut inner);
        if inner.reasons.is_empty() {
            difference.variables.push(Line::Same(old));
        } else {
            difference.variables.push(Line::Changed { expected: old, actual: trial.translate_back(&new) });
            difference.reasons.extend(
                inner
                    .reasons
                    .into_iter()
                    .map(|reason| Reason { place: Place::Variable(pair.0.clone()), message: reason.message }),
            );
        }
    }
    for pair in &actual.variables {
        if !expected.variables.iter().any(|(name, _)| *name == pair.0) {
            difference.variables.push(Line::Extra(trial.translate_back(&write(pair))));
            let message = format!("the variable {} is set, but was not when this was recorded", pair.0);
            difference.reasons.push(Reason { place: Place::Variable(pair.0.clone()), message });
        }
    }
}

#[cfg(test)]
mod tests;
