//! Variables that are used and never set: on the laptop over the whole course, on other hosts within a lesson.

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::closest;
use crate::lesson::block::{Block, BlockKind};
use crate::lesson::console::{Input, Wait};
use crate::lesson::document::Draft;
use crate::lesson::problems::Problems;
use crate::lesson::script::{Script, Use};
use crate::name::{HostName, Os};
use crate::source::Span;

/// What every shell has, besides the names that begin with one of [`PREFIXES`].
const ALWAYS: [&str; 37] = [
    "COLUMNS",
    "DIRSTACK",
    "EPOCHREALTIME",
    "EPOCHSECONDS",
    "EUID",
    "FUNCNAME",
    "GROUPS",
    "HISTFILE",
    "HOME",
    "HOSTNAME",
    "HOSTTYPE",
    "IFS",
    "LANG",
    "LINENO",
    "LINES",
    "LOGNAME",
    "MACHTYPE",
    "OLDPWD",
    "OPTARG",
    "OPTIND",
    "OSTYPE",
    "PATH",
    "PIPESTATUS",
    "PPID",
    "PS1",
    "PS2",
    "PS4",
    "PWD",
    "RANDOM",
    "SECONDS",
    "SHELL",
    "SHELLOPTS",
    "SHLVL",
    "TERM",
    "UID",
    "USER",
    "_",
];

const PREFIXES: [&str; 6] = ["AWS_", "BASH", "LAB_", "LC_", "SSH_", "XDG_"];

/// The variables of one shell at one point of a course.
#[derive(Clone, Default)]
struct Shell {
    set: BTreeSet<String>,
    /// Unknown text has run in it, and may have set anything.
    opaque: bool,
}

impl Shell {
    fn has(&self, name: &str) -> bool {
        self.opaque
            || self.set.contains(name)
            || ALWAYS.contains(&name)
            || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
    }
}

/// A variable that a block needs, and where in the lesson.
struct Needed {
    name: String,
    span: Span,
    /// Whether a shell puts it in, which knows `${NAME:-}`.
    by_shell: bool,
}

pub(super) fn check(drafts: &[Draft], problems: &mut [Problems<'_>]) {
    for os in Os::ALL {
        let mut laptop = Shell::default();
        for (draft, problems) in drafts.iter().zip(problems.iter_mut()) {
            // The shells of other hosts close at the end of each lesson.
            let mut hosts: BTreeMap<HostName, Shell> = BTreeMap::new();
            for block in draft.lesson.blocks().filter(|block| block.runs_on(os)) {
                with_is_set(block, &laptop, problems);
                let host = block.host().cloned().unwrap_or_default();
                let mut shell =
                    if host.is_laptop() { laptop.clone() } else { hosts.remove(&host).unwrap_or_default() };
                let with = block.place().map(|place| place.with.as_slice()).unwrap_or_default();
                shell.set.extend(with.iter().map(ToString::to_string));
                for needed in run(block, &mut shell).iter().filter(|_| draft.is_closed(block)) {
                    let later = || set_later(drafts, &needed.name);
                    unset(needed, &host, &shell, &laptop, later, problems);
                }
                if host.is_laptop() {
                    laptop = shell;
                } else {
                    hosts.insert(host, shell);
                }
            }
        }
    }
}

/// What `block` uses that `shell` has not; afterwards the shell has what the block leaves behind in it.
fn run(block: &Block, shell: &mut Shell) -> Vec<Needed> {
    let mut needed = Vec::new();
    match &block.kind {
        BlockKind::Shell(_) | BlockKind::Background(_) | BlockKind::Check(_) => {
            let script = Script::parse(&block.body.text);
            for found in missing(&script, shell) {
                needed.push(Needed {
                    name: found.name.clone(),
                    span: block.body.locate_span(found.span),
                    by_shell: true,
                });
            }
            if matches!(block.kind, BlockKind::Shell(_)) {
                shell.opaque |= script.opaque_from.is_some();
                shell.set.extend(script.sets.into_iter().map(|set| set.name));
            }
        }
        BlockKind::Console(console) => {
            // A child of the shell: what it sets is gone with it.
            let mut own = shell.clone();
            let at_prompt =
                |entry: &&crate::lesson::console::Entry| entry.wait == Wait::Prompt("$".to_owned());
            for entry in console.entries.iter().filter(at_prompt) {
                let Input::Line(typed) = &entry.input else { continue };
                let script = Script::parse(typed);
                let start = entry.span.end.saturating_sub(typed.trim_end().len());
                for found in missing(&script, &own) {
                    needed.push(Needed {
                        name: found.name.clone(),
                        span: found.span.shifted(start),
                        by_shell: true,
                    });
                }
                own.opaque |= script.opaque_from.is_some();
                own.set.extend(script.sets.into_iter().map(|set| set.name));
            }
        }
        BlockKind::Http(http) => {
            let request = &http.request;
            let templates = [&request.url, &request.body]
                .into_iter()
                .chain(request.headers.iter().map(|(_, value)| value));
            for name in
                templates.flat_map(|template| template.variables()).filter(|name| !shell.has(name.as_str()))
            {
                let text = &block.body.text;
                let place = [format!("${name}"), format!("${{{name}}}")]
                    .into_iter()
                    .find_map(|written| text.find(&written).map(|at| Span::new(at, at + written.len())));
                let span = place.map_or(block.body.span, |place| block.body.locate_span(place));
                needed.push(Needed { name: name.to_string(), span, by_shell: false });
            }
        }
        BlockKind::Diagram | BlockKind::File(_) | BlockKind::Stop { .. } | BlockKind::Logs(_) => {}
    }
    needed
}

fn missing<'a>(script: &'a Script, shell: &Shell) -> impl Iterator<Item = &'a Use> {
    script.uses.iter().filter(move |found| {
        let opaque = script.opaque_from.is_some_and(|at| at <= found.span.start);
        // The text of a function runs later than it stands.
        let set = |set: &&crate::lesson::script::Set| {
            set.name == found.name && (script.functions || set.at <= found.span.start)
        };
        !opaque && !shell.has(&found.name) && !script.sets.iter().any(|known| set(&known))
    })
}

