//! The wire protocols of the three services that `lab` speaks (EC2, STS, SSM), in both directions, driven by
//! AWS's own service models.
//!
//! A request or a response is a [`serde_json::Value`] object keyed by the model's member names; this module turns
//! it into parameters, a body or XML and back. It knows names, types and required parameters. It does not know
//! what a value means: enumerations, ids and combinations of parameters are judged by whoever handles the
//! operation, because EC2 words each of those refusals differently.
//!
//! * booleans are booleans, integers and floats are numbers
//! * blobs are base64 strings
//! * timestamps are RFC 3339 strings in UTC with milliseconds, `2026-11-22T14:10:48.000Z`
//!
//! The models (`model/*.json`) are cut from botocore's by `tools/trim-model.py`.

mod fault;
mod form;
mod json;
mod name;
mod request_decode;
mod request_encode;
mod response_decode;
mod response_encode;
mod scalar;
mod service;
mod shape;
mod xml;

pub use fault::Fault;
pub use form::{form_decode, form_encode};
pub use name::kebab;
pub use request_decode::{decode_body, decode_request};
pub use request_encode::{Body, EncodeError, encode_body, encode_request};
pub use response_decode::{DecodeError, decode_error, decode_response};
pub use response_encode::{conforms, encode_error, encode_error_for, encode_response};
pub use scalar::{timestamp_now, timestamp_of};
pub use service::{Operation, Protocol, Service};
pub use shape::{Kind, Member, Shape};

#[cfg(test)]
mod tests;
