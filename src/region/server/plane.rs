//! The one place where the control plane's state changes: computed on a copy, saved, and only then made known.
//!
//! What is published is never ahead of the disk, but for console text. Whoever reads takes the published state as it is
//! and waits for nobody; whoever changes an account waits for those who change the same one. A change that cannot be
//! saved has not happened.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::watch;

use super::lab::Lab;
use super::store::{Place, StateError, Store};
use crate::output::remark;
use crate::region::internet::World;
use crate::region::model::{self, Account, Action, Caller, Seen, Shared, State};
use crate::region::supervisor::Supervisor;
use crate::region::tree::durable::{ReplaceError, Steps};
use crate::wire::Fault;

/// Labs and accounts at one moment. A copy shares everything with its original.
#[derive(Debug, Clone, Default)]
pub(super) struct Saved {
    /// By name.
    pub labs: Shared<BTreeMap<String, Lab>>,
    pub state: State,
}

/// A change that has not happened.
#[derive(Debug, thiserror::Error)]
pub(super) enum ChangeError {
    /// The account's lab has been removed.
    #[error("the lab has been removed")]
    Gone,
    /// The new state could not be written.
    #[error("the state could not be saved: {0}")]
    Unsaved(#[source] io::Error),
}

/// An EC2 call that has been carried out.
#[derive(Debug)]
pub(super) struct Applied {
    pub answer: Result<Value, Fault>,
    /// The state's generation that it has led to, if it has changed anything.
    pub generation: Option<u64>,
}

/// The state with its files.
#[derive(Debug)]
pub(crate) struct Plane {
    published: RwLock<Arc<Saved>>,
    generation: watch::Sender<u64>,
    store: Store,
    /// Held by whoever makes or removes a lab.
    labs: Mutex<()>,
    /// By account: held by whoever changes it, from its copy to the publication.
    writers: Mutex<HashMap<String, Arc<Mutex<()>>>>,
    supervisor: Supervisor,
}

impl Plane {
    /// Take up the state where the last daemon left it: every instance has lost power meanwhile.
    pub(super) fn open(
        place: Place,
        steps: Arc<dyn Steps>,
        supervisor: Supervisor,
    ) -> Result<Plane, StateError> {
        let (store, mut saved) = Store::open(place, steps)?;
        model::power_cut(&mut saved.state);
        // Counts the changes of this daemon only. Not nothing: what was found is news for whoever follows it.
        saved.state.generation = 1;
        Ok(Plane {
            published: RwLock::new(Arc::new(saved)),
            generation: watch::channel(1).0,
            store,
            labs: Mutex::default(),
            writers: Mutex::default(),
            supervisor,
        })
    }

    /// Carry out one EC2 call. May wait for the disk; not for asynchronous tasks themselves.
    pub(super) fn apply(&self, caller: &Caller, action: &Action) -> Applied {
        let now = Timestamp::now();
        if model::only_reads(&action.operation) {
            let answer = model::answer(&self.snapshot().state, caller, action, now);
            return Applied { answer, generation: None };
        }
        match self.change(&caller.account, |state| model::apply(state, caller, action, now)) {
            Ok((answer, generation)) => Applied { answer, generation },
            Err(error) => {
                remark!("endpoint: {}: {error}", action.operation);
                let message = format!("An internal error has occurred: {error}");
                let fault = Fault { code: "InternalError".to_owned(), message, status: 500 };
                Applied { answer: Err(fault), generation: None }
            }
        }
    }

    /// Take in what was seen to happen. What could not be saved has not been taken in, and comes back.
    pub(super) fn observe(&self, seen: Vec<Seen>) -> Result<(), (Vec<Seen>, ChangeError)> {
        let now = Timestamp::now();
        let mut by_account: BTreeMap<String, Vec<Seen>> = BTreeMap::new();
        for seen in seen {
            by_account.entry(seen.account.clone()).or_default().push(seen);
        }
        let mut left = Vec::new();
        let mut failure = None;
        for (account, seen) in by_account {
            // Text is not saved for its own sake, so it need not wait where nothing can be.
            let (text, news): (Vec<_>, Vec<_>) = seen.into_iter().partition(|seen| seen.what.is_text());
            for seen in [text, news] {
                let observe =
                    |state: &mut State| seen.iter().for_each(|seen| model::observe(state, seen, now));
                match self.change(&account, observe) {
                    // Of a lab that is gone nothing more is to be known.
                    Ok(_) | Err(ChangeError::Gone) => {}
                    Err(error) => {
                        left.extend(seen);
                        failure = Some(error);
                    }
                }
            }
        }
        match failure {
            Some(error) => Err((left, error)),
            None => Ok(()),
        }
    }

