//! The thin client: `lab` under the name `aws` in the laptop's shell.
//!
//! It reads the files that arguments refer to (they are where it runs, not where the runner runs), hands over what was
//! typed, and prints the answer. It knows nothing of AWS and loads nothing, so that it starts and ends in a millisecond.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io::{self, Write};
use std::os::unix::net::UnixStream;
use std::process::ExitCode;

use super::frame::{self, Outcome, Typed};
use crate::session::BLOCK_VARIABLE;

/// The variable that names the runner's socket.
pub const SOCKET: &str = "LAB_AWS_SOCKET";

/// Runs a command line (without the program's name) and gives its exit status.
pub fn main(argv: impl IntoIterator<Item = OsString>) -> ExitCode {
    let argv = argv.into_iter().map(|argument| argument.to_string_lossy().into_owned()).collect();
    let outcome = env::var_os(SOCKET)
        .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, format!("{SOCKET} is not set")))
        .and_then(UnixStream::connect)
        .and_then(|stream| ask(stream, &typed(argv)));
    let outcome = match outcome {
        Ok(outcome) => outcome,
        Err(error) => {
            let message = format!("\naws: failed to reach the runner of this lab: {error}\n");
            Outcome { exit: 255, stdout: String::new(), stderr: message }
        }
    };
    // A reader that has gone away (`aws ... | head -1`) is no failure.
    drop(io::stdout().write_all(outcome.stdout.as_bytes()).and_then(|()| io::stdout().flush()));
    drop(io::stderr().write_all(outcome.stderr.as_bytes()));
    ExitCode::from(outcome.exit)
}

fn ask(mut stream: UnixStream, typed: &Typed) -> io::Result<Outcome> {
    frame::write(&mut stream, &typed.to_message())?;
    let message = frame::read(&mut stream)?;
    Outcome::from_message(&message)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "the answer cannot be understood"))
}

fn typed(argv: Vec<String>) -> Typed {
    let wanted = |name: &str| name.starts_with("AWS_") || name == "COLUMNS" || name == BLOCK_VARIABLE;
    let env = env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.to_string_lossy().into_owned())))
        .filter(|(name, _)| wanted(name))
        .collect();
    let files = argv
        .iter()
        .filter_map(|argument| file_of(argument))
        .map(|(name, path)| (name, read(&path)))
        .collect();
    let directory = env::current_dir().unwrap_or_default().to_string_lossy().into_owned();
    Typed { argv, env, files, directory }
}

/// The reference to a file in an argument (`file://key.pub`, `--user-data=file://boot.sh`) and the path it means.
fn file_of(argument: &str) -> Option<(String, String)> {
    let reference = match argument.strip_prefix("--").and_then(|option| option.split_once('=')) {
        Some((_, value)) => value,
        None => argument,
    };
    let path = reference.strip_prefix("file://").or_else(|| reference.strip_prefix("fileb://"))?;
    Some((reference.to_owned(), expand(path)))
}

fn read(path: &str) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|error| {
        let number = error.raw_os_error().map(|number| format!("[Errno {number}] ")).unwrap_or_default();
        let words = error.to_string();
        let words = words.split(" (os error").next().unwrap_or_default().to_owned();
        format!("{number}{words}: '{path}'")
    })
}

/// `~` and variables, which the shell does not expand after `file://`.
fn expand(path: &str) -> String {
    let home = env::var("HOME").unwrap_or_default();
    let path = match path.strip_prefix('~') {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => format!("{home}{rest}"),
        _ => path.to_owned(),
    };
    let mut out = String::new();
    let mut rest = path.as_str();
    while let Some(at) = rest.find('$') {
        let (before, after) = rest.split_at(at);
        out.push_str(before);
        let (name, skip) = match after[1..].strip_prefix('{').and_then(|inner| inner.split_once('}')) {
            Some((name, _)) => (name, name.len() + 3),
            None => {
                let end = after[1..].find(|letter: char| !letter.is_alphanumeric() && letter != '_');
                let end = end.map_or(after.len(), |end| end + 1);
                (&after[1..end], end)
            }
        };
        match env::var(name) {
            Ok(value) if !name.is_empty() => out.push_str(&value),
            _ => out.push_str(&after[..skip]),
        }
        rest = &after[skip..];
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_to_files_are_found_in_both_forms() {
        assert_eq!(file_of("file://a/b"), Some(("file://a/b".to_owned(), "a/b".to_owned())));
        let long = file_of("--public-key-material=fileb:///k.pub");
        assert_eq!(long, Some(("fileb:///k.pub".to_owned(), "/k.pub".to_owned())));
        assert_eq!(file_of("--query=Vpcs[0]"), None);
        assert_eq!(file_of("vpc-1"), None);
    }

    #[test]
    fn variables_in_paths_are_expanded_and_unknown_ones_kept() {
        let home = env::var("HOME").unwrap_or_default();
        assert_eq!(expand("~/k"), format!("{home}/k"));
        assert_eq!(expand("$HOME/k-${HOME}"), format!("{home}/k-{home}"));
        assert_eq!(expand("a$NO_SUCH_VARIABLE/b$"), "a$NO_SUCH_VARIABLE/b$");
        assert_eq!(expand("~root/k"), "~root/k");
    }

    #[test]
    fn a_missing_file_is_told_as_python_tells_it() {
        assert_eq!(
            read("/no/such/file"),
            Err("[Errno 2] No such file or directory: '/no/such/file'".to_owned())
        );
    }
}
