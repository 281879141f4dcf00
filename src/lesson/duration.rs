//! Durations as lessons write them: `500ms`, `30s`, `2m`, `1h`, `1m30s`.

use std::time::Duration;

/// The units, the longest first, with their length in milliseconds.
const UNITS: [(&str, u64); 4] = [("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// A text that is no duration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BadDuration {
    /// What is wrong with it.
    pub reason: String,
    /// A duration that may have been meant.
    pub suggestion: Option<String>,
}

/// Reads a duration of more than nothing and at most a day.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, BadDuration> {
    let bad = |reason: &str| BadDuration { reason: reason.to_owned(), suggestion: guess(text) };
    let mut rest = text;
    let mut total = 0_u64;
    let mut last = u64::MAX;
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, tail) = rest.split_at(digits);
        let letters = tail.len() - tail.trim_start_matches(|c: char| c.is_ascii_alphabetic()).len();
        let (unit, tail) = tail.split_at(letters);
        if number.is_empty() {
            return Err(bad("a number must come first"));
        }
        let Some((_, length)) = UNITS.iter().find(|(name, _)| *name == unit) else {
            return Err(bad(if unit.is_empty() { "a unit is missing" } else { "the unit is unknown" }));
        };
        if *length >= last {
            return Err(bad("larger units come first, and each only once"));
        }
        let part = number.parse::<u64>().ok().and_then(|number| number.checked_mul(*length));
        total = part.and_then(|part| total.checked_add(part)).ok_or_else(|| bad("it is too long"))?;
        last = *length;
        rest = tail;
    }
    match total {
        0 if text.is_empty() => Err(bad("it is empty")),
        0 => Err(bad("it must be longer than nothing")),
        total if total > 86_400_000 => Err(bad("it is longer than a day")),
        total => Ok(Duration::from_millis(total)),
    }
}

/// What may have been meant: a missing unit, a space, a long word for a unit, a decimal point.
fn guess(text: &str) -> Option<String> {
    let joined: String = text.to_lowercase().split_whitespace().collect();
    let digits = joined.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(joined.len());
    let (number, unit) = joined.split_at(digits);
    let unit = match unit {
        "" | "s" | "sec" | "secs" | "second" | "seconds" => "s",
        "m" | "min" | "mins" | "minute" | "minutes" => "m",
        "h" | "hr" | "hrs" | "hour" | "hours" => "h",
        "ms" | "msec" | "millis" | "milliseconds" => "ms",
        _ => return None,
    };
    let candidate = match number.split_once('.') {
        None => format!("{number}{unit}"),
        Some(("" | "0", "5")) => match unit {
            "s" => "500ms".to_owned(),
            "m" => "30s".to_owned(),
            _ => "30m".to_owned(),
        },
        Some((whole, "5")) => match unit {
            "s" => format!("{whole}s500ms"),
            "m" => format!("{whole}m30s"),
            _ => format!("{whole}h30m"),
        },
        Some(_) => return None,
    };
    (candidate != text && parse_duration(&candidate).is_ok()).then_some(candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units() {
        for (text, millis) in
            [("500ms", 500), ("30s", 30_000), ("2m", 120_000), ("1m30s", 90_000), ("24h", 86_400_000)]
        {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn what_was_meant_is_suggested() {
        for (text, suggestion) in [
            ("30", Some("30s")),
            ("2 m", Some("2m")),
            ("5min", Some("5m")),
            ("10 Seconds", Some("10s")),
            ("1.5m", Some("1m30s")),
            ("0.5s", Some("500ms")),
            ("0s", None),
            ("soon", None),
            ("", None),
            ("s", None),
            ("1s1m", None),
            ("99999999999999999999s", None),
            ("25h", None),
        ] {
            let bad = parse_duration(text).unwrap_err();
            assert_eq!(bad.suggestion.as_deref(), suggestion, "{text}: {}", bad.reason);
        }
    }
}
