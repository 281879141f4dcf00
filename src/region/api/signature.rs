//! Verifying AWS signatures, version 4, in the `Authorization` header.

use std::time::{Duration, SystemTime};

use aws_sigv4::sign::v4::{calculate_signature, generate_signing_key};
use http::HeaderMap;
use http::request::Parts;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::{Digest, Sha256};

use crate::wire::form_decode;

/// A request may be this much older or younger than the endpoint's clock says.
const SKEW: Duration = Duration::from_secs(5 * 60);
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// What a request says about its signer, not yet believed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Claim {
    pub(super) access_key_id: String,
    /// `20261122`
    date: String,
    pub(super) region: String,
    /// `ec2`, `sts`, `ssm`
    pub(super) service: String,
    signed_headers: Vec<String>,
    signature: String,
}

/// Why a signature is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Doubt {
    /// There is none.
    Missing,
    /// It is not in the form of one.
    Malformed,
    /// It is too old, or from the future.
    Expired,
    /// The secret, or the request, is another.
    Mismatch,
}

impl Claim {
    /// Reads `AWS4-HMAC-SHA256 Credential=.., SignedHeaders=.., Signature=..`.
    pub(super) fn read(headers: &HeaderMap) -> Result<Claim, Doubt> {
        let header = headers.get(http::header::AUTHORIZATION).ok_or(Doubt::Missing)?;
        let text = header.to_str().map_err(|_| Doubt::Malformed)?;
        let fields = text.strip_prefix("AWS4-HMAC-SHA256").ok_or(Doubt::Malformed)?;
        let field = |name: &str| {
            let found =
                fields.split(',').find_map(|field| field.trim().strip_prefix(name)?.strip_prefix('='));
            found.ok_or(Doubt::Malformed)
        };
        let scope: Vec<&str> = field("Credential")?.split('/').collect();
        let [access_key_id, date, region, service, "aws4_request"] = scope.as_slice() else {
            return Err(Doubt::Malformed);
        };
        Ok(Claim {
            access_key_id: (*access_key_id).to_owned(),
            date: (*date).to_owned(),
            region: (*region).to_owned(),
            service: (*service).to_owned(),
            signed_headers: field("SignedHeaders")?.split(';').map(str::to_owned).collect(),
            signature: field("Signature")?.to_owned(),
        })
    }

    /// Checks the signature over the whole request with the secret of its access key.
    pub(super) fn verify(
        &self,
        parts: &Parts,
        body: &[u8],
        secret: &str,
        now: Timestamp,
    ) -> Result<(), Doubt> {
        let stamp =
            parts.headers.get("x-amz-date").and_then(|value| value.to_str().ok()).ok_or(Doubt::Malformed)?;
        let time = DateTime::strptime("%Y%m%dT%H%M%SZ", stamp).map_err(|_| Doubt::Malformed)?;
        let signed = time.to_zoned(TimeZone::UTC).map_err(|_| Doubt::Malformed)?.timestamp();
        if now.duration_since(signed).unsigned_abs() > SKEW {
            return Err(Doubt::Expired);
        }
        if !stamp.starts_with(&self.date) || !self.signed_headers.iter().any(|name| name == "host") {
            return Err(Doubt::Malformed);
        }
        let request = hex(&Sha256::digest(self.canonical_request(parts, body)?));
        let scope = format!("{}/{}/{}/aws4_request", self.date, self.region, self.service);
        let to_sign = format!("AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{request}");
        let key = generate_signing_key(secret, SystemTime::from(signed), &self.region, &self.service);
        let expected = calculate_signature(key, to_sign.as_bytes());
        if same(&expected, &self.signature) { Ok(()) } else { Err(Doubt::Mismatch) }
    }

