use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::{AsyncSleep, SharedAsyncSleep, Sleep};
use aws_types::sdk_config::{Builder, SdkConfig, SharedTimeSource};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::wire::Service;

/// An endpoint that answers each request in turn with a status and a body, and keeps what it was sent.
async fn endpoint(answers: Vec<(u16, String)>) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let seen = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&seen);
    tokio::spawn(async move {
        for (status, body) in answers {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            let mut request = Vec::new();
            while !is_whole(&request) {
                let mut part = [0; 4096];
                let count = stream.read(&mut part).await.expect("a request");
                request.extend_from_slice(&part[..count]);
            }
            kept.lock().expect("unpoisoned").push(String::from_utf8_lossy(&request).into_owned());
            let length = body.len();
            let head =
                format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
            stream.write_all((head + &body).as_bytes()).await.expect("answered");
        }
    });
    (url, seen)
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.trim().parse().ok());
    body.len() >= length.unwrap_or(0)
}

/// Does not let the time between two tries pass.
#[derive(Debug)]
struct NoSleep;

impl AsyncSleep for NoSleep {
    fn sleep(&self, duration: Duration) -> Sleep {
        // Time-outs wait for longer than any pause between tries, and must not end at once.
        match duration > Duration::from_secs(30) {
            true => Sleep::new(std::future::pending()),
            false => Sleep::new(std::future::ready(())),
        }
    }
}

fn config(url: &str) -> Builder {
    let credentials = Credentials::new("AKIDEXAMPLE", "secret", None, None, "test");
    SdkConfig::builder()
        .region(Region::new("ap-northeast-1"))
        .endpoint_url(url)
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .sleep_impl(SharedAsyncSleep::new(NoSleep))
        .time_source(SharedTimeSource::new(aws_smithy_async::time::SystemTimeSource::new()))
}

fn describe_vpcs() -> &'static Operation {
    Service::ec2().operation("DescribeVpcs").expect("in the model")
}

#[tokio::test]
async fn a_call_is_signed_and_its_result_read() {
    let value = json!({"Vpcs": [{"VpcId": "vpc-1"}]});
    let (url, seen) = endpoint(vec![(200, wire::encode_response(describe_vpcs(), &value, "r"))]).await;
    let caller = Caller::new(&config(&url).build());
    let result = caller.call(describe_vpcs(), &json!({"VpcIds": ["vpc-1"]})).await;
    assert_eq!(result, Ok(value));
    let seen = seen.lock().expect("unpoisoned").concat();
    assert!(seen.starts_with("POST / HTTP/1.1\r\n"), "{seen}");
    assert!(seen.ends_with("\r\n\r\nAction=DescribeVpcs&Version=2016-11-15&VpcId.1=vpc-1"), "{seen}");
    assert!(
        seen.contains("Credential=AKIDEXAMPLE/") && seen.contains("/ap-northeast-1/ec2/aws4_request"),
        "{seen}"
    );
}

#[tokio::test]
async fn a_refusal_is_a_fault_with_its_status() {
    let fault = Fault::new("UnauthorizedOperation", "no");
    let (url, _) = endpoint(vec![(403, wire::encode_error(&fault, "r"))]).await;
    let caller = Caller::new(&config(&url).build());
    assert_eq!(caller.call(describe_vpcs(), &json!({})).await, Err(CallError::Service(fault)));
}

#[tokio::test]
async fn a_server_error_is_tried_again() {
    let busy = wire::encode_error(&Fault::new("RequestLimitExceeded", "slow down"), "r");
    let good = wire::encode_response(describe_vpcs(), &json!({"Vpcs": []}), "r");
    let (url, seen) = endpoint(vec![(503, busy.clone()), (503, busy), (200, good)]).await;
    let caller = Caller::new(&config(&url).build());
    assert_eq!(caller.call(describe_vpcs(), &json!({})).await, Ok(json!({"Vpcs": []})));
    assert_eq!(seen.lock().expect("unpoisoned").len(), 3);
}

#[tokio::test]
async fn without_an_endpoint_a_region_or_credentials_the_reason_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    drop(listener);
    let refused = Caller::new(&config(&url).build()).call(describe_vpcs(), &json!({})).await;
    assert_eq!(refused, Err(CallError::Connect { url: url.clone() }));
    let nowhere = Caller::new(&config(&url).region(None).build()).call(describe_vpcs(), &json!({})).await;
    assert_eq!(nowhere, Err(CallError::NoRegion));
    let mut nobody = config(&url);
    nobody.set_credentials_provider(None);
    let nobody = Caller::new(&nobody.build()).call(describe_vpcs(), &json!({})).await;
    assert_eq!(nobody, Err(CallError::NoCredentials));
}

#[tokio::test]
async fn json_services_get_their_target_header() {
    let operation = Service::ssm().operation("GetParameter").expect("in the model");
    let (url, seen) = endpoint(vec![(200, r#"{"Parameter":{"Value":"ami-1"}}"#.to_owned())]).await;
    let caller = Caller::new(&config(&url).build());
    let result = caller.call(operation, &json!({"Name": "/a"})).await;
    assert_eq!(result, Ok(json!({"Parameter": {"Value": "ami-1"}})));
    let seen = seen.lock().expect("unpoisoned").concat();
    assert!(seen.to_lowercase().contains("x-amz-target: amazonssm.getparameter"), "{seen}");
}
