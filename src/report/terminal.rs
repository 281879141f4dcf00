//! A run as a person watches it: what runs now, its output as it comes, a tick or a diff, a closing summary.
//!
//! Every line is understandable without colour. Lines are only ever added, so that scrolling back, a log file and a
//! terminal show the same; on a terminal, the progress of preparation and the number of tries that told nothing new overwrite
//! themselves.

#[cfg(test)]
mod tests;
mod tries;
mod words;

use std::io::Write;
use std::sync::Mutex;

use anstyle::{AnsiColor, Style};

use crate::event::{BlockReport, Event, EventKind, Mode, Outcome, PlannedLesson, Sink, Why};
use crate::report::terminal::tries::Tries;
use crate::report::terminal::words::{blocks, duration, summary};
use crate::snapshot::ansi;

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();
const ODD: Style = AnsiColor::Yellow.on_default();
const NAME: Style = AnsiColor::Cyan.on_default();

/// How much is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detail {
    /// Failures, differences and the summary.
    Quiet,
    /// That, and a line for each lesson.
    Lessons,
    /// Commands and output of the lessons that were asked for, a line for each block of the others.
    Normal,
    /// Commands and output of all.
    Verbose,
}

/// What takes longer than this is told.
const LONG: std::time::Duration = std::time::Duration::from_secs(2);

/// Lines of a block's output that are shown as they come; the rest is counted.
const LINES_SHOWN: usize = 60;

/// Writes to a terminal or a file.
pub struct Terminal<W: Write + Send> {
    inner: Mutex<Inner<W>>,
}

struct Inner<W> {
    out: W,
    detail: Detail,
    /// Whether `out` is a terminal that can be overwritten.
    live: bool,
    why: Why,
    /// The lesson's results are of an earlier run.
    taken: bool,
    /// Of the running block: what was printed after the last line break.
    partial: String,
    lines: usize,
    hidden_lines: usize,
    tries: Tries,
    /// Blocks that were skipped one after another, and why.
    skipped: Option<(usize, String)>,
    preparation: String,
}

impl<W: Write + Send> Terminal<W> {
    /// To `out`. `live` says that it is a terminal.
    pub fn new(out: W, detail: Detail, live: bool) -> Self {
        Self {
            inner: Mutex::new(Inner {
                out,
                detail,
                live,
                why: Why::Asked,
                taken: false,
                partial: String::new(),
                lines: 0,
                hidden_lines: 0,
                tries: Tries::default(),
                skipped: None,
                preparation: String::new(),
            }),
        }
    }
}

impl<W: Write + Send> Sink for Terminal<W> {
    fn take(&self, event: &Event) {
        let mut inner = self.inner.lock().expect("nothing panics while it writes");
        // A terminal that went away is no reason to end a run.
        let _ = inner.tell(event);
        let _ = inner.out.flush();
    }
}

impl<W: Write> Inner<W> {
    /// Whether commands and output of the running lesson are shown.
    fn in_full(&self) -> bool {
        match self.detail {
            Detail::Quiet | Detail::Lessons => false,
            _ if self.taken => false,
            Detail::Normal => self.why == Why::Asked,
            Detail::Verbose => true,
        }
    }

