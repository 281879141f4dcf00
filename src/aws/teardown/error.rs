//! Why EC2 did not say what is there, and whether waiting helps.

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_ec2::error::{ProvideErrorMetadata, SdkError};

use super::code_of;

/// A look that brought nothing.
#[derive(Debug)]
pub(super) struct Unasked {
    /// In words, or EC2's code and message.
    pub(super) reason: String,
    /// Whether it may be answered in a while: no answer, a throttle, a fault on EC2's side.
    pub(super) passes: bool,
    /// Whether EC2 does not let us ask, or cannot be asked this.
    pub(super) is_not_allowed: bool,
}

pub(super) fn described<E, R>(error: SdkError<E, R>) -> Unasked
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    R: std::fmt::Debug + Send + Sync + 'static,
{
    let code = code_of(&error);
    match error.as_service_error() {
        Some(service) => Unasked {
            reason: service.message().map_or(code.clone(), |message| format!("{code}: {message}")),
            passes: is_passing(&code),
            is_not_allowed: matches!(
                &*code,
                "UnauthorizedOperation" | "UnsupportedOperation" | "InvalidAction"
            ),
        },
        None => {
            let causes = || std::iter::successors(Some(&error as &dyn Error), |error| (*error).source());
            let credentials = causes().any(|cause| cause.is::<CredentialsError>());
            let given_up = credentials || matches!(error, SdkError::ConstructionFailure(_));
            let last = causes().last().map(ToString::to_string).unwrap_or_default();
            Unasked { reason: format!("{code}: {last}"), passes: !given_up, is_not_allowed: false }
        }
    }
}

/// Throttles, and faults of the service's own; every other refusal stays one.
fn is_passing(code: &str) -> bool {
    code.contains("Throttl")
        || code.contains("LimitExceeded") && code.starts_with("Request")
        || matches!(
            code,
            "unknown"
                | "InternalError"
                | "InternalFailure"
                | "ServerInternal"
                | "ServiceUnavailable"
                | "Unavailable"
                | "RequestTimeout"
                | "SlowDown"
                | "TooManyRequestsException"
        )
}
