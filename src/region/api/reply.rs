//! Responses, and the words in which each service refuses a request before it has looked at it.

use axum::body::Body;
use http::{Response, StatusCode, header};
use serde_json::json;
use uuid::Uuid;

use super::signature::Doubt;
use crate::wire::{Fault, Protocol, Service, encode_error, encode_error_for};
use crate::wire::{Operation, encode_response};

/// One exchange: which service it is with, and its request id.
pub(super) struct Exchange {
    service: &'static Service,
    request_id: String,
}

impl Exchange {
    pub(super) fn new(service: &'static Service) -> Exchange {
        Exchange { service, request_id: Uuid::new_v4().to_string() }
    }

    pub(super) fn service(&self) -> &'static Service {
        self.service
    }

    /// What writes down the answer to an operation.
    pub(super) fn encoder(
        &self,
        operation: &'static Operation,
    ) -> impl FnOnce(&serde_json::Value) -> String + Send + use<> {
        let request_id = self.request_id.clone();
        move |value| encode_response(operation, value, &request_id)
    }

    /// An answer as its encoder has written it down.
    pub(super) fn success(&self, text: String) -> Response<Body> {
        self.send(200, text)
    }

    /// An error, in the language of the service. `operation` is none when it is not known.
    pub(super) fn failure(&self, operation: Option<&Operation>, fault: &Fault) -> Response<Body> {
        let body = match (operation, self.service.protocol()) {
            (Some(operation), _) => encode_error_for(operation, fault, &self.request_id),
            (None, Protocol::Json) => json!({"__type": fault.code, "message": fault.message}).to_string(),
            (None, _) => encode_error(fault, &self.request_id),
        };
        self.send(fault.status, body)
    }

    fn send(&self, status: u16, body: String) -> Response<Body> {
        let kind = match self.service.protocol() {
            Protocol::Json => "application/x-amz-json-1.1",
            _ => "text/xml;charset=UTF-8",
        };
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static(kind));
        if let Ok(id) = self.request_id.parse() {
            headers.insert("x-amzn-requestid", id);
        }
        response
    }
}

fn fault(code: &str, message: impl Into<String>, status: u16) -> Fault {
    Fault { code: code.to_owned(), message: message.into(), status }
}

/// The refusal of an access key that no account has.
pub(super) fn unknown_key(service: &Service) -> Fault {
    let invalid = "The security token included in the request is invalid.";
    match service.protocol() {
        Protocol::Ec2 => {
            fault("AuthFailure", "AWS was not able to validate the provided access credentials", 401)
        }
        Protocol::Query => fault("InvalidClientTokenId", invalid, 403),
        Protocol::Json => fault("UnrecognizedClientException", invalid, 400),
    }
}

/// The refusal of a signature.
pub(super) fn doubtful(service: &Service, doubt: Doubt) -> Fault {
    let json = service.protocol() == Protocol::Json;
    match doubt {
        Doubt::Missing => {
            let code =
                if json { "MissingAuthenticationTokenException" } else { "MissingAuthenticationToken" };
            fault(code, "Request is missing Authentication Token", if json { 400 } else { 403 })
        }
        Doubt::Malformed => {
            let code = if json { "IncompleteSignatureException" } else { "IncompleteSignature" };
            let message = "Authorization header requires 'Credential', 'Signature' and 'SignedHeaders' parameters, \
                           and the request an 'X-Amz-Date' header.";
            fault(code, message, 400)
        }
        Doubt::Expired if json => fault("InvalidSignatureException", "Signature expired", 400),
        Doubt::Expired => fault("RequestExpired", "Request has expired.", 400),
        Doubt::Mismatch if service.protocol() == Protocol::Ec2 => {
            fault("AuthFailure", "AWS was not able to validate the provided access credentials", 401)
        }
        Doubt::Mismatch => {
            let message = "The request signature we calculated does not match the signature you provided. Check your \
                           AWS Secret Access Key and signing method. Consult the service documentation for details.";
            let code = if json { "InvalidSignatureException" } else { "SignatureDoesNotMatch" };
            fault(code, message, if json { 400 } else { 403 })
        }
    }
}

/// The refusal of a region's name that cannot be one.
pub(super) fn bad_region() -> Fault {
    fault("AuthFailure", "Credential should be scoped to a valid region.", 401)
}

/// The refusal of an operation that the service does not have.
pub(super) fn unknown_operation(service: &Service, name: &str) -> Fault {
    match service.protocol() {
        Protocol::Json => fault("UnknownOperationException", "", 400),
        _ => fault("InvalidAction", format!("The action {name} is not valid for this web service."), 400),
    }
}

/// The refusal of a body that is too large or cannot be read.
pub(super) fn bad_body() -> Fault {
    fault("InvalidRequest", "The request body could not be read, or is larger than one megabyte.", 400)
}

/// The refusal of a request that could not be answered in time.
pub(super) fn too_late() -> Fault {
    fault("Unavailable", "The server is overloaded and can't handle the request.", 503)
}
