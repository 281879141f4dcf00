//! Tables of processes and open files (`ps`, `lsof`, `top -b`, `ss`), with or without their heading.
//!
//! Under a heading with a `PID` column the columns are known by name. A row that came through `grep` has lost its
//! heading; then its shape decides.

use std::ops::Range;
use std::sync::LazyLock;

use super::identity::process;
use super::rule::Part::{Identity, Quantity as Is, With};
use super::rule::{Part, Rule};
use super::{Class, Finder, Kind, Quantity};

/// Rows that are told by their shape.
static ROWS: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    const TTY: &str = r"(?:\?|pts/\d+|tty\S*|console)";
    const STAT: &str = r"([RSDI])[sl+<NLT]*";
    let shape = |text: &str| text.replace("TTY", TTY).replace("STAT", STAT).replace(r"\S", r"[^\s]");
    let row = |text: &str, parts: Vec<Part>| Rule::new(&shape(text), parts);
    vec![
        // ps aux
        row(
            r"^\S+ +(\d+) +(\d+\.\d) +(\d+\.\d) +(\d+) +(\d+) +TTY +STAT +(\S+) +(\d+:\d\d) ",
            vec![
                With(process),
                Is(Quantity::Number),
                Is(Quantity::Number),
                Is(Quantity::Size),
                Is(Quantity::Size),
                Is(Quantity::ProcessState),
                With(start),
                Is(Quantity::Duration),
            ],
        ),
        // ps -ef
        row(
            r"^\S+ +(\d+) +(\d+) +(\d+) +(\d\d:\d\d|[A-Z][a-z]{2}\d\d|\d{4}) +TTY +(\d\d:\d\d:\d\d) ",
            vec![With(process), With(process), Is(Quantity::Number), With(start), Is(Quantity::Duration)],
        ),
        // ps ax
        row(
            r"^ *(\d+) +TTY +STAT +(\d+:\d\d) ",
            vec![With(process), Is(Quantity::ProcessState), Is(Quantity::Duration)],
        ),
        // ps
        row(r"^ *(\d+) +TTY +(\d\d:\d\d:\d\d) ", vec![With(process), Is(Quantity::Duration)]),
        // lsof -i
        row(
            r"^\S+ +(\d+) +(?:\d+ +)?\S+ +\d+[rwu]? +(?:IPv[46]|unix|sock) +(\d+|0x[0-9a-f]+) ",
            vec![With(process), Identity(Class::Connection)],
        ),
    ]
});

pub(super) fn find(finder: &mut Finder<'_>) {
    finder.apply(&ROWS);
    let mut columns: Option<Vec<&str>> = None;
    let mut start = 0;
    let text = finder.text;
    for line in text.split('\n') {
        if line.trim().is_empty() {
            columns = None;
        } else if let Some(heading) = heading(line) {
            columns = Some(heading);
        } else if let Some(columns) = &columns {
            row(finder, start, line, columns);
        }
        start += line.len() + 1;
    }
}

/// The columns of a heading: capital words, `PID` among them.
fn heading(line: &str) -> Option<Vec<&str>> {
    let columns: Vec<&str> = line.split_whitespace().collect();
    let capital = |word: &&str| !word.contains(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
    (columns.len() > 1 && columns.iter().all(capital) && columns.contains(&"PID")).then_some(columns)
}

fn row(finder: &mut Finder<'_>, start: usize, line: &str, columns: &[&str]) {
    let last = columns.len() - 1;
    for (index, span) in fields(line).take(columns.len()).enumerate() {
        let span = start + span.start..start + span.end;
        let kind = match columns[index] {
            "PID" | "PPID" | "SID" | "PGID" | "TID" | "LWP" => process(finder, span.clone()),
            "%CPU" | "%MEM" | "C" | "CPU" if index < last => number(finder, &span, Quantity::Number),
            "VSZ" | "RSS" | "SZ" | "VIRT" | "RES" | "SHR" | "SIZE/OFF" if index < last => {
                number(finder, &span, Quantity::Size)
            }
            "DEVICE" => finder.text[span.clone()]
                .parse::<u64>()
                .ok()
                .map(|_| Kind::identity(Class::Connection, &finder.text[span.clone()])),
            "START" | "STIME" => self::start(finder, span.clone()),
            "TIME" | "ELAPSED" | "TIME+" if index < last => {
                let clock = finder.text[span.clone()].contains(':');
                clock.then(|| Kind::Quantity(Quantity::Duration, String::new()))
            }
            "STAT" | "S" => {
                let state = finder.text[span.clone()].starts_with(['R', 'S', 'D', 'I']);
                if state {
                    let kind = Kind::Quantity(Quantity::ProcessState, String::new());
                    finder.claim(span.start..span.start + 1, kind);
                }
                None
            }
            _ => None,
        };
        if let Some(kind) = kind {
            finder.claim(span, kind);
        }
    }
}

fn fields(line: &str) -> impl Iterator<Item = Range<usize>> {
    line.split_whitespace().map(move |word| {
        let start = word.as_ptr() as usize - line.as_ptr() as usize;
        start..start + word.len()
    })
}

fn number(finder: &Finder<'_>, span: &Range<usize>, what: Quantity) -> Option<Kind> {
    let numeric = finder.text[span.clone()].starts_with(|c: char| c.is_ascii_digit());
    numeric.then(|| Kind::Quantity(what, String::new()))
}

/// When a process started: the time of day, the day, or the year, by its age.
fn start(finder: &Finder<'_>, span: Range<usize>) -> Option<Kind> {
    let text = &finder.text[span];
    let timely = text.contains(':') || text.ends_with(|c: char| c.is_ascii_digit());
    timely.then(|| Kind::Quantity(Quantity::Time, "start".to_owned()))
}
