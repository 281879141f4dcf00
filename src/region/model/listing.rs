//! What every `Describe` has in common: selection by id, filters, pages. A resource gives what it shows and
//! two small tables; a filter is a path into what is shown, so that a filter can never disagree with the
//! answer.

use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::fault::{combination, fault, invalid, invalid_value};
use super::kind::Kind;
use super::params::Params;
use super::pattern::{Effort, Pattern};
use super::state::Tags;
use crate::wire::Fault;

/// As [`Listing::tags`]: what is listed are tags.
pub(crate) const ITSELF: &str = ".";
/// EC2's limit for the values of all filters of a call.
const MOST_VALUES: usize = 200;

/// How one operation lists.
pub(crate) struct Listing {
    /// The member of the answer that holds the list.
    pub(crate) member: &'static str,
    /// Request members that select by id: the member, the path to the id, and the kind for the error.
    pub(crate) ids: &'static [(&'static str, &'static str, &'static Kind)],
    /// Filter name and the path to its value in what is shown: members joined by dots, `[]` for each item of
    /// a list. A path that begins with `=` is compared to the text after it: for constants.
    pub(crate) filters: &'static [(&'static str, &'static str)],
    /// Path to the tags, for `tag:KEY` and `tag-key`; empty when the resource has none; [`ITSELF`].
    pub(crate) tags: &'static str,
    /// The smallest and largest `MaxResults`.
    pub(crate) page: (i64, i64),
}

impl Listing {
    /// Selects from everything that could be shown.
    pub(crate) fn answer(&self, params: Params<'_>, items: Vec<Value>) -> Result<Value, Fault> {
        let mut items = self.by_id(params, items)?;
        let filters = if params.has("Filters") { "Filters" } else { "Filter" };
        let filters: Vec<Filter<'_>> =
            params.objects(filters).map(|filter| self.filter(filter)).collect::<Result<_, _>>()?;
        if filters.iter().map(|filter| filter.wanted.len()).sum::<usize>() > MOST_VALUES {
            let message =
                format!("The maximum number of filter values specified on a single call is {MOST_VALUES}");
            return Err(fault("FilterLimitExceeded", message));
        }
        let mut effort = Effort::default();
        for filter in filters {
            let mut kept = Vec::with_capacity(items.len());
            for item in items {
                if filter.admits(&item, &mut effort)? {
                    kept.push(item);
                }
            }
            items = kept;
        }
        self.page(params, items)
    }

    /// Reads a filter. All are read before the first is used: a mistake is one whatever there is to be filtered.
    fn filter<'a>(&'a self, filter: Params<'a>) -> Result<Filter<'a>, Fault> {
        let name = filter.str("Name").ok_or_else(|| invalid("The filter 'null' is invalid"))?;
        let path = self.path(name).ok_or_else(|| invalid(format!("The filter '{name}' is invalid")))?;
        let wanted = filter.strings("Values").into_iter().map(Pattern::read).collect::<Result<_, _>>()?;
        Ok(Filter { path, wanted })
    }

    /// What the request selects by the first member that selects by id, or else by tags.
    ///
    /// # Errors
    /// When a filter makes no sense.
    pub(crate) fn preselect<'a>(&'a self, params: Params<'a>) -> Result<Preselection<'a>, Fault> {
        let ids = self.ids.first().map(|(member, ..)| params.strings(member)).unwrap_or_default();
        let any_ids = self.ids.iter().any(|(member, ..)| params.has(member));
        let by_tag = |filter: &Params<'a>| filter.str("Name").is_some_and(|name| name.starts_with("tag:"));
        let filters = params.objects("Filters").filter(by_tag).map(|filter| self.filter(filter));
        // What has been named by its id has to be found, whatever its tags are.
        let filters = if any_ids { Vec::new() } else { filters.collect::<Result<_, _>>()? };
        Ok(Preselection { ids: ids.into_iter().collect(), filters, effort: Effort::default() })
    }

    fn by_id(&self, params: Params<'_>, items: Vec<Value>) -> Result<Vec<Value>, Fault> {
        let mut items = items;
        for (member, path, kind) in self.ids {
            let wanted = params.strings(member);
            if wanted.is_empty() {
                continue;
            }
            let ids: Vec<String> =
                items.iter().map(|item| values(path, item).into_iter().next().unwrap_or_default()).collect();
            // Sets: a request of a megabyte has room for some ten thousand ids.
            let there: HashSet<&str> = ids.iter().map(String::as_str).collect();
            let missing: Vec<&str> = wanted.iter().copied().filter(|id| !there.contains(id)).collect();
            if !missing.is_empty() {
                return Err(kind.none_found(&missing));
            }
            let wanted: HashSet<&str> = wanted.into_iter().collect();
            let mut ids = ids.iter();
            items.retain(|_| ids.next().is_some_and(|id| wanted.contains(id.as_str())));
        }
        Ok(items)
    }

