//! What answers inside a VPC and on the simulated Internet, asked by real programs on real systems.

use serde_json::{Value, json};

use crate::daemon_world::{World, eventually, public_address};

#[tokio::test]
async fn the_laptops_internet_has_names_and_sites() {
    let world = World::new().await;
    let lab = world.lab("one").await;
    // Sockets open when the lab's network is there.
    eventually("the name server answers", async || {
        (lab.try_shell("dig +short +time=1 +tries=1 example.com").await.0 == "192.0.2.70\n").then_some(())
    })
    .await;
    assert_eq!(lab.shell("dig +short -x 192.0.2.70").await, "example.com.");
    assert_eq!(lab.shell("dig +tcp +short www.example.org").await, "192.0.2.71");
    assert!(lab.shell("dig nothing.example.com").await.contains("status: NXDOMAIN"));
    assert!(lab.shell("dig example.com AAAA").await.contains("status: NOERROR"));
    let title = "<title>Example Domain</title>";
    assert_eq!(lab.shell("curl -sS https://example.com/ | grep title").await, title);
    assert_eq!(lab.shell("curl -sS http://www.example.org/ | grep title").await, title);
    // Trusted because of the region's authority, and for its own name alone.
    let other = "curl -sS -o /dev/null --resolve other.test:443:192.0.2.70 https://other.test/";
    assert_eq!(lab.try_shell(other).await.1.code, Some(60));
    assert_eq!(lab.shell("curl -sS https://checkip.amazonaws.com/").await, "198.51.100.10");
    let seen = lab.shell("curl -sS -d text 'https://echo.example.net/a?b=1'").await;
    let seen: Value = serde_json::from_str(&seen).expect("JSON");
    assert_eq!(
        (&seen["method"], &seen["path"], &seen["body"]),
        (&json!("POST"), &json!("/a?b=1"), &json!("text"))
    );
    // Nothing leads out of the archive.
    let sneaky = "curl -sS --path-as-is -o /dev/null -w '%{http_code}' http://deb.debian.region.internal/debian/../../etc/passwd";
    assert_eq!(lab.shell(sneaky).await, "404");
}

