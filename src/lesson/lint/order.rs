//! Answers whose parts come in any order: they would be a difference on some runs and none on others.

use crate::lesson::aws_command::AwsCommand;
use crate::lesson::block::{BlockKind, Compare};
use crate::lesson::document::Draft;
use crate::lesson::problems::Problems;
use crate::lesson::script::{Command, Script};

/// Filters that at most one thing passes, for whatever is described.
const UNIQUE: [&str; 16] = [
    "tag:Name",
    "association.main",
    "association.subnet-id",
    "attachment.device",
    "attachment.vpc-id",
    "group-name",
    "cidr",
    "cidr-block",
    "cidrBlock",
    "private-ip-address",
    "ip-address",
    "public-ip",
    "key-name",
    "region-name",
    "zone-name",
    "isDefault",
];

pub(super) fn check(draft: &Draft, problems: &mut Problems<'_>) {
    for block in draft.lesson.blocks() {
        let BlockKind::Shell(shell) = &block.kind else { continue };
        let ordered = shell.outcome.compare == Compare::All;
        if !ordered {
            continue;
        }
        for command in Script::parse(&block.body.text).commands {
            let Some(call) = command.aws() else { continue };
            if in_any_order(&command, &call) {
                let operation = call.operation.text.clone();
                problems
                    .warning(
                        "any-order",
                        block.body.locate_span(call.operation.span),
                        format!("`{operation}` may list several things, and in any order"),
                    )
                    .help("ask for one by its id or `Name` tag, or order them: `--query 'sort_by(..,&..)'`");
            }
        }
    }
}

fn in_any_order(command: &Command, call: &AwsCommand<'_>) -> bool {
    let Some(resource) = call.operation.text.strip_prefix("describe-") else { return false };
    if resource.ends_with("-attribute") || resource.ends_with("-attributes") {
        return false;
    }
    let orders = ["sort_by(", "sort(", "length(", "max_by(", "min_by(", "contains("];
    let query = call.option("query").and_then(|values| values.first());
    if query.is_some_and(|query| orders.iter().any(|order| query.text.contains(order))) {
        return false;
    }
    if matches!(command.pipes_into.as_deref(), Some("sort" | "wc")) {
        return false;
    }
    let own = resource.trim_end_matches('s');
    let one_named = call.options.iter().any(|(option, values)| {
        // Rules of a group are many, even when the group is one.
        let names = option.ends_with("-ids") || option.ends_with("-id") || option.ends_with("-names");
        names && values.len() == 1 && single(&values[0].text)
    });
    let one_filtered = call.option("filters").is_some_and(|filters| {
        filters.iter().any(|filter| {
            filter_parts(&filter.text).is_some_and(|(name, values)| {
                let own_id = name
                    .strip_suffix("-id")
                    .is_some_and(|stem| own == stem || own.ends_with(&format!("-{stem}")));
                single(values) && (own_id || UNIQUE.contains(&name))
            })
        })
    });
    !one_named && !one_filtered
}

/// The name and the values of a filter in the CLI's shorthand.
fn filter_parts(text: &str) -> Option<(&str, &str)> {
    text.strip_prefix("Name=")?.split_once(",Values=")
}

fn single(values: &str) -> bool {
    !values.contains([',', '*', '?', ' '])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn warns(text: &str) -> bool {
        let script = Script::parse(text);
        script.commands.iter().any(|command| command.aws().is_some_and(|call| in_any_order(command, &call)))
    }

    #[test]
    fn several_things_need_an_order() {
        for text in [
            "aws ec2 describe-vpcs",
            "aws ec2 describe-subnets --filters Name=vpc-id,Values=$VPC --query 'Subnets[].SubnetId'",
            "X=$(aws ec2 describe-instances --filters Name=tag:Name,Values=web,db)",
            "aws ec2 describe-subnets --subnet-ids $A $B",
            "aws --region x ec2 describe-instances --filters 'Name=tag:Name,Values=web-*'",
            "aws ec2 describe-security-group-rules --filters Name=group-id,Values=$SG",
        ] {
            assert!(warns(text), "{text}");
        }
    }

    #[test]
    fn one_thing_or_an_order_is_fine() {
        for text in [
            "aws ec2 describe-vpcs --vpc-ids $VPC",
            "aws ec2 describe-subnets --filters Name=tag:Name,Values=public --output text",
            "aws ec2 describe-subnets --filters Name=vpc-id,Values=$V --query 'sort_by(Subnets,&CidrBlock)'",
            "aws ec2 describe-vpcs --filters Name=vpc-id,Values=$VPC",
            "aws ec2 describe-internet-gateways --filters Name=attachment.vpc-id,Values=$VPC",
            "aws ec2 describe-security-groups --filters Name=group-id,Values=$SG",
            "aws ec2 describe-regions --output text | sort",
            "aws ec2 describe-instance-attribute --attribute userData",
            "aws ec2 create-vpc",
            "describe-vpcs",
        ] {
            assert!(!warns(text), "{text}");
        }
    }
}
