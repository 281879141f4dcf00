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

/// Waits for the condition that `config`, the waiter of this name in the model, describes. With `first_delay` the time
/// between two calls begins there and grows to the model's; the deadline stays the model's.
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
    first_delay: Option<Duration>,
) -> Result<(), WaitError> {
    let acceptors: Vec<Acceptor<'_>> =
        config["acceptors"].as_array().into_iter().flatten().map(Acceptor::of).collect();
    let model_delay = Duration::from_secs(config["delay"].as_u64().unwrap_or(15).max(1));
    let attempts = config["maxAttempts"].as_u64().unwrap_or(40);
    let mut delay = first_delay.unwrap_or(model_delay).clamp(Duration::from_millis(1), model_delay);
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
        delay = delay.mul_f64(1.25).min(model_delay);
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

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use serde_json::json;

    use super::*;
    use crate::aws::request::{Answer, Target};
    use crate::wire::Service;

    /// Remembers how long it would have slept.
    #[derive(Default)]
    struct Slept(Mutex<Vec<Duration>>);

    impl Clock for Slept {
        fn sleep(&self, time: Duration) -> Answer<'_, ()> {
            self.0.lock().expect("unpoisoned").push(time);
            Box::pin(async {})
        }
    }

    /// An instance that is `pending` for so many calls.
    struct Pending(Mutex<usize>);

    impl Call for Pending {
        fn call<'a>(&'a self, _: &'a Request) -> Answer<'a, Result<Value, CallError>> {
            let mut left = self.0.lock().expect("unpoisoned");
            let state = if *left == 0 { "running" } else { "pending" };
            *left = left.saturating_sub(1);
            Box::pin(
                async move { Ok(json!({"Reservations": [{"Instances": [{"State": {"Name": state}}]}]})) },
            )
        }
    }

    async fn wait_running(calls: usize, first: Option<Duration>) -> (Result<(), WaitError>, Vec<Duration>) {
        let service = Service::ec2();
        let operation = service.operation("DescribeInstances").expect("in the model");
        let config = service.waiter("InstanceRunning").expect("in the model");
        let request = Request { operation, params: json!({}), target: Target::default(), origin: None };
        let (clock, cloud) = (Slept::default(), Pending(Mutex::new(calls)));
        let result = wait(&cloud, &clock, &request, "InstanceRunning", config, first).await;
        (result, clock.0.into_inner().expect("unpoisoned"))
    }

    #[tokio::test]
    async fn the_pauses_grow_from_the_first_to_the_models() {
        let (result, slept) = wait_running(30, Some(Duration::from_millis(200))).await;
        assert!(result.is_ok());
        assert_eq!(slept.len(), 30);
        assert_eq!(slept[..3], [200_000, 250_000, 312_500].map(Duration::from_micros));
        assert_eq!(slept.last(), Some(&Duration::from_secs(15)));
    }

    #[tokio::test]
    async fn the_deadline_is_the_models() {
        let (result, slept) = wait_running(usize::MAX, Some(Duration::from_millis(200))).await;
        let expected = "Waiter InstanceRunning failed: Max attempts exceeded";
        assert_eq!(result.expect_err("it never runs").to_string(), expected);
        assert_eq!(slept.iter().sum::<Duration>(), Duration::from_secs(39 * 15));
    }
}
