//! The daemon's log is its standard error.

/// A line for the log, for all of `region` instead of the standard library's macro: that one panics where the line cannot
/// be written, and a full disk, which the log often lies on, must not end what could go on.
macro_rules! eprintln {
    ($($text:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stderr(), $($text)*);
    }};
}
