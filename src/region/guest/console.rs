//! A guest's console: the newest part of what its terminal showed, in memory and on disk.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::time::Instant;

/// What EC2 keeps of a console.
pub(super) const KEPT: usize = 64 * 1024;

/// Growth is told at most so often.
const TELL: Duration = Duration::from_millis(200);

/// One console. It goes on through reboots and through restarts of the daemon.
#[derive(Debug, Clone)]
pub(super) struct Console {
    text: Arc<Mutex<Text>>,
    file: PathBuf,
}

#[derive(Debug, Default)]
struct Text {
    kept: Vec<u8>,
    /// So many bytes at the end have not been handed out yet.
    fresh: usize,
}

impl Console {
    pub(super) fn open(file: PathBuf) -> Console {
        let kept = fs::read(&file).unwrap_or_default();
        Console { text: Arc::new(Mutex::new(Text { kept, fresh: 0 })), file }
    }

    /// The newest 64 KiB, bytes that are not UTF-8 replaced.
    pub(super) fn newest(&self) -> String {
        String::from_utf8_lossy(&self.lock().kept).into_owned()
    }

    /// What has come since this was last asked, at most 64 KiB.
    pub(super) fn fresh(&self) -> String {
        let mut text = self.lock();
        let fresh = std::mem::take(&mut text.fresh);
        String::from_utf8_lossy(&text.kept[text.kept.len() - fresh..]).into_owned()
    }

    /// The last lines, for an error message.
    pub(super) fn last_lines(&self, count: usize) -> String {
        let text = self.newest();
        let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        lines[lines.len().saturating_sub(count)..].join(" / ")
    }

    /// Read until the other side is closed; call `grew` when there is more.
    pub(super) async fn follow(&self, mut source: impl AsyncRead + Unpin, mut grew: impl FnMut()) {
        let mut buffer = vec![0; 8192];
        let mut told = Instant::now().checked_sub(TELL).unwrap_or_else(Instant::now);
        let mut untold = false;
        loop {
            let read = if untold {
                tokio::select! {
                    read = source.read(&mut buffer) => read,
                    () = tokio::time::sleep_until(told + TELL) => {
                        (untold, told) = (false, Instant::now());
                        self.save();
                        grew();
                        continue;
                    }
                }
            } else {
                source.read(&mut buffer).await
            };
            match read {
                Ok(count) if count > 0 => self.append(&buffer[..count]),
                // The terminal's other end is gone: end of file, or EIO.
                Ok(_) | Err(_) => break,
            }
            untold = true;
            if told.elapsed() >= TELL {
                (untold, told) = (false, Instant::now());
                self.save();
                grew();
            }
        }
        if untold {
            self.save();
            grew();
        }
    }

    fn append(&self, bytes: &[u8]) {
        let mut text = self.lock();
        text.kept.extend_from_slice(bytes);
        let excess = text.kept.len().saturating_sub(KEPT);
        text.kept.drain(..excess);
        text.fresh = (text.fresh + bytes.len()).min(text.kept.len());
    }

    fn save(&self) {
        let text = self.lock().kept.clone();
        // A console that cannot be kept on disk is still there in memory.
        let _: io::Result<()> = fs::write(&self.file, text);
    }

    fn lock(&self) -> MutexGuard<'_, Text> {
        self.text.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_newest_part_is_kept_and_survives() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("console.log");
        let console = Console::open(file.clone());
        let text = format!("first\n{}last\n", "x".repeat(KEPT));
        let mut told = 0;
        console.follow(text.as_bytes(), || told += 1).await;
        assert!(told > 0);
        let kept = Console::open(file).newest();
        assert_eq!(kept.len(), KEPT);
        assert!(kept.ends_with("xlast\n") && !kept.contains("first"));
    }
}
