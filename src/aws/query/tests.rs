use serde_json::{Value, json};

use super::*;

fn search(expression: &str) -> Value {
    let vpc = |id: &str, number: i64| json!({"VpcId": id, "Number": number, "Tags": [{"Key": "Name", "Value": id}]});
    let input = json!({"Vpcs": [vpc("b", 2), vpc("a", 10), {"VpcId": "c"}], "Empty": [], "Text": "x"});
    Query::compile(expression).expect("compiles").search(&input).expect("has a value")
}

#[test]
fn expressions_of_the_course() {
    assert_eq!(search("Vpcs[0].VpcId"), json!("b"));
    assert_eq!(search("Vpcs[-1].VpcId"), json!("c"));
    assert_eq!(search("Vpcs[*].VpcId"), json!(["b", "a", "c"]));
    assert_eq!(search("Vpcs[].Tags[].Value"), json!(["b", "a"]));
    assert_eq!(search("Vpcs[?Number > `5`].VpcId | [0]"), json!("a"));
    assert_eq!(search("Vpcs[?VpcId=='a'].[VpcId, Tags[?Key==`Name`].Value | [0]]"), json!([["a", "a"]]));
    assert_eq!(search("Vpcs[:2].VpcId"), json!(["b", "a"]));
    assert_eq!(search("Vpcs[::-1].VpcId"), json!(["c", "a", "b"]));
    assert_eq!(search("length(Vpcs)"), json!(3));
    assert_eq!(search("sort_by(Vpcs, &VpcId)[*].VpcId"), json!(["a", "b", "c"]));
    assert_eq!(search("join(', ', sort(Vpcs[*].VpcId))"), json!("a, b, c"));
    assert_eq!(search("max_by(Vpcs[?Number], &Number).VpcId"), json!("a"));
    assert_eq!(search("Nothing.At[0].All"), Value::Null);
    assert_eq!(search("!Empty && 'yes'"), json!("yes"));
    assert_eq!(search("not_null(Nothing, Text)"), json!("x"));
}

#[test]
fn members_keep_their_order() {
    let keys = |value: &Value| value.as_object().map(|object| object.keys().cloned().collect::<Vec<_>>());
    assert_eq!(
        keys(&search("Vpcs[0]")),
        Some(vec!["VpcId".to_owned(), "Number".to_owned(), "Tags".to_owned()])
    );
    assert_eq!(keys(&search("Vpcs[0].{Z: VpcId, A: Number}")), Some(vec!["Z".to_owned(), "A".to_owned()]));
}

#[test]
fn bare_literals_are_strings_and_others_are_json() {
    assert_eq!(search("Vpcs[?VpcId==`a`].Number"), json!([10]));
    assert_eq!(search("Vpcs[?Number==`10`].VpcId"), json!(["a"]));
    assert_eq!(search("Vpcs[?VpcId==`\"a\"`].Number"), json!([10]));
    assert_eq!(search("'`a`'"), json!("`a`"));
}

#[test]
fn mistakes_are_told_in_the_words_of_the_aws_cli() {
    assert!(matches!(Query::compile("Vpcs[*"), Err(QueryError::Syntax(_))));
    let fails = |expression: &str| {
        Query::compile(expression).expect("compiles").search(&json!({"A": [1, "x"]})).unwrap_err()
    };
    assert_eq!(fails("nope(A)").to_string(), "Unknown function: nope()");
    assert_eq!(fails("length(A, A)").to_string(), "Expected 1 argument for function length(), received 2");
    let wrong = "In function length(), invalid type for value: None, expected one of: ['string', 'array', 'object'], \
                 received: \"null\"";
    assert_eq!(fails("length(B)").to_string(), wrong);
}
