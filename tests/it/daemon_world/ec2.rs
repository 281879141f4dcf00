//! A plain EC2 client: signed requests over one connection, nothing of the SDK but its signature.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use lab::region::client::LabAccess;
use lab::wire::{Fault, Service, decode_error, decode_response, encode_request, form_encode};
use serde_json::Value;

/// Longer than any answer takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// One call with a lab's key.
pub fn call(access: &LabAccess, operation: &str, parameters: &Value) -> Result<Value, Fault> {
    let connection = Connection::open(access);
    connection.and_then(|mut connection| connection.call(operation, parameters)).expect("an answer")
}

/// A connection to the endpoint, for one call after the other.
pub struct Connection {
    access: LabAccess,
    stream: BufReader<TcpStream>,
}

impl Connection {
    /// Reaches the endpoint.
    pub fn open(access: &LabAccess) -> io::Result<Connection> {
        let stream = TcpStream::connect(host(access))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Connection { access: access.clone(), stream: BufReader::new(stream) })
    }

    /// One call. The outer error is the connection's: nobody knows what came of the call.
    pub fn call(&mut self, operation: &str, parameters: &Value) -> io::Result<Result<Value, Fault>> {
        let operation = Service::ec2().operation(operation).expect("an operation that is modelled");
        let body = form_encode(&encode_request(operation, parameters).expect("encode the request"));
        let (status, text) = self.post(&body)?;
        Ok(if status == 200 {
            Ok(decode_response(operation, &text).expect("decode the response"))
        } else {
            Err(decode_error(&text).unwrap_or_else(|| panic!("{status}: {text}")))
        })
    }

    fn post(&mut self, body: &str) -> io::Result<(u16, String)> {
        self.stream.get_mut().write_all(signed(&self.access, body).as_bytes())?;
        let (mut status, mut length) = (None, 0);
        loop {
            let mut line = String::new();
            if self.stream.read_line(&mut line)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let line = line.trim_end().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().expect("a length");
            }
            status = status.or_else(|| line.split(' ').nth(1).and_then(|status| status.parse().ok()));
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        Ok((status.expect("a status"), String::from_utf8(body).expect("text")))
    }
}

fn host(access: &LabAccess) -> &str {
    access.endpoint_url.strip_prefix("http://").expect("plain HTTP")
}

/// A signed request.
fn signed(access: &LabAccess, body: &str) -> String {
    let host = host(access);
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

    let mut request = format!("POST / HTTP/1.1\r\nhost: {host}\r\ncontent-type: {kind}\r\n");
    for (name, value) in instructions.headers() {
        request += &format!("{name}: {value}\r\n");
    }
    request + &format!("content-length: {}\r\n\r\n{body}", body.len())
}
