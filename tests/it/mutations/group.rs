//! Several mutations in one run: those that can be told from each other, because other blocks notice them, or because the
//! block that notices both tells another cause for each.

use super::change::{Mutation, fences, place};

/// A lesson and the mutations that it gets at once.
pub struct Group {
    pub lesson: &'static str,
    pub mutations: Vec<&'static Mutation>,
    /// The position of the last block that runs, for what takes long to be begun first.
    pub last: usize,
}

/// Puts the mutations of a lesson into as few runs as can be. A run has one mutation that ends the lesson at most; all
/// others are noticed before that.
pub fn groups(
    lesson: &'static str,
    text: &str,
    mutations: impl Iterator<Item = &'static Mutation>,
) -> Result<Vec<Group>, String> {
    let order: Vec<&str> = fences(text).iter().map(|fence| fence.name).collect();
    let mut wrong = String::new();
    let mut ending: Vec<(usize, &'static Mutation)> = Vec::new();
    let mut others: Vec<(usize, &'static Mutation)> = Vec::new();
    for mutation in mutations {
        for why in mutation.edits().filter_map(|edit| place(text, edit).err()) {
            wrong += &format!("{lesson}: {}: {why}\n", mutation.what);
        }
        let mut last = 0;
        for block in mutation.shown_by() {
            match order.iter().position(|name| *name == block) {
                Some(position) => last = last.max(position),
                None => wrong += &format!("{lesson}: {}: there is no block `{block}`\n", mutation.what),
            }
        }
        if mutation.ends { &mut ending } else { &mut others }.push((last, mutation));
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    ending.sort_by_key(|(last, _)| *last);
    let mut groups: Vec<Group> = ending
        .into_iter()
        .map(|(last, mutation)| Group { lesson, mutations: vec![mutation], last })
        .collect();
    for (last, mutation) in others {
        // The run that ends soonest, so that those that end late stay free for what is noticed late.
        let free = groups.iter_mut().find(|group| last < group.last && apart(group, mutation));
        match free {
            Some(group) => group.mutations.push(mutation),
            None => groups.push(Group { lesson, mutations: vec![mutation], last: order.len() }),
        }
    }
    Ok(groups)
}

/// Whether both are told from each other, no block is changed twice, and neither hides the other.
fn apart(group: &Group, mutation: &Mutation) -> bool {
    group.mutations.iter().all(|other| {
        let shared = other.shown_by().any(|block| mutation.shown_by().any(|own| own == block));
        let same = other.block == mutation.block
            && (other.cause.contains(mutation.cause) || mutation.cause.contains(other.cause));
        let overlap = other.edits().any(|edit| mutation.edits().any(|own| edit.block == own.block));
        let ends = other.ends || mutation.ends;
        !(same || overlap || hides(other, mutation) || hides(mutation, other) || ends && shared)
    })
}

fn hides(one: &Mutation, other: &Mutation) -> bool {
    other.edits().any(|edit| one.apart_from.contains(&edit.block))
}
