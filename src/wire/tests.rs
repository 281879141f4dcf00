use serde_json::{Value, json};

use super::*;

fn ec2(name: &str) -> &'static Operation {
    Service::ec2().operation(name).expect("operation")
}

fn decode(name: &str, form: &str) -> Result<Value, Fault> {
    decode_request(ec2(name), &form_decode(form))
}

#[test]
fn every_entry_of_every_model_can_be_parsed() {
    for service in Service::all() {
        service.shape_names().for_each(|name| {
            let shape = service.shape(name);
            shape.members().iter().for_each(|member| assert!(!member.shape().name.is_empty()));
        });
        for name in service.operation_names() {
            let operation = service.operation(name).expect("listed");
            assert!(operation.input().is_some(), "{name}");
        }
        service.waiter_names().for_each(|name| assert!(service.waiter(name).is_some()));
    }
    assert!(Service::ec2().operation_names().count() > 100);
}

#[test]
fn requests_are_decoded_with_names_of_the_model() {
    let form = "Action=CreateSubnet&Version=2016-11-15&VpcId=vpc-1&CidrBlock=10.0.1.0%2F24&TagSpecification.1.ResourceType=subnet\
                &TagSpecification.1.Tag.2.Key=b&TagSpecification.1.Tag.1.Key=Name&TagSpecification.1.Tag.1.Value=my+web&DryRun=true";
    let tags = json!([{"Key": "Name", "Value": "my web"}, {"Key": "b"}]);
    let expected = json!({"VpcId": "vpc-1", "CidrBlock": "10.0.1.0/24", "DryRun": true,
        "TagSpecifications": [{"ResourceType": "subnet", "Tags": tags}]});
    assert_eq!(decode("CreateSubnet", form), Ok(expected));
}

#[test]
fn what_is_wrong_with_a_request_is_named() {
    let code = |name, form| decode(name, form).unwrap_err();
    assert_eq!(code("CreateSubnet", "CidrBlock=10.0.0.0/24"), Fault::missing_parameter("VpcId"));
    assert_eq!(code("CreateVpc", "Cidr=10.0.0.0/24"), Fault::unknown_parameter("Cidr"));
    assert_eq!(code("DescribeVpcs", "VpcId=vpc-1"), Fault::unknown_parameter("VpcId"));
    assert_eq!(code("DescribeVpcs", "Filter.1.Nme=x"), Fault::unknown_parameter("Filter.1.Nme"));
    assert_eq!(code("DescribeVpcs", "VpcId.x.y=1"), Fault::unknown_parameter("VpcId.x.y"));
    let wrong = code("DescribeVpcs", "MaxResults=many");
    assert_eq!((wrong.code.as_str(), wrong.status), ("InvalidParameterValue", 400));
    assert!(wrong.message.contains("(many) for parameter MaxResults"), "{wrong}");
    assert_eq!(code("DescribeVpcs", "DryRun=perhaps").code, "InvalidParameterValue");
    assert_eq!(code("ImportKeyPair", "KeyName=k&PublicKeyMaterial=%21").code, "InvalidParameterValue");
}

#[test]
fn a_name_of_a_thousand_parts_is_refused() {
    let form = format!("{}=1", ["A"; 1000].join("."));
    assert_eq!(decode("DescribeVpcs", &form).unwrap_err().code, "UnknownParameter");
}

#[test]
fn requests_are_encoded_as_they_are_decoded() {
    let value =
        json!({"Filters": [{"Name": "tag:Name", "Values": ["a b&c=d", "\u{65e5}"]}], "MaxResults": 5});
    let pairs = encode_request(ec2("DescribeVpcs"), &value).expect("encodes");
    assert!(pairs.contains(&("Filter.1.Value.2".to_owned(), "\u{65e5}".to_owned())), "{pairs:?}");
    assert_eq!(decode_request(ec2("DescribeVpcs"), &form_decode(&form_encode(&pairs))), Ok(value));
    let wrong = encode_request(ec2("DescribeVpcs"), &json!({"Filters": [{"Nam": 1}]})).unwrap_err();
    assert_eq!(wrong, EncodeError::Unknown { path: "Filters[0].Nam".to_owned() });
}

