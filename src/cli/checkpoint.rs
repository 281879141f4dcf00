//! Checkpoints on the local region: where the two parts of one meet, the runner's and the region's.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::cli::failure::{Failure, chain};
use crate::cli::open::{self, OpenLab, Unrestored};
use crate::event::{Event, EventKind, Sink};
use crate::lesson::{Course, Fingerprint, Lesson};
use crate::name::{LessonId, Os};
use crate::plan::Progress;
use crate::region::client::{self, Client, ClientError, Paths, RefusalCode};
use crate::run::checkpoint::{Earlier, Entry, Keeper, Keeping, Key, Manifest, Store, doomed};
use crate::run::{CloudKind, Lab, LabState, has_browser};
use crate::session::BoxFuture;

/// All checkpoints together, but for those of the course that runs, are kept below this.
const LIMIT: u64 = 8 << 30;

/// The checkpoints that a course can have, and how they are made.
pub struct Checkpoints {
    store: Store,
    paths: Paths,
    os: Os,
    region: String,
    /// Each lesson with the key of the state after it.
    lessons: Vec<(Lesson, Key)>,
    /// Whether a checkpoint that is there is made anew.
    replace: bool,
}

impl Checkpoints {
    /// Of a course whose lessons run on the local region; `None` on other clouds, and on a machine whose region has never
    /// been started.
    pub fn of(course: &Course, cloud: CloudKind, region: &str, os: Os) -> Result<Option<Self>, Failure> {
        let paths = Paths::from_environment()?;
        let Some(world) = client::world(&paths).filter(|_| cloud == CloudKind::Local) else {
            return Ok(None);
        };
        let tools: &[&str] = if has_browser() { &["browser"] } else { &[] };
        let mut fingerprint = Fingerprint::start(os);
        let lessons = course.lessons.iter().map(|lesson| {
            fingerprint = fingerprint.after(lesson, os);
            (lesson.clone(), Key::new(&fingerprint, client::build(), &world, region, tools))
        });
        let lessons = lessons.collect();
        let store = Store::new(paths.checkpoints());
        Ok(Some(Self { store, paths, os, region: region.to_owned(), lessons, replace: false }))
    }

    /// The same, but every state is made anew.
    #[must_use]
    pub fn anew(mut self) -> Self {
        self.replace = true;
        self
    }

    /// The checkpoint that saves most among those after one of the first `count` lessons, and after how many that is. One
    /// that cannot be used is told and passed over.
    pub fn nearest(&self, count: usize, sink: &dyn Sink) -> Option<(usize, Entry)> {
        (1..=count.min(self.lessons.len())).rev().find_map(|count| {
            let key = &self.lessons[count - 1].1;
            match self.store.find(key) {
                Ok(entry) => entry.filter(|entry| self.is_whole(entry, count)).map(|entry| (count, entry)),
                Err(error) => {
                    warn(sink, format!("the checkpoint {key} cannot be read and is not used: {error}"));
                    None
                }
            }
        })
    }

    /// Whether there is a result for every block as it stands now.
    fn is_whole(&self, entry: &Entry, count: usize) -> bool {
        entry.results.cover(self.lessons[..count].iter().map(|(lesson, _)| lesson), self.os)
    }

    /// What is behind a lab that goes on after the first `count` lessons.
    fn progress(&self, count: usize) -> Progress {
        Progress::after(self.lessons[..count].iter().map(|(lesson, _)| lesson), self.os)
    }

    /// A new lab that goes on from a checkpoint. `None` where that does not work, which is told.
    pub async fn restore(
        &self,
        (count, entry): (usize, &Entry),
        name: &str,
        fresh: impl FnOnce() -> LabState,
        sink: &dyn Sink,
    ) -> Result<Option<OpenLab>, Failure> {
        let started = Instant::now();
        let after = &entry.manifest.lesson;
        tell(
            sink,
            EventKind::PreparationProgressed {
                what: format!("restoring the state after {after}"),
                fraction: None,
            },
        );
        let _hold = self.store.hold()?;
        let progress = self.progress(count);
        let fill = |lab: &mut Lab| {
            entry.fill(lab)?;
            lab.state.progress = progress;
            Ok(())
        };
        match open::open_restored(name, fresh, fill, &entry.manifest.state, sink).await? {
            Ok(opened) => {
                self.store.touch(&entry.key);
                let (after, of) = (after.clone(), entry.manifest.at);
                tell(sink, EventKind::StateRestored { after, of, took: started.elapsed() });
                Ok(Some(opened))
            }
            Err(Unrestored::Because(reason)) => {
                warn(sink, format!("the checkpoint after {after} is not used: {reason}"));
                Ok(None)
            }
            // Somebody has made it by hand, and may have worked in it.
            Err(Unrestored::Known) => Ok(None),
        }
    }

