//! What the sites show.

use std::collections::BTreeMap;

use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Request, State as AppState};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Router};
use http::{HeaderValue, Method, StatusCode, header, request};
use serde_json::json;

use crate::region::http::Presence;
use crate::region::internet::mirror::Mirror;
use crate::region::internet::places::{Content, site};
use crate::region::internet::stream::Peer;

/// The most that is read of a request's body.
const LONGEST: usize = 1 << 20;

const EXAMPLE: &str = "<!doctype html>\n\
<html lang=\"en\">\n\
<head>\n\
<title>Example Domain</title>\n\
<meta charset=\"utf-8\">\n\
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
</head>\n\
<body>\n\
<h1>Example Domain</h1>\n\
<p>This name is reserved for examples in texts like the one that led you here (RFC 2606).</p>\n\
</body>\n\
</html>\n";

/// All sites; which one is meant follows from the address that the visitor connected to.
pub(in crate::region::internet) fn app(mirror: Mirror) -> Router {
    Router::new().fallback(handle).with_state(mirror)
}

async fn handle(
    AppState(mirror): AppState<Mirror>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    Extension(presence): Extension<Presence>,
    request: Request,
) -> Response {
    let Some(site) = site(*peer.to.ip()) else { return StatusCode::NOT_FOUND.into_response() };
    let reading = request.method() == Method::GET || request.method() == Method::HEAD;
    if !matches!(site.content, Content::Echo) {
        // It may wait for a package that has to be fetched first; the body is of no interest.
        presence.admit();
    }
    match site.content {
        Content::Echo => {
            let (head, body) = request.into_parts();
            match to_bytes(body, LONGEST).await {
                Ok(body) => echo(&peer, &head, &body),
                Err(_) => StatusCode::PAYLOAD_TOO_LARGE.into_response(),
            }
        }
        _ if !reading => StatusCode::METHOD_NOT_ALLOWED.into_response(),
        Content::Example => match request.uri().path() {
            "/" | "/index.html" => typed("text/html", EXAMPLE),
            _ => (StatusCode::NOT_FOUND, typed("text/html", EXAMPLE)).into_response(),
        },
        Content::Address => typed("text/plain;charset=UTF-8", format!("{}\n", peer.from.ip())),
        Content::Packages => mirror.packages(request.uri().path(), request.headers()).await,
        Content::WordPress => mirror.wordpress(request.uri().path(), request.headers()).await,
    }
}

/// What is seen of a visitor, in a fixed order.
fn echo(peer: &Peer, head: &request::Parts, body: &[u8]) -> Response {
    let headers: BTreeMap<&str, String> = head
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    let seen = json!({
        "client": peer.from.ip().to_string(),
        "port": peer.from.port(),
        "scheme": if peer.encrypted { "https" } else { "http" },
        "method": head.method.as_str(),
        "path": head.uri.path_and_query().map_or("/", |path| path.as_str()),
        "headers": headers,
        "body": String::from_utf8_lossy(body),
    });
    let text = serde_json::to_string_pretty(&seen).unwrap_or_default();
    typed("application/json", text + "\n")
}

fn typed(kind: &'static str, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
