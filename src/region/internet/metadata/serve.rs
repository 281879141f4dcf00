//! The metadata service over HTTP.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State as AppState};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use nix::sys::socket::{setsockopt, sockopt};

use super::tokens::{LONGEST, Tokens};
use super::tree::{self, Node};
use crate::region::internet::World;
use crate::region::internet::stream::Peer;
use crate::region::internet::wanted::Place;
use crate::region::model::{MetadataOptions, State};

const TTL: &str = "x-aws-ec2-metadata-token-ttl-seconds";
const TOKEN: &str = "x-aws-ec2-metadata-token";
/// What Linux gives a packet that nobody has an opinion about.
const USUAL_HOPS: u8 = 64;
/// Versions of the tree; they are all the same here.
const VERSIONS: &[&str] = &["latest", "2021-07-15", "2022-09-24", "2024-04-11"];

struct Desk<W> {
    world: Arc<W>,
    tokens: Tokens,
}

/// The service for all instances.
pub(in crate::region::internet) fn app<W: World>(world: Arc<W>) -> Router {
    Router::new().fallback(handle::<W>).with_state(Arc::new(Desk { world, tokens: Tokens::default() }))
}

async fn handle<W: World>(
    AppState(desk): AppState<Arc<Desk<W>>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    request: Request,
) -> Response {
    let asker = desk.world.read(|state| Asker::find(state, &peer.place, *peer.from.ip()));
    let Some(asker) = asker else { return page(StatusCode::NOT_FOUND) };
    if !asker.options.enabled {
        return page(StatusCode::FORBIDDEN);
    }
    let asks_for_token = request.method() == Method::PUT;
    // Only a token's way is limited: that is what keeps it from whoever is behind the instance.
    let hops = if asks_for_token { asker.options.hop_limit } else { USUAL_HOPS };
    if setsockopt(&peer.socket, sockopt::Ipv4Ttl, &i32::from(hops)).is_err() {
        return page(StatusCode::INTERNAL_SERVER_ERROR);
    }
    let path = request.uri().path();
    if asks_for_token {
        return token(&desk.tokens, &asker, path, request.headers());
    }
    if request.method() != Method::GET && request.method() != Method::HEAD {
        return page(StatusCode::METHOD_NOT_ALLOWED);
    }
    if let Err(status) = admit(&desk.tokens, &asker, request.headers()) {
        return page(status);
    }
    match desk.world.read(|state| content(state, &asker, path)) {
        Some(Content::Listing(text)) => plain(text),
        Some(Content::Text(bytes)) => plain(bytes),
        None => page(StatusCode::NOT_FOUND),
    }
}

/// Whose question it is.
struct Asker {
    account: String,
    region: String,
    instance: String,
    options: MetadataOptions,
}

impl Asker {
    /// The instance that has this address in the VPC. The router sees to it that nobody else uses it.
    fn find(state: &State, place: &Place, address: Ipv4Addr) -> Option<Asker> {
        let Place::Vpc { account, region, vpc } = place else { return None };
        let content = state.region(account, region)?;
        let mut here = content.network_interfaces.iter().filter(|interface| interface.vpc_id == *vpc);
        let interface =
            here.find(|interface| interface.private_addresses.iter().any(|own| own.ip == address))?;
        let id = interface.attachment.as_ref()?.instance_id.as_deref()?;
        let options = content.instances.get(id)?.metadata_options.clone();
        let (account, region, instance) = (account.clone(), region.clone(), id.to_owned());
        Some(Asker { account, region, instance, options })
    }
}

fn token(tokens: &Tokens, asker: &Asker, path: &str, headers: &HeaderMap) -> Response {
    if path.trim_end_matches('/') != "/latest/api/token" {
        return page(StatusCode::METHOD_NOT_ALLOWED);
    }
    // A request that was passed on by a proxy does not come from the instance itself.
    if headers.contains_key("x-forwarded-for") {
        return page(StatusCode::FORBIDDEN);
    }
    let asked = headers.get(TTL).and_then(|value| value.to_str().ok()?.trim().parse::<u32>().ok());
    let Some(seconds) = asked.filter(|seconds| (1..=LONGEST).contains(seconds)) else {
        return page(StatusCode::BAD_REQUEST);
    };
    let mut response = plain(tokens.issue(&asker.instance, seconds, Instant::now()));
    response.headers_mut().insert(TTL, HeaderValue::from(seconds));
    response
}

/// A token that is shown has to be right, and has to be shown if the instance is set to version 2 alone.
fn admit(tokens: &Tokens, asker: &Asker, headers: &HeaderMap) -> Result<(), StatusCode> {
    let shown = headers.get(TOKEN).map(|value| value.to_str().unwrap_or_default());
    match shown {
        Some(token) if tokens.allows(token, &asker.instance, Instant::now()) => Ok(()),
        None if !asker.options.tokens_required => Ok(()),
        _ => Err(StatusCode::UNAUTHORIZED),
    }
}

enum Content {
    Listing(String),
    Text(Vec<u8>),
}