    /// The results of a checkpoint, for telling or for finding out what is called what.
    pub fn earlier(entry: &Entry, told: bool) -> Arc<Earlier> {
        Arc::new(Earlier { results: entry.results.clone(), at: entry.manifest.at, told })
    }

    /// Notes that this checkpoint was of use.
    pub fn used(&self, entry: &Entry) {
        self.store.touch(&entry.key);
    }

    async fn keep_after(&self, lab: &Lab, lesson: &LessonId) -> Result<Keeping, String> {
        let Some(at) = self.lessons.iter().position(|(own, _)| own.id == *lesson) else {
            return Ok(Keeping::Nothing);
        };
        let (count, key) = (at + 1, &self.lessons[at].1);
        let there = self.store.find(key).ok().flatten().is_some_and(|entry| self.is_whole(&entry, count));
        if there && !self.replace {
            self.store.touch(key);
            return Ok(Keeping::Nothing);
        }
        // A lab that has done something else besides, or whose results an older program did not write.
        let lessons = self.lessons[..count].iter().map(|(lesson, _)| lesson);
        let whole = lab.results().map_err(|error| chain(&error))?.cover(lessons, self.os);
        if !whole || lab.state.progress.done != self.progress(count).done {
            return Ok(Keeping::Nothing);
        }
        let client = Client::connect(&self.paths).await.map_err(|error| chain(&error))?;
        if !client.is_of_this_build().await.map_err(|error| chain(&error))? {
            // Its name would say that all of it is this build's work.
            return Ok(Keeping::Nothing);
        }
        let mut hold = Some(self.store.hold().map_err(|error| error.to_string())?);
        let kept = match client.keep(&lab.state.name).await {
            Err(ClientError::Refused(refusal)) if refusal.code == RefusalCode::NoSpace => {
                // Perhaps there is room when the others have gone.
                drop(hold.take());
                self.make_room(&client, 0).await;
                hold = Some(self.store.hold().map_err(|error| error.to_string())?);
                client.keep(&lab.state.name).await
            }
            kept => kept,
        };
        let kept = kept.map_err(|error| chain(&error))?;
        let manifest = Manifest {
            lesson: lesson.clone(),
            at: Timestamp::now(),
            os: self.os,
            region: self.region.clone(),
            state: kept.id,
            bytes: kept.bytes,
            session: lab.state.session.clone(),
            boot: Manifest::this_boot(),
        };
        self.store.add(key, lab, &manifest).map_err(|error| error.to_string())?;
        drop(hold);
        self.make_room(&client, LIMIT).await;
        Ok(Keeping::Kept { bytes: kept.bytes, still: Duration::from_millis(kept.frozen_ms) })
    }

    /// Removes what was of use longest ago, and what nobody names any more.
    async fn make_room(&self, client: &Client, limit: u64) {
        let own: BTreeSet<Key> = self.lessons.iter().map(|(_, key)| key.clone()).collect();
        if let Ok(_hold) = self.store.hold() {
            for key in doomed(self.store.list(), limit, &own) {
                // Somebody else may have been faster.
                let _ = self.store.remove(&key);
            }
        }
        // The next one tries both again.
        let _ = self.store.tidy();
        let _ = client.sweep().await;
    }
}

impl Keeper for Checkpoints {
    fn keep<'a>(&'a self, lab: &'a Lab, lesson: &'a LessonId) -> BoxFuture<'a, Keeping> {
        Box::pin(async move {
            let kept = self.keep_after(lab, lesson).await;
            kept.unwrap_or_else(|reason| Keeping::Failed(format!("failed to {reason}")))
        })
    }
}

/// How many checkpoints there are, and what they take on the disk.
pub fn usage(paths: &Paths) -> (usize, u64) {
    let all = Store::new(paths.checkpoints()).list();
    (all.len(), all.iter().map(|usage| usage.bytes).sum())
}

/// How long disks of labs that were removed may take to be gone.
const GONE: Duration = Duration::from_secs(10);

/// Removes all checkpoints. What is under the disk of a lab stays as long as that.
pub async fn remove_all(paths: &Paths, client: &Client) -> Result<usize, Failure> {
    let store = Store::new(paths.checkpoints());
    let hold = store.hold()?;
    let all = store.list();
    for usage in &all {
        store.remove(&usage.key)?;
    }
    drop(hold);
    store.tidy()?;
    let begun = Instant::now();
    while client.sweep().await?.bytes > 0 && begun.elapsed() < GONE {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    Ok(all.len())
}

fn tell(sink: &dyn Sink, kind: EventKind) {
    sink.take(&Event { at: Timestamp::now(), lesson: None, block: None, kind });
}

fn warn(sink: &dyn Sink, message: String) {
    tell(sink, EventKind::Warned { message });
}
