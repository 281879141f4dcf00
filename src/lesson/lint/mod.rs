//! What can be wrong with lessons whose parts are each in order: names, hosts, variables, links, results without order.
//!
//! A rule sees [`Draft`]s, so that it speaks even when something else is wrong. Each is a function that adds to
//! [`Problems`] and changes nothing.

mod calls;
mod hosts;
mod ids;
mod links;
mod named;
mod order;
mod structure;
mod syntax;
mod unseen;
mod variables;

use std::path::PathBuf;

use crate::lesson::document::Draft;
use crate::lesson::problems::Problems;
use crate::lesson::syntax::ShellSyntax;

/// Applies all rules to the lessons of a course, in their order. `problems` belong to the drafts, one each. `pages` are
/// files beside the lessons that links may lead to.
pub(crate) fn check(
    drafts: &[Draft],
    pages: &[PathBuf],
    shell: &dyn ShellSyntax,
    problems: &mut [Problems<'_>],
) {
    for (draft, problems) in drafts.iter().zip(problems.iter_mut()) {
        unseen::check(draft, problems);
        ids::check(draft, problems);
        structure::check(draft, problems);
        syntax::check(draft, shell, problems);
        calls::check(draft, problems);
        order::check(draft, problems);
    }
    structure::titles(drafts, problems);
    links::check(drafts, pages, problems);
    hosts::check(drafts, problems);
    named::check(drafts, problems);
    variables::check(drafts, problems);
}
