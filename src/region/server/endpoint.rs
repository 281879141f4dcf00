//! The EC2 endpoint's view of the region: whose keys there are, and one call after the other on the state.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::capacity::{Capacity, count};
use super::plane::{Applied, Plane};
use super::turns::Turns;
use crate::region::api::{Core, Credential};
use crate::region::model::{Action, Caller};
use crate::wire::Fault;

/// The state behind the endpoint.
#[derive(Debug)]
pub(super) struct Keeper {
    pub plane: Arc<Plane>,
    /// Up to which generation of the state the kernel has followed.
    pub followed: watch::Receiver<u64>,
    pub turns: Arc<Turns>,
    pub capacity: Arc<Capacity>,
}

/// How long a caller is kept waiting for the kernel to follow; after that the answer says what is wanted, as EC2's does.
const FOLLOW: Duration = Duration::from_secs(3);

impl Core for Keeper {
    fn credential(&self, access_key_id: &str) -> Option<Credential> {
        self.plane.read(|saved| {
            let lab = saved.labs.values().find(|lab| lab.access_key_id == access_key_id)?;
            let secret_access_key = lab.secret_access_key.clone();
            Some(Credential { account: lab.account.clone(), secret_access_key })
        })
    }

    async fn call(
        &self,
        caller: Caller,
        action: Action,
        encode: impl FnOnce(&Value) -> String + Send + 'static,
    ) -> Result<String, Fault> {
        let action = self.capacity.admit(action, || self.capacity.room(self.plane.read(count)))?;
        let plane = Arc::clone(&self.plane);
        // Who has left before his turn is forgotten with it.
        let turn = self.turns.next(&caller.account).await?;
        // Making a key is a second of arithmetic, saving the state is a write to the disk.
        let applied = spawn_blocking(move || {
            let _turn = turn;
            let Applied { answer, generation } = plane.apply(&caller, &action.prepared()?);
            answer.map(|value| (encode(&value), generation))
        });
        let (text, generation) = applied.await.unwrap_or_else(|error| {
            // A rule has panicked; the log has the place.
            let message = format!("An internal error has occurred: {error}");
            Err(Fault { code: "InternalError".to_owned(), message, status: 500 })
        })?;
        if let Some(generation) = generation {
            // Who reads the answer may send packets at once, and they are to find the rules that it speaks of.
            let mut followed = self.followed.clone();
            let _ = timeout(FOLLOW, followed.wait_for(|reached| *reached >= generation)).await;
        }
        Ok(text)
    }
}
