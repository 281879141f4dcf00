//! `--region` of a single call: what it creates in another region than the lab's is written down and taken away too.

use std::fs;

use serde_json::Value;

use super::Ran;
use crate::course::{Course, Region, told};

const LESSON: &str = r#"# Elsewhere

```sh {#create}
aws ec2 create-vpc --cidr-block 10.0.0.0/16 --query Vpc.VpcId --output text
FAR=$(aws ec2 create-vpc --cidr-block 10.1.0.0/16 --region eu-west-1 --query Vpc.VpcId --output text)
AWS_REGION=eu-north-1 aws ec2 create-vpc --cidr-block 10.2.0.0/16 --query Vpc.VpcId --output text
```

```sh {#look exit=254}
aws ec2 describe-vpcs --region eu-west-1 --vpc-ids $FAR --query 'Vpcs[].CidrBlock' --output text
aws ec2 describe-vpcs --vpc-ids $FAR
```
"#;

#[test]
fn what_a_call_creates_in_another_region_is_known_and_taken_away() {
    let region = Region::new();
    let course = Course::of(&region, "elsewhere", LESSON);
    let ran = Ran::recording(&course, "elsewhere");
    assert_eq!(ran.code, Some(0), "{}", ran.told);
    let look = ran.output("look");
    assert!(look.starts_with("10.1.0.0/16\n") && look.contains("InvalidVpcID.NotFound"), "{look}");
    let journal = fs::read_to_string(course.state().join("labs/one/journal.jsonl")).expect("readable");
    let intended: Vec<Value> = journal
        .lines()
        .map(|line| line.parse::<Value>().expect("JSON"))
        .filter(|entry| entry["entry"] == "intended")
        .collect();
    let regions: Vec<&Value> = intended.iter().map(|entry| &entry["region"]).collect();
    assert_eq!(regions, ["us-east-1", "eu-west-1", "eu-north-1"]);
    let down = course.lab(&["down", "--lab", "one"]);
    assert_eq!(down.status.code(), Some(0), "{}", told(&down));
    assert!(told(&down).contains("3 resources deleted"), "{}", told(&down));
}