fn content(state: &State, asker: &Asker, path: &str) -> Option<Content> {
    let (version, rest) =
        path.trim_start_matches('/').split_once('/').unwrap_or((path.trim_matches('/'), ""));
    if version.is_empty() {
        return Some(Content::Listing(VERSIONS.iter().rev().copied().collect::<Vec<_>>().join("\n")));
    }
    VERSIONS.contains(&version).then_some(())?;
    let region = state.region(&asker.account, &asker.region)?;
    let instance = region.instances.get(&asker.instance)?;
    let root = tree::of(state.number(&asker.account), &asker.region, region, instance);
    match tree::look_up(&root, rest)? {
        Node::Text(text) if text.is_empty() => None,
        Node::Text(text) => Some(Content::Text(text.clone())),
        Node::Directory(entries) => {
            // The list of keys shows names, the way to a key its number.
            let shown = entries
                .iter()
                .filter(|(name, _)| !(rest.trim_end_matches('/').ends_with("public-keys") && *name == "0"));
            let shown = shown.map(|(name, node)| (name.clone(), node.clone())).collect();
            Some(Content::Listing(tree::listing(&shown)))
        }
    }
}

fn plain(body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    headers.insert(header::SERVER, HeaderValue::from_static("EC2ws"));
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("none"));
    response
}

/// A refusal, as a page like EC2's.
fn page(status: StatusCode) -> Response {
    let title = format!("{} - {}", status.as_u16(), status.canonical_reason().unwrap_or_default());
    let html = format!(
        "<?xml version=\"1.0\" encoding=\"iso-8859-1\"?>\n\
         <!DOCTYPE html PUBLIC \"-//W3C//DTD XHTML 1.0 Transitional//EN\"\n\
         \t\"http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd\">\n\
         <html xmlns=\"http://www.w3.org/1999/xhtml\" xml:lang=\"en\" lang=\"en\">\n \
         <head>\n  <title>{title}</title>\n </head>\n <body>\n  <h1>{title}</h1>\n </body>\n</html>\n"
    );
    let server = (header::SERVER, HeaderValue::from_static("EC2ws"));
    (status, [(header::CONTENT_TYPE, HeaderValue::from_static("text/html")), server], html).into_response()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::region::internet::sample::Lab;

    fn asker(lab: &Lab) -> Asker {
        Asker::find(&lab.state, &lab.vpc_place(), Ipv4Addr::new(10, 0, 1, 10)).unwrap()
    }

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    fn text(lab: &Lab, path: &str) -> Option<String> {
        content(&lab.state, &asker(lab), path).map(|content| match content {
            Content::Listing(text) => text,
            Content::Text(bytes) => String::from_utf8(bytes).unwrap(),
        })
    }

    #[test]
    fn the_asker_is_known_by_vpc_and_address() {
        let lab = Lab::with_two_instances(true);
        assert_eq!(asker(&lab).instance, lab.web);
        assert!(Asker::find(&lab.state, &lab.vpc_place(), Ipv4Addr::new(10, 0, 1, 11)).is_none());
        assert!(Asker::find(&lab.state, &lab.internet_place(), Ipv4Addr::new(10, 0, 1, 10)).is_none());
    }

    #[test]
    fn tokens_are_asked_for_with_a_time_and_needed_when_the_instance_says_so() {
        let mut lab = Lab::with_two_instances(true);
        let required = json!({"InstanceId": lab.web, "HttpTokens": "required"});
        lab.call("ModifyInstanceMetadataOptions", required);
        let (tokens, web) = (Tokens::default(), asker(&lab));
        let path = "/latest/api/token";
        assert_eq!(admit(&tokens, &web, &headers(&[])), Err(StatusCode::UNAUTHORIZED));
        assert_eq!(admit(&tokens, &web, &headers(&[(TOKEN, "wrong")])), Err(StatusCode::UNAUTHORIZED));
        for bad in [&[][..], &[(TTL, "0")], &[(TTL, "21601")], &[(TTL, "soon")]] {
            assert_eq!(token(&tokens, &web, path, &headers(bad)).status(), StatusCode::BAD_REQUEST);
        }
        let forwarded = headers(&[(TTL, "60"), ("x-forwarded-for", "10.0.0.1")]);
        assert_eq!(token(&tokens, &web, path, &forwarded).status(), StatusCode::FORBIDDEN);
        assert_eq!(token(&tokens, &web, path, &headers(&[(TTL, "60")])).status(), StatusCode::OK);
        let issued = tokens.issue(&web.instance, 60, Instant::now());
        assert_eq!(admit(&tokens, &web, &headers(&[(TOKEN, &issued)])), Ok(()));

        let optional = json!({"InstanceId": lab.web, "HttpTokens": "optional"});
        lab.call("ModifyInstanceMetadataOptions", optional);
        let web = asker(&lab);
        assert_eq!(admit(&tokens, &web, &headers(&[])), Ok(()));
        assert_eq!(admit(&tokens, &web, &headers(&[(TOKEN, "wrong")])), Err(StatusCode::UNAUTHORIZED));
    }

    #[test]
    fn paths_lead_to_lists_and_texts() {
        let lab = Lab::with_two_instances(true);
        assert_eq!(text(&lab, "/latest/meta-data/local-ipv4").as_deref(), Some("10.0.1.10"));
        assert_eq!(text(&lab, "/latest/meta-data/public-keys/").as_deref(), Some("0=my-key"));
        assert!(
            text(&lab, "/latest/meta-data/public-keys/0/openssh-key").unwrap().starts_with("ssh-ed25519 ")
        );
        assert_eq!(text(&lab, "/latest/meta-data/placement"), text(&lab, "/2024-04-11/meta-data/placement/"));
        assert!(text(&lab, "/").unwrap().ends_with("latest"));
        assert_eq!(text(&lab, "/latest/meta-data/nothing"), None);
        assert_eq!(text(&lab, "/1999-01-01/meta-data/"), None);
    }
}
