//! The format of `.snap` and `.snap.new` files: insta's, so that its tools work on them. Only this file knows it.
//!
//! A header in YAML between two lines `---`, then the output and one newline. What is ours stands under `info`,
//! because insta drops keys that it does not know when it accepts a file:
//!
//! ```text
//! ---
//! source: lessons/05-private-subnet.md
//! assertion_line: 41                      (pending files only)
//! description: Ping the database
//! info:
//!   exit: 0
//!   line_breaks: 1
//!   variables:
//!     DB: i-0123456789abcdef0
//!   host: web
//!   ...
//! ---
//! PING 10.0.2.10 (10.0.2.10) 56(84) bytes of data.
//! ```

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_yaml_ng::Value;

use super::ansi;
use super::record::{Origin, Record};
use super::yaml::{self, Node};

/// A snapshot file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The file cannot be read.
    #[error("read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The file cannot be written.
    #[error("write {path}")]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The header is no YAML.
    #[error("understand the header of {path}")]
    Yaml {
        /// The file.
        path: PathBuf,
        /// The parser's reason.
        source: serde_yaml_ng::Error,
    },
    /// The file is not as `lab` writes them.
    #[error("understand {path}: {what}")]
    Form {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: &'static str,
    },
}

/// Whether a file is the reference or waits to become it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Accepted,
    Pending,
}

/// The text of a file that holds this record.
pub(super) fn to_text(record: &Record, kind: Kind) -> String {
    let origin = &record.origin;
    let field = |name: &str, node: Node| (name.to_owned(), node);
    let text = |name: &str, value: &str| field(name, Node::text(ansi::printable(value)));

    let mut info = vec![field("exit", Node::Number(record.exit.into()))];
    // insta trims the end of the text, so that it could not be told there.
    info.extend(record.line_breaks.map(|count| field("line_breaks", Node::Number(count.into()))));
    if !record.variables.is_empty() {
        let pairs = record.variables.iter().map(|(name, value)| text(name, value)).collect();
        info.push(field("variables", Node::Map(pairs)));
    }
    for (name, value) in [
        ("host", &origin.host),
        ("cloud", &origin.cloud),
        ("region", &origin.region),
        ("os", &origin.os),
        ("date", &origin.date),
    ] {
        if !value.is_empty() {
            info.push(text(name, value));
        }
    }
    if origin.attempts > 0 {
        info.push(field("attempts", Node::Number(origin.attempts.into())));
    }
    if !origin.extra.is_empty() {
        let pairs = origin.extra.iter().map(|(name, value)| text(name, value)).collect();
        info.push(field("extra", Node::Map(pairs)));
    }

    let mut fields = Vec::new();
    if !origin.source.is_empty() {
        fields.push(text("source", &origin.source));
    }
    if let (Kind::Pending, Some(line)) = (kind, origin.line) {
        fields.push(field("assertion_line", Node::Number(line.into())));
    }
    if !origin.description.is_empty() {
        fields.push(text("description", &origin.description));
    }
    fields.push(field("info", Node::Map(info)));
    format!("---\n{}---\n{}\n", yaml::write(&fields), normalise(&record.output))
}

/// The output as it is stored: insta trims the end of the text and turns CRLF into LF when it accepts.
pub(super) fn normalise(output: &str) -> String {
    output.trim_end().replace("\r\n", "\n")
}

/// Writes a record. The file is there completely or not at all: one broken file would stop a whole review.
pub(super) fn write(path: &Path, record: &Record, kind: Kind) -> Result<(), FileError> {
    let failed = |source| FileError::Write { path: path.to_owned(), source };
    let directory = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(directory).map_err(failed)?;
    let mut file = tempfile::Builder::new()
        .prefix(".snap-")
        // As any other file, so that the user's umask decides; the default would be for the owner alone.
        .permissions(fs::Permissions::from_mode(0o666))
        .tempfile_in(directory)
        .map_err(failed)?;
    file.write_all(to_text(record, kind).as_bytes()).map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}

/// Reads a record; `None` when there is no such file.
pub(super) fn read(path: &Path) -> Result<Option<Record>, FileError> {
    match fs::read_to_string(path) {
        Ok(text) => from_text(&text, path).map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(FileError::Read { path: path.to_owned(), source }),
    }
}

/// The record in a file's text; `path` is for errors.
pub(super) fn from_text(text: &str, path: &Path) -> Result<Record, FileError> {
    let malformed = |what| FileError::Form { path: path.to_owned(), what };
    // A file that went through another system's checkout may have CRLF.
    let text = text.replace("\r\n", "\n");
    let rest = text.strip_prefix("---\n").ok_or_else(|| malformed("it does not begin with a line `---`"))?;
    let (header, body) = rest
        .split_once("\n---\n")
        .or_else(|| rest.strip_suffix("\n---").map(|header| (header, "")))
        .ok_or_else(|| malformed("a line `---` must end the header"))?;
    let header: Value = serde_yaml_ng::from_str(header)
        .map_err(|source| FileError::Yaml { path: path.to_owned(), source })?;
    if header.get("snapshot_kind").and_then(Value::as_str) == Some("binary") {
        return Err(malformed("it is a binary snapshot"));
    }
    let info = header.get("info").ok_or_else(|| malformed("it has no `info`"))?;
    let exit = info.get("exit").and_then(Value::as_i64).and_then(|exit| i32::try_from(exit).ok());
    let word = |map: &Value, name: &str| map.get(name).and_then(scalar).unwrap_or_default();
    let number = |map: &Value, name: &str| {
        map.get(name).and_then(Value::as_u64).and_then(|number| u32::try_from(number).ok())
    };
    Ok(Record {
        exit: exit.ok_or_else(|| malformed("`info` has no `exit`"))?,
        output: normalise(body),
        line_breaks: number(info, "line_breaks"),
        variables: pairs(info.get("variables")),
        origin: Origin {
            source: word(&header, "source"),
            line: number(&header, "assertion_line"),
            description: word(&header, "description"),
            host: word(info, "host"),
            cloud: word(info, "cloud"),
            region: word(info, "region"),
            os: word(info, "os"),
            date: word(info, "date"),
            attempts: number(info, "attempts").unwrap_or(0),
            extra: pairs(info.get("extra")),
        },
    })
}

fn pairs(map: Option<&Value>) -> Vec<(String, String)> {
    let entries = map.and_then(Value::as_mapping).into_iter().flatten();
    entries.filter_map(|(name, value)| Some((scalar(name)?, scalar(value)?))).collect()
}

/// A scalar as the text that it was before it was written; hand-written files may leave quotes out.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null => Some(String::new()),
        Value::Sequence(_) | Value::Mapping(_) | Value::Tagged(_) => None,
    }
}

#[cfg(test)]
mod tests;
