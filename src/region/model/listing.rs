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
mod tests {
    use super::*;
    use crate::region::model::kind;

    static THINGS: Listing = Listing {
        member: "Things",
        ids: &[("VpcIds", "VpcId", &kind::VPC)],
        filters: &[("state", "State"), ("group", "Groups[].Name"), ("main", "Main")],
        tags: "Tags",
        page: (5, 1000),
    };

    fn things() -> Vec<Value> {
        (0..12)
            .map(|n| {
                json!({
                    "VpcId": format!("vpc-{n:08x}"), "State": if n < 3 { "pending" } else { "available" }, "Main": n == 7,
                    "Groups": [{"Name": format!("g{}", n % 4)}, {"Name": "all"}],
                    "Tags": [{"Key": "Name", "Value": format!("thing-{n}")}],
                })
            })
            .collect()
    }

    fn ask(params: Value) -> Result<Vec<String>, Fault> {
        let answer = THINGS.answer(Params::of(&params), things())?;
        Ok(values("Things[].VpcId", &answer))
    }

    fn filter(name: &str, wanted: &[&str]) -> usize {
        ask(json!({"Filters": [{"Name": name, "Values": wanted}]})).unwrap().len()
    }

    #[test]
    fn filters_match_any_value_and_all_filters() {
        assert_eq!(filter("state", &["pending"]), 3);
        assert_eq!(filter("state", &["pending", "avail*"]), 12);
        assert_eq!(filter("group", &["g1", "g2"]), 6);
        assert_eq!(filter("main", &["true"]), 1);
        assert_eq!(filter("tag:Name", &["thing-1?"]), 2);
        assert_eq!(filter("tag:name", &["thing-1"]), 0);
        assert_eq!(filter("tag-key", &["Name"]), 12);
        assert_eq!(filter("state", &[]), 0);
        let both = json!({"Filters": [{"Name": "state", "Values": ["pending"]}, {"Name": "group", "Values": ["g1"]}]});
        assert_eq!(ask(both).unwrap(), ["vpc-00000001"]);
    }

    #[test]
    fn unknown_filters_and_ids_are_errors() {
        let error = ask(json!({"Filters": [{"Name": "colour", "Values": ["red"]}]})).unwrap_err();
        assert_eq!(
            (error.code.as_str(), error.message.as_str()),
            ("InvalidParameterValue", "The filter 'colour' is invalid")
        );
        let error = ask(json!({"VpcIds": ["vpc-00000001", "vpc-99999999"]})).unwrap_err();
        assert_eq!(error.code, "InvalidVpcID.NotFound");
    }

    #[test]
    fn pages_follow_each_other_without_gap_or_repeat() {
        let mut token = Value::Null;
        let mut seen = Vec::new();
        loop {
            let mut params = json!({"MaxResults": 5});
            if !token.is_null() {
                params["NextToken"] = token;
            }
            let answer = THINGS.answer(Params::of(&params), things()).unwrap();
            seen.extend(values("Things[].VpcId", &answer));
            token = answer["NextToken"].clone();
            if token.is_null() {
                break;
            }
        }
        assert_eq!(seen, values("All[].VpcId", &json!({"All": things()})));
        assert!(ask(json!({"MaxResults": 2})).is_err());
        assert!(ask(json!({"NextToken": "bm9uc2Vuc2U="})).is_err());
    }

    #[test]
    fn a_value_that_cannot_be_a_pattern_is_refused_also_when_nothing_is_there() {
        let asked = |values: Vec<String>| {
            let params = json!({"Filters": [{"Name": "tag:Name", "Values": values}]});
            THINGS.answer(Params::of(&params), Vec::new()).map_err(|fault| (fault.code, fault.message))
        };
        let (code, message) = asked(vec!["debian-\\d+".to_owned()]).unwrap_err();
        assert_eq!(code, "InvalidParameterValue");
        assert_eq!(message, "Invalid filter value: The escape sequence '\\d' is invalid");
        assert!(asked((0..200).map(|n| n.to_string()).collect()).is_ok());
        let (code, message) = asked((0..201).map(|n| n.to_string()).collect()).unwrap_err();
        assert_eq!(code, "FilterLimitExceeded");
        assert_eq!(message, "The maximum number of filter values specified on a single call is 200");
    }

    #[test]
    fn a_hostile_filter_ends_and_more_than_eight_stars_match() {
        let items = |count| {
            (0..count)
                .map(|_| json!({"Tags": [{"Key": "Name", "Value": "a".repeat(255)}]}))
                .collect::<Vec<_>>()
        };
        let ask = |value: String, count| {
            let params = json!({"Filters": [{"Name": "tag:Name", "Values": [value]}]});
            THINGS.answer(Params::of(&params), items(count))
        };
        assert_eq!(ask("*a".repeat(12), 3).unwrap()["Things"].as_array().unwrap().len(), 3);
        assert_eq!(ask(format!("{}b", "*a".repeat(12)), 3).unwrap()["Things"], json!([]));
        let ended = ask(format!("*{}b", "a".repeat(120)), 5000).unwrap_err();
        assert_eq!(ended.code, "FilterLimitExceeded");
    }

    #[test]
    fn a_preselection_leaves_out_only_what_the_answer_would() {
        let tags_of = |item: &Value| -> Tags {
            let tags = item["Tags"].as_array().unwrap().iter();
            tags.map(|tag| (tag["Key"].as_str().unwrap().into(), tag["Value"].as_str().unwrap().into()))
                .collect()
        };
        for params in [
            json!({}),
            json!({"VpcIds": ["vpc-00000001", "vpc-00000007"]}),
            json!({"Filters": [{"Name": "tag:Name", "Values": ["thing-1*", "*-7"]}]}),
            json!({"Filters": [{"Name": "tag:Other", "Values": ["*"]}]}),
            json!({"Filters": [{"Name": "tag:Name", "Values": ["*"]}, {"Name": "group", "Values": ["g1"]}]}),
            // It is there, and does not match: that is another answer than that it is not there.
            json!({"VpcIds": ["vpc-00000001"], "Filters": [{"Name": "tag:Name", "Values": ["thing-2"]}]}),
            json!({"VpcIds": ["vpc-99999999"]}),
        ] {
            let mut preselection = THINGS.preselect(Params::of(&params)).unwrap();
            let id = |item: &Value| item["VpcId"].as_str().unwrap().to_owned();
            let some = things()
                .into_iter()
                .filter(|item| preselection.admits(&id(item), &tags_of(item)).unwrap())
                .collect::<Vec<_>>();
            let code = |answer: Result<Value, Fault>| answer.map_err(|fault| fault.code);
            assert_eq!(
                code(THINGS.answer(Params::of(&params), some)),
                code(THINGS.answer(Params::of(&params), things())),
                "{params}"
            );
        }
    }

    #[test]
    fn a_list_of_tags_filters_key_and_value_at_once() {
        static TAGS: Listing =
            Listing { member: "Tags", ids: &[], filters: &[], tags: ITSELF, page: (5, 1000) };
        let items = vec![json!({"Key": "Name", "Value": "web"}), json!({"Key": "Role", "Value": "web"})];
        let params = json!({"Filters": [{"Name": "tag:Name", "Values": ["w*"]}]});
        let answer = TAGS.answer(Params::of(&params), items).unwrap();
        assert_eq!(answer["Tags"], json!([{"Key": "Name", "Value": "web"}]));
    }
}