#[test]
fn responses_go_both_ways() {
    let vpc = json!({"CidrBlock": "10.0.0.0/16", "VpcId": "vpc-1", "Tags": [], "IsDefault": false});
    let value = json!({"Vpcs": [vpc]});
    let xml = encode_response(ec2("DescribeVpcs"), &value, "r-1");
    assert!(xml.contains("<vpcSet><item><") && xml.contains("<tagSet/>"), "{xml}");
    assert_eq!(decode_response(ec2("DescribeVpcs"), &xml).expect("decodes"), value);
    let key = json!({"KeyMaterial": "a\r\nb <&> \"'\u{65e5}\n", "KeyName": "k"});
    let xml = encode_response(ec2("CreateKeyPair"), &key, "r-2");
    assert_eq!(decode_response(ec2("CreateKeyPair"), &xml).expect("decodes"), key);
}

#[test]
fn timestamps_have_milliseconds_and_a_z() {
    let xml = "<R><launchTime>2026-11-22T14:10:48Z</launchTime></R>";
    let xml = format!(
        "<D><reservationSet><item><instancesSet><item>{}</item></instancesSet></item></reservationSet></D>",
        &xml[3..xml.len() - 4]
    );
    let value = decode_response(ec2("DescribeInstances"), &xml).expect("decodes");
    assert_eq!(value["Reservations"][0]["Instances"][0]["LaunchTime"], "2026-11-22T14:10:48.000Z");
    assert_eq!(timestamp_now().len(), "2026-11-22T14:10:48.000Z".len());
}

#[test]
fn faults_go_both_ways_in_each_protocol() {
    let fault = Fault::new("InvalidVpcID.NotFound", "The vpc ID 'vpc-<1>' does not exist");
    assert_eq!(decode_error(&encode_error(&fault, "r")), Some(fault.clone()));
    for (service, name) in [(Service::sts(), "GetCallerIdentity"), (Service::ssm(), "GetParameter")] {
        let operation = service.operation(name).expect("operation");
        assert_eq!(decode_error(&encode_error_for(operation, &fault, "r")), Some(fault.clone()));
    }
    assert_eq!(decode_error("<html><body>bad gateway</body></html>"), None);
    assert_eq!(decode_error("nonsense"), None);
    assert_eq!(Fault::dry_run().status, 412);
}

#[test]
fn json_protocol_carries_seconds() {
    let operation = Service::ssm().operation("GetParameter").expect("operation");
    let value =
        json!({"Parameter": {"Name": "/a", "Version": 3, "LastModifiedDate": "2026-11-22T14:10:48.250Z"}});
    let body = encode_response(operation, &value, "r");
    assert!(body.contains("1795356648.25"), "{body}");
    assert_eq!(decode_response(operation, &body).expect("decodes"), value);
    let sent = encode_body(operation, &json!({"Name": "/a"})).expect("encodes");
    assert_eq!(sent.target.as_deref(), Some("AmazonSSM.GetParameter"));
    assert_eq!(sent.text, r#"{"Name":"/a"}"#);
}

#[test]
fn a_result_is_checked_against_the_model() {
    assert_eq!(conforms(ec2("DescribeVpcs"), &json!({"Vpcs": [{"VpcId": "vpc-1"}]})), Ok(()));
    let wrong = conforms(ec2("DescribeVpcs"), &json!({"Vpcs": [{"VpcID": "vpc-1"}]})).unwrap_err();
    assert_eq!(wrong, "DescribeVpcs.Vpcs[0].VpcID is not in the model");
    assert!(conforms(ec2("DescribeVpcs"), &json!({"Vpcs": [{"IsDefault": "no"}]})).is_err());
}
