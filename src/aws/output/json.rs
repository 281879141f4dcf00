//! Indented JSON.

use serde::Serialize;
use serde_json::Value;
use serde_json::ser::{PrettyFormatter, Serializer};

/// A value with four spaces for each level, and a line end.
pub fn json(value: &Value) -> String {
    let mut out = Vec::new();
    let mut serializer = Serializer::with_formatter(&mut out, PrettyFormatter::with_indent(b"    "));
    value.serialize(&mut serializer).expect("a value that is JSON can be written to memory");
    out.push(b'\n');
    String::from_utf8_lossy(&out).into_owned()
}
