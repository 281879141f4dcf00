//! One request: who, what, and the answer.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use ::http::request::Parts;
use ::http::{Request, Response};
use axum::body::{Body, Bytes, to_bytes};
use hyper::service::service_fn;
use jiff::Timestamp;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::core::Core;
use super::reply::{self, Exchange};
use super::signature::Claim;
use crate::region::http::{self, Crowd, Presence};
use crate::region::model::{Action, Caller, is_region_name};
use crate::wire::{Fault, Operation, Protocol, Service, decode_body, form_decode};

/// No request of EC2 is larger: user data ends at 16 KiB.
const BODY_LIMIT: usize = 1 << 20;
/// Larger ones are read on a thread of their own, one at a time: that may take a tenth of a second.
const LARGE: usize = 16 << 10;
/// Every request has its answer after so long.
const LONGEST: Duration = Duration::from_secs(30);
/// So many may be connected at the same time.
const CONNECTIONS: usize = 1024;

/// Answers on a listening socket until the task is dropped.
///
/// # Errors
/// None: what is wrong with a connection is its own affair.
pub async fn serve<C: Core>(listener: TcpListener, core: Arc<C>) -> std::io::Result<()> {
    // All come from this machine, so none has a share of his own.
    let crowd = Crowd::new(CONNECTIONS, CONNECTIONS);
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(_) => {
                // Out of descriptors, most likely: some will be closed.
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let Some(seat) = crowd.enter(()) else { continue };
        let core = Arc::clone(&core);
        tokio::spawn(async move {
            // An answer is written at once; waiting for more to send would only delay it.
            let _ = stream.set_nodelay(true);
            let app = service_fn(|request| {
                let core = Arc::clone(&core);
                async move { Ok::<_, Infallible>(answer(&*core, request).await) }
            });
            http::serve(stream, app, seat, |_| ()).await;
        });
    }
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
    // A call that is late has perhaps been carried out, as with EC2.
    match timeout(LONGEST, call(core, &exchange, &claim, &parts, body)).await {
        Ok(Ok((_, Ok(text)))) => exchange.success(text),
        Ok(Ok((operation, Err(fault)))) => exchange.failure(Some(operation), &fault),
        Ok(Err(fault)) => exchange.failure(None, &fault),
        Err(_) => exchange.failure(None, &reply::too_late()),
    }
}

/// The operation and what came of it, or the error of a request that did not get so far.
async fn call<C: Core>(
    core: &C,
    exchange: &Exchange,
    claim: &Claim,
    parts: &Parts,
    body: Bytes,
) -> Result<(&'static Operation, Result<String, Fault>), Fault> {
    let service = exchange.service();
    let credential = core.credential(&claim.access_key_id).ok_or_else(|| reply::unknown_key(service))?;
    claim
        .verify(parts, &body, &credential.secret_access_key, Timestamp::now())
        .map_err(|doubt| reply::doubtful(service, doubt))?;
    if let Some(presence) = parts.extensions.get::<Presence>() {
        presence.admit();
    }
    if !is_region_name(&claim.region) {
        return Err(reply::bad_region());
    }
    // EC2 takes its parameters from a query string too.
    let text = match (service.protocol(), body.is_empty()) {
        (Protocol::Json, _) | (_, false) => String::from_utf8(body.into()).map_err(|_| reply::bad_body())?,
        (_, true) => parts.uri.query().unwrap_or_default().to_owned(),
    };
    let name = operation_name(service, parts, &text);
    let operation = service.operation(&name).ok_or_else(|| reply::unknown_operation(service, &name))?;
    let params = match decode(operation, text).await {
        Ok(params) => params,
        Err(fault) => return Ok((operation, Err(fault))),
    };
    let caller = Caller { account: credential.account, region: claim.region.clone() };
    let encode = exchange.encoder(operation);
    Ok((operation, core.call(caller, Action::new(name, params), encode).await))
}

async fn decode(operation: &'static Operation, text: String) -> Result<Value, Fault> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());
    if text.len() < LARGE {
        return decode_body(operation, &text);
    }
    let _turn = ONE_AT_A_TIME.lock().await;
    spawn_blocking(move || decode_body(operation, &text)).await.unwrap_or_else(|_| Err(reply::bad_body()))
}

fn operation_name(service: &Service, parts: &Parts, body: &str) -> String {
    match service.protocol() {
        Protocol::Json => {
            let target =
                parts.headers.get("x-amz-target").and_then(|value| value.to_str().ok()).unwrap_or_default();
            target.rsplit('.').next().unwrap_or_default().to_owned()
        }
        _ => {
            let named = body.split('&').find(|pair| pair.starts_with("Action="));
            named.and_then(|pair| form_decode(pair).pop()).map(|(_, name)| name).unwrap_or_default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::region::api::Credential;

    struct Nobody;

    impl Core for Nobody {
        fn credential(&self, _: &str) -> Option<Credential> {
            None
        }

        async fn call(
            &self,
            _: Caller,
            _: Action,
            _: impl FnOnce(&Value) -> String + Send + 'static,
        ) -> Result<String, Fault> {
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
