//! Form encoding: `Action=DescribeVpcs&VpcId.1=vpc-0abc`.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The pairs of a form body or a query string, in order. `+` is a space; bytes that are not UTF-8 become U+FFFD.
pub fn form_decode(body: &str) -> Vec<(String, String)> {
    let decode = |part: &str| percent_decode_str(&part.replace('+', " ")).decode_utf8_lossy().into_owned();
    let pairs = body.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(key, value)| (decode(key), decode(value)))
        .collect()
}

/// The form body of these pairs.
pub fn form_encode(pairs: &[(String, String)]) -> String {
    let mut body = String::new();
    for (key, value) in pairs {
        if !body.is_empty() {
            body.push('&');
        }
        body.extend(utf8_percent_encode(key, PLAIN));
        body.push('=');
        body.extend(utf8_percent_encode(value, PLAIN));
    }
    body
}
