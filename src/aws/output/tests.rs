use serde_json::json;

use super::*;

#[test]
fn text_lines_are_labelled_and_sorted() {
    let value = json!({"Vpcs": [
        {"VpcId": "vpc-1", "IsDefault": false, "Tags": [{"Value": "web", "Key": "Name"}]},
        {"VpcId": "vpc-2", "CidrBlock": "10.0.0.0/16", "Tags": []},
    ]});
    assert_eq!(text(&value), "VPCS\t\tFalse\tvpc-1\nTAGS\tName\tweb\nVPCS\t10.0.0.0/16\t\tvpc-2\n");
    assert_eq!(text(&json!(["a", null, 1, true])), "a\tNone\t1\tTrue\n");
    assert_eq!(text(&json!([["a", "b"], ["c", "d"]])), "a\tb\nc\td\n");
    assert_eq!(text(&json!("a")), "a\n");
    assert_eq!(text(&json!([])), "");
}

#[test]
fn a_table_fits_its_widest_section() {
    let value = json!([["web", "10.0.1.10"], ["db", "10.0.2.10"]]);
    let expected = "----------------------\n|  DescribeInstances |\n+------+-------------+\n|  web |  10.0.1.10  |\n\
                    |  db  |  10.0.2.10  |\n+------+-------------+\n";
    assert_eq!(table("DescribeInstances", &value, 80, false).expect("a table"), expected);
    assert_eq!(table("T", &json!([]), 80, false).expect("nothing"), "");
    assert!(table("T", &json!([["a"], ["b", "c"]]), 80, false).is_err());
}

#[test]
fn json_is_indented_by_four() {
    assert_eq!(
        json(&json!({"A": [], "B": {"C": "日"}})),
        "{\n    \"A\": [],\n    \"B\": {\n        \"C\": \"日\"\n    }\n}\n"
    );
}

#[test]
fn yaml_quotes_what_would_be_read_as_something_else() {
    let value =
        json!({"B": ["1", "true", "a: b", "10.0.0.0/16"], "A": {"T": "2026-11-22T14:10:48+00:00", "E": []}});
    let expected =
        "A:\n  E: []\n  T: '2026-11-22T14:10:48+00:00'\nB:\n- '1'\n- 'true'\n- 'a: b'\n- 10.0.0.0/16\n";
    assert_eq!(yaml(&value), expected);
}
