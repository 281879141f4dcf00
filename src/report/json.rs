//! Events as JSON lines, one an event.

use std::io::Write;
use std::sync::Mutex;

use crate::event::{Event, Sink};

/// Writes each event as one line of JSON.
pub struct JsonLines<W: Write + Send>(Mutex<W>);

impl<W: Write + Send> JsonLines<W> {
    /// To this writer.
    pub fn new(writer: W) -> Self {
        Self(Mutex::new(writer))
    }
}

impl<W: Write + Send> Sink for JsonLines<W> {
    fn take(&self, event: &Event) {
        let mut writer = self.0.lock().expect("nothing panics while it writes");
        // A reader that went away (a closed pipe) is no reason to end a run.
        let _ = serde_json::to_writer(&mut *writer, event).map_err(std::io::Error::from).and_then(|()| {
            writer.write_all(b"\n")?;
            writer.flush()
        });
    }
}
