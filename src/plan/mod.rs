//! What will run, as a value that is checked whole before the first effect.
//!
//! Pure: a [`Plan`] comes from the course, what was asked for, and how far the lab already is.

mod check;
mod progress;

pub use check::{Obstacle, check};
pub use progress::{DoneBlock, Progress};

use std::sync::Arc;

use crate::event::{PlannedLesson, Why};
use crate::lesson::{Block, Course, Lesson};
use crate::name::{LessonId, Os};

/// A run to be made.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Lessons in the order of the course; the last is one that was asked for.
    pub steps: Vec<Step>,
    /// The system of the instances.
    pub os: Os,
}

/// One lesson of a run.
#[derive(Debug, Clone)]
pub struct Step {
    pub lesson: Arc<Lesson>,
    pub why: Why,
    /// How many blocks of its story ran before and are not run again; all of them where the lesson is done.
    pub skip: usize,
    /// How many blocks its story has.
    pub blocks: usize,
}

impl Step {
    /// Whether nothing of it is left to do.
    pub fn is_done(&self) -> bool {
        self.skip == self.blocks
    }

    /// The blocks that are left, in order.
    pub fn rest(&self, os: Os) -> Vec<Block> {
        self.lesson.story(os).skip(self.skip).cloned().collect()
    }
}

/// Why there is no plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    #[error("find the lesson `{id}` in the course{}", suggestion.as_ref().map(|s| format!(" (did you mean `{s}`?)")).unwrap_or_default())]
    NoSuchLesson { id: LessonId, suggestion: Option<String> },
    #[error(
        "continue this lab: `{block}` of {lesson} has changed since it ran here \
         (hint: `lab run {lesson} --again` goes back to before the lesson)"
    )]
    Changed { lesson: LessonId, block: String },
}

impl Plan {
    /// What it takes so that every lesson of `asked` has run: those that come before the last of them and have not
    /// run in this lab, and then they.
    pub fn new(course: &Course, asked: &[LessonId], progress: &Progress, os: Os) -> Result<Self, PlanError> {
        let mut last = 0;
        for id in asked {
            let at = course.lessons.iter().position(|lesson| lesson.id == *id);
            last = last.max(at.ok_or_else(|| no_such(course, id))?);
        }
        let mut steps = Vec::new();
        for lesson in &course.lessons[..=last] {
            let why = if asked.contains(&lesson.id) { Why::Asked } else { Why::Prerequisite };
            steps.push(step(lesson, why, progress, os)?);
        }
        Ok(Self { steps, os })
    }

    /// The lessons as an event tells them: those that have something left to do, or `all`.
    pub fn told(&self, all: bool) -> Vec<PlannedLesson> {
        let left = self.steps.iter().filter(|step| all || !step.is_done());
        left.map(|step| PlannedLesson {
            id: step.lesson.id.clone(),
            title: step.lesson.title.clone(),
            blocks: if all { step.blocks } else { step.blocks - step.skip },
            why: step.why,
        })
        .collect()
    }

    /// Whether nothing is left to do.
    pub fn is_done(&self) -> bool {
        self.steps.iter().all(Step::is_done)
    }
}

fn step(lesson: &Lesson, why: Why, progress: &Progress, os: Os) -> Result<Step, PlanError> {
    let story: Vec<&Block> = lesson.story(os).collect();
    let done: Vec<&DoneBlock> = progress.done_in(&lesson.id).collect();
    // What ran is a beginning of the story as it is now, or the story was changed under it.
    for (index, was) in done.iter().enumerate() {
        let same = story.get(index).is_some_and(|block| {
            block.name == was.block && block.fingerprint().to_string() == was.fingerprint
        });
        if !same {
            return Err(PlanError::Changed { lesson: lesson.id.clone(), block: was.block.to_string() });
        }
    }
    Ok(Step { lesson: Arc::new(lesson.clone()), why, skip: done.len(), blocks: story.len() })
}

fn no_such(course: &Course, id: &LessonId) -> PlanError {
    let known = course.lessons.iter().map(|lesson| lesson.id.as_str());
    // `05` or `private-subnet` is what people type from memory.
    let part = course.lessons.iter().find(|lesson| lesson.id.as_str().contains(id.as_str()));
    let suggestion = part
        .map(|lesson| lesson.id.to_string())
        .or_else(|| crate::diagnostic::closest(id.as_str(), known).map(str::to_owned));
    PlanError::NoSuchLesson { id: id.clone(), suggestion }
}
