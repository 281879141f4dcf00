//! A run of a mutated lesson, and what it told.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;

use super::group::Group;
use crate::course::{Course, Region, told};

/// What the blocks of a run came to that are not as recorded, by their names: outcome, difference and output.
type Told = BTreeMap<String, String>;

/// Runs the group's lesson with its mutations. `Err`: not exactly their blocks have noticed, or not for their causes.
pub fn noticed(region: &Arc<Region>, group: &Group) -> Result<(), String> {
    let course = Course::copy(region);
    let path = course.lesson(group.lesson);
    let text = fs::read_to_string(&path).expect("readable");
    fs::write(&path, super::change::mutated(&text, &group.mutations)?).expect("written");
    let output = course.lab(&["verify", "--format", "json", group.lesson]);
    if output.status.code() != Some(1) {
        return Err(format!("it ended with {:?}:\n{}", output.status.code(), told(&output)));
    }
    let told = of_events(&String::from_utf8_lossy(&output.stdout));
    let mut wrong = String::new();
    let mut expected = Vec::new();
    for mutation in &group.mutations {
        for block in mutation.shown_by() {
            expected.push(block);
            if !told.contains_key(block) {
                wrong += &format!("`{block}` did not notice: {}\n", mutation.what);
            }
        }
        if let Some(told) = told.get(mutation.block)
            && !told.contains(mutation.cause)
        {
            wrong += &format!(
                "`{}` does not tell of `{}`: {}\n{told}\n",
                mutation.block, mutation.cause, mutation.what
            );
        }
        let last =
            mutation.shown_by().filter_map(|block| told.get(block)).any(|told| told.starts_with("failed"));
        if last != mutation.ends {
            wrong += &format!("whether the lesson ends is said wrongly: {}\n", mutation.what);
        }
    }
    for (block, told) in &told {
        if !expected.contains(&block.as_str()) {
            wrong += &format!("nothing was expected of `{block}`:\n{told}\n");
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong) }
}

fn of_events(events: &str) -> Told {
    let mut told = Told::new();
    for line in events.lines() {
        let Ok(event) = serde_json::from_str::<serde_json::Value>(line) else { continue };
        let outcome = event["outcome"].as_str().unwrap_or_default();
        if event["event"] != "block-finished" || matches!(outcome, "passed" | "skipped") {
            continue;
        }
        let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
        let all = [outcome.to_owned(), text("diff"), text("reason"), text("output")].join("\n");
        told.insert(text("block"), all);
    }
    told
}
