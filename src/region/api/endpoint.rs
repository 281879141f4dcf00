//! One request: who, what, and the answer.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use http::request::Parts;
use http::{Request, Response};
use jiff::Timestamp;
use tokio::net::TcpListener;

use super::core::Core;
use super::reply::{self, Exchange};
use super::signature::Claim;
use crate::region::model::{Action, Caller, is_region_name};
use crate::wire::{Fault, Operation, Protocol, Service, decode_body, form_decode};

/// No request of EC2 is larger: user data ends at 16 KiB.
const BODY_LIMIT: usize = 1 << 20;

/// The endpoint as a router: every path and method leads to [`answer`].
pub fn router<C: Core>(core: Arc<C>) -> Router {
    let handle =
        |State(core): State<Arc<C>>, request: Request<Body>| async move { answer(&*core, request).await };
    Router::new().fallback(handle).with_state(core)
}

/// Answers on a listening socket until the task is dropped.
///
/// # Errors
/// Those of accepting connections.
pub async fn serve<C: Core>(listener: TcpListener, core: Arc<C>) -> std::io::Result<()> {
    axum::serve(listener, router(core)).await
}

/// Answers one request. Whatever is wrong with it becomes a response as the real services give it.
pub async fn answer<C: Core>(core: &C, request: Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    // Until the signature has been read, nothing says which service is meant: EC2 is the rule.
    let claim = Claim::read(&parts.headers);
    let service =
        claim.as_ref().ok().and_then(|claim| Service::named(&claim.service)).unwrap_or(Service::ec2());
    let exchange = Exchange::new(service);
    let Ok(body) = to_bytes(body, BODY_LIMIT).await else {
        return exchange.failure(None, &reply::bad_body());
    };
    let claim = match claim {
        Ok(claim) => claim,
        Err(doubt) => return exchange.failure(None, &reply::doubtful(service, doubt)),
    };
    match call(core, service, &claim, &parts, &body).await {
        Ok((operation, Ok(value))) => exchange.success(operation, &value),
        Ok((operation, Err(fault))) => exchange.failure(Some(operation), &fault),
        Err(fault) => exchange.failure(None, &fault),
    }
}

/// The operation and what came of it, or the error of a request that did not get so far.
async fn call<C: Core>(
    core: &C,
    service: &'static Service,
    claim: &Claim,
    parts: &Parts,
    body: &[u8],
) -> Result<(&'static Operation, Result<serde_json::Value, Fault>), Fault> {
    let credential = core.credential(&claim.access_key_id).ok_or_else(|| reply::unknown_key(service))?;
    claim
        .verify(parts, body, &credential.secret_access_key, Timestamp::now())
        .map_err(|doubt| reply::doubtful(service, doubt))?;
    if !is_region_name(&claim.region) {
        return Err(reply::bad_region());
    }
    // EC2 takes its parameters from a query string too.
    let body = match (service.protocol(), body.is_empty()) {
        (Protocol::Json, _) | (_, false) => std::str::from_utf8(body).map_err(|_| reply::bad_body())?,
        (_, true) => parts.uri.query().unwrap_or_default(),
    };
    let name = operation_name(service, parts, body);
    let operation = service.operation(&name).ok_or_else(|| reply::unknown_operation(service, &name))?;
    let params = match decode_body(operation, body) {
        Ok(params) => params,
        Err(fault) => return Ok((operation, Err(fault))),
    };
    let caller = Caller { account: credential.account, region: claim.region.clone() };
    Ok((operation, core.call(caller, Action { operation: name, params }).await))
}

fn operation_name(service: &Service, parts: &Parts, body: &str) -> String {
    match service.protocol() {
        Protocol::Json => {
            let target =
                parts.headers.get("x-amz-target").and_then(|value| value.to_str().ok()).unwrap_or_default();
            target.rsplit('.').next().unwrap_or_default().to_owned()
        }
        _ => form_decode(body)
            .into_iter()
            .find(|(key, _)| key == "Action")
            .map(|(_, name)| name)
            .unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::region::api::Credential;

    struct Nobody;

    impl Core for Nobody {
        fn credential(&self, _: &str) -> Option<Credential> {
            None
        }

        async fn call(&self, _: Caller, _: Action) -> Result<Value, Fault> {
            unreachable!("nobody may call")
        }
    }

    async fn ask(authorization: Option<&str>) -> (u16, String) {
        let mut request = Request::builder().method("POST").uri("/");
        if let Some(value) = authorization {
            request = request.header("authorization", value);
        }
        let response = answer(&Nobody, request.body(Body::from("Action=DescribeVpcs")).unwrap()).await;
        assert!(response.headers().contains_key("x-amzn-requestid"));
        let status = response.status().as_u16();
        let body = to_bytes(response.into_body(), BODY_LIMIT).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn each_service_refuses_strangers_in_its_own_words() {
        let (status, body) = ask(None).await;
        assert_eq!(status, 403);
        assert!(body.contains("<Response><Errors><Error><Code>MissingAuthenticationToken</Code>"), "{body}");
        let (status, body) = ask(Some("Basic eDp5")).await;
        assert_eq!(status, 400);
        assert!(body.contains("<Code>IncompleteSignature</Code>"), "{body}");
        for (service, status, words) in [
            ("ec2", 401, "<Code>AuthFailure</Code>"),
            ("sts", 403, "<Code>InvalidClientTokenId</Code>"),
            ("ssm", 400, "\"__type\":\"UnrecognizedClientException\""),
        ] {
            let credential = format!("AKIA/20261122/us-east-1/{service}/aws4_request");
            let header =
                format!("AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=00");
            let (given, body) = ask(Some(&header)).await;
            assert_eq!(given, status, "{body}");
            assert!(body.contains(words), "{body}");
        }
    }
}
