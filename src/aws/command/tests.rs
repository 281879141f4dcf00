use serde_json::{Value, json};

use super::*;

fn typed(argv: &[&str]) -> Typed {
    Typed { argv: argv.iter().map(|word| (*word).to_owned()).collect(), ..Typed::default() }
}

fn params(argv: &[&str]) -> Value {
    match understand(&typed(argv)) {
        Ok(Command::Call(invocation)) => invocation.params,
        other => panic!("{argv:?} gave {other:?}"),
    }
}

fn refusal(argv: &[&str]) -> Failure {
    understand(&typed(argv)).expect_err("refused")
}

#[test]
fn names_are_written_as_the_aws_cli_writes_them() {
    for (name, expected) in [
        ("DescribeVpcs", "describe-vpcs"),
        ("Ipv6CidrBlock", "ipv6-cidr-block"),
        ("MapPublicIpOnLaunch", "map-public-ip-on-launch"),
        ("EnableDns64", "enable-dns64"),
        ("VpcIds", "vpc-ids"),
        ("SSEKMSKeyARNs", "ssekms-key-arns"),
        ("AmazonProvidedIpv6CidrBlock", "amazon-provided-ipv6-cidr-block"),
    ] {
        assert_eq!(kebab(name), expected);
    }
}

#[test]
fn options_may_stand_anywhere_and_be_abbreviated() {
    let expected = json!({"CidrBlock": "10.0.0.0/16"});
    assert_eq!(params(&["--output", "text", "ec2", "create-vpc", "--cidr-block", "10.0.0.0/16"]), expected);
    assert_eq!(params(&["ec2", "--query=Vpc", "create-vpc", "--cidr=10.0.0.0/16"]), expected);
    assert_eq!(refusal(&["ec2", "create-vpc", "--nope", "x"]).exit, 252);
    assert!(
        refusal(&["ec2", "run-instances", "--sec", "x"]).text.contains("ambiguous option: --sec could match")
    );
}

#[test]
fn values_take_the_types_of_the_model() {
    let tags = json!([{"ResourceType": "vpc", "Tags": [{"Key": "Name", "Value": "my lab"}, {"Key": "b", "Value": "c"}]}]);
    let spec = "ResourceType=vpc,Tags=[{Key=Name,Value=my lab},{Key=b,Value=c}]";
    let json_spec = tags.to_string();
    for spec in [spec, json_spec.as_str()] {
        let argv = ["ec2", "create-vpc", "--cidr-block", "10.0.0.0/16", "--tag-specifications", spec];
        assert_eq!(params(&argv)["TagSpecifications"], tags);
    }
    let filters = params(&[
        "ec2",
        "describe-vpcs",
        "--filters",
        "Name=tag:Name,Values=a,b",
        "Name=state,Values=available",
    ]);
    let expected =
        json!([{"Name": "tag:Name", "Values": ["a", "b"]}, {"Name": "state", "Values": ["available"]}]);
    assert_eq!(filters["Filters"], expected);
    let ids = params(&["ec2", "terminate-instances", "--instance-ids", "i-1", "i-2", "--dry-run"]);
    assert_eq!(ids, json!({"InstanceIds": ["i-1", "i-2"], "DryRun": true}));
}

#[test]
fn booleans_in_a_structure_can_be_switched() {
    let switched = |words: &[&str]| {
        let argv = [&["ec2", "modify-vpc-attribute", "--vpc-id", "v"], words].concat();
        params(&argv)["EnableDnsHostnames"].clone()
    };
    for on in [&["--enable-dns-hostnames"][..], &["--enable-dns-hostnames", "{\"Value\":true}"]] {
        assert_eq!(switched(on), json!({"Value": true}));
    }
    for off in [&["--no-enable-dns-hostnames"][..], &["--enable-dns-hostnames", "Value=false"]] {
        assert_eq!(switched(off), json!({"Value": false}));
    }
}

