//! Shell syntax, as the shell itself sees it, with places in the lesson.

use crate::lesson::document::Draft;
use crate::lesson::problems::Problems;
use crate::lesson::syntax::ShellSyntax;

pub(super) fn check(draft: &Draft, shell: &dyn ShellSyntax, problems: &mut Problems<'_>) {
    for block in draft.lesson.blocks().filter(|block| draft.is_closed(block)) {
        let Some(script) = block.script().filter(|script| !script.trim().is_empty()) else { continue };
        for error in shell.check(script) {
            let span = block.body.locate_line(error.line);
            problems.error("shell-syntax", span, format!("bash cannot read this: {}", error.message));
        }
    }
}
