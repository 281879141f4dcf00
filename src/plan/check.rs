//! What stands in the way of a plan, found before anything has happened.

use super::Plan;
use crate::lesson::{Block, BlockKind};
use crate::name::{HostName, LessonId};

/// Something that this version cannot run, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("run `{block}` of {lesson}: {what}")]
pub struct Obstacle {
    pub lesson: LessonId,
    pub block: String,
    pub what: String,
}

/// Everything in the plan that cannot be run; empty when it can begin.
pub fn check(plan: &Plan) -> Vec<Obstacle> {
    let mut found = Vec::new();
    for step in &plan.steps {
        for block in step.rest(plan.os) {
            if let Some(what) = unsupported(&block) {
                found.push(Obstacle { lesson: step.lesson.id.clone(), block: block.name.to_string(), what });
            }
        }
    }
    found
}

fn unsupported(block: &Block) -> Option<String> {
    let capture = match &block.kind {
        BlockKind::Shell(shell) => shell.capture.as_ref(),
        BlockKind::Console(console) => console.capture.as_ref(),
        BlockKind::Http(http) => http.capture.as_ref(),
        _ => None,
    };
    capture
        .filter(|capture| capture.hosts.iter().any(HostName::is_laptop))
        .map(|_| "packets cannot be captured on the laptop, whose user has no privileges".to_owned())
}
