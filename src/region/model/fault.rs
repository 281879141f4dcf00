//! EC2's errors, in its own codes and words. Each message here is one that the real service is publicly known
//! to give.

use std::fmt::Display;

use crate::wire::Fault;

/// A client error (status 400).
pub(crate) fn fault(code: &str, message: impl Into<String>) -> Fault {
    Fault { code: code.to_owned(), message: message.into(), status: 400 }
}

/// `InvalidParameterValue`, with the whole message given.
pub(crate) fn invalid(message: impl Into<String>) -> Fault {
    fault("InvalidParameterValue", message)
}

/// `InvalidParameterValue` in its usual form. `parameter` begins in lower case, as EC2 writes it.
pub(crate) fn invalid_value(parameter: &str, value: impl Display, why: &str) -> Fault {
    invalid(format!("Value ({value}) for parameter {parameter} is invalid. {why}"))
}

/// `InvalidParameterCombination`.
pub(crate) fn combination(message: impl Into<String>) -> Fault {
    fault("InvalidParameterCombination", message)
}

/// `MissingParameter` for a member of the request that its operation needs.
pub(crate) fn missing(parameter: &str) -> Fault {
    let mut letters = parameter.chars();
    let lower: String = letters.next().map(|c| c.to_ascii_lowercase()).into_iter().chain(letters).collect();
    fault("MissingParameter", format!("The request must contain the parameter {lower}"))
}

/// `DependencyViolation` in the form that most resources use.
pub(crate) fn has_dependencies(noun: &str, id: &str) -> Fault {
    fault("DependencyViolation", format!("The {noun} '{id}' has dependencies and cannot be deleted."))
}

/// What `DryRun` answers when the call would have succeeded (status 412).
pub(crate) fn dry_run() -> Fault {
    Fault {
        code: "DryRunOperation".to_owned(),
        message: "Request would have succeeded, but DryRun flag is set.".to_owned(),
        status: 412,
    }
}
