//! Whole lessons: those in `tests/fixtures/lessons`, and texts made at random.
//!
//! `failure/CASE.md`, or a directory `failure/CASE/` with a `SUMMARY.md`, has its rendered diagnostics in
//! `failure/CASE.expected`; `success/CASE.md` has its typed blocks in `success/CASE.expected`. With the variable
//! `UPDATE_EXPECTED` set the files are written anew, to be reviewed as a change.

use std::fmt::Write;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::*;
use crate::diagnostic::{has_errors, render};
use crate::name::Os;
use crate::source::SourceText;

/// The real shell: it only reads the script.
fn bash(script: &str) -> Vec<ShellError> {
    let mut child = Command::new("bash")
        .arg("-n")
        .env("LC_ALL", "C")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("bash is there");
    // Bash may stop reading at the first mistake.
    let _ = child.stdin.take().expect("a pipe").write_all(script.as_bytes());
    let output = child.wait_with_output().expect("bash ends");
    let mut found = ShellError::from_bash(&String::from_utf8_lossy(&output.stderr));
    for error in &mut found {
        // Since 5.3 bash also says where the unfinished command began.
        let end = error.message.find(" from `").unwrap_or(error.message.len());
        error.message.truncate(end);
    }
    found
}

/// A directory whose files are called by their names alone.
struct Directory(PathBuf);

impl Library for Directory {
    fn read(&self, path: &Path) -> io::Result<String> {
        std::fs::read_to_string(self.0.join(path))
    }

    fn list(&self, path: &Path) -> io::Result<Vec<PathBuf>> {
        std::fs::read_dir(self.0.join(path))?.map(|entry| Ok(path.join(entry?.file_name()))).collect()
    }
}

fn fixtures(kind: &str) -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/lessons").join(kind);
    let entries = std::fs::read_dir(directory).expect("fixtures are there");
    let mut found: Vec<_> = entries
        .map(|entry| entry.expect("readable").path())
        .filter(|path| path.extension().is_none_or(|end| end == "md"))
        .collect();
    found.sort();
    assert!(!found.is_empty());
    found
}

fn load(case: &Path) -> Loaded {
    if case.is_dir() {
        return Course::load(Path::new(""), &Directory(case.to_owned()), &bash);
    }
    let name = case.file_name().expect("a name");
    let text = std::fs::read_to_string(case).expect("readable");
    Course::check(vec![SourceText::new(name, text)], &[], &bash)
}

