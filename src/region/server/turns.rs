//! Whose calls are worked on: of each account a few at a time, so that an account which asks for much keeps itself
//! waiting and no other.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::wire::Fault;

/// So many calls of an account may wait for their turn; more are refused, as EC2 refuses who asks too often.
const WAITING: usize = 64;

/// The accounts that have calls under way.
#[derive(Debug)]
pub(super) struct Turns {
    at_a_time: usize,
    accounts: Mutex<HashMap<String, Account>>,
}

#[derive(Debug)]
struct Account {
    /// Calls under way, with those that wait.
    calls: usize,
    turns: Arc<Semaphore>,
}

/// The turn of one call. The next one's comes when it is dropped.
#[derive(Debug)]
pub(super) struct Turn {
    // Held, and given back before the call is taken off the account's.
    _permit: Option<OwnedSemaphorePermit>,
    _call: Call,
}

/// A call that is under way.
#[derive(Debug)]
struct Call {
    turns: Arc<Turns>,
    account: String,
}

impl Turns {
    /// As many at a time as there are processors, and two where there is but one: some wait for the disk.
    pub(super) fn new() -> Arc<Turns> {
        let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Arc::new(Turns { at_a_time: processors.max(2), accounts: Mutex::default() })
    }

    /// Waits for the account's next turn.
    ///
    /// # Errors
    /// When too many wait already.
    pub(super) async fn next(self: &Arc<Self>, account: &str) -> Result<Turn, Fault> {
        let (call, turns) = self.register(account)?;
        // Nobody closes it, so there is always a permit in the end.
        let permit = turns.acquire_owned().await.ok();
        Ok(Turn { _permit: permit, _call: call })
    }

    fn register(self: &Arc<Self>, name: &str) -> Result<(Call, Arc<Semaphore>), Fault> {
        let mut accounts = self.accounts();
        let account = accounts
            .entry(name.to_owned())
            .or_insert_with(|| Account { calls: 0, turns: Arc::new(Semaphore::new(self.at_a_time)) });
        if account.calls >= WAITING + self.at_a_time {
            let (code, message) = ("RequestLimitExceeded", "Request limit exceeded.");
            return Err(Fault { code: code.to_owned(), message: message.to_owned(), status: 503 });
        }
        account.calls += 1;
        Ok((Call { turns: Arc::clone(self), account: name.to_owned() }, Arc::clone(&account.turns)))
    }

    fn accounts(&self) -> MutexGuard<'_, HashMap<String, Account>> {
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let mut accounts = self.turns.accounts();
        if let Some(account) = accounts.get_mut(&self.account) {
            account.calls -= 1;
            if account.calls == 0 {
                accounts.remove(&self.account);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    async fn soon(turns: &Arc<Turns>, account: &str) -> Option<Turn> {
        let turn = timeout(Duration::from_millis(50), turns.next(account)).await.ok()?;
        Some(turn.expect("few wait"))
    }

    #[tokio::test]
    async fn an_account_waits_for_itself_alone() {
        let turns = Turns::new();
        let mut own = Vec::new();
        for _ in 0..turns.at_a_time {
            own.push(soon(&turns, "one").await.expect("its turn"));
        }
        assert!(soon(&turns, "one").await.is_none());
        assert!(soon(&turns, "other").await.is_some());
        own.pop();
        assert!(soon(&turns, "one").await.is_some());
        drop(own);
        assert!(turns.accounts().is_empty(), "who asks for nothing is forgotten");
    }

    #[tokio::test]
    async fn too_many_calls_are_refused_and_those_who_leave_make_room() {
        let turns = Turns::new();
        let waiting: Vec<_> =
            (0..WAITING + turns.at_a_time).map(|_| turns.register("one").expect("room")).collect();
        assert_eq!(turns.next("one").await.expect_err("full").code, "RequestLimitExceeded");
        assert!(soon(&turns, "other").await.is_some());
        drop(waiting);
        assert!(soon(&turns, "one").await.is_some());
    }
}