    fn tell(&mut self, event: &Event) -> std::io::Result<()> {
        let goes_on =
            |why: &str| matches!(&event.kind, EventKind::BlockFinished(report) if skip(report) == Some(why));
        if let Some((skipped, why)) = self.skipped.take_if(|(_, why)| !goes_on(why)) {
            self.clear_preparation()?;
            writeln!(self.out, "  {DIM}- {} skipped: {why}{DIM:#}", blocks(skipped))?;
        }
        match &event.kind {
            EventKind::PreparationProgressed { what, fraction } => self.preparing(what, *fraction),
            EventKind::PreparationFinished { what, took } => {
                self.clear_preparation()?;
                if self.detail > Detail::Quiet {
                    writeln!(self.out, "{DIM}{what} ({}){DIM:#}", duration(*took))?;
                }
                Ok(())
            }
            EventKind::RunStarted { lab, cloud, region, mode, lessons } => {
                self.clear_preparation()?;
                self.run_started(lab, cloud, region, *mode, lessons)
            }
            EventKind::LessonStarted { title, blocks: count, why, resumed_at } => {
                self.why = *why;
                self.taken = false;
                if self.detail == Detail::Quiet {
                    return Ok(());
                }
                if self.detail == Detail::Lessons {
                    return self.preparing(&format!("  {title}"), None);
                }
                let id = event.lesson.as_ref().map(|id| id.as_str()).unwrap_or_default();
                writeln!(self.out, "\n{BOLD}{title}{BOLD:#} {DIM}{id}, {}{DIM:#}", blocks(*count))?;
                if *resumed_at > 0 {
                    writeln!(
                        self.out,
                        "  {DIM}{} done before; going on from there{DIM:#}",
                        blocks(*resumed_at)
                    )?;
                }
                Ok(())
            }
            EventKind::StateRestored { after, of, took } if self.detail > Detail::Quiet => {
                self.clear_preparation()?;
                writeln!(
                    self.out,
                    "{DIM}state after {after} restored from the checkpoint of {} ({}){DIM:#}",
                    minute(*of),
                    duration(*took)
                )
            }
            EventKind::LessonTaken { of } => {
                self.taken = true;
                if self.detail == Detail::Quiet {
                    return Ok(());
                }
                writeln!(self.out, "  {DIM}not run: results of the checkpoint of {}{DIM:#}", minute(*of))
            }
            EventKind::StateKept { bytes, took, .. }
                if self.detail > Detail::Normal || self.detail > Detail::Quiet && *took > LONG =>
            {
                writeln!(self.out, "  {DIM}state kept, {} MiB ({}){DIM:#}", bytes >> 20, duration(*took))
            }
            EventKind::LessonFoundDone { title } => {
                let id = event.lesson.as_ref().map(|id| id.as_str()).unwrap_or_default();
                writeln!(self.out, "\n{BOLD}{title}{BOLD:#} {DIM}{id}{DIM:#}")?;
                writeln!(
                    self.out,
                    "  {GOOD}✓{GOOD:#} already done in this lab; `lab run {id} --again` runs it anew"
                )
            }
            EventKind::BlockStarted { host, via, text, hidden } => {
                self.partial.clear();
                self.lines = 0;
                self.hidden_lines = 0;
                self.tries = Tries::default();
                if !self.in_full() || *hidden {
                    return Ok(());
                }
                let name = event.block.as_ref().map(|name| name.as_str()).unwrap_or_default();
                let place = match via {
                    Some(via) => format!("on {host} via {via}"),
                    None => format!("on {host}"),
                };
                writeln!(self.out, "\n  {NAME}{name}{NAME:#} {DIM}{place}{DIM:#}")?;
                for line in text.lines() {
                    writeln!(self.out, "  {DIM}│{DIM:#} {BOLD}{line}{BOLD:#}")?;
                }
                Ok(())
            }
            EventKind::BlockResumed { there } if self.detail > Detail::Quiet => {
                let name = event.block.as_ref().map(|name| name.as_str()).unwrap_or_default();
                let what = match there.is_empty() {
                    true => "what it had done is not done again".to_owned(),
                    false => format!("it had made {}, which is not made again", there.join(", ")),
                };
                writeln!(self.out, "  {DIM}`{name}` had been cut short: {what}{DIM:#}")
            }
            EventKind::HostAwaited { host, why } if self.detail > Detail::Lessons => {
                writeln!(self.out, "    {DIM}waiting for {host}: {why}{DIM:#}")
            }
            EventKind::OutputArrived { text } => {
                if self.tries.take(text) {
                    self.output(text)
                } else {
                    Ok(())
                }
            }
            EventKind::AttemptMissed { attempt, reason, next_in } if self.in_full() => {
                let Some(printed) = self.tries.missed(*attempt, reason) else {
                    let counted = self.tries.counted().unwrap_or_default();
                    return if self.live { self.preparing(&format!("    {counted}"), None) } else { Ok(()) };
                };
                self.try_ended(&printed)?;
                writeln!(self.out, "    {DIM}try {attempt}: {reason}; again in {}{DIM:#}", duration(*next_in))
            }
            EventKind::BlockFinished(report) => self.block_finished(event, report),
            EventKind::LessonFinished { tally, took, complete, .. } if self.detail > Detail::Quiet => {
                self.clear_preparation()?;
                let mark = if *complete { format!("{GOOD}✓{GOOD:#}") } else { format!("{BAD}✗{BAD:#}") };
                let lead = if self.in_full() { "\n  " } else { "  " };
                let id = event.lesson.as_ref().filter(|_| self.detail == Detail::Lessons);
                let id = id.map(|id| format!("{id}: ")).unwrap_or_default();
                writeln!(self.out, "{lead}{mark} {id}{} {DIM}in {}{DIM:#}", summary(*tally), duration(*took))
            }
            EventKind::PendingWritten { path } => writeln!(self.out, "  {ODD}written{ODD:#} {path}"),
            EventKind::Warned { message } => writeln!(self.out, "{ODD}warning{ODD:#}: {message}"),
            EventKind::RunInterrupted => {
                writeln!(self.out, "\n{ODD}stopped{ODD:#}; the same command goes on from here")
            }
            EventKind::RunFinished { tally, complete, took } => {
                let style = if *complete && tally.failed + tally.differed == 0 { GOOD } else { BAD };
                let total = tally.total();
                let what = if total == 0 { "nothing to run".to_owned() } else { summary(*tally) };
                writeln!(self.out, "\n{style}{what}{style:#} {DIM}in {}{DIM:#}", duration(*took))
            }
            _ => Ok(()),
        }
    }

