//! What people call the things that a course makes: the variable that holds an id, and its `Name` tag.
//!
//! Learned from what is recorded: variables that blocks assigned, JSON that names an object and its id together, and what
//! the author has named (`vary="(?<suffix>..)"`).

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::lesson::Block;
use crate::snapshot::{Mention, Named, Record, mentions, named_in};

/// Names by the thing that they name.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    known: BTreeMap<String, Known>,
    /// Values that are identities because the author says so.
    named: Vec<Named>,
}

#[derive(Clone, Debug, Default)]
struct Known {
    variable: Option<String>,
    name: Option<String>,
}

/// Members that belong to the object itself, whatever it is.
const OWN: [&str; 9] = [
    "Id",
    "Private",
    "Public",
    "Address",
    "PrivateIpAddress",
    "PublicIpAddress",
    "PrivateIp",
    "PublicIp",
    "GroupId",
];

impl Names {
    /// Learns from a block's result. What was learned first stays.
    pub fn learn(&mut self, block: &Block, record: &Record) {
        let vary = block.outcome().and_then(|outcome| outcome.vary.as_ref());
        let named = vary.map(|vary| named_in(record, std::slice::from_ref(vary.regex()))).unwrap_or_default();
        let new = named.into_iter().filter(|named| !self.named.contains(named));
        self.named.extend(new.collect::<Vec<_>>());
        self.learn_words(record);
    }

    /// What a text mentions, for this course.
    pub fn mentions(&self, text: &str) -> Vec<Mention> {
        mentions(text, &self.named)
    }

    fn learn_words(&mut self, record: &Record) {
        for (variable, value) in &record.variables {
            if let Some(thing) = self.thing(value) {
                self.known.entry(thing).or_default().variable.get_or_insert_with(|| variable.clone());
            }
        }
        // Documents begin with a line; other text may stand before and behind them.
        let mut rest = record.output.as_str();
        while !rest.is_empty() {
            let mut documents = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
            if rest.starts_with(['{', '['])
                && let Some(Ok(document)) = documents.next()
            {
                self.walk(&document, "");
                rest = &rest[documents.byte_offset()..];
            }
            rest = rest.split_once('\n').map_or("", |(_, rest)| rest);
        }
    }

    /// `within` is the member that holds the value: in `Subnets`, `SubnetId` is an object's own.
    fn walk(&mut self, value: &Value, within: &str) {
        match value {
            Value::Array(values) => values.iter().for_each(|value| self.walk(value, within)),
            Value::Object(object) => {
                if let Some(name) = name(object) {
                    let id = format!("{}Id", within.strip_suffix('s').unwrap_or(within));
                    let own = object.iter().filter(|(key, _)| OWN.contains(&key.as_str()) || **key == id);
                    let things: Vec<_> = own.filter_map(|(_, value)| self.thing(value.as_str()?)).collect();
                    for thing in things {
                        self.known.entry(thing).or_default().name.get_or_insert_with(|| name.to_owned());
                    }
                }
                object.iter().for_each(|(key, value)| self.walk(value, key));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    /// The thing that a text names when it is nothing but its name.
    fn thing(&self, text: &str) -> Option<String> {
        let mut found = self.mentions(text);
        let mention = found.pop()?;
        (found.is_empty() && mention.span == (0..text.len())).then_some(mention.value)
    }

    /// The `Name` tag of a thing.
    pub fn name_of(&self, value: &str) -> Option<&str> {
        self.known.get(value)?.name.as_deref()
    }

    /// What a reader is told of a mention: `subnet private, $PRIVATE`.
    pub fn describe(&self, mention: &Mention) -> String {
        let mut text = mention.what.clone();
        if let Some(known) = self.known.get(&mention.value) {
            if let Some(name) = &known.name {
                text.push_str(&format!(" {name}"));
            }
            if let Some(variable) = &known.variable {
                text.push_str(&format!(", ${variable}"));
            }
        }
        text
    }
}

fn name(object: &Map<String, Value>) -> Option<&str> {
    let tagged = || {
        let tags = object.get("Tags")?.as_array()?;
        tags.iter().find(|tag| tag["Key"] == "Name")?.get("Value")?.as_str()
    };
    let member = |key: &str| object.get(key).and_then(Value::as_str);
    member("Name").or_else(tagged).or_else(|| member("GroupName")).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(names: &Names, value: &str) -> String {
        names.describe(&names.mentions(value)[0])
    }

    #[test]
    fn names_come_from_variables_and_tags() {
        let mut names = Names::default();
        names.learn_words(&Record {
            output:
                r#"{"Name": "private", "Id": "subnet-0123456789abcdef0", "Vpc": "vpc-0123456789abcdef0"}"#
                    .into(),
            variables: vec![("PRIVATE".into(), "subnet-0123456789abcdef0".into())],
            ..Record::default()
        });
        assert_eq!(told(&names, "subnet-0123456789abcdef0"), "subnet private, $PRIVATE");
        assert_eq!(told(&names, "vpc-0123456789abcdef0"), "VPC", "the name is the subnet's");
        names.learn_words(&Record {
            output:
                r#"{"Vpcs": [{"VpcId": "vpc-0123456789abcdef0", "DhcpOptionsId": "dopt-0123456789abcdef0",
                        "Tags": [{"Key": "Name", "Value": "lab-vpc"}]}]}"#
                    .into(),
            ..Record::default()
        });
        assert_eq!(told(&names, "vpc-0123456789abcdef0"), "VPC lab-vpc");
        assert_eq!(told(&names, "dopt-0123456789abcdef0"), "DHCP options");
        names.learn_words(&Record {
            output: "the address is 203.0.113.7\n{\"Name\": \"nat\", \"Public\": \"203.0.113.7\"}\n[x\n\
                     {\"Name\": \"web\", \"Private\": \"10.0.1.10\"}"
                .into(),
            ..Record::default()
        });
        assert_eq!((names.name_of("203.0.113.7"), names.name_of("10.0.1.10")), (Some("nat"), Some("web")));
    }
}
