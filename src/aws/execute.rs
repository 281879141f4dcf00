//! A command from beginning to end: understood, called, printed.

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value, json};

use super::command::{Command, Failure, Format, Globals, Invocation, understand};
use super::configure;
pub use super::frame::Outcome;
use super::frame::Typed;
use super::output;
use super::page::{self, Pages};
use super::request::{Answer, Call, CallError, Request};
use super::wait::{Clock, WaitError, wait};
use crate::wire::{Kind, Operation, Shape};

/// The time between the first two calls of a waiter: AWS's 15 seconds are long where an instance boots in one.
const WAIT_DELAY: Duration = Duration::from_millis(250);

/// Runs what was typed. Waiters ask often at first, ever less often later, and give up when AWS's own would.
pub async fn run(typed: &Typed, call: &dyn Call) -> Outcome {
    run_with(typed, call, &Tokio, Some(WAIT_DELAY)).await
}

/// [`run`] with another clock, and the time between the first two calls of a waiter (`None`: always the model's).
pub async fn run_with(typed: &Typed, call: &dyn Call, clock: &dyn Clock, delay: Option<Duration>) -> Outcome {
    let result = match understand(typed) {
        Ok(Command::Print(text)) => Ok(text),
        Ok(Command::Configure(args, globals)) => return configure::run(&args, &globals),
        Ok(Command::Call(invocation)) => print(call, *invocation).await,
        Ok(Command::Wait { waiter, invocation }) => wait_for(call, clock, waiter, *invocation, delay).await,
        Err(failure) => Err(failure),
    };
    match result {
        Ok(stdout) => Outcome { exit: 0, stdout, stderr: String::new() },
        Err(failure) => Outcome { exit: failure.exit, stdout: String::new(), stderr: failure.text },
    }
}

/// A clock that lets the time pass.
struct Tokio;

impl Clock for Tokio {
    fn sleep(&self, time: Duration) -> Answer<'_, ()> {
        Box::pin(tokio::time::sleep(time))
    }
}

async fn wait_for(
    call: &dyn Call,
    clock: &dyn Clock,
    waiter: &'static str,
    invocation: Invocation,
    delay: Option<Duration>,
) -> Result<String, Failure> {
    let Invocation { operation, params, globals, .. } = invocation;
    let request = Request { operation, params, target: globals.target, origin: globals.origin };
    let config = operation.service.waiter(waiter).unwrap_or(&Value::Null);
    match wait(call, clock, &request, waiter, config, delay).await {
        Ok(()) => Ok(String::new()),
        Err(WaitError::Call(error)) => Err(failure(operation, &error)),
        Err(error) => Err(Failure::general(error.to_string())),
    }
}

async fn print(call: &dyn Call, invocation: Invocation) -> Result<String, Failure> {
    let Invocation { operation, params, paging, globals } = invocation;
    let request =
        Request { operation, params, target: globals.target.clone(), origin: globals.origin.clone() };
    let failed = |error: CallError| failure(operation, &error);
    let paginator = operation.service.paginator(operation.name).filter(|_| paging.on);
    match paginator {
        Some(paginator) => {
            let mut pages = page::fetch(call, request, &paging, paginator).await.map_err(failed)?;
            for page in &mut pages.pages {
                let mut value = Value::Object(std::mem::take(page));
                settle(operation, &mut value);
                if let Value::Object(object) = value {
                    *page = object;
                }
            }
            print_pages(operation, pages, &globals)
        }
        None => {
            let mut value = call.call(&request).await.map_err(failed)?;
            settle(operation, &mut value);
            print_value(operation, &value, &globals)
        }
    }
}

/// Text and streamed YAML print page by page, everything else the joined result.
fn print_pages(operation: &Operation, pages: Pages, globals: &Globals) -> Result<String, Failure> {
    let mut out = String::new();
    match globals.format {
        Format::Text => {
            let Pages { keys, pages, rest, resume } = pages;
            for (index, mut page) in pages.into_iter().enumerate() {
                let lists = keys.iter().map(|key| (key.clone(), page.shift_remove(key).unwrap_or_default()));
                let mut shown: Map<String, Value> = lists.collect();
                if index == 0 {
                    shown.extend(rest.clone());
                }
                out += &print_value(operation, &Value::Object(shown), globals)?;
            }
            if let Some(token) = resume {
                out += &print_value(operation, &json!({"NextToken": {"NextToken": token}}), globals)?;
            }
        }
        Format::YamlStream => {
            for page in pages.pages {
                out += &output::yaml(&json!([query(&Value::Object(page), globals)?]));
            }
        }
        _ => out = print_value(operation, &pages.joined(), globals)?,
    }
    Ok(out)
}

