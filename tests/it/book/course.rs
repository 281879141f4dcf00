//! A course made for one test, and its pages.

use std::fs;
use std::path::Path;

use lab::name::{BlockName, LessonId, Os};
use lab::snapshot::{Key, Origin, Record, Store, Update};
use tempfile::TempDir;

/// The lesson that every course here has.
pub const LESSON: &str = "01-first";

/// A course in a directory of its own.
pub struct Course {
    root: TempDir,
}

impl Course {
    /// With one lesson.
    pub fn new(lesson: &str) -> Self {
        let course = Self { root: TempDir::new().expect("a directory can be made") };
        fs::create_dir(course.path().join("lessons")).expect("a directory can be made");
        course.write(
            "book.toml",
            "[book]\nsrc = \"lessons\"\n[preprocessor.lab]\ncommand = \"no-such-program\"\n",
        );
        course.write("lessons/SUMMARY.md", "# Summary\n\n- [First](01-first.md)\n");
        course.write("lessons/01-first.md", lesson);
        course
    }

    /// With one block `it`, of which this was recorded, and prose behind it.
    pub fn printing(output: &str) -> Self {
        let course = Self::new("# First\n\n```sh {#it}\ntrue\n```\n\n## Behind\n\nProse.\n");
        course.record("it", &Record { output: output.to_owned(), ..recorded() });
        course
    }

    pub fn path(&self) -> &Path {
        self.root.path()
    }

    pub fn write(&self, path: &str, text: &str) {
        fs::write(self.path().join(path), text).expect("a file can be written");
    }

    /// Records a result for Debian.
    pub fn record(&self, block: &str, record: &Record) {
        let key = Key {
            lesson: LessonId::new(LESSON).expect("an id"),
            block: BlockName::new(block).expect("a name"),
            os: Os::Debian,
            cloud: "local".to_owned(),
        };
        Store::with_pending_dir(self.path(), None)
            .record(&key, record, Update::Always)
            .expect("it is written");
    }

    /// Builds the book and reads the lesson's page.
    pub fn page(&self) -> Page {
        self.page_named("01-first.html")
    }

    /// Builds the book and reads this page.
    pub fn page_named(&self, name: &str) -> Page {
        let out = lab::book::build(self.path(), Some(&self.path().join("out"))).expect("the book is built");
        let page = fs::read_to_string(out.join(name)).expect("there is a page");
        let (_, page) = page.split_once("<main>").expect("a page has a main part");
        Page(page.split_once("</main>").expect("and its end").0.to_owned())
    }
}

/// A record with everything that the tests do not ask about.
pub fn recorded() -> Record {
    let origin = Origin {
        host: "laptop".into(),
        cloud: "local".into(),
        region: "us-east-1".into(),
        os: "debian".into(),
        date: "2026-11-22".into(),
        ..Origin::default()
    };
    Record { origin, ..Record::default() }
}

/// The HTML of a page's main part.
pub struct Page(pub String);

impl Page {
    /// What is in the block of this name, and prose behind it up to the next block or heading.
    pub fn block(&self, name: &str) -> &str {
        let mark = format!("data-lab-block=\"{name}\">");
        let start =
            self.0.find(&mark).unwrap_or_else(|| panic!("no block {name} in {}", self.0)) + mark.len();
        let rest = &self.0[start..];
        let end = ["<div class=\"lab-block", "<h2"].iter().filter_map(|end| rest.find(end)).min();
        &rest[..end.unwrap_or(rest.len())]
    }

    /// The text of the block's output.
    pub fn output(&self, name: &str) -> String {
        let block = self.block(name);
        let start = block.find("<samp>").unwrap_or_else(|| panic!("no output in {block}")) + "<samp>".len();
        let end = block[start..].find("</samp>").expect("it is closed") + start;
        text(&block[start..end])
    }
}

/// What a browser shows of HTML: its text without tags, with characters for references.
pub fn text(html: &str) -> String {
    let mut out = String::new();
    let mut rest = html;
    while let Some(at) = rest.find(['<', '&']) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = rest.find(if rest.starts_with('<') { '>' } else { ';' }).expect("it is closed");
        match &rest[..=end] {
            "&lt;" => out.push('<'),
            "&gt;" => out.push('>'),
            "&amp;" => out.push('&'),
            "&quot;" => out.push('"'),
            "&#x27;" | "&#39;" => out.push('\''),
            reference if reference.starts_with('&') => panic!("unknown reference {reference}"),
            _ => {}
        }
        rest = &rest[end + 1..];
    }
    out + rest
}
