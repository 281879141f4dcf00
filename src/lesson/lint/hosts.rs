//! Hosts that no lesson has launched, and hosts that cannot be reached without another.

use std::collections::BTreeMap;

use crate::diagnostic::did_you_mean;
use crate::lesson::aws_command::name_tags;
use crate::lesson::block::{Block, BlockKind};
use crate::lesson::document::Draft;
use crate::lesson::problems::Problems;
use crate::lesson::script::{Command, Script};
use crate::name::{HostName, Os};
use crate::source::Span;

/// What the lessons so far say about instances.
#[derive(Default)]
struct Launched {
    /// By `Name` tag: whether it has no public address, as far as the text tells.
    private: BTreeMap<String, bool>,
    /// A name came out of a variable, so any name may exist.
    any: bool,
}

pub(super) fn check(drafts: &[Draft], problems: &mut [Problems<'_>]) {
    for os in Os::ALL {
        let mut launched = Launched::default();
        for (draft, problems) in drafts.iter().zip(problems.iter_mut()) {
            for block in draft.lesson.blocks().filter(|block| block.runs_on(os)) {
                block_hosts(block, &launched, problems);
                if let Some(script) = block.script().filter(|_| !block.is_check()) {
                    Script::parse(script).commands.iter().for_each(|command| launched.see(command));
                }
            }
        }
    }
}

impl Launched {
    fn see(&mut self, command: &Command) {
        let Some(call) = command.aws() else { return };
        let (option, launches) = match call.operation.text.as_str() {
            "run-instances" => ("tag-specifications", true),
            "create-tags" => ("tags", false),
            "associate-address" => {
                // Which one got the address cannot be told from the text.
                self.private.values_mut().for_each(|private| *private = false);
                return;
            }
            _ => return,
        };
        self.any |= call.option("cli-input-json").is_some();
        let private = launches && call.option("no-associate-public-ip-address").is_some();
        for word in call.option(option).unwrap_or_default() {
            for name in name_tags(&word.text) {
                if name.contains(['$', '`']) {
                    self.any = true;
                } else {
                    self.private.insert(name.to_owned(), private);
                }
            }
            // The whole specification may come out of a variable or a file.
            self.any |= word.text.starts_with(['$', '`']) || word.text.starts_with("file:");
        }
    }

    fn knows(&self, host: &HostName) -> bool {
        self.any || host.is_laptop() || self.private.contains_key(host.as_str())
    }
}

fn block_hosts(block: &Block, launched: &Launched, problems: &mut Problems<'_>) {
    let mut named: Vec<(&str, &HostName)> = Vec::new();
    named.extend(block.host().map(|host| ("on", host)));
    named.extend(block.via().map(|host| ("via", host)));
    let capture = match &block.kind {
        BlockKind::Shell(shell) => shell.capture.as_ref(),
        BlockKind::Console(console) => console.capture.as_ref(),
        BlockKind::Http(http) => http.capture.as_ref(),
        _ => None,
    };
    named.extend(capture.into_iter().flat_map(|capture| &capture.hosts).map(|host| ("capture-on", host)));
    for (key, host) in named {
        let Some(attribute) = block.attribute(key).filter(|_| !launched.knows(host)) else { continue };
        let known = launched.private.keys().map(String::as_str).chain([HostName::LAPTOP]);
        let span = word_in(attribute, host.as_str(), problems);
        problems
            .warning(
                "unknown-host",
                span,
                format!("no lesson so far has launched an instance named `{host}`"),
            )
            .help("a host is the `Name` tag of an instance: `Tags=[{Key=Name,Value=..}]`")
            .maybe_help(did_you_mean(host.as_str(), known));
    }
    let host = block.host().filter(|host| launched.private.get(host.as_str()) == Some(&true));
    if let (Some(host), None, Some(span)) = (host, block.attribute("via"), block.attribute("on")) {
        problems
            .warning(
                "via-needed",
                span,
                format!("`{host}` has no public address, so the laptop cannot reach it"),
            )
            .help("go through a host that it can reach: `via=HOST`");
    }
}

/// The place of `word` in the attribute at `span`; all of the attribute when it stands there only in part.
fn word_in(span: Span, word: &str, problems: &Problems<'_>) -> Span {
    let text = problems.source().slice(span);
    let from = text.find('=').map_or(0, |at| at + 1);
    let mut at = from;
    for part in text[from..].split([',', '"']) {
        if part == word {
            return Span::new(span.start + at, span.start + at + part.len());
        }
        at += part.len() + 1;
    }
    span
}
