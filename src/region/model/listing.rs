//! What every `Describe` has in common: selection by id, filters, pages. A resource gives what it shows and
//! two small tables; a filter is a path into what is shown, so that a filter can never disagree with the
//! answer.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::fault::{combination, fault, invalid, invalid_value};
use super::kind::Kind;
use super::params::Params;
use crate::wire::Fault;

/// How one operation lists.
pub(crate) struct Listing {
    /// The member of the answer that holds the list.
    pub(crate) member: &'static str,
    /// Request members that select by id: the member, the path to the id, and the kind for the error.
    pub(crate) ids: &'static [(&'static str, &'static str, &'static Kind)],
    /// Filter name and the path to its value in what is shown: members joined by dots, `[]` for each item of
    /// a list. A path that begins with `=` is compared to the text after it: for constants.
    pub(crate) filters: &'static [(&'static str, &'static str)],
    /// Path to the tags, for `tag:KEY` and `tag-key`; empty when the resource has none.
    pub(crate) tags: &'static str,
    /// The smallest and largest `MaxResults`.
    pub(crate) page: (i64, i64),
}

impl Listing {
    /// Selects from everything that could be shown.
    pub(crate) fn answer(&self, params: Params<'_>, items: Vec<Value>) -> Result<Value, Fault> {
        let mut items = self.by_id(params, items)?;
        let filters = if params.has("Filters") { "Filters" } else { "Filter" };
        for filter in params.objects(filters) {
            let name = filter.str("Name").ok_or_else(|| invalid("The filter 'null' is invalid"))?;
            let wanted = filter.strings("Values");
            let path = self.path(name).ok_or_else(|| invalid(format!("The filter '{name}' is invalid")))?;
            items.retain(|item| {
                let found = path.values(item);
                wanted.iter().any(|pattern| found.iter().any(|value| matches(pattern, value)))
            });
        }
        self.page(params, items)
    }

    fn by_id(&self, params: Params<'_>, items: Vec<Value>) -> Result<Vec<Value>, Fault> {
        let mut items = items;
        for (member, path, kind) in self.ids {
            let wanted = params.strings(member);
            if wanted.is_empty() {
                continue;
            }
            let id = |item: &Value| values(path, item).into_iter().next().unwrap_or_default();
            let missing: Vec<&str> =
                wanted.iter().copied().filter(|w| !items.iter().any(|item| id(item) == *w)).collect();
            if !missing.is_empty() {
                return Err(kind.none_found(&missing));
            }
            items.retain(|item| wanted.contains(&id(item).as_str()));
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
            Path::TagMember(tags, member) => values(&format!("{tags}[].{member}"), item),
            Path::Tag(tags, key) => {
                let tags = item.get(*tags).and_then(Value::as_array).into_iter().flatten();
                tags.filter(|tag| tag["Key"] == **key)
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

/// EC2's filter patterns: `*` for any text, `?` for one character, `\` before either for itself.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    fn go(pattern: &[char], text: &[char]) -> bool {
        match pattern {
            [] => text.is_empty(),
            ['*', rest @ ..] => (0..=text.len()).any(|n| go(rest, &text[n..])),
            ['?', rest @ ..] => !text.is_empty() && go(rest, &text[1..]),
            ['\\', c @ ('*' | '?' | '\\'), rest @ ..] | [c, rest @ ..] => {
                text.first() == Some(c) && go(rest, &text[1..])
            }
        }
    }
    // A run of stars means one star; without this a hostile pattern would take exponential time.
    let mut pattern: Vec<char> = pattern.chars().collect();
    pattern.dedup_by(|a, b| *a == '*' && *b == '*');
    if pattern.iter().filter(|c| **c == '*').count() > 8 {
        return false;
    }
    go(&pattern, &text.chars().collect::<Vec<_>>())
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
    fn patterns() {
        assert!(matches("a*c?e", "abbbcde") && !matches("a*c?e", "abbbce"));
        assert!(matches("\\*", "*") && !matches("\\*", "x"));
        assert!(matches("***", "") && matches("", ""));
    }
}
