//! Standard output and standard error, which may go away or fill up while something is written to them.
//!
//! A reader that has seen enough (`lab region env | head -1`) is no failure: what is left to say is left unsaid, what the
//! command does goes on, and its exit status tells how that went. A disk that is full is one: it is remembered, and the
//! command says so at its end ([`failure`]). `println!` and its kin would end the program in the middle instead, so
//! nothing else in this crate writes there.

use std::fmt::Arguments;
use std::io::{self, Write};
use std::sync::OnceLock;

/// A line on standard output, with colours where somebody sees them.
macro_rules! say {
    ($($part:tt)*) => { $crate::output::line(::std::format_args!($($part)*)) };
}

/// The beginning of a line on standard output: a question.
macro_rules! ask {
    ($($part:tt)*) => { $crate::output::question(::std::format_args!($($part)*)) };
}

/// A line on standard error: what is no result.
macro_rules! remark {
    ($($part:tt)*) => { $crate::output::aside(::std::format_args!($($part)*), "\n") };
}

/// The beginning of a line on standard error.
macro_rules! ask_aside {
    ($($part:tt)*) => { $crate::output::aside(::std::format_args!($($part)*), "") };
}

pub(crate) use {ask, ask_aside, remark, say};

/// Why standard output could not be written to, if a reader that went away was not the reason.
static FAILURE: OnceLock<String> = OnceLock::new();

/// The first failure to write to standard output, if there was one.
pub fn failure() -> Option<&'static str> {
    FAILURE.get().map(String::as_str)
}

/// A writer to standard output or error to which a reader that went away is no matter.
#[derive(Debug)]
pub struct Output<W>(W);

/// Standard output, with colours where somebody sees them.
pub fn stdout() -> Output<anstream::AutoStream<io::Stdout>> {
    Output(anstream::stdout())
}

/// Standard output as it is, for programs that read it.
pub fn plain() -> Output<io::Stdout> {
    Output(io::stdout())
}

impl<W: Write> Write for Output<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        settle(self.0.write(bytes), bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        settle(self.0.flush(), ())
    }
}

fn settle<T>(result: io::Result<T>, all: T) -> io::Result<T> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(all),
        Err(error) if error.kind() != io::ErrorKind::Interrupted => {
            FAILURE.get_or_init(|| error.to_string());
            Err(error)
        }
        result => result,
    }
}

/// For [`say!`].
pub(crate) fn line(text: Arguments<'_>) {
    // One write a line, so that lines of threads do not mix. A failure is remembered.
    let _ = stdout().write_all(format!("{text}\n").as_bytes());
}

/// For [`ask!`].
pub(crate) fn question(text: Arguments<'_>) {
    let mut stdout = stdout();
    let _ = stdout.write_all(text.to_string().as_bytes()).and_then(|()| stdout.flush());
}

/// For [`remark!`] and [`ask_aside!`].
pub(crate) fn aside(text: Arguments<'_>, end: &str) {
    // There is no place left to say that nothing can be said.
    let _ = anstream::stderr().write_all(format!("{text}{end}").as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Broken(io::ErrorKind);

    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Err(self.0.into())
        }
    }

    #[test]
    fn a_reader_that_went_away_is_no_failure_and_a_full_disk_is() {
        let mut gone = Output(Broken(io::ErrorKind::BrokenPipe));
        writeln!(gone, "text").and_then(|()| gone.flush()).expect("nothing is wrong");
        assert_eq!(failure(), None);
        let mut full = Output(Broken(io::ErrorKind::StorageFull));
        assert!(writeln!(full, "text").is_err());
        assert!(failure().is_some());
    }
}