#[test]
fn rules_have_short_options() {
    let argv = [
        "ec2",
        "authorize-security-group-ingress",
        "--group-id",
        "sg-1",
        "--protocol",
        "tcp",
        "--port",
        "22",
        "--cidr",
    ];
    let rule =
        json!([{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]);
    assert_eq!(params(&[&argv[..], &["0.0.0.0/0"]].concat())["IpPermissions"], rule);
    let argv = [
        "ec2",
        "authorize-security-group-ingress",
        "--group-id",
        "sg-1",
        "--protocol",
        "icmp",
        "--port",
        "-1",
    ];
    let rule = json!([{"IpProtocol": "icmp", "FromPort": -1, "ToPort": -1, "UserIdGroupPairs": [{"GroupId": "sg-2"}]}]);
    assert_eq!(params(&[&argv[..], &["--source-group", "sg-2"]].concat())["IpPermissions"], rule);
}

#[test]
fn a_public_address_moves_the_network_options_into_an_interface() {
    let argv =
        ["ec2", "run-instances", "--image-id", "ami-1", "--subnet-id", "s", "--security-group-ids", "sg-1"];
    let more =
        ["--private-ip-address", "10.0.1.10", "--associate-public-ip-address", "--user-data", "#!/bin/sh"];
    let interface = json!([{"DeviceIndex": 0, "AssociatePublicIpAddress": true, "SubnetId": "s", "Groups": ["sg-1"],
        "PrivateIpAddresses": [{"PrivateIpAddress": "10.0.1.10", "Primary": true}]}]);
    let expected = json!({"ImageId": "ami-1", "UserData": "IyEvYmluL3No", "NetworkInterfaces": interface,
        "MaxCount": 1, "MinCount": 1});
    assert_eq!(params(&[&argv[..], &more[..]].concat()), expected);
    let range = params(&["ec2", "run-instances", "--image-id", "a", "--count", "1:2"]);
    assert_eq!((&range["MinCount"], &range["MaxCount"]), (&json!(1), &json!(2)));
}

#[test]
fn files_come_with_what_was_typed() {
    let mut typed =
        typed(&["ec2", "import-key-pair", "--key-name", "k", "--public-key-material", "fileb://k.pub"]);
    typed.files.insert("fileb://k.pub".to_owned(), Ok(b"ssh-ed25519 AAAA".to_vec()));
    match understand(&typed) {
        Ok(Command::Call(invocation)) => {
            assert_eq!(invocation.params["PublicKeyMaterial"], "c3NoLWVkMjU1MTkgQUFBQQ==");
        }
        other => panic!("{other:?}"),
    }
    typed
        .files
        .insert("fileb://k.pub".to_owned(), Err("[Errno 2] No such file or directory: 'k.pub'".to_owned()));
    let expected = "\nError parsing parameter '--public-key-material': Unable to load paramfile fileb://k.pub: [Errno 2] No such \
                    file or directory: 'k.pub'\n";
    assert_eq!(understand(&typed).expect_err("refused").text, expected);
}

#[test]
fn everything_wrong_with_parameters_is_told_at_once() {
    let wrong = refusal(&["ec2", "describe-vpcs", "--filters", "Name=x,Foo", "Nam=y"]);
    let expected = "\nParameter validation failed:\nInvalid type for parameter Filters[0].Name, value: ['x', 'Foo'], type: <class \
                    'list'>, valid types: <class 'str'>\nUnknown parameter in Filters[1]: \"Nam\", must be one of: Name, Values\n";
    assert_eq!((wrong.exit, wrong.text.as_str()), (252, expected));
}

#[test]
fn shorthand_mistakes_are_pointed_at() {
    let wrong = refusal(&["ec2", "describe-vpcs", "--filters", "Name"]);
    let expected =
        "\nError parsing parameter '--filters': Expected: '=', received: 'EOF' for input:\nName\n    ^\n";
    assert_eq!(wrong.text, expected);
}

#[test]
fn a_misspelt_operation_gets_a_suggestion() {
    let wrong = refusal(&["ec2", "descrbe-vpcs"]);
    assert_eq!(wrong.exit, 252);
    assert!(
        wrong.text.contains("Invalid choice: 'descrbe-vpcs', maybe you meant:\n\n  * describe-vpcs"),
        "{}",
        wrong.text
    );
}

#[test]
fn waiters_and_help_are_understood() {
    let argv = ["ec2", "wait", "instance-running", "--instance-ids", "i-1"];
    let understood = understand(&typed(&argv));
    assert!(matches!(understood, Ok(Command::Wait { waiter: "InstanceRunning", .. })), "{understood:?}");
    for argv in [
        &["help"][..],
        &["ec2", "help"],
        &["ec2", "create-vpc", "help"],
        &["ec2", "wait", "help"],
        &["--version"],
    ] {
        assert!(matches!(understand(&typed(argv)), Ok(Command::Print(text)) if !text.is_empty()), "{argv:?}");
    }
}
