//! A block as the reader sees it: where it runs, what is typed, what came back, and when that was recorded.

use super::conversation;
use super::error::BookError;
use super::exchange;
use super::html::Html;
use super::output::Shown;
use super::packets::Packets;
use super::page::Page;
use super::shell;
use super::ssh;
use super::tabs;
use super::topology::Topology;
use crate::lesson::{Block, BlockKind, Show};
use crate::secret::MASK;
use crate::snapshot::{BESIDE, Record};
use std::path::PathBuf;

/// A block with its record, ready to be shown.
pub(super) struct Recorded<'a> {
    pub block: &'a Block,
    pub record: Option<Record>,
    /// The file with the picture of the page that it got.
    pub picture: Option<PathBuf>,
    /// Whether it is the only variant, and for one system all the same.
    pub alone: bool,
}

impl Recorded<'_> {
    /// The block as one `div`.
    pub fn html(&self, page: &mut Page<'_>) -> Result<Html, BookError> {
        let before = page.values.clone();
        if let Some(record) = &self.record {
            page.values.extend(record.variables.iter().cloned());
        }
        let mut html = self.head(page);
        html = html.then(self.typed(page, &before));
        html = html.then(self.came_back(page)?);
        html = html.then(self.foot());
        let failure = if self.expected_exit().is_some_and(|exit| exit != 0) { " lab-failure" } else { "" };
        let class = format!("lab-block lab-{}{failure}", self.block.kind.word());
        let attributes =
            [("class", class.as_str()), ("id", &self.id()), ("data-lab-block", self.block.name.as_str())];
        Ok(Html::element("div", &attributes, html))
    }

    /// The block's place in the page.
    fn id(&self) -> String {
        match self.block.os {
            Some(os) => format!("block-{}-{os}", self.block.name),
            None => format!("block-{}", self.block.name),
        }
    }

    /// The status that the lesson expects.
    fn expected_exit(&self) -> Option<u8> {
        match &self.block.kind {
            BlockKind::Shell(shell) => Some(shell.exit),
            _ => None,
        }
    }

    fn head(&self, page: &mut Page<'_>) -> Html {
        let mut html = Html::new();
        if let Some(host) = self.block.host() {
            let class = if host.is_laptop() { "lab-host lab-laptop" } else { "lab-host" };
            html = html.and("span", &[("class", class)], Html::text(host.as_str()));
        }
        html = html.then(ssh::html(self.block, self.record.as_ref(), &mut page.ids, page.names));
        if let Some(os) = self.block.os.filter(|_| self.alone) {
            html = html.then(Html::labelled("span", "lab-what", &format!("on {} only", tabs::title(os))));
        }
        if let Some(what) = self.what() {
            html = html.then(Html::labelled("span", "lab-what", &what));
        }
        let link = format!("#{}", self.id());
        let name = Html::element("a", &[("href", &link)], Html::text(self.block.name.as_str()));
        Html::element("div", &[("class", "lab-head")], html.and("span", &[("class", "lab-name")], name))
    }

    /// What the block does, where its text does not say so.
    fn what(&self) -> Option<String> {
        match &self.block.kind {
            BlockKind::File(file) => Some(format!("writes {}", file.path.display())),
            BlockKind::Background(_) => Some("left running".to_owned()),
            BlockKind::Stop { target } => Some(format!("stops {target}")),
            BlockKind::Logs(logs) => Some(format!("what {} has printed since", logs.target)),
            BlockKind::Http(_) => Some("as a browser asks".to_owned()),
            BlockKind::Diagram => Some("drawn from what is there now".to_owned()),
            BlockKind::Shell(_) | BlockKind::Console(_) | BlockKind::Check(_) => None,
        }
    }

    /// What a person types or writes.
    fn typed(&self, page: &mut Page<'_>, before: &shell::Values) -> Html {
        let body = page.secrets.mask_typed(self.block.body.text.trim_end_matches('\n'));
        let body = body.as_str();
        match &self.block.kind {
            BlockKind::Shell(_) | BlockKind::Background(_) | BlockKind::Check(_) => {
                let script = shell::highlight(body, before, page.values, &mut page.ids, page.names);
                pre_code("nohighlight", script)
            }
            // The transcript shows it; without one, the lesson's own lines do.
            BlockKind::Console(console) if self.record.is_none() => {
                let whole = self.block.body.text.trim_end_matches('\n');
                let body = page.secrets.mask_typed(&console.with_secrets_as(MASK, whole));
                let typed = conversation::typed(&body, console);
                let text = conversation::html(&body, &typed, &mut page.ids, page.names);
                self.terminal(text, &page.secrets.mask_typed(&conversation::to_copy(console)))
            }
            BlockKind::Http(http) => exchange::request(&http.request, page),
            BlockKind::File(_) => pre_code(&format!("language-{}", self.block.language), Html::text(body)),
            BlockKind::Stop { .. } | BlockKind::Logs(_) if !body.is_empty() => {
                pre_code("nohighlight", Html::text(body))
            }
            _ => Html::new(),
        }
    }

    /// What is recorded.
    fn came_back(&self, page: &mut Page<'_>) -> Result<Html, BookError> {
        let Some(record) = &self.record else { return Ok(Html::new()) };
        let show = self.block.outcome().map_or(Show::All, |outcome| outcome.show);
        let mut html = match &self.block.kind {
            BlockKind::Console(console) => {
                let typed = conversation::typed(&record.output, console);
                let text = conversation::html(&record.output, &typed, &mut page.ids, page.names);
                self.terminal(text, &page.secrets.mask_typed(&conversation::to_copy(console)))
            }
            BlockKind::Http(_) => {
                let answer = exchange::response(record, show, page.names, &mut page.ids);
                match &self.picture {
                    None => answer,
                    Some(path) => answer.then(page.pictures.html(path, &exchange::alt(record))?),
                }
            }
            BlockKind::Diagram => {
                let topology: Topology = serde_json::from_str(&record.output)
                    .map_err(|source| self.broken("topology", page, source))?;
                topology.html(&mut page.ids, page.names)
            }
            _ => Shown::new(&record.output, show).html(&mut page.ids, page.names),
        };
        if let Some(recorded) = record.origin.extra(Packets::RECORDED) {
            let packets: Packets =
                serde_json::from_str(recorded).map_err(|source| self.broken("packets", page, source))?;
            html = html.then(packets.html(&mut page.ids, page.names));
        }
        Ok(html.then(variables(record, page)))
    }

    fn terminal(&self, text: Html, copy: &str) -> Html {
        let samp = Html::element("samp", &[], text);
        Html::element("pre", &[("class", "lab-terminal"), ("data-lab-copy", copy)], samp)
    }

    fn broken(&self, what: &'static str, page: &Page<'_>, source: serde_json::Error) -> BookError {
        BookError::Recording {
            what,
            lesson: page.lesson.id.to_string(),
            block: self.block.name.to_string(),
            source,
        }
    }

    /// Status, system, cloud and date; or that there is no record.
    fn foot(&self) -> Html {
        let records = !matches!(self.block.kind, BlockKind::File(_) | BlockKind::Stop { .. });
        let Some(record) = &self.record else {
            let note = Html::labelled("div", "lab-foot lab-unrecorded", "not recorded");
            return if records { note } else { Html::new() };
        };
        let mut parts = Vec::new();
        if let Some(expected) = self.expected_exit() {
            parts.push(status(record.exit, expected));
        }
        if record.origin.attempts > 1 {
            parts.push(Html::text(&format!("after {} attempts", record.origin.attempts)));
        }
        if let Some(blocks) = record.origin.extra(BESIDE) {
            parts.push(Html::text(&format!(
                "without what {blocks} has left running, which printed meanwhile"
            )));
        }
        parts.push(Html::text(&place(record)));
        parts.push(Html::element("time", &[], Html::text(&record.origin.date)));
        let parts = parts.into_iter().filter(|part| !part.is_empty());
        let parts = parts.map(|part| Html::element("span", &[], part)).collect();
        Html::element("div", &[("class", "lab-foot")], parts)
    }
}