    /// Make a lab with this account; answers false, and does nothing, if there is one of this name or account.
    pub(super) fn add_lab(&self, name: &str, lab: &Lab, account: Account) -> Result<bool, ChangeError> {
        let _labs = lock(&self.labs);
        let before = self.snapshot();
        if before.labs.contains_key(name) || before.state.accounts.contains_key(&lab.account) {
            return Ok(false);
        }
        let mut labs = before.labs.clone();
        labs.insert(name.to_owned(), lab.clone());
        self.saved(self.store.save_account(&lab.account, &account))?;
        if let Err(error) = self.saved(self.store.save_labs(&labs)) {
            self.store.remove_account(&lab.account);
            return Err(error);
        }
        self.publish(|saved| {
            saved.labs = labs;
            saved.state.accounts.insert(lab.account.clone(), account.into());
            saved.state.generation += 1;
        });
        Ok(true)
    }

    /// Remove a lab, unless another has taken its name, with its account.
    pub(super) fn remove_lab(&self, name: &str, account: &str) -> Result<(), ChangeError> {
        let _labs = lock(&self.labs);
        let writer = self.writer(account);
        let _writer = lock(&writer);
        let mut labs = self.snapshot().labs.clone();
        if labs.get(name).is_none_or(|lab| lab.account != account) {
            return Ok(());
        }
        labs.remove(name);
        self.saved(self.store.save_labs(&labs))?;
        self.publish(|saved| {
            saved.labs = labs;
            saved.state.accounts.remove(account);
            saved.state.generation += 1;
        });
        self.store.remove_account(account);
        lock(&self.writers).remove(account);
        Ok(())
    }

    /// Look at labs and state, as they are at this moment.
    pub(super) fn read<T>(&self, read: impl FnOnce(&Saved) -> T) -> T {
        read(&self.snapshot())
    }

    /// Labs and state, as they are at this moment.
    pub(super) fn snapshot(&self) -> Arc<Saved> {
        Arc::clone(&self.published.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Tells the state's generation whenever it grows.
    pub(super) fn generations(&self) -> watch::Receiver<u64> {
        self.generation.subscribe()
    }

    /// Change one account: saved and told if the generation of the copy that `change` gets has grown, else published
    /// without either. Answers the generation that it has led to.
    fn change<T>(
        &self,
        account: &str,
        change: impl FnOnce(&mut State) -> T,
    ) -> Result<(T, Option<u64>), ChangeError> {
        let writer = self.writer(account);
        let _writer = lock(&writer);
        let before = self.snapshot();
        let mut state = before.state.clone();
        // Others may be changing other accounts from the same copy.
        state.reseed();
        let answer = change(&mut state);
        let (Some(old), Some(new)) = (before.state.accounts.get(account), state.accounts.remove(account))
        else {
            lock(&self.writers).remove(account);
            return Err(ChangeError::Gone);
        };
        let grown = state.generation != before.state.generation;
        if grown {
            self.saved(self.store.save_account(account, &new))?;
        } else if *old == new {
            return Ok((answer, None));
        }
        let generation = self.publish(|saved| {
            saved.state.accounts.insert(account.to_owned(), new);
            saved.state.generation += u64::from(grown);
        });
        Ok((answer, grown.then_some(generation)))
    }

    /// Put the next state in the place of the present one. Answers its generation.
    fn publish(&self, change: impl FnOnce(&mut Saved)) -> u64 {
        let mut published = self.published.write().unwrap_or_else(PoisonError::into_inner);
        let mut next = Saved::clone(&published);
        change(&mut next);
        let generation = next.state.generation;
        *published = Arc::new(next);
        // While nobody else can publish, so that it never goes back.
        self.generation.send_if_modified(|told| std::mem::replace(told, generation) != generation);
        generation
    }

    /// What saving has come to. Where nobody knows what is on the disk, the daemon ends: the next one goes on with what
    /// it finds there.
    fn saved(&self, result: Result<(), ReplaceError>) -> Result<(), ChangeError> {
        result.map_err(|error| {
            if matches!(error, ReplaceError::Unknown { .. }) {
                self.supervisor.fail(format!("the state on the disk is not known any more: {error}"));
            }
            ChangeError::Unsaved(error.into())
        })
    }

    fn writer(&self, account: &str) -> Arc<Mutex<()>> {
        Arc::clone(lock(&self.writers).entry(account.to_owned()).or_default())
    }
}

/// Nothing is half done under these: what a panic has cut short was done to a copy.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl World for Plane {
    fn read<T>(&self, read: impl FnOnce(&State) -> T) -> T {
        Plane::read(self, |saved| read(&saved.state))
    }
}

#[cfg(test)]
mod tests;
