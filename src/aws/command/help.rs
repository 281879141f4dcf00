//! `help`: what there is, from the model. The descriptions are AWS's and stay with AWS.

use super::options::{Options, Use};
use crate::wire::{Kind, Operation, Service, Shape, kebab};

/// `aws --version`.
pub(super) fn version() -> String {
    format!(
        "aws-cli/2 (the aws of lab/{}, EC2 {})\n",
        env!("CARGO_PKG_VERSION"),
        Service::ec2().api_version()
    )
}

/// `aws help`.
pub(super) fn services() -> String {
    let mut text = String::from(
        "aws [options] <command> <subcommand> [parameters]\n\nThis is the aws command of lab: the syntax and the output of the \
         AWS CLI, version 2,\nfor the services and operations that the course uses.\n\nServices:\n",
    );
    for service in Service::all() {
        let count = service.operation_names().count();
        let unit = if count == 1 { "operation" } else { "operations" };
        text += &format!("  {:<10} {count} {unit}\n", service.name());
    }
    text.push_str(
        "\nOptions:\n  --region NAME, --output json|text|table|yaml, --query JMESPATH, --no-paginate,\n  --endpoint-url URL, \
         --color on|off, --no-cli-pager\n\nMore: aws <service> help, aws <service> <operation> help\n",
    );
    text
}

/// `aws ec2 help`.
pub(super) fn operations(service: &'static Service) -> String {
    let names = service.operation_names().map(kebab);
    let wait = service.waiter_names().next().map(|_| "wait".to_owned());
    list(&format!("aws {} <operation> [parameters]\n\nOperations:\n", service.name()), names.chain(wait))
}

/// `aws ec2 wait help`.
pub(super) fn waiters(service: &'static Service) -> String {
    let head = format!("aws {} wait <condition> [parameters]\n\nConditions:\n", service.name());
    list(&head, service.waiter_names().map(kebab))
}

fn list(head: &str, names: impl Iterator<Item = String>) -> String {
    names.fold(head.to_owned(), |text, name| text + "  " + &name + "\n")
}

/// `aws ec2 create-vpc help`.
pub(super) fn operation(operation: &'static Operation, options: &Options) -> String {
    let mut text =
        format!("aws {} {} [parameters]\n\nParameters:\n", operation.service.name(), kebab(operation.name));
    for choice in &options.choices {
        let form = match choice.role {
            Use::Member(member) => form(member.shape(), 2),
            Use::Switch(_) => "[Value=true|false]".to_owned(),
            Use::Flag(..) | Use::SwitchOff(_) => String::new(),
            _ => "...".to_owned(),
        };
        let required = if choice.required { "  (required)" } else { "" };
        text += &format!("  --{} {form}{required}\n", choice.name);
    }
    text
}

/// A value's form in shorthand.
fn form(shape: &'static Shape, depth: usize) -> String {
    match &shape.kind {
        Kind::Structure(_) if depth == 0 => "{...}".to_owned(),
        Kind::Structure(members) => {
            let pair =
                |member: &crate::wire::Member| format!("{}={}", member.name, form(member.shape(), depth - 1));
            members.iter().map(pair).collect::<Vec<_>>().join(",")
        }
        Kind::List(element) => match &element.shape().kind {
            Kind::Structure(_) if depth < 2 => {
                format!("[{{{}}}]", form(element.shape(), depth.saturating_sub(1)))
            }
            Kind::Structure(_) => format!("{} ...", form(element.shape(), depth)),
            _ => format!("{} ...", form(element.shape(), depth)),
        },
        Kind::Map(_, element) => format!("key={}", form(element.shape(), depth.saturating_sub(1))),
        Kind::String if (1..=8).contains(&shape.values.len()) => shape.values.join("|"),
        Kind::String => "<text>".to_owned(),
        Kind::Integer | Kind::Long | Kind::Float => "<number>".to_owned(),
        Kind::Boolean => "true|false".to_owned(),
        Kind::Timestamp => "<time>".to_owned(),
        Kind::Blob => "fileb://<path>".to_owned(),
    }
}
