//! The one error that a service answers with.

use serde::{Deserialize, Serialize};

/// An error of a service: what `An error occurred (CODE) when calling ...: MESSAGE` is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Fault {
    /// The machine-readable name, such as `InvalidVpcID.NotFound`.
    pub code: String,
    /// The sentence for people.
    pub message: String,
    /// The HTTP status that carries it.
    pub status: u16,
}

impl Fault {
    /// A fault with the HTTP status that EC2 uses for this code (400 for most).
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        let code = code.into();
        let status = match code.as_str() {
            "DryRunOperation" => 412,
            "UnauthorizedOperation" | "OptInRequired" | "PendingVerification" | "Blocked" => 403,
            "AuthFailure" | "MissingAuthenticationToken" | "SignatureDoesNotMatch" => 401,
            "InternalError" | "InternalFailure" | "InsufficientInstanceCapacity" => 500,
            "Unavailable" | "ServiceUnavailable" | "RequestLimitExceeded" => 503,
            _ => 400,
        };
        Self { code, message: message.into(), status }
    }

    /// The refusal of a request that lacks a required parameter, named as it would have been sent.
    pub fn missing_parameter(name: &str) -> Self {
        Self::new("MissingParameter", format!("The request must contain the parameter {name}"))
    }

    /// The refusal of a parameter that the operation does not have.
    pub fn unknown_parameter(name: &str) -> Self {
        Self::new("UnknownParameter", format!("The parameter {name} is not recognized"))
    }

    /// The refusal of a value: `Value (VALUE) for parameter NAME is invalid. WHY`.
    pub fn invalid_value(name: &str, value: &str, why: &str) -> Self {
        let gap = if why.is_empty() { "" } else { " " };
        Self::new(
            "InvalidParameterValue",
            format!("Value ({value}) for parameter {name} is invalid.{gap}{why}"),
        )
    }

    /// The answer to a request with `DryRun` that would have been carried out.
    pub fn dry_run() -> Self {
        Self::new("DryRunOperation", "Request would have succeeded, but DryRun flag is set.")
    }
}