    fn run_started(
        &mut self,
        lab: &str,
        cloud: &str,
        region: &str,
        mode: Mode,
        lessons: &[PlannedLesson],
    ) -> std::io::Result<()> {
        if self.detail == Detail::Quiet {
            return Ok(());
        }
        let place = if cloud == "local" { "the local region".to_owned() } else { cloud.to_uppercase() };
        let verb = match mode {
            Mode::Run => "lab",
            Mode::Record => "recording in lab",
            Mode::Verify => "verifying in lab",
        };
        if lab.is_empty() {
            return writeln!(self.out, "verifying on {place}, {region}: nothing has to run");
        }
        writeln!(self.out, "{verb} {BOLD}{lab}{BOLD:#} on {place}, {region}")?;
        let before: Vec<&str> =
            lessons.iter().filter(|l| l.why == Why::Prerequisite).map(|l| l.id.as_str()).collect();
        if !before.is_empty() {
            writeln!(self.out, "{DIM}not run in this lab yet, so first: {}{DIM:#}", before.join(", "))?;
        }
        Ok(())
    }

    fn preparing(&mut self, what: &str, fraction: Option<f64>) -> std::io::Result<()> {
        if self.live {
            let bar = fraction.map(|f| format!(" {:>3.0} %", f * 100.0)).unwrap_or_default();
            write!(self.out, "\r\x1b[K{DIM}{what}{bar}{DIM:#}")?;
            self.preparation = what.to_owned();
        } else if self.preparation != what {
            self.preparation = what.to_owned();
            writeln!(self.out, "{what}")?;
        }
        Ok(())
    }

    fn clear_preparation(&mut self) -> std::io::Result<()> {
        if self.live && !self.preparation.is_empty() {
            write!(self.out, "\r\x1b[K")?;
        }
        self.preparation.clear();
        Ok(())
    }

    fn output(&mut self, text: &str) -> std::io::Result<()> {
        if !self.in_full() {
            return Ok(());
        }
        self.partial.push_str(text);
        while let Some(end) = self.partial.find('\n') {
            let line: String = self.partial.drain(..=end).collect();
            self.line(&line)?;
        }
        // A program that never ends its line must not fill the memory.
        if self.partial.len() > 64 * 1024 {
            self.partial.clear();
        }
        Ok(())
    }

    /// Shows what a try has printed, after a word on those before it that told nothing new.
    fn try_ended(&mut self, printed: &str) -> std::io::Result<()> {
        self.clear_preparation()?;
        if let Some(counted) = self.tries.counted() {
            self.tries.told();
            writeln!(self.out, "    {DIM}{counted}{DIM:#}")?;
        }
        if !printed.is_empty() {
            self.lines = 0;
            self.output(printed)?;
        }
        self.end_line()
    }

    fn line(&mut self, line: &str) -> std::io::Result<()> {
        self.lines += 1;
        if self.lines > LINES_SHOWN {
            self.hidden_lines += 1;
            return Ok(());
        }
        writeln!(self.out, "    {}", ansi::clean(line.as_bytes()).trim_end_matches('\n'))
    }

