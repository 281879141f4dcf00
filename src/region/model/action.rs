//! One EC2 call, as a value.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::keys::{self, MadeKey};
use super::params::Params;
use crate::wire::Fault;

/// Who calls, and in which region.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Caller {
    /// The account's key in the state: 12 digits.
    pub account: String,
    /// For example `us-east-1`.
    pub region: String,
}

/// What is called: an operation by its name in the service model, and its decoded parameters (an object whose
/// keys are the model's member names); and what has been made for it beforehand.
#[derive(Clone, Debug)]
pub struct Action {
    pub operation: String,
    pub params: Value,
    pub(crate) key: Option<MadeKey>,
}

impl Action {
    /// A call for which nothing has been made.
    pub fn new(operation: impl Into<String>, params: Value) -> Action {
        Action { operation: operation.into(), params, key: None }
    }

    /// Makes what the call needs and cannot be made while others wait for the state: the key of `CreateKeyPair`, up to
    /// a second of arithmetic. Nothing is made for a call that is refused without looking at the state.
    ///
    /// # Errors
    /// EC2's own codes and messages.
    pub fn prepared(mut self) -> Result<Action, Fault> {
        if self.operation == "CreateKeyPair" && self.key.is_none() {
            let (kind, name) = keys::wanted(Params::of(&self.params))?;
            self.key = Some(keys::make(kind, name)?);
        }
        Ok(self)
    }
}
