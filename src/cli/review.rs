//! `lab review`: accepts or rejects results that differ from what is recorded.

use std::io::{BufRead as _, IsTerminal as _};
use std::path::Path;
use std::process::ExitCode;

use crate::cli::args::ReviewArgs;
use crate::cli::course;
use crate::cli::failure::Failure;
use crate::output::{ask, say};
use crate::snapshot::{ReviewItem, Store};

/// Goes through what waits, one at a time on a terminal, or all at once as asked.
pub fn review(root: Option<&Path>, args: &ReviewArgs) -> Result<ExitCode, Failure> {
    let root = course::root(root, &[])?;
    let store = Store::new(&root);
    if args.prune {
        return prune(&root, &store);
    }
    let mut items = ReviewItem::all(&store)?;
    if let Some(unknown) =
        args.names.iter().find(|name| !items.iter().any(|item| item.pending.name == **name))
    {
        let known = items.iter().map(|item| item.pending.name.as_str());
        let hint = crate::diagnostic::did_you_mean(unknown, known);
        let failure =
            Failure::usage(format!("failed to find a result named `{unknown}` that waits for review"));
        return Err(match hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        });
    }
    items.retain(|item| args.names.is_empty() || args.names.contains(&item.pending.name));
    if items.is_empty() {
        say!("nothing waits for review");
        return Ok(ExitCode::SUCCESS);
    }
    if args.list {
        for item in &items {
            say!("{}", item.pending.name);
        }
        return Ok(ExitCode::SUCCESS);
    }
    if !args.accept && !args.reject && !std::io::stdin().is_terminal() {
        return Err(Failure::usage("failed to review: standard input is no terminal")
            .hint("use --accept, --reject or --list"));
    }
    let (mut accepted, mut rejected) = (0, 0);
    let mut rest = None;
    let total = items.len();
    for (index, item) in items.iter().enumerate() {
        let choice = match (args.accept, args.reject, rest) {
            (true, ..) => Choice::Accept,
            (_, true, _) => Choice::Reject,
            (.., Some(choice)) => choice,
            _ => {
                say!("\n{}", item.render(true, 100));
                ask(&format!("{}/{total} {}", index + 1, item.pending.name))?
            }
        };
        match choice {
            Choice::Accept | Choice::AcceptAll => {
                store.accept(&item.pending)?;
                accepted += 1;
            }
            Choice::Reject => {
                store.reject(&item.pending)?;
                rejected += 1;
            }
            Choice::Skip => {}
            Choice::Quit => break,
        }
        if choice == Choice::AcceptAll {
            rest = Some(Choice::AcceptAll);
        }
    }
    say!("{accepted} accepted, {rejected} rejected, {} left", total - accepted - rejected);
    Ok(ExitCode::SUCCESS)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Choice {
    Accept,
    AcceptAll,
    Reject,
    Skip,
    Quit,
}

fn ask(what: &str) -> Result<Choice, Failure> {
    loop {
        ask!("{what}: [a]ccept, [r]eject, [s]kip, accept [A]ll, [q]uit? ");
        let mut line = String::new();
        if std::io::stdin().lock().read_line(&mut line)? == 0 {
            return Ok(Choice::Quit);
        }
        match line.trim() {
            "a" => return Ok(Choice::Accept),
            "A" => return Ok(Choice::AcceptAll),
            "r" => return Ok(Choice::Reject),
            "s" | "" => return Ok(Choice::Skip),
            "q" => return Ok(Choice::Quit),
            _ => {}
        }
    }
}

fn prune(root: &Path, store: &Store) -> Result<ExitCode, Failure> {
    let course = course::load_faultless(root)?;
    let blocks: Vec<_> =
        course.lessons.iter().flat_map(|l| l.blocks().map(move |b| (&l.id, &b.name))).collect();
    let orphans = store.orphans(blocks)?;
    store.prune(&orphans)?;
    for name in &orphans {
        say!("removed {name}.snap");
    }
    say!("{} removed", orphans.len());
    Ok(ExitCode::SUCCESS)
}