/// Compares with the file beside the case; gives the difference.
fn compare(case: &Path, actual: &str) -> Option<String> {
    let path = case.with_extension("expected");
    if std::env::var_os("UPDATE_EXPECTED").is_some() {
        std::fs::write(&path, actual).expect("writable");
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    (expected != actual)
        .then(|| format!("{}\n--- expected\n{expected}\n--- actual\n{actual}", path.display()))
}

fn none_differ(differences: &[String]) {
    assert!(differences.is_empty(), "{}", differences.join("\n\n"));
}

#[test]
fn mistakes_are_told_as_expected() {
    let differences: Vec<_> = fixtures("failure")
        .iter()
        .filter_map(|case| {
            let loaded = load(case);
            assert!(!loaded.diagnostics.is_empty(), "{} has no mistake", case.display());
            assert_eq!(loaded.course.is_none(), has_errors(&loaded.diagnostics));
            compare(case, &render(&loaded.diagnostics, &loaded.sources, false))
        })
        .collect();
    none_differ(&differences);
}

#[test]
fn lessons_mean_what_is_expected() {
    let differences: Vec<_> = fixtures("success")
        .iter()
        .filter_map(|case| {
            let loaded = load(case);
            assert!(loaded.diagnostics.is_empty(), "{}", render(&loaded.diagnostics, &loaded.sources, false));
            let mut shown = String::new();
            for lesson in loaded.course.expect("no errors").lessons {
                reproduces_its_text(&lesson);
                describe(&mut shown, &lesson);
            }
            compare(case, &shown)
        })
        .collect();
    none_differ(&differences);
}

fn describe(out: &mut String, lesson: &Lesson) {
    writeln!(out, "{}: {}", lesson.id, lesson.title).expect("a string");
    for block in lesson.blocks() {
        let os = block.os.map_or(String::new(), |os| format!("@{os}"));
        let hidden = if block.hidden { " hidden" } else { "" };
        writeln!(out, "\n#{}{os}{hidden} {} {:?}", block.name, block.language, block.body.text)
            .expect("a string");
        writeln!(out, "{:#?}", block.kind).expect("a string");
    }
}

fn reproduces_its_text(lesson: &Lesson) {
    let text: String = lesson.items.iter().map(|item| lesson.source.slice(item.span())).collect();
    assert_eq!(text, lesson.source.text());
}

fn parsed(text: &str) -> Lesson {
    let source = SourceText::new("x.md", format!("# T\n\n{text}"));
    let loaded = Course::check(vec![source], &[], &NoShell);
    let shown = render(&loaded.diagnostics, &loaded.sources, false);
    loaded.course.unwrap_or_else(|| panic!("{shown}")).lessons.remove(0)
}

#[test]
fn a_fingerprint_covers_what_runs_and_nothing_else() {
    let after = |text: &str| Fingerprint::start(Os::Debian).after(&parsed(text), Os::Debian);
    let base = after("```sh {#a}\ntrue\n```\n");
    for same in [
        "prose\n\n```bash {#a}\ntrue\n```\n\nmore\n",
        "```sh {#a show=none vary=\"[0-9]+\" }\ntrue\n```\n",
        "```sh {#a hidden match=lines}\ntrue\n```\n\n```diagram {#d}\n```\n",
        "```sh {#a timeout=60s}\ntrue\n```\n\n```sh {#c check hint=\"x\"}\ntrue\n```\n",
        "- x\n\n  ```sh {#a}\n  true\n  ```\n",
        "```sh {#a}\ntrue\n```\n\n```sh {#b os=al2023}\ntrue\n```\n",
    ] {
        assert_eq!(after(same), base, "{same}");
    }
    for other in [
        "```sh {#b}\ntrue\n```\n",
        "```sh {#a}\nfalse\n```\n",
        "```sh {#a exit=1}\ntrue\n```\n",
        "```sh {#a timeout=61s}\ntrue\n```\n",
        "```sh {#a on=web}\ntrue\n```\n",
        "```sh {#a eventually=2m}\ntrue\n```\n",
        "```sh {#a background}\ntrue\n```\n",
        "```sh {#a file=x}\ntrue\n```\n",
        "```sh {#a}\ntrue\n```\n\n```sh {#b}\ntrue\n```\n",
        "",
    ] {
        assert_ne!(after(other), base, "{other}");
    }
    let lesson = parsed("```sh {#a}\ntrue\n```\n");
    assert_ne!(Fingerprint::start(Os::Al2023).after(&lesson, Os::Al2023), base);
    assert_ne!(base.after(&lesson, Os::Debian), base);
}

#[test]
fn a_course_has_an_order() {
    let text = |title: &str| format!("# {title}\n\n```sh {{#a}}\ntrue\n```\n");
    let sources = ["b.md", "a.md"].map(|path| SourceText::new(path, text(path)));
    let course = Course::check(sources.to_vec(), &[], &NoShell).course.expect("no mistakes");
    let id = |text: &str| crate::name::LessonId::new(text).expect("an id");
    assert_eq!(course.until(&id("b")).map(<[_]>::len), Some(1));
    assert_eq!(course.until(&id("a")).map(<[_]>::len), Some(2));
    assert!(course.until(&id("c")).is_none() && course.fingerprint(&id("c"), Os::Debian).is_none());
    assert_ne!(course.fingerprint(&id("a"), Os::Debian), course.fingerprint(&id("b"), Os::Debian));
    assert_eq!(course.lesson(&id("a")).map(|lesson| lesson.title.as_str()), Some("a.md"));
}

#[test]
fn ten_mistakes_are_ten_diagnostics() {
    let case =
        fixtures("failure").into_iter().find(|path| path.ends_with("ten-mistakes.md")).expect("the case");
    let loaded = load(&case);
    assert_eq!(loaded.diagnostics.len(), 10);
    let mut codes: Vec<_> = loaded.diagnostics.iter().map(|diagnostic| diagnostic.code).collect();
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes.len(), 10, "each of its own kind");
}

mod random;