#[tokio::test]
async fn an_instance_finds_names_and_itself() {
    let world = World::new().await;
    let lab = world.lab("one").await;
    let network = lab.network();
    let id = network.launch("10.0.1.10", "#!/bin/sh\ntrue\n");
    let instance = lab.reaches(&id, "running").await;
    let vpc = instance["VpcId"].clone();
    let address = public_address(&instance);
    lab.passes(&id).await;
    let on = async |command: &str| lab.ssh(address, command).await;

    assert_eq!(
        on("dig +short example.com; dig +short -x 10.0.1.10").await,
        "192.0.2.70\nip-10-0-1-10.ec2.internal."
    );
    assert_eq!(on("dig +tcp @169.254.169.253 +short ip-10-0-1-10.ec2.internal").await, "10.0.1.10");
    assert_eq!(on("curl -sS https://checkip.amazonaws.com").await, address.to_string());

    // Public names follow the attribute, inside and outside.
    let name = format!("ec2-{}.compute-1.amazonaws.com", address.to_string().replace('.', "-"));
    assert_eq!(on(&format!("dig +short {name}")).await, "");
    lab.ec2("ModifyVpcAttribute", json!({"VpcId": vpc, "EnableDnsHostnames": {"Value": true}}));
    assert_eq!(on(&format!("dig +short {name}")).await, "10.0.1.10");
    assert_eq!(
        lab.shell(&format!("dig +short {name}; dig +short -x {address}")).await,
        format!("{address}\n{name}.")
    );

    // The metadata service: a token first, if the instance is set so.
    let options = json!({"InstanceId": id, "HttpTokens": "required", "HttpPutResponseHopLimit": 1});
    lab.ec2("ModifyInstanceMetadataOptions", options);
    let base = "http://169.254.169.254/latest";
    let status = "curl -sS -o /dev/null -w \"%{http_code}\"";
    assert_eq!(on(&format!("{status} {base}/meta-data/instance-id")).await, "401");
    let token =
        format!("T=$(curl -sS -X PUT {base}/api/token -H \"X-aws-ec2-metadata-token-ttl-seconds: 60\")");
    let with = "curl -sS -H \"X-aws-ec2-metadata-token: $T\"";
    let get = async |path: &str| on(&format!("{token}; {with} {base}/{path}")).await;
    assert_eq!(get("meta-data/instance-id").await, id);
    assert_eq!(get("meta-data/public-hostname").await, name);
    assert_eq!(get("user-data").await, "#!/bin/sh\ntrue");
    let mac =
        instance.pointer("/NetworkInterfaces/0/MacAddress").and_then(Value::as_str).expect("a MAC address");
    let subnet = get(&format!("meta-data/network/interfaces/macs/{mac}/subnet-id")).await;
    assert_eq!(instance["SubnetId"], subnet);
    // A token gets no further than the instance; what is read with it may.
    let capture = "sudo timeout 10 tcpdump -lnv -i eth0 tcp src port 80 and src host 169.254.169.254 >t 2>/dev/null & sleep 1";
    let hops = on(&format!(
        "{capture}; {token}; {with} {base}/meta-data/mac >/dev/null; sleep 1; sudo pkill tcpdump; \
         grep -A1 ttl t | grep -B1 \"length [1-9][0-9]*: HTTP\" | grep -o \"ttl [0-9]*\" | sort -u"
    ))
    .await;
    assert_eq!(hops, "ttl 1\nttl 64");
    lab.ec2("ModifyInstanceMetadataOptions", json!({"InstanceId": id, "HttpTokens": "optional"}));
    assert_eq!(on(&format!("{status} {base}/meta-data/instance-id")).await, "200");

    // Without DNS support the resolver is not there.
    lab.ec2("ModifyVpcAttribute", json!({"VpcId": vpc, "EnableDnsSupport": {"Value": false}}));
    eventually("the resolver falls silent", async || {
        let said = on("dig +short +time=1 +tries=1 example.com || true").await;
        said.contains("no servers could be reached").then_some(())
    })
    .await;
    lab.ec2("ModifyVpcAttribute", json!({"VpcId": vpc, "EnableDnsSupport": {"Value": true}}));
    eventually("the resolver answers again", async || {
        (on("dig +short +time=1 +tries=1 example.com || true").await == "192.0.2.70").then_some(())
    })
    .await;

    // Packages, through the machine's own archive or from the cache.
    let install =
        "sudo apt-get -q update && sudo DEBIAN_FRONTEND=noninteractive apt-get -q install -y hello && hello";
    assert!(on(install).await.ends_with("Hello, world!"));
}

#[tokio::test]
async fn labs_do_not_hear_each_other() {
    let world = World::new().await;
    let (one, two) = (world.lab("one").await, world.lab("two").await);
    let network = one.network();
    let id = network.launch("10.0.1.10", "");
    let instance = one.reaches(&id, "running").await;
    one.ec2("ModifyVpcAttribute", json!({"VpcId": instance["VpcId"], "EnableDnsHostnames": {"Value": true}}));
    let name =
        format!("ec2-{}.compute-1.amazonaws.com", public_address(&instance).to_string().replace('.', "-"));
    let ask = format!("dig +time=1 +tries=5 {name} | grep -o \"status: [A-Z]*\"");
    assert_eq!(one.shell(&ask).await, "status: NOERROR");
    assert_eq!(two.shell(&ask).await, "status: NXDOMAIN");
    // A lab that goes takes its sockets along; the next one of its name starts afresh.
    world.client.remove_lab("one").await.expect("remove the lab");
    let again = world.lab("one").await;
    eventually("the name server of the new lab answers", async || {
        (again.try_shell(&ask).await.0 == "status: NXDOMAIN\n").then_some(())
    })
    .await;
}
