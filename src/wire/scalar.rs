//! Numbers, booleans, times and bytes as text, and back.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Timestamp, Unit};
use serde_json::{Number, Value};

use super::shape::Kind;

/// The time now, as decoded values have it: `2026-11-22T14:10:48.000Z`.
pub fn timestamp_now() -> String {
    format_timestamp(Timestamp::now())
}

fn format_timestamp(time: Timestamp) -> String {
    let time = time.round(Unit::Millisecond).unwrap_or(time);
    format!("{time:.3}")
}

/// A time in any of ISO 8601's usual forms or in seconds since 1970, as decoded values have it.
pub fn timestamp_of(text: &str) -> Option<String> {
    let local = |time: DateTime| time.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
    let time = text
        .parse::<Timestamp>()
        .ok()
        .or_else(|| text.parse::<DateTime>().ok().and_then(local))
        .or_else(|| text.parse::<Date>().ok().and_then(|date| local(date.at(0, 0, 0, 0))))
        .or_else(|| text.parse::<f64>().ok().and_then(timestamp_of_seconds))?;
    Some(format_timestamp(time))
}

fn timestamp_of_seconds(seconds: f64) -> Option<Timestamp> {
    Timestamp::from_duration(jiff::SignedDuration::try_from_secs_f64(seconds).ok()?).ok()
}

/// Seconds since 1970, for the JSON protocol.
pub(super) fn seconds_of_timestamp(text: &str) -> Option<f64> {
    let time: Timestamp = text.parse().ok()?;
    Some(time.as_duration().as_secs_f64())
}

/// The value of a scalar from its text; `Err` says what was expected.
pub(super) fn parse(kind: &Kind, text: &str) -> Result<Value, &'static str> {
    match kind {
        Kind::Integer => match text.trim().parse::<i32>() {
            Ok(number) => Ok(number.into()),
            Err(_) => Err("an integer"),
        },
        Kind::Long => match text.trim().parse::<i64>() {
            Ok(number) => Ok(number.into()),
            Err(_) => Err("an integer"),
        },
        Kind::Float => match text.trim().parse::<f64>().ok().and_then(Number::from_f64) {
            Some(number) => Ok(number.into()),
            None => Err("a number"),
        },
        Kind::Boolean => match text.trim() {
            word if word.eq_ignore_ascii_case("true") || word == "1" => Ok(true.into()),
            word if word.eq_ignore_ascii_case("false") || word == "0" => Ok(false.into()),
            _ => Err("true or false"),
        },
        Kind::Timestamp => timestamp_of(text.trim()).map(Value::from).ok_or("a time"),
        Kind::Blob => match BASE64_STANDARD.decode(text.replace(['\n', '\r', ' '], "")) {
            Ok(_) => Ok(text.into()),
            Err(_) => Err("base64"),
        },
        Kind::String => Ok(text.into()),
        Kind::Structure(_) | Kind::List(_) | Kind::Map(..) => Err("several parameters"),
    }
}

/// The text of a scalar value; `None` when the value is not of this kind.
pub(super) fn format(kind: &Kind, value: &Value) -> Option<String> {
    match (kind, value) {
        (Kind::Integer | Kind::Long, Value::Number(number)) if !number.is_f64() => Some(number.to_string()),
        (Kind::Float, Value::Number(number)) => Some(number.to_string()),
        (Kind::Boolean, Value::Bool(flag)) => Some(flag.to_string()),
        (Kind::String | Kind::Timestamp | Kind::Blob, Value::String(text)) => Some(text.clone()),
        _ => None,
    }
}

/// What a value of this kind looks like, for messages.
pub(super) fn expected(kind: &Kind) -> &'static str {
    match kind {
        Kind::Structure(_) | Kind::Map(..) => "an object",
        Kind::List(_) => "an array",
        Kind::Integer | Kind::Long => "an integer",
        Kind::Float => "a number",
        Kind::Boolean => "a boolean",
        Kind::String | Kind::Timestamp | Kind::Blob => "a string",
    }
}