fn pre_code(class: &str, inner: Html) -> Html {
    Html::element("pre", &[("class", "lab-typed")], Html::element("code", &[("class", class)], inner))
}

fn status(exit: i32, expected: u8) -> Html {
    let text = format!("exit status {exit}");
    match (exit == i32::from(expected), expected) {
        (true, 0) => Html::labelled("span", "lab-ok", &text),
        (true, _) => Html::labelled("span", "lab-as-expected", &format!("fails on purpose: {text}")),
        (false, _) => Html::labelled("span", "lab-wrong", &format!("{text}, but {expected} is expected")),
    }
}

/// Where a record was made: `Debian 13, local region us-east-1`.
pub(super) fn place(record: &Record) -> String {
    let origin = &record.origin;
    let system = match origin.os.as_str() {
        "debian" => "Debian 13",
        "al2023" => "Amazon Linux 2023",
        other => other,
    };
    let cloud = match origin.cloud.as_str() {
        "local" => "local region",
        "aws" => "AWS",
        other => other,
    };
    let place =
        [cloud, origin.region.as_str()].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>();
    [system, place.join(" ").as_str()]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(", ")
}

/// `SUBNET = subnet-0a1…`, one a line.
fn variables(record: &Record, page: &mut Page<'_>) -> Html {
    let mut html = Html::new();
    for (name, value) in &record.variables {
        let label = match page.ids.mark_as(name, value, page.names) {
            Some(label) => label,
            None => Html::labelled("span", "lab-var", name),
        };
        let line = label.and_text(" = ").then(page.ids.mark(value, page.names));
        html = html.and("div", &[], line);
    }
    if html.is_empty() { html } else { Html::element("div", &[("class", "lab-variables")], html) }
}
