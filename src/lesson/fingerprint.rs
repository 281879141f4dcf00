//! What a block does, as a number: the key of checkpoints.
//!
//! Two blocks with the same fingerprint leave the same state behind. It covers the text and the attributes that bear on
//! running; never prose, nor how a result is shown, compared or explained.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::lesson::block::{Block, BlockKind, Capture, Eventually, Place};
use crate::lesson::document::Lesson;
use crate::name::{HostName, Os};

/// A SHA-256 over everything that leads to a state. Shown in hexadecimal.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// Of a course on `os` before its first lesson.
    pub fn start(os: Os) -> Self {
        let mut fields = Fields::new("start");
        fields.add("os", os.as_str());
        fields.finish()
    }

    /// After `lesson` has run on `os` on top of the state with this fingerprint.
    #[must_use]
    pub fn after(self, lesson: &Lesson, os: Os) -> Self {
        let mut fields = Fields::new("lesson");
        fields.add("before", self.0);
        for block in lesson.story(os) {
            if changes_nothing(&block.kind) {
                continue;
            }
            fields.add("block", block.fingerprint().0);
        }
        fields.finish()
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

/// Blocks that only look.
fn changes_nothing(kind: &BlockKind) -> bool {
    matches!(kind, BlockKind::Diagram | BlockKind::Logs(_) | BlockKind::Check(_))
}

/// Named fields, each with its length, so that no two lists of fields give the same bytes.
struct Fields(Sha256);

impl Fields {
    fn new(kind: &str) -> Self {
        let mut fields = Self(Sha256::new());
        fields.add("kind", kind);
        fields
    }

    fn add(&mut self, key: &str, value: impl AsRef<[u8]>) {
        for part in [key.as_bytes(), value.as_ref()] {
            self.0.update((part.len() as u64).to_be_bytes());
            self.0.update(part);
        }
    }

    fn finish(self) -> Fingerprint {
        Fingerprint(self.0.finalize().into())
    }

    fn hosts(&mut self, on: &HostName, via: Option<&HostName>) {
        self.add("on", on.as_str());
        self.add("via", via.map_or("", HostName::as_str));
    }

    fn place(&mut self, place: &Place) {
        self.hosts(&place.on, place.via.as_ref());
        for name in &place.with {
            self.add("with", name.as_str());
        }
    }

    fn eventually(&mut self, eventually: Option<&Eventually>) {
        if let Some(Eventually { within, until }) = eventually {
            self.add("eventually", within.as_millis().to_be_bytes());
            self.add("until", until.as_deref().unwrap_or_default());
        }
    }

    fn capture(&mut self, capture: Option<&Capture>) {
        if let Some(Capture { filter, hosts }) = capture {
            self.add("capture", filter);
            hosts.iter().for_each(|host| self.add("capture-on", host.as_str()));
        }
    }
}

impl Block {
    /// The fingerprint of what the block does, by itself.
    pub fn fingerprint(&self) -> Fingerprint {
        let mut fields = Fields::new(self.kind.word());
        fields.add("name", self.name.as_str());
        fields.add("text", &self.body.text);
        match &self.kind {
            BlockKind::Shell(shell) => {
                fields.place(&shell.place);
                fields.add("exit", [shell.exit]);
                fields.add("timeout", shell.timeout.as_millis().to_be_bytes());
                fields.eventually(shell.eventually.as_ref());
                fields.capture(shell.capture.as_ref());
            }
            BlockKind::Console(console) => {
                fields.place(&console.place);
                fields.add("timeout", console.timeout.as_millis().to_be_bytes());
                fields.capture(console.capture.as_ref());
                // The text says what is typed; where a prompt ends may come from an attribute.
                console
                    .entries
                    .iter()
                    .for_each(|entry| fields.add("entry", format!("{:?}", (&entry.wait, &entry.input))));
            }
            BlockKind::Http(http) => {
                fields.add("follow", [u8::from(http.follow)]);
                fields.add("screenshot", [u8::from(http.screenshot)]);
                fields.add("timeout", http.timeout.as_millis().to_be_bytes());
                fields.eventually(http.eventually.as_ref());
                fields.capture(http.capture.as_ref());
            }
            BlockKind::File(file) => {
                fields.hosts(&file.on, file.via.as_ref());
                fields.add("file", file.path.to_string_lossy().as_bytes());
                fields.add("timeout", file.timeout.as_millis().to_be_bytes());
            }
            BlockKind::Background(background) => {
                fields.place(&background.place);
                fields.add("ready", background.ready.as_ref().map(ToString::to_string).unwrap_or_default());
                fields.add("timeout", background.timeout.as_millis().to_be_bytes());
            }
            BlockKind::Stop { target } => fields.add("target", target.as_str()),
            BlockKind::Logs(logs) => {
                fields.add("target", logs.target.as_str());
                fields.add("timeout", logs.timeout.as_millis().to_be_bytes());
                fields.eventually(logs.eventually.as_ref());
            }
            BlockKind::Check(check) => {
                fields.place(&check.place);
                fields.add("exit", [check.exit]);
                fields.add("timeout", check.timeout.as_millis().to_be_bytes());
                fields.eventually(check.eventually.as_ref());
            }
            BlockKind::Diagram => {}
        }
        fields.finish()
    }
}
