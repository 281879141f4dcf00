//! What stands in the way of a plan, found before anything has happened.

use super::Plan;
use crate::lesson::{Block, BlockKind};
use crate::name::LessonId;

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
    let kind = match &block.kind {
        BlockKind::Shell(shell) if shell.capture.is_some() => "`capture=`",
        BlockKind::Shell(_) | BlockKind::Check(_) => return None,
        BlockKind::Console(_) => "a `console` block",
        BlockKind::Http(_) => "an `http` block",
        BlockKind::Diagram => "a `diagram` block",
        BlockKind::File(_) => "`file=`",
        BlockKind::Background(_) => "`background`",
        BlockKind::Stop { .. } => "`stop=`",
        BlockKind::Logs(_) => "`logs=`",
    };
    Some(format!("this version of lab cannot run {kind} yet"))
}
