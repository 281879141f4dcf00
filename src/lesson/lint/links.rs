//! Links between lessons that lead nowhere.

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};

use crate::diagnostic::closest;
use crate::lesson::document::Draft;
use crate::lesson::markdown::Heading;
use crate::lesson::problems::Problems;

pub(super) fn check(drafts: &[Draft], pages: &[PathBuf], problems: &mut [Problems<'_>]) {
    let anchors: HashMap<PathBuf, Vec<String>> =
        drafts.iter().map(|draft| (plain(draft.lesson.source.path()), anchors(&draft.headings))).collect();
    let pages: Vec<PathBuf> = pages.iter().map(|page| plain(page)).collect();
    for (draft, problems) in drafts.iter().zip(problems) {
        let own = draft.lesson.source.path();
        for link in &draft.links {
            let Some((path, anchor)) = local(&link.target) else { continue };
            let target = if path.is_empty() { plain(own) } else { plain(&own.with_file_name(path)) };
            let Some(known) = anchors.get(&target) else {
                if !pages.contains(&target) {
                    let names =
                        drafts.iter().filter_map(|draft| draft.lesson.source.path().file_name()?.to_str());
                    let help = closest(path, names).map(|name| format!("did you mean `{name}`?"));
                    problems
                        .error("dead-link", link.span, format!("there is no lesson `{path}`"))
                        .maybe_help(help);
                }
                continue;
            };
            if let Some(anchor) = anchor.filter(|anchor| !known.iter().any(|known| known == anchor)) {
                let help = closest(anchor, known.iter().map(String::as_str));
                problems
                    .error("dead-link", link.span, format!("no heading there has the anchor `#{anchor}`"))
                    .maybe_help(help.map(|known| format!("did you mean `#{known}`?")));
            }
        }
    }
}

/// The file and the anchor of a link that leads to a Markdown file of the course or to a place in its own file.
fn local(target: &str) -> Option<(&str, Option<&str>)> {
    let (path, anchor) = match target.split_once('#') {
        Some((path, anchor)) => (path, Some(anchor).filter(|anchor| !anchor.is_empty())),
        None => (target, None),
    };
    let foreign = path.contains(':') || path.starts_with('/') || path.contains('?');
    let markdown =
        path.is_empty() && anchor.is_some() || Path::new(path).extension().is_some_and(|end| end == "md");
    (markdown && !foreign).then_some((path, anchor))
}

/// The anchors of headings as mdBook makes them: a repeated one gets `-1`, `-2` and so on.
fn anchors(headings: &[Heading]) -> Vec<String> {
    let mut seen: HashMap<String, usize> = HashMap::new();
    headings
        .iter()
        .map(|heading| {
            let slug = slug(&heading.text);
            let count = seen.entry(slug.clone()).or_insert(0);
            let anchor = if *count == 0 { slug } else { format!("{slug}-{count}") };
            *count += 1;
            anchor
        })
        .collect()
}

fn slug(text: &str) -> String {
    text.trim()
        .chars()
        .filter_map(|c| match c {
            c if c.is_alphanumeric() || matches!(c, '_' | '-') => Some(c.to_lowercase().next().unwrap_or(c)),
            c if c.is_whitespace() => Some('-'),
            _ => None,
        })
        .collect()
}

/// The path without `.` and `..`.
fn plain(path: &Path) -> PathBuf {
    let mut found = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if found.file_name().is_some() => {
                found.pop();
            }
            part => found.push(part),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_out_of_the_course_are_left_alone() {
        for target in ["https://aws.amazon.com/x.md", "mailto:a@b", "/x.md", "image.png", "", "#", "dir/"] {
            assert_eq!(local(target), None, "{target}");
        }
        assert_eq!(local("02-web.md#a"), Some(("02-web.md", Some("a"))));
        assert_eq!(local("#a"), Some(("", Some("a"))));
    }

    #[test]
    fn slugs_are_those_of_the_book() {
        assert_eq!(slug("A `private` subnet, at last!"), "a-private-subnet-at-last");
        assert_eq!(slug("Größe & Maß"), "größe--maß");
    }
}
