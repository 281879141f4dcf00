//! Ids of resources that stand in commands as they are: the next run makes others.

use std::sync::LazyLock;

use regex::Regex;

use crate::lesson::block::BlockKind;
use crate::lesson::document::Draft;
use crate::lesson::problems::Problems;
use crate::source::Span;

/// The prefixes of what a lesson makes. Images are chosen, not made; but their ids are of one region and one day.
static ID: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(concat!(
        r"\b(?:vpc|subnet|i|igw|eigw|nat|rtb|rtbassoc|sg|sgr|eni|eni-attach|eipalloc|eipassoc|acl|aclassoc|dopt|key|vol",
        r"|snap|pcx|vpce|tgw|tgw-attach|tgw-rtb|lt|fl|ami|r)-([0-9a-f]{17}|[0-9a-f]{8})\b"
    ))
    .expect("a valid expression")
});

/// The rule concerns one lesson.
pub(super) fn check(draft: &Draft, problems: &mut Problems<'_>) {
    for block in draft.lesson.blocks() {
        let typed =
            block.script().is_some() || matches!(block.kind, BlockKind::Console(_) | BlockKind::Http(_));
        if !typed {
            continue;
        }
        for found in ID.captures_iter(&block.body.text) {
            let (Some(id), Some(digits)) = (found.get(0), found.get(1)) else { continue };
            // `vpc-00000000000000000` is meant not to exist.
            let first = digits.as_str().as_bytes()[0];
            // `my-sg-01234567` is a name.
            if block.body.text[..id.start()].ends_with('-') {
                continue;
            }
            if digits.as_str().bytes().all(|digit| digit == first) || in_comment(&block.body.text, id.start())
            {
                continue;
            }
            let image = id.as_str().starts_with("ami-");
            let added = problems.warning(
                "literal-id",
                block.body.locate_span(Span::new(id.start(), id.end())),
                format!("`{}` exists in one {} only", id.as_str(), if image { "region" } else { "account" }),
            );
            if image {
                added.help("find the image by its name or by a public parameter, such as `resolve:ssm:/aws/service/…`");
            } else {
                added.help("keep the id in a variable when it is made, as in `VPC=$(aws ec2 create-vpc … --query Vpc.VpcId --output text)`, and write `$VPC`");
            }
        }
    }
}

fn in_comment(text: &str, at: usize) -> bool {
    let line = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    text[line..at].trim_start().starts_with('#')
}
