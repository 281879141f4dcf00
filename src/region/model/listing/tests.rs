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
    let both =
        json!({"Filters": [{"Name": "state", "Values": ["pending"]}, {"Name": "group", "Values": ["g1"]}]});
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
        (0..count).map(|_| json!({"Tags": [{"Key": "Name", "Value": "a".repeat(255)}]})).collect::<Vec<_>>()
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
        tags.map(|tag| (tag["Key"].as_str().unwrap().into(), tag["Value"].as_str().unwrap().into())).collect()
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
    static TAGS: Listing = Listing { member: "Tags", ids: &[], filters: &[], tags: ITSELF, page: (5, 1000) };
    let items = vec![json!({"Key": "Name", "Value": "web"}), json!({"Key": "Role", "Value": "web"})];
    let params = json!({"Filters": [{"Name": "tag:Name", "Values": ["w*"]}]});
    let answer = TAGS.answer(Params::of(&params), items).unwrap();
    assert_eq!(answer["Tags"], json!([{"Key": "Name", "Value": "web"}]));
}
