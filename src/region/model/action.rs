//! One EC2 call, as a value.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Who calls, and in which region.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Caller {
    /// The account's key in the state: 12 digits.
    pub account: String,
    /// For example `us-east-1`.
    pub region: String,
}

/// What is called: an operation by its name in the service model, and its decoded parameters (an object whose
/// keys are the model's member names).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Action {
    pub operation: String,
    pub params: Value,
}
