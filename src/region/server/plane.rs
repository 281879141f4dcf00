//! The one place where the control plane's state changes: applied, saved, and made known to whoever makes it so.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::watch;

use super::lab::Lab;
use crate::region::internet::World;
use crate::region::model::{self, Action, Caller, Seen, State};
use crate::region::tree::replace;
use crate::wire::Fault;

/// What is on disk, whole.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Saved {
    /// By name.
    pub labs: BTreeMap<String, Lab>,
    pub state: State,
}

/// The state with its file. One change at a time; each is on disk before its caller is answered.
#[derive(Debug)]
pub(crate) struct Plane {
    saved: Mutex<Saved>,
    file: PathBuf,
    generation: watch::Sender<u64>,
}

impl Plane {
    /// Take up the state where the last daemon left it: every instance has lost power meanwhile.
    pub(super) fn open(file: PathBuf) -> io::Result<Plane> {
        let mut saved: Saved = match fs::read(&file) {
            Ok(text) => serde_json::from_slice(&text)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Saved::default(),
            Err(error) => return Err(error),
        };
        model::power_cut(&mut saved.state);
        let (generation, _) = watch::channel(saved.state.generation);
        Ok(Plane { saved: Mutex::new(saved), file, generation })
    }

    /// Carry out one EC2 call. Takes up to a second for a new key; not for asynchronous tasks themselves.
    pub(crate) fn apply(&self, caller: &Caller, action: &Action) -> Result<Value, Fault> {
        self.change(|saved| model::apply(&mut saved.state, caller, action, Timestamp::now())).map_err(
            |error| {
                let message =
                    format!("An internal error has occurred: the state could not be saved: {error}");
                Fault { code: "InternalError".to_owned(), message, status: 500 }
            },
        )?
    }

    /// Take in what was seen to happen.
    pub(super) fn observe(&self, observations: impl IntoIterator<Item = Seen>) -> io::Result<()> {
        let now = Timestamp::now();
        self.change(|saved| {
            for observation in observations {
                model::observe(&mut saved.state, &observation, now);
            }
        })
    }

    /// Change labs or state; saved if the generation grows. The generation of anything else that is to be saved
    /// has to be raised by `change`.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut Saved) -> T) -> io::Result<T> {
        let mut saved = self.lock();
        let before = saved.state.generation;
        let answer = change(&mut saved);
        let after = saved.state.generation;
        if after != before {
            replace(&self.file, &serde_json::to_vec(&*saved)?)?;
            self.generation.send_replace(after);
        }
        Ok(answer)
    }

    /// Look at labs and state.
    pub(super) fn read<T>(&self, read: impl FnOnce(&Saved) -> T) -> T {
        read(&self.lock())
    }

    /// The state's generation.
    pub(super) fn generation(&self) -> u64 {
        *self.generation.borrow()
    }

    /// Tells the generation whenever it grows.
    pub(super) fn generations(&self) -> watch::Receiver<u64> {
        self.generation.subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, Saved> {
        // A panic in a rule leaves the state as that rule left it; the alternative is that nothing works any more.
        self.saved.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl World for Plane {
    fn read<T>(&self, read: impl FnOnce(&State) -> T) -> T {
        Plane::read(self, |saved| read(&saved.state))
    }
}