fn query(value: &Value, globals: &Globals) -> Result<Value, Failure> {
    match &globals.query {
        Some(query) => query.search(value).map_err(|error| Failure::general(error.to_string())),
        None => Ok(value.clone()),
    }
}

fn print_value(operation: &Operation, value: &Value, globals: &Globals) -> Result<String, Failure> {
    let value = query(value, globals)?;
    let nothing = value.as_object().is_some_and(Map::is_empty);
    match globals.format {
        Format::Text => Ok(output::text(&value)),
        Format::Table => output::table(operation.name, &value, globals.width, globals.color)
            .map_err(|error| Failure::general(error.to_string())),
        _ if nothing => Ok(String::new()),
        Format::Json => Ok(output::json(&value)),
        Format::Yaml => Ok(output::yaml(&value)),
        Format::YamlStream => Ok(output::yaml(&json!([value]))),
    }
}

/// Gives a result the form in which the AWS CLI shows it: times with an offset, the console as text.
fn settle(operation: &Operation, value: &mut Value) {
    if let Some(shape) = operation.output() {
        settle_times(shape, value);
    }
    if operation.name == "GetConsoleOutput"
        && let Some(console) = value.get_mut("Output")
        && let Some(Ok(bytes)) = console.as_str().map(|text| BASE64_STANDARD.decode(text))
    {
        *console = String::from_utf8_lossy(&bytes).into_owned().into();
    }
}

fn settle_times(shape: &Shape, value: &mut Value) {
    match (&shape.kind, &mut *value) {
        (Kind::Structure(_), Value::Object(object)) => {
            for (name, value) in object {
                if let Some(member) = shape.member(name) {
                    settle_times(member.shape(), value);
                }
            }
        }
        (Kind::List(element), Value::Array(items)) => {
            items.iter_mut().for_each(|item| settle_times(element.shape(), item));
        }
        (Kind::Map(_, element), Value::Object(object)) => {
            object.values_mut().for_each(|item| settle_times(element.shape(), item));
        }
        (Kind::Timestamp, Value::String(text)) => {
            if let Some((seconds, fraction)) = text.strip_suffix('Z').and_then(|text| text.split_once('.')) {
                let micros = if fraction == "000" { String::new() } else { format!(".{fraction:0<6}") };
                *text = format!("{seconds}{micros}+00:00");
            }
        }
        _ => {}
    }
}

/// What the AWS CLI says about a call without a result.
fn failure(operation: &Operation, error: &CallError) -> Failure {
    let with = |exit: u8, text: String| Failure { exit, text: format!("\n{text}\n") };
    match error {
        CallError::Service(fault) => {
            // Faults on the service's side were tried three times.
            let retries = if fault.status >= 500 { " (reached max retries: 2)" } else { "" };
            let (code, name, message) = (&fault.code, operation.name, &fault.message);
            with(
                254,
                format!("An error occurred ({code}) when calling the {name} operation{retries}: {message}"),
            )
        }
        CallError::NoRegion => with(
            253,
            "You must specify a region. You can also configure your region by running \"aws configure\"."
                .to_owned(),
        ),
        CallError::NoCredentials => with(
            253,
            "Unable to locate credentials. You can configure credentials by running \"aws configure\"."
                .to_owned(),
        ),
        CallError::Connect { url } => {
            with(255, format!("Could not connect to the endpoint URL: \"{}\"", slash(url)))
        }
        CallError::Timeout { url } => with(255, format!("Read timeout on endpoint URL: \"{}\"", slash(url))),
        CallError::Other(message) => with(255, message.clone()),
    }
}

fn slash(url: &str) -> String {
    format!("{}/", url.trim_end_matches('/'))
}