fn with_is_set(block: &Block, laptop: &Shell, problems: &mut Problems<'_>) {
    let (Some(place), Some(attribute)) = (block.place(), block.attribute("with")) else { return };
    if place.on.is_laptop() {
        return;
    }
    for name in place.with.iter().filter(|name| !laptop.has(name.as_str())) {
        let text = problems.source().slice(attribute);
        let from = text.find('=').map_or(0, |at| at + 1);
        let at = text[from..].split(',').try_fold(from, |at, word| {
            if word.trim_matches('"') == name.as_str() { Err(at) } else { Ok(at + word.len() + 1) }
        });
        let start = attribute.start + at.err().unwrap_or(from);
        let help = closest(name.as_str(), laptop.set.iter().map(String::as_str));
        problems
            .error(
                "unset-variable",
                Span::new(start, start + name.as_str().len()),
                format!("nothing on the laptop sets `{name}` before this block"),
            )
            .help("`with` hands over variables that blocks on the laptop have set")
            .maybe_help(help.map(|known| format!("did you mean `{known}`?")));
    }
}

fn unset(
    needed: &Needed,
    host: &HostName,
    shell: &Shell,
    laptop: &Shell,
    later: impl Fn() -> Option<String>,
    problems: &mut Problems<'_>,
) {
    let Needed { name, span, by_shell } = needed;
    let or_empty =
        if *by_shell { format!(", or write `${{{name}:-}}` if it may be empty") } else { String::new() };
    let similar =
        closest(name, shell.set.iter().map(String::as_str)).map(|known| format!("did you mean `${known}`?"));
    if host.is_laptop() {
        let added = problems
            .error("unset-variable", *span, format!("nothing sets `{name}` before this block"))
            .help(format!("set it in a block before this one{or_empty}"))
            .maybe_help(similar);
        if let Some(place) = later() {
            added.note(format!("it is set in {place}"));
        }
        return;
    }
    // A host's own start-up files may set variables, so this cannot be certain.
    let crosses = laptop.set.contains(name.as_str());
    let added = problems
        .warning("unset-variable", *span, format!("nothing on `{host}` sets `{name}` before this block"))
        .help(format!("set it there in a block before this one{or_empty}"))
        .maybe_help(similar);
    if crosses {
        added
            .note("the laptop has a variable of this name, but variables do not cross by themselves")
            .help(format!("hand it over: `with={name}`"));
    }
}

/// The first place in the course where a block on the laptop sets `name`.
fn set_later(drafts: &[Draft], name: &str) -> Option<String> {
    drafts.iter().find_map(|draft| {
        draft.lesson.blocks().find_map(|block| {
            let laptop =
                matches!(block.kind, BlockKind::Shell(_)) && block.host().is_some_and(HostName::is_laptop);
            let script = block.script().filter(|_| laptop)?;
            Script::parse(script).sets.iter().any(|set| set.name == name).then(|| {
                let line = draft.lesson.source.position(block.span.start).line;
                format!("{}:{line}, block `{}`", draft.lesson.source.path().display(), block.name)
            })
        })
    })
}
