//! A plain EC2 client: one signed request, one connection, nothing of the SDK but its signature.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use lab::region::client::LabAccess;
use lab::wire::{Fault, Service, decode_error, decode_response, encode_request, form_encode};
use serde_json::Value;

/// One call with a lab's key.
pub fn call(access: &LabAccess, operation: &str, parameters: &Value) -> Result<Value, Fault> {
    let operation = Service::ec2().operation(operation).expect("an operation that is modelled");
    let body = form_encode(&encode_request(operation, parameters).expect("encode the request"));
    let (status, text) = post(access, &body);
    if status == 200 {
        Ok(decode_response(operation, &text).expect("decode the response"))
    } else {
        Err(decode_error(&text).unwrap_or_else(|| panic!("{status}: {text}")))
    }
}

/// A signed request of its own connection.
fn post(access: &LabAccess, body: &str) -> (u16, String) {
    let host = access.endpoint_url.strip_prefix("http://").expect("plain HTTP");
    let credentials = Credentials::new(&access.access_key_id, &access.secret_access_key, None, None, "test");
    let identity = credentials.into();
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(&access.region)
        .name("ec2")
        .time(SystemTime::now())
        .settings(SigningSettings::default())
        .build()
        .expect("complete parameters")
        .into();
    let kind = "application/x-www-form-urlencoded";
    let headers = [("host", host), ("content-type", kind)];
    let url = format!("{}/", access.endpoint_url);
    let signable =
        SignableRequest::new("POST", &url, headers.into_iter(), SignableBody::Bytes(body.as_bytes()))
            .expect("a request that can be signed");
    let (instructions, _) = sign(signable, &parameters).expect("sign").into_parts();

    let mut request =
        format!("POST / HTTP/1.1\r\nhost: {host}\r\ncontent-type: {kind}\r\nconnection: close\r\n");
    for (name, value) in instructions.headers() {
        request += &format!("{name}: {value}\r\n");
    }
    request += &format!("content-length: {}\r\n\r\n{body}", body.len());
    let mut stream = TcpStream::connect(host).expect("reach the endpoint");
    stream.write_all(request.as_bytes()).expect("send");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("receive");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a response");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    (status, body.to_owned())
}
