//! Calls that the laptop's `aws` command does not know: they would fail in every run, on AWS too.

use crate::diagnostic::did_you_mean;
use crate::lesson::aws_command::AwsCommand;
use crate::lesson::block::{Block, BlockKind};
use crate::lesson::document::Draft;
use crate::lesson::problems::Problems;
use crate::lesson::script::Script;
use crate::wire::{Service, kebab};

/// What `aws` knows beside services.
const NO_SERVICES: [&str; 2] = ["configure", "help"];
/// What every service has beside operations.
const NO_OPERATIONS: [&str; 2] = ["help", "wait"];

pub(super) fn check(draft: &Draft, problems: &mut Problems<'_>) {
    for block in draft.lesson.blocks().filter(|block| is_meant_to_work(block)) {
        let Some(script) = block.script() else { continue };
        for command in Script::parse(script).commands {
            let Some(call) = command.aws() else { continue };
            check_call(block, &call, problems);
        }
    }
}

/// On other hosts `aws` is whatever was installed there, and a status other than zero may be the point of the block.
fn is_meant_to_work(block: &Block) -> bool {
    let status = match &block.kind {
        BlockKind::Shell(shell) => shell.exit,
        BlockKind::Check(check) => check.exit,
        _ => 0,
    };
    status == 0 && block.host().is_some_and(|host| host.is_laptop())
}

fn check_call(block: &Block, call: &AwsCommand<'_>, problems: &mut Problems<'_>) {
    let name = call.service.text.as_str();
    if NO_SERVICES.contains(&name) || name.contains('$') {
        return;
    }
    let services = Service::all().map(Service::name);
    let Some(service) = Service::named(name) else {
        let span = block.body.locate_span(call.service.span);
        let message = format!("the laptop's `aws` has no service `{name}`; it has {}", services.join(", "));
        problems.error("unknown-service", span, message).maybe_help(did_you_mean(name, services));
        return;
    };
    let verb = call.operation.text.as_str();
    let operations: Vec<String> = service.operation_names().map(kebab).collect();
    if NO_OPERATIONS.contains(&verb) || verb.contains('$') || operations.iter().any(|known| known == verb) {
        return;
    }
    let span = block.body.locate_span(call.operation.span);
    let known = operations.iter().map(String::as_str);
    problems
        .error("unknown-operation", span, format!("the laptop's `aws {name}` has no operation `{verb}`"))
        .maybe_help(did_you_mean(verb, known));
}
