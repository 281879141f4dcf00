//! Paged results: the pages of one command, joined, cut and resumed as the AWS CLI does it.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value, json};

use super::command::Paging;
use super::output::python;
use super::request::{Call, CallError, Request};

/// The token that says how many items of a page were shown already.
const CUT: &str = "boto_truncate_amount";

/// The pages of a result.
#[derive(Debug, Default)]
pub struct Pages {
    /// What is paged: the names of the lists.
    pub keys: Vec<String>,
    /// Each page as it came, its first list cut where `--max-items` says so.
    pub pages: Vec<Map<String, Value>>,
    /// What the first page has beside the lists and belongs to the whole result.
    pub rest: Map<String, Value>,
    /// Where to go on, when `--max-items` cut the result.
    pub resume: Option<String>,
}

impl Pages {
    /// One result of all pages.
    pub fn joined(self) -> Value {
        let mut whole = Map::new();
        for mut page in self.pages {
            for key in &self.keys {
                match (whole.get_mut(key), page.shift_remove(key)) {
                    (Some(Value::Array(items)), Some(Value::Array(more))) => items.extend(more),
                    (None, Some(value)) => {
                        whole.insert(key.clone(), value);
                    }
                    _ => {}
                }
            }
        }
        whole.extend(self.rest);
        if let Some(token) = self.resume {
            whole.insert("NextToken".to_owned(), token.into());
        }
        Value::Object(whole)
    }
}

/// Fetches the pages of an operation that the model pages as `paginator` says.
///
/// # Errors
///
/// Those of the calls, and [`CallError::Other`] for a service that turns in circles.
pub async fn fetch(
    call: &dyn Call,
    mut request: Request,
    paging: &Paging,
    paginator: &Value,
) -> Result<Pages, CallError> {
    let input_token = paginator["input_token"].as_str().unwrap_or("NextToken");
    let output_token = paginator["output_token"].as_str().unwrap_or("NextToken");
    let keys = strings(&paginator["result_key"]);
    let mut pages = Pages { keys: keys.clone(), ..Pages::default() };
    let (mut token, mut skip) = start(paging, input_token);
    let mut before = None;
    let mut shown = 0;
    loop {
        match &token {
            Some(token) => request.params[input_token] = token.clone(),
            None => drop(request.params.as_object_mut().and_then(|params| params.shift_remove(input_token))),
        }
        let Value::Object(mut page) = call.call(&request).await? else {
            return Err(CallError::Other("read a page: it is no object".to_owned()));
        };
        if pages.pages.is_empty() {
            let extra = strings(&paginator["non_aggregate_keys"]).into_iter();
            pages.rest =
                extra.map(|key| (key.clone(), page.get(&key).cloned().unwrap_or_default())).collect();
        }
        if skip > 0 {
            // The part of a resumed page that was shown before; further lists were shown whole.
            for (index, key) in keys.iter().enumerate() {
                if let Some(Value::Array(items)) = page.get_mut(key) {
                    drop(items.drain(..if index == 0 { skip.min(items.len()) } else { items.len() }));
                }
            }
        }
        let next = page.get(output_token).filter(|next| !next.is_null() && **next != "").cloned();
        let first = keys.first().and_then(|key| page.get_mut(key)).and_then(Value::as_array_mut);
        let count = first.as_ref().map_or(0, |items| items.len());
        let room = paging.max_items.map(|most| most.saturating_sub(shown)).filter(|room| count > *room);
        if let (Some(room), Some(items)) = (room, first) {
            items.truncate(room);
            pages.pages.push(page);
            pages.resume = Some(encode(&json!({input_token: token, CUT: room + skip})));
            return Ok(pages);
        }
        pages.pages.push(page);
        shown += count;
        skip = 0;
        let Some(next) = next else { return Ok(pages) };
        if paging.max_items == Some(shown) {
            pages.resume = Some(encode(&json!({input_token: next})));
            return Ok(pages);
        }
        if before.as_ref() == Some(&next) {
            let token = python(&json!({input_token: next}));
            let message = format!("Error during pagination: The same next token was received twice: {token}");
            return Err(CallError::Other(message));
        }
        before = Some(next.clone());
        token = Some(next);
    }
}

/// The token to begin with, and how many items of its page to pass over.
fn start(paging: &Paging, input_token: &str) -> (Option<Value>, usize) {
    let Some(text) = &paging.starting_token else {
        return (None, 0);
    };
    let decoded = BASE64_STANDARD
        .decode(text)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok()?.parse::<Value>().ok());
    match decoded {
        Some(Value::Object(object)) => {
            let skip = object.get(CUT).and_then(Value::as_u64).and_then(|skip| usize::try_from(skip).ok());
            let token = object.get(input_token).filter(|token| !token.is_null()).cloned();
            (token, skip.unwrap_or_default())
        }
        _ => (Some(text.as_str().into()), 0),
    }
}

/// Python writes JSON with a space after colons and commas.
fn encode(token: &Value) -> String {
    let pairs = token.as_object().into_iter().flatten();
    let pairs = pairs.map(|(key, value)| format!("{}: {value}", Value::from(key.as_str())));
    BASE64_STANDARD.encode(format!("{{{}}}", pairs.collect::<Vec<_>>().join(", ")))
}

fn strings(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(items) => items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect(),
        _ => Vec::new(),
    }
}
