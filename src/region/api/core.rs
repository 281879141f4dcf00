//! What the endpoint needs from whoever holds the state.

use std::future::Future;

use serde_json::Value;

use crate::region::model::{Action, Caller};
use crate::wire::Fault;

/// An account's access key, as the keeper of the state knows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential {
    /// 12 digits.
    pub account: String,
    pub secret_access_key: String,
}

/// The state behind the endpoint. Whatever should happen to calls on request (faults of consistency,
/// throttling, slow answers) belongs into an implementation that wraps another.
pub trait Core: Send + Sync + 'static {
    /// The account and secret of an access key id; none if no account has it.
    fn credential(&self, access_key_id: &str) -> Option<Credential>;

    /// Carries out a call, and writes its answer down with `encode`: both may take some milliseconds, and belong where
    /// nobody else waits for them.
    ///
    /// # Errors
    /// The service's own.
    fn call(
        &self,
        caller: Caller,
        action: Action,
        encode: impl FnOnce(&Value) -> String + Send + 'static,
    ) -> impl Future<Output = Result<String, Fault>> + Send;
}