    /// Shows what stands on an unfinished line, and how much was not shown.
    fn end_line(&mut self) -> std::io::Result<()> {
        if !self.partial.is_empty() {
            let rest = std::mem::take(&mut self.partial);
            self.line(&rest)?;
        }
        if self.hidden_lines > 0 {
            let hidden = std::mem::take(&mut self.hidden_lines);
            writeln!(self.out, "    {DIM}… {hidden} more lines{DIM:#}")?;
        }
        Ok(())
    }

    fn block_finished(&mut self, event: &Event, report: &BlockReport) -> std::io::Result<()> {
        if let Some(why) = skip(report) {
            self.skipped.get_or_insert_with(|| (0, why.to_owned())).0 += 1;
            return Ok(());
        }
        let full = self.in_full();
        if full {
            let well = matches!(report.outcome, Outcome::Passed | Outcome::Unrecorded);
            let printed = self.tries.ended(report.attempts, well);
            self.try_ended(&printed)?;
        }
        let name = event.block.as_ref().map(|name| name.as_str()).unwrap_or_default();
        let took = duration(report.took);
        let fine = matches!(report.outcome, Outcome::Passed | Outcome::Unrecorded);
        // A lesson that did not run has nothing to tell but what is not as it should be.
        let silent = self.detail <= Detail::Lessons || self.taken && report.outcome == Outcome::Passed;
        if fine && silent {
            return Ok(());
        }
        self.clear_preparation()?;
        let tries = if report.attempts > 1 { format!(", {} tries", report.attempts) } else { String::new() };
        match &report.outcome {
            Outcome::Passed if report.expected_exit != 0 => {
                writeln!(
                    self.out,
                    "  {GOOD}✓{GOOD:#} {name} {DIM}stopped with status {} as it must ({took}{tries}){DIM:#}",
                    report.expected_exit
                )?;
            }
            Outcome::Passed => writeln!(self.out, "  {GOOD}✓{GOOD:#} {name} {DIM}({took}{tries}){DIM:#}")?,
            Outcome::Unrecorded => {
                writeln!(self.out, "  {ODD}+{ODD:#} {name} {DIM}not recorded yet ({took}{tries}){DIM:#}")?;
            }
            Outcome::Differed { diff } => {
                writeln!(
                    self.out,
                    "  {BAD}≠ {name}{BAD:#} differs from what is recorded {DIM}({took}{tries}){DIM:#}"
                )?;
                for line in diff.lines() {
                    writeln!(self.out, "    {}", paint(line))?;
                }
            }
            Outcome::Failed { reason, hint } => {
                writeln!(self.out, "  {BAD}✗ {name}{BAD:#} {reason} {DIM}({took}{tries}){DIM:#}")?;
                if !full {
                    self.tail(&report.output)?;
                }
                if let Some(hint) = hint {
                    writeln!(self.out, "    hint: {hint}")?;
                }
            }
            Outcome::Skipped { .. } => {}
        }
        if full {
            for (name, value) in &report.variables {
                writeln!(self.out, "    {DIM}{name} = {}{DIM:#}", first_line(value))?;
            }
        }
        for note in &report.notes {
            writeln!(self.out, "    {DIM}note: {note}{DIM:#}")?;
        }
        Ok(())
    }

    fn tail(&mut self, output: &str) -> std::io::Result<()> {
        let lines: Vec<&str> = output.lines().collect();
        let from = lines.len().saturating_sub(20);
        if from > 0 {
            writeln!(self.out, "    {DIM}… {from} lines before{DIM:#}")?;
        }
        for line in &lines[from..] {
            writeln!(self.out, "    {line}")?;
        }
        Ok(())
    }
}

/// Why a block was skipped.
fn skip(report: &BlockReport) -> Option<&str> {
    match &report.outcome {
        Outcome::Skipped { reason } => Some(reason),
        _ => None,
    }
}

/// A point in time as a person says it, in this machine's time zone.
fn minute(at: jiff::Timestamp) -> String {
    at.to_zoned(jiff::tz::TimeZone::system()).strftime("%Y-%m-%d %H:%M").to_string()
}

fn first_line(value: &str) -> String {
    let mut lines = value.lines();
    let first = lines.next().unwrap_or_default();
    if lines.next().is_some() { format!("{first} …") } else { first.to_owned() }
}

/// A line of a diff in its colour.
fn paint(line: &str) -> String {
    match line.as_bytes().first() {
        Some(b'-') => format!("{BAD}{line}{BAD:#}"),
        Some(b'+') => format!("{GOOD}{line}{GOOD:#}"),
        _ => line.to_owned(),
    }
}
