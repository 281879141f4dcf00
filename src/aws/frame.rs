//! What the thin client and the runner say to each other over the Unix socket.
//!
//! A message is a length (four bytes, little endian) and that many bytes: fields, each a tag byte, a length and its
//! bytes. There is no version: both ends are the same program.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};

/// Larger messages are refused: nobody pastes more than this into a command line.
pub const MAX_MESSAGE: usize = 64 << 20;

/// What was typed, and what of its surroundings the command needs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Typed {
    /// The arguments after `aws`.
    pub argv: Vec<String>,
    /// The variables `AWS_*` and `COLUMNS` of the shell, and the one that names the block that started the command.
    pub env: BTreeMap<String, String>,
    /// What the arguments `file://...` and `fileb://...` refer to, by argument; or why it cannot be read.
    pub files: BTreeMap<String, Result<Vec<u8>, String>>,
    /// The directory of the shell.
    pub directory: String,
}

/// What the command answers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The exit status.
    pub exit: u8,
    /// For standard output.
    pub stdout: String,
    /// For standard error.
    pub stderr: String,
}

impl Typed {
    /// The message that carries it.
    pub fn to_message(&self) -> Vec<u8> {
        let mut message = Message::default();
        self.argv.iter().for_each(|argument| message.field(b'A', &[argument.as_bytes()]));
        self.env
            .iter()
            .for_each(|(name, value)| message.field(b'E', &[name.as_bytes(), b"=", value.as_bytes()]));
        for (argument, content) in &self.files {
            match content {
                Ok(bytes) => message.field(b'F', &[argument.as_bytes(), b"\0", bytes]),
                Err(reason) => message.field(b'X', &[argument.as_bytes(), b"\0", reason.as_bytes()]),
            }
        }
        message.field(b'D', &[self.directory.as_bytes()]);
        message.0
    }

    /// What a message carries; `None` when it is none of ours.
    pub fn from_message(message: &[u8]) -> Option<Self> {
        let mut typed = Self::default();
        for field in fields(message) {
            let (tag, bytes) = field?;
            match tag {
                b'A' => typed.argv.push(text(bytes)),
                b'D' => typed.directory = text(bytes),
                b'E' => {
                    let (name, value) = split(bytes, b'=')?;
                    typed.env.insert(text(name), text(value));
                }
                b'F' => {
                    let (argument, content) = split(bytes, 0)?;
                    typed.files.insert(text(argument), Ok(content.to_vec()));
                }
                b'X' => {
                    let (argument, reason) = split(bytes, 0)?;
                    typed.files.insert(text(argument), Err(text(reason)));
                }
                _ => return None,
            }
        }
        Some(typed)
    }
}

impl Outcome {
    /// The message that carries it.
    pub fn to_message(&self) -> Vec<u8> {
        let mut message = Message::default();
        message.field(b'C', &[&[self.exit]]);
        message.field(b'O', &[self.stdout.as_bytes()]);
        message.field(b'R', &[self.stderr.as_bytes()]);
        message.0
    }

    /// What a message carries; `None` when it is none of ours.
    pub fn from_message(message: &[u8]) -> Option<Self> {
        let mut outcome = Self::default();
        for field in fields(message) {
            match field? {
                (b'C', [exit]) => outcome.exit = *exit,
                (b'O', bytes) => outcome.stdout = text(bytes),
                (b'R', bytes) => outcome.stderr = text(bytes),
                _ => return None,
            }
        }
        Some(outcome)
    }
}

/// Writes a message with its length.
///
/// # Errors
///
/// Those of the writer.
pub fn write(writer: &mut impl Write, message: &[u8]) -> io::Result<()> {
    writer.write_all(&length(message.len()))?;
    writer.write_all(message)?;
    writer.flush()
}

/// Reads a message.
///
/// # Errors
///
/// Those of the reader, and `InvalidData` for one that is too long.
pub fn read(reader: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut prefix = [0; 4];
    reader.read_exact(&mut prefix)?;
    let mut message = vec![0; message_length(prefix)?];
    reader.read_exact(&mut message)?;
    Ok(message)
}

/// The four bytes before a message of this length.
pub(super) fn length(bytes: usize) -> [u8; 4] {
    u32::try_from(bytes).unwrap_or(u32::MAX).to_le_bytes()
}

/// The length that the four bytes before a message say.
pub(super) fn message_length(prefix: [u8; 4]) -> io::Result<usize> {
    let length = u32::from_le_bytes(prefix) as usize;
    if length > MAX_MESSAGE {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "the message is too long"));
    }
    Ok(length)
}

#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn field(&mut self, tag: u8, parts: &[&[u8]]) {
        self.0.push(tag);
        self.0.extend(length(parts.iter().map(|part| part.len()).sum()));
        parts.iter().for_each(|part| self.0.extend(*part));
    }
}

fn fields(mut rest: &[u8]) -> impl Iterator<Item = Option<(u8, &[u8])>> {
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let field = rest.split_at_checked(5).and_then(|(head, body)| {
            let length = u32::from_le_bytes([head[1], head[2], head[3], head[4]]) as usize;
            let (bytes, after) = body.split_at_checked(length)?;
            rest = after;
            Some((head[0], bytes))
        });
        if field.is_none() {
            rest = &[];
        }
        Some(field)
    })
}

fn split(bytes: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let middle = bytes.iter().position(|byte| *byte == at)?;
    Some((&bytes[..middle], &bytes[middle + 1..]))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_typed_survives_the_way() {
        let typed = Typed {
            argv: vec!["ec2".to_owned(), String::new(), "日本\n".to_owned()],
            env: [("AWS_REGION".to_owned(), "a=b".to_owned())].into(),
            files: [
                ("file://a".to_owned(), Ok(vec![0, 255])),
                ("file://b".to_owned(), Err("gone".to_owned())),
            ]
            .into(),
            directory: "/home".to_owned(),
        };
        let mut pipe = Vec::new();
        write(&mut pipe, &typed.to_message()).expect("writes");
        assert_eq!(Typed::from_message(&read(&mut pipe.as_slice()).expect("reads")), Some(typed));
    }

    #[test]
    fn what_was_answered_survives_the_way() {
        let outcome = Outcome { exit: 254, stdout: "{}\n".to_owned(), stderr: "\nno\n".to_owned() };
        assert_eq!(Outcome::from_message(&outcome.to_message()), Some(outcome));
    }

    #[test]
    fn a_cut_or_foreign_message_is_refused() {
        let message = Outcome { stdout: "abc".to_owned(), ..Outcome::default() }.to_message();
        assert_eq!(Outcome::from_message(&message[..message.len() - 1]), None);
        assert_eq!(Typed::from_message(b"GET / HTTP/1.1"), None);
        assert!(read(&mut [255_u8; 8].as_slice()).is_err());
    }
}
