//! `aws ec2 wait ...`: call an operation again and again until a condition of the model holds.

use std::time::Duration;

use serde_json::Value;

use super::query::Query;
use super::request::{Call, CallError, Request};

/// Where the time between two calls comes from; tests do not let it pass.
pub trait Clock: Send + Sync {
    /// Waits.
    fn sleep(&self, time: Duration) -> super::request::Answer<'_, ()>;
}

/// Why a condition does not hold.
#[derive(Debug, thiserror::Error)]
pub enum WaitError {
    /// It cannot hold any more, or the deadline has passed.
    #[error("Waiter {waiter} failed: {reason}")]
    Failed {
        /// The waiter.
        waiter: String,
        /// Why.
        reason: String,
    },
    /// A call failed without being refused by the service.
    #[error(transparent)]
    Call(#[from] CallError),
}

/// Waits for the condition that `config`, the waiter of this name in the model, describes. `delay` replaces the model's
/// time between two calls; the deadline stays the model's.
///
/// # Errors
///
/// When the condition fails, or does not come true in the time that the model gives it.
pub async fn wait(
    call: &dyn Call,
    clock: &dyn Clock,
    request: &Request,
    waiter: &str,
    config: &Value,
    delay: Option<Duration>,
) -> Result<(), WaitError> {
    let acceptors: Vec<Acceptor<'_>> =
        config["acceptors"].as_array().into_iter().flatten().map(Acceptor::of).collect();
    let model_delay = Duration::from_secs(config["delay"].as_u64().unwrap_or(15));
    let attempts = config["maxAttempts"].as_u64().unwrap_or(40);
    let delay = delay.unwrap_or(model_delay).min(model_delay).max(Duration::from_millis(1));
    let mut left = model_delay * u32::try_from(attempts.saturating_sub(1)).unwrap_or(u32::MAX);
    let failed = |reason: String| WaitError::Failed { waiter: waiter.to_owned(), reason };
    let mut last = None;
    loop {
        let result = match call.call(request).await {
            Err(error) if error.fault().is_none() => return Err(error.into()),
            result => result,
        };
        match (acceptors.iter().find(|acceptor| acceptor.accepts(&result)), &result) {
            (Some(acceptor), _) if acceptor.state == "success" => return Ok(()),
            (Some(acceptor), _) if acceptor.state == "failure" => {
                return Err(failed(format!(
                    "Waiter encountered a terminal failure state: {}",
                    acceptor.explanation()
                )));
            }
            (Some(acceptor), _) => last = Some(acceptor),
            (None, Err(CallError::Service(fault))) => {
                return Err(failed(format!("An error occurred ({}): {}", fault.code, fault.message)));
            }
            (None, _) => {}
        }
        if left.is_zero() {
            let before =
                last.map(|acceptor| format!(". Previously accepted state: {}", acceptor.explanation()));
            return Err(failed(format!("Max attempts exceeded{}", before.unwrap_or_default())));
        }
        let pause = delay.min(left);
        clock.sleep(pause).await;
        left -= pause;
    }
}

struct Acceptor<'a> {
    state: &'a str,
    matcher: &'a str,
    argument: &'a str,
    expected: &'a Value,
    query: Option<Query>,
}

impl<'a> Acceptor<'a> {
    fn of(config: &'a Value) -> Self {
        let text = |key: &str| config[key].as_str().unwrap_or_default();
        let argument = text("argument");
        Self {
            state: text("state"),
            matcher: text("matcher"),
            argument,
            expected: &config["expected"],
            query: Query::compile(argument).ok(),
        }
    }

    fn accepts(&self, result: &Result<Value, CallError>) -> bool {
        let found = || match (&self.query, result) {
            (Some(query), Ok(value)) => query.search(value).unwrap_or_default(),
            _ => Value::Null,
        };
        match (self.matcher, result) {
            ("path", Ok(_)) => found() == *self.expected,
            ("pathAll", Ok(_)) => {
                let found = found();
                let items = found.as_array().map(Vec::as_slice).unwrap_or_default();
                !items.is_empty() && items.iter().all(|item| item == self.expected)
            }
            ("pathAny", Ok(_)) => found().as_array().is_some_and(|items| items.contains(self.expected)),
            ("status", Ok(_)) => *self.expected == 200,
            ("status", Err(CallError::Service(fault))) => *self.expected == fault.status,
            ("error", Err(CallError::Service(fault))) => {
                *self.expected == true || *self.expected == fault.code.as_str()
            }
            ("error", Ok(_)) => *self.expected == false,
            _ => false,
        }
    }

    fn explanation(&self) -> String {
        let expected = super::output::python_text(self.expected);
        match self.matcher {
            "path" => {
                format!("For expression \"{}\" we matched expected path: \"{expected}\"", self.argument)
            }
            "pathAll" => format!(
                "For expression \"{}\" all members matched excepted path: \"{expected}\"",
                self.argument
            ),
            "pathAny" => format!(
                "For expression \"{}\" we matched expected path: \"{expected}\" at least once",
                self.argument
            ),
            "status" => format!("Matched expected HTTP status code: {expected}"),
            _ => format!("Matched expected service error code: {expected}"),
        }
    }
}