    fn canonical_request(&self, parts: &Parts, body: &[u8]) -> Result<String, Doubt> {
        let mut query: Vec<(String, String)> = form_decode(parts.uri.query().unwrap_or_default())
            .into_iter()
            .map(|(key, value)| (encode(&key), encode(&value)))
            .collect();
        query.sort();
        let query: Vec<String> = query.into_iter().map(|(key, value)| format!("{key}={value}")).collect();
        let mut headers = String::new();
        for name in &self.signed_headers {
            let values: Vec<String> = parts
                .headers
                .get_all(name)
                .iter()
                .map(|value| {
                    Ok(value
                        .to_str()
                        .map_err(|_| Doubt::Malformed)?
                        .split_whitespace()
                        .collect::<Vec<_>>()
                        .join(" "))
                })
                .collect::<Result<_, Doubt>>()?;
            if values.is_empty() {
                return Err(Doubt::Mismatch);
            }
            headers.push_str(&format!("{name}:{}\n", values.join(",")));
        }
        // A hash sent along must be the body's, or the body would not be covered.
        let hash = hex(&Sha256::digest(body));
        if let Some(given) = parts.headers.get("x-amz-content-sha256")
            && given.as_bytes() != hash.as_bytes()
        {
            return Err(Doubt::Mismatch);
        }
        Ok(format!(
            "{}\n{}\n{}\n{headers}\n{}\n{hash}",
            parts.method,
            parts.uri.path(),
            query.join("&"),
            self.signed_headers.join(";"),
        ))
    }
}

fn encode(text: &str) -> String {
    utf8_percent_encode(text, PLAIN).to_string()
}

fn hex(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from(b"0123456789abcdef"[usize::from(half)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// Compares in a time that does not tell where the first difference is.
fn same(a: &str, b: &str) -> bool {
    a.len() == b.len() && a.bytes().zip(b.bytes()).fold(0, |difference, (x, y)| difference | (x ^ y)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// AWS's own published example of a signed request (`get-vanilla` of the test suite of version 4).
    fn vanilla() -> Parts {
        let authorization = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
                             SignedHeaders=host;x-amz-date, \
                             Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";
        let request = http::Request::builder()
            .uri("/")
            .header("host", "example.amazonaws.com")
            .header("x-amz-date", "20150830T123600Z")
            .header("authorization", authorization);
        request.body(()).unwrap().into_parts().0
    }

    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn aws_s_own_example_is_believed() {
        let parts = vanilla();
        let claim = Claim::read(&parts.headers).unwrap();
        assert_eq!((claim.access_key_id.as_str(), claim.region.as_str()), ("AKIDEXAMPLE", "us-east-1"));
        let now = at("2015-08-30T12:36:00Z");
        assert_eq!(claim.verify(&parts, b"", SECRET, now), Ok(()));
        assert_eq!(claim.verify(&parts, b"x", SECRET, now), Err(Doubt::Mismatch));
        assert_eq!(claim.verify(&parts, b"", "another", now), Err(Doubt::Mismatch));
        assert_eq!(claim.verify(&parts, b"", SECRET, at("2015-08-30T12:40:59Z")), Ok(()));
        assert_eq!(claim.verify(&parts, b"", SECRET, at("2015-08-30T12:41:01Z")), Err(Doubt::Expired));
        assert_eq!(claim.verify(&parts, b"", SECRET, at("2015-08-30T12:30:59Z")), Err(Doubt::Expired));
    }

    #[test]
    fn what_is_signed_cannot_be_changed() {
        let now = at("2015-08-30T12:36:00Z");
        let mut parts = vanilla();
        parts.uri = "/?Action=DeleteVpc".parse().unwrap();
        let claim = Claim::read(&parts.headers).unwrap();
        assert_eq!(claim.verify(&parts, b"", SECRET, now), Err(Doubt::Mismatch));
        let mut parts = vanilla();
        parts.headers.insert("host", "elsewhere".parse().unwrap());
        assert_eq!(claim.verify(&parts, b"", SECRET, now), Err(Doubt::Mismatch));
    }

    #[test]
    fn a_header_that_is_no_signature_is_said_to_be_none() {
        let read = |value: Option<&str>| {
            let mut headers = HeaderMap::new();
            if let Some(value) = value {
                headers.insert("authorization", value.parse().unwrap());
            }
            Claim::read(&headers)
        };
        assert_eq!(read(None), Err(Doubt::Missing));
        assert_eq!(read(Some("Basic Zm9v")), Err(Doubt::Malformed));
        assert_eq!(
            read(Some("AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=0")),
            Err(Doubt::Malformed)
        );
    }
}
