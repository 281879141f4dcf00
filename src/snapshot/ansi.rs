//! Raw output of programs as text that can be read, stored and compared.

/// The most that is kept of one block's output, in bytes.
pub const BOUND: usize = 256 * 1024;

/// Makes raw output printable: ANSI codes removed, carriage returns done as a terminal does them, bytes that are no
/// UTF-8 and control characters written as `\xNN`, more than [`BOUND`] cut with a line that says so.
pub fn clean(raw: &[u8]) -> String {
    todo!()
}
