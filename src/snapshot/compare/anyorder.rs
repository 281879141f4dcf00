//! Lines in any order (`match=lines`): each recorded line needs a line of its own, all under one renaming.
//!
//! Lines whose identities occur nowhere else can stand for each other freely; so can lines without any. They are
//! counted. For the others an assignment is searched for, lines with a single candidate first, and taken back where
//! it leads nowhere. The search is bounded: when no end is in sight the verdict is "differs", with that reason.

use std::collections::{BTreeMap, HashMap};

use super::super::renaming::Trial;
use super::super::verdict::{Difference, Place, Reason};
use super::super::volatile::{Class, Identity};
use super::full::View;
use super::line::{self, Spacing};
use super::text::{Text, TextLine};

/// How many pairs of lines are tried at most: below a second.
const BUDGET: usize = 200_000;

pub(super) fn compare(
    old: &Text,
    new: &Text,
    trial: &mut Trial<'_>,
    spacing: &mut Spacing,
    difference: &mut Difference,
) {
    let old_by_skeleton =
        by_skeleton(old, &Alone::new(old, |class, value| trial.now(class, value).is_some()));
    let new_by_skeleton =
        by_skeleton(new, &Alone::new(new, |class, value| trial.recorded(class, value).is_some()));
    let counts_match = old_by_skeleton.len() == new_by_skeleton.len()
        && old_by_skeleton.iter().all(|(skeleton, lines)| {
            new_by_skeleton.get(skeleton).is_some_and(|others| others.len() == lines.len())
        });
    if counts_match {
        let mut search = Search { old, new, left: BUDGET };
        let groups: Vec<Group> = old_by_skeleton
            .into_iter()
            .map(|(key, old)| Group { free: key.free, old, new: new_by_skeleton[&key].clone() })
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
    /// Any may stand for any.
    free: bool,
    old: Vec<usize>,
    new: Vec<usize>,
}

/// What lines that may stand for each other have in common.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Likeness {
    skeleton: String,
    /// Nothing outside of the line bears on its identities.
    free: bool,
    /// Of a free line, which of its identities are the same one.
    pattern: Vec<usize>,
}

fn by_skeleton(text: &Text, alone: &Alone<'_>) -> BTreeMap<Likeness, Vec<usize>> {
    let mut map: BTreeMap<Likeness, Vec<usize>> = BTreeMap::new();
    for (index, line) in text.lines.iter().enumerate() {
        let free = line.identities().all(|identity| alone.holds(identity));
        let pattern = if free { pattern(line) } else { Vec::new() };
        map.entry(Likeness { skeleton: line.skeleton(), free, pattern }).or_default().push(index);
    }
    map
}

fn pattern(line: &TextLine) -> Vec<usize> {
    let all: Vec<&Identity> = line.identities().collect();
    let same = |a: &Identity, b: &Identity| a.class == b.class && a.value == b.value;
    all.iter().map(|this| all.iter().position(|other| same(this, other)).unwrap_or_default()).collect()
}

/// The identities of a text that occur in one line only and are not known from elsewhere.
struct Alone<'t>(HashMap<(&'t Class, &'t str), bool>);

impl<'t> Alone<'t> {
    fn new(text: &'t Text, known: impl Fn(&Class, &str) -> bool) -> Self {
        let mut lines: HashMap<(&Class, &str), (usize, bool)> = HashMap::new();
        for (index, line) in text.lines.iter().enumerate() {
            for identity in line.identities() {
                let key = (&identity.class, identity.value.as_str());
                let (first, alone) = lines
                    .entry(key)
                    .or_insert_with(|| (index, *key.0 != Class::Region && !known(key.0, key.1)));
                *alone &= *first == index;
            }
        }
        Self(lines.into_iter().map(|(key, (_, alone))| (key, alone)).collect())
    }

    fn holds(&self, identity: &Identity) -> bool {
        self.0.get(&(&identity.class, identity.value.as_str())).copied().unwrap_or_default()
    }
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
        let (free, mut open): (Vec<Group>, Vec<Group>) = groups.into_iter().partition(|group| group.free);
        for group in free {
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
    let mut free: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (j, line) in new.lines.iter().enumerate() {
        free.entry(line.skeleton()).or_default().push(j);
    }
    let mut tries = BUDGET;
    let mut partner: Vec<Option<(usize, Option<String>)>> = vec![None; old.lines.len()];
    for (i, line) in old.lines.iter().enumerate() {
        let Some(alike) = free.get_mut(&line.skeleton()) else { continue };
        let matching = alike.iter().position(|&j| {
            tries = tries.saturating_sub(1);
            tries > 0 && line::compare(line, &new.lines[j], trial, spacing).is_ok()
        });
        partner[i] = matching.map(|at| (alike.remove(at), None));
    }
    for (i, line) in old.lines.iter().enumerate() {
        if partner[i].is_none()
            && let Some(alike) = free.get_mut(&line.skeleton())
            && !alike.is_empty()
        {
            let j = alike.remove(0);
            let reason = line::compare(line, &new.lines[j], trial, spacing).err();
            partner[i] = Some((j, reason));
        }
    }
    let mut free: Vec<usize> = free.into_values().flatten().collect();
    free.sort_unstable();
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
