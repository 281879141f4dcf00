//! Lines in any order (`match=lines`): each recorded line needs a line of its own, all under one renaming.
//!
//! Lines without identities are counted. For the others an assignment is searched for, lines with a single
//! candidate first, and taken back where it leads nowhere. The search is bounded: lines that are alike but for unknown
//! ids allow many assignments, and when no end is in sight the verdict is "differs", with the reason.

use std::collections::BTreeMap;

use super::super::renaming::Trial;
use super::super::verdict::{Difference, Place, Reason};
use super::full::View;
use super::line::{self, Spacing};
use super::text::{Text, TextLine};

/// How many pairs of lines are tried at most; a tenth of a second.
const BUDGET: usize = 200_000;

pub(super) fn compare(
    old: &Text,
    new: &Text,
    trial: &mut Trial<'_>,
    spacing: &mut Spacing,
    difference: &mut Difference,
) {
    let new_by_skeleton = by_skeleton(new);
    let old_by_skeleton = by_skeleton(old);
    let counts_match = old_by_skeleton.len() == new_by_skeleton.len()
        && old_by_skeleton.iter().all(|(skeleton, lines)| {
            new_by_skeleton.get(skeleton).is_some_and(|others| others.len() == lines.len())
        });
    if counts_match {
        let mut search = Search { old, new, left: BUDGET };
        let groups: Vec<Group> = old_by_skeleton
            .into_iter()
            .map(|(skeleton, old)| Group { old, new: new_by_skeleton[&skeleton].clone() })
            .collect();
        let mark = trial.mark();
        let before = spacing.clone();
        if search.solve(groups, trial, spacing) {
            return;
        }
        trial.rollback(mark);
        *spacing = before;
        if search.left == 0 {
            let message = "no end in sight of looking for the order in which these lines match".to_owned();
            difference.reasons.push(Reason { place: Place::Output, message });
        }
    }
    explain(old, new, trial, spacing, difference);
}

/// Lines of both texts that may stand for each other.
#[derive(Clone)]
struct Group {
    old: Vec<usize>,
    new: Vec<usize>,
}

fn by_skeleton(text: &Text) -> BTreeMap<String, Vec<usize>> {
    let mut map: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (index, line) in text.lines.iter().enumerate() {
        map.entry(line.skeleton()).or_default().push(index);
    }
    map
}

struct Search<'t> {
    old: &'t Text,
    new: &'t Text,
    left: usize,
}

impl Search<'_> {
    fn try_pair(&mut self, i: usize, j: usize, trial: &mut Trial<'_>, spacing: &mut Spacing) -> bool {
        if self.left == 0 {
            return false;
        }
        self.left -= 1;
        line::compare(&self.old.lines[i], &self.new.lines[j], trial, spacing).is_ok()
    }

    /// Assigns every line of every group; on failure the trial may hold rests, which the caller takes back.
    fn solve(&mut self, groups: Vec<Group>, trial: &mut Trial<'_>, spacing: &mut Spacing) -> bool {
        let (mut open, plain): (Vec<Group>, Vec<Group>) =
            groups.into_iter().partition(|group| self.old.lines[group.old[0]].has_identity());
        // Without identities any assignment within a group is as good as any other.
        for group in plain {
            for (&i, &j) in group.old.iter().zip(&group.new) {
                if !self.try_pair(i, j, trial, spacing) {
                    return false;
                }
            }
        }
        self.assign(&mut open, trial, spacing)
    }

    fn assign(&mut self, groups: &mut Vec<Group>, trial: &mut Trial<'_>, spacing: &mut Spacing) -> bool {
        // A line with a single candidate is decided; of the others any will do.
        let mut best: Option<(usize, usize)> = None;
        'found: for (number, group) in groups.iter().enumerate() {
            for (place, &i) in group.old.iter().enumerate() {
                match self.candidates(i, &group.new, trial, spacing) {
                    0 => return false,
                    1 => {
                        best = Some((number, place));
                        break 'found;
                    }
                    _ => {
                        best.get_or_insert((number, place));
                    }
                }
            }
        }
        let Some((number, place)) = best else { return true };
        let i = groups[number].old.remove(place);
        for at in 0..groups[number].new.len() {
            let j = groups[number].new[at];
            let mark = trial.mark();
            let before = spacing.clone();
            if self.try_pair(i, j, trial, spacing) {
                groups[number].new.remove(at);
                if self.assign(groups, trial, spacing) {
                    return true;
                }
                groups[number].new.insert(at, j);
                trial.rollback(mark);
                *spacing = before;
            }
        }
        groups[number].old.insert(place, i);
        false
    }

    /// How many of these lines match line `i` as things are: none, one, or more.
    fn candidates(&mut self, i: usize, new: &[usize], trial: &mut Trial<'_>, spacing: &Spacing) -> usize {
        let mut count = 0;
        for &j in new {
            let mark = trial.mark();
            count += usize::from(self.try_pair(i, j, trial, &mut spacing.clone()));
            trial.rollback(mark);
            if count > 1 {
                break;
            }
        }
        count
    }
}

/// Pairs lines greedily, first those that match, then those that are alike, and reports what is left.
fn explain(
    old: &Text,
    new: &Text,
    trial: &mut Trial<'_>,
    spacing: &mut Spacing,
    difference: &mut Difference,
) {
    let mut free: Vec<usize> = (0..new.lines.len()).collect();
    let mut partner: Vec<Option<(usize, Option<String>)>> = vec![None; old.lines.len()];
    for (i, line) in old.lines.iter().enumerate() {
        if let Some(at) =
            free.iter().position(|&j| line::compare(line, &new.lines[j], trial, spacing).is_ok())
        {
            partner[i] = Some((free.remove(at), None));
        }
    }
    for (i, line) in old.lines.iter().enumerate() {
        if partner[i].is_none() {
            let skeleton = line.skeleton();
            if let Some(at) = free.iter().position(|&j| new.lines[j].skeleton() == skeleton) {
                let j = free.remove(at);
                let reason = line::compare(line, &new.lines[j], trial, spacing).err();
                partner[i] = Some((j, reason));
            }
        }
    }
    let mut view = Vec::new();
    for (i, partner) in partner.into_iter().enumerate() {
        let line: &TextLine = &old.lines[i];
        match partner {
            Some((_, None)) => view.push(View::Same(line)),
            Some((j, Some(message))) => {
                difference.reasons.push(Reason { place: Place::Expected(i + 1), message });
                view.push(View::Changed(line, &new.lines[j]));
            }
            None => {
                let message = format!("no line matches `{}`", line.text.trim());
                difference.reasons.push(Reason { place: Place::Expected(i + 1), message });
                view.push(View::Missing(line));
            }
        }
    }
    for j in free {
        let message = format!("the line `{}` is not recorded", new.lines[j].text.trim());
        difference.reasons.push(Reason { place: Place::Actual(j + 1), message });
        view.push(View::Extra(&new.lines[j]));
    }
    difference.lines = view.into_iter().map(|view| view.to_line(trial)).collect();
    if difference.reasons.is_empty() {
        let message = "no assignment of lines was found, although each has a counterpart".to_owned();
        difference.reasons.push(Reason { place: Place::Output, message });
    }
}
