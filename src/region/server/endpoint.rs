//! The EC2 endpoint's view of the region: whose keys there are, and one call after the other on the state.

use std::sync::Arc;

use serde_json::Value;
use tokio::task::spawn_blocking;

use super::plane::Plane;
use crate::region::api::{Core, Credential};
use crate::region::model::{Action, Caller};
use crate::wire::Fault;

/// The state behind the endpoint.
#[derive(Debug)]
pub(super) struct Keeper {
    pub plane: Arc<Plane>,
}

impl Core for Keeper {
    fn credential(&self, access_key_id: &str) -> Option<Credential> {
        self.plane.read(|saved| {
            let lab = saved.labs.values().find(|lab| lab.access_key_id == access_key_id)?;
            let secret_access_key = lab.secret_access_key.clone();
            Some(Credential { account: lab.account.clone(), secret_access_key })
        })
    }

    async fn call(&self, caller: Caller, action: Action) -> Result<Value, Fault> {
        let plane = Arc::clone(&self.plane);
        // Making a key is a second of arithmetic, saving the state is a write to the disk.
        spawn_blocking(move || plane.apply(&caller, &action)).await.unwrap_or_else(|error| {
            // A rule has panicked; the log has the place.
            let message = format!("An internal error has occurred: {error}");
            Err(Fault { code: "InternalError".to_owned(), message, status: 500 })
        })
    }
}
