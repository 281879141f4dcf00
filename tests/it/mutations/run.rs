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
    let told = of_events(&String::from_utf8_lossy(&output.stdout), Some(group.lesson));
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
            && !words(told).contains(&words(mutation.cause))
        {
            wrong += &format!(
                "`{}` does not tell of `{}`: {}\n{told}\n",
                mutation.block, mutation.cause, mutation.what
            );
        }
    }
    for (block, told) in told.iter().filter(|(block, _)| *block != super::change::STOP) {
        if !expected.contains(&block.as_str()) {
            wrong += &format!("nothing was expected of `{block}`:\n{told}\n");
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong) }
}

/// What the blocks of a run came to that are not as recorded, from its events: those of this lesson by their own
/// names, those of others by the names of their records.
pub fn of_events(events: &str, lesson: Option<&str>) -> Told {
    let mut told = Told::new();
    for line in events.lines() {
        let Ok(event) = serde_json::from_str::<serde_json::Value>(line) else { continue };
        let outcome = event["outcome"].as_str().unwrap_or_default();
        if event["event"] != "block-finished" || matches!(outcome, "passed" | "skipped") {
            continue;
        }
        let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
        let what = match outcome {
            "failed" => [text("reason"), text("output")].join("\n"),
            // Only what is not as recorded, with the reasons in front of it.
            "differed" => changed(&text("diff")),
            _ => text("output"),
        };
        let all = format!("{outcome}\n{what}");
        let name = match text("lesson") {
            own if lesson == Some(&own) => text("block"),
            other => format!("{other}__{}", text("block")),
        };
        told.insert(name, all);
    }
    told
}

/// The reasons of a difference and its changed lines.
fn changed(diff: &str) -> String {
    let shown = diff.split('\n').skip_while(|line| !line.ends_with(':'));
    let reasons = diff.split('\n').take_while(|line| !line.ends_with(':'));
    let lines = shown.filter(|line| line.starts_with(['-', '+']));
    reasons.chain(lines).collect::<Vec<_>>().join("\n")
}

/// The words of a text, with one space between them: columns are as wide as the words in them.
fn words(text: &str) -> String {
    text.split(|c: char| c.is_whitespace() || c == '|')
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}