    fn path<'a>(&'a self, name: &'a str) -> Option<Path<'a>> {
        if !self.tags.is_empty() {
            match name.split_once(':') {
                Some(("tag", key)) => return Some(Path::Tag(self.tags, key)),
                _ if name == "tag-key" => return Some(Path::TagMember(self.tags, "Key")),
                _ if name == "tag-value" => return Some(Path::TagMember(self.tags, "Value")),
                _ => {}
            }
        }
        let (_, path) = self.filters.iter().find(|(filter, _)| *filter == name)?;
        Some(Path::Plain(path))
    }

    fn page(&self, params: Params<'_>, items: Vec<Value>) -> Result<Value, Fault> {
        let (least, most) = self.page;
        let start = match params.str("NextToken") {
            None | Some("") => 0,
            Some(token) => read_token(token)
                .filter(|start| *start <= items.len())
                .ok_or_else(|| fault("InvalidNextToken", "The token is not valid."))?,
        };
        let size = match params.int("MaxResults") {
            None => usize::MAX,
            Some(size) if size < least => {
                let why = format!("Expecting a value greater than or equal to {least}.");
                return Err(invalid_value("maxResults", size, &why));
            }
            Some(size) => {
                if let Some((member, ..)) =
                    self.ids.iter().find(|(member, ..)| !params.list(member).is_empty())
                {
                    let message =
                        format!("The parameter {member} cannot be used with the parameter MaxResults");
                    return Err(combination(message));
                }
                size.min(most) as usize
            }
        };
        let end = start.saturating_add(size).min(items.len());
        let mut answer = Map::new();
        let more = end < items.len();
        answer.insert(self.member.to_owned(), items.into_iter().skip(start).take(end - start).collect());
        if more {
            answer.insert("NextToken".to_owned(), json!(write_token(end)));
        }
        Ok(Value::Object(answer))
    }
}

/// A filter of a request.
struct Filter<'a> {
    path: Path<'a>,
    wanted: Vec<Pattern>,
}

impl Filter<'_> {
    /// Whether any value of the item matches any pattern.
    fn admits(&self, item: &Value, effort: &mut Effort) -> Result<bool, Fault> {
        for value in self.path.values(item) {
            if self.matches(&value, effort)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether one value matches any pattern.
    fn matches(&self, value: &str, effort: &mut Effort) -> Result<bool, Fault> {
        for pattern in &self.wanted {
            if pattern.matches(value, effort)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// What a request selects by ids and tags alone: the rest need not be shown to begin with.
pub(crate) struct Preselection<'a> {
    ids: HashSet<&'a str>,
    filters: Vec<Filter<'a>>,
    effort: Effort,
}

impl Preselection<'_> {
    /// Whether what has this id and these tags may be in the answer.
    ///
    /// # Errors
    /// When the call has spent all that it may.
    pub(crate) fn admits(&mut self, id: &str, tags: &Tags) -> Result<bool, Fault> {
        if !self.ids.is_empty() {
            return Ok(self.ids.contains(id));
        }
        for filter in &self.filters {
            let Path::Tag(_, key) = filter.path else { continue };
            let Some(value) = tags.get(key) else { return Ok(false) };
            if !filter.matches(value, &mut self.effort)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

enum Path<'a> {
    Plain(&'a str),
    Tag(&'a str, &'a str),
    TagMember(&'a str, &'a str),
}

impl Path<'_> {
    fn values(&self, item: &Value) -> Vec<String> {
        match self {
            Path::Plain(path) => match path.strip_prefix('=') {
                Some(constant) => vec![constant.to_owned()],
                None => values(path, item),
            },
            Path::TagMember(ITSELF, member) => values(member, item),
            Path::TagMember(tags, member) => values(&format!("{tags}[].{member}"), item),
            Path::Tag(tags, key) => {
                let tags = match *tags {
                    ITSELF => std::slice::from_ref(item),
                    tags => item.get(tags).and_then(Value::as_array).map_or(&[][..], Vec::as_slice),
                };
                tags.iter()
                    .filter(|tag| tag["Key"] == **key)
                    .filter_map(|tag| Some(tag["Value"].as_str()?.to_owned()))
                    .collect()
            }
        }
    }
}

/// Everything that a path leads to, as text. Alternatives are separated by `|`.
pub(crate) fn values(path: &str, item: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for path in path.split('|') {
        let mut here = vec![item];
        for step in path.split('.') {
            let (member, each) = step.strip_suffix("[]").map_or((step, false), |member| (member, true));
            here = here.into_iter().filter_map(|value| value.get(member)).collect();
            if each {
                here = here.into_iter().filter_map(Value::as_array).flatten().collect();
            }
        }
        found.extend(here.into_iter().filter_map(|value| match value {
            Value::String(text) => Some(text.clone()),
            Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
            _ => None,
        }));
    }
    found
}

fn write_token(start: usize) -> String {
    STANDARD.encode(format!("lab-page:{start}"))
}

fn read_token(token: &str) -> Option<usize> {
    String::from_utf8(STANDARD.decode(token).ok()?).ok()?.strip_prefix("lab-page:")?.parse().ok()
}

#[cfg(test)]
mod tests;
