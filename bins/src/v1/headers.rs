//! Forwarded headers: the proxy forwards all headers except those of one connection, and adds headers that
//! say who asked and for which host.

use axum::extract::ConnectInfo;
use axum::http::header::{CONNECTION, HOST, TE, TRANSFER_ENCODING, UPGRADE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use std::net::SocketAddr;

/// Headers of one connection (RFC 9110, section 7.6.1), in addition to those that `Connection` names.
const OF_ONE_CONNECTION: [HeaderName; 7] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    HeaderName::from_static("proxy-authorization"),
    TE,
    TRANSFER_ENCODING,
    UPGRADE,
];
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Prepares the headers of a request for the next connection. The HTTP client sets `Host` from the upstream's
/// address.
pub(super) fn prepare_request(head: &mut Parts) {
    strip_connection(&mut head.headers);
    if let Some(host) = head.headers.remove(HOST) {
        head.headers.insert(FORWARDED_HOST, host);
    }
    // TLS ends at a proxy in front of this process, so only that proxy knows the protocol.
    if !head.headers.contains_key(FORWARDED_PROTO) {
        head.headers.insert(FORWARDED_PROTO, HeaderValue::from_static("http"));
    }
    if let Some(ConnectInfo(peer)) = head.extensions.get::<ConnectInfo<SocketAddr>>() {
        append_peer(&mut head.headers, *peer);
    }
}

/// Removes the headers that concern one connection only.
pub(super) fn strip_connection(headers: &mut HeaderMap) {
    let lines = headers.get_all(CONNECTION).into_iter().filter_map(|line| line.to_str().ok());
    let named: Vec<HeaderName> =
        lines.flat_map(|line| line.split(',')).filter_map(|name| name.trim().parse().ok()).collect();
    for name in named.iter().chain(&OF_ONE_CONNECTION) {
        headers.remove(name);
    }
}

/// Appends the peer's address to the addresses that other proxies have added.
fn append_peer(headers: &mut HeaderMap, peer: SocketAddr) {
    let seen = headers.get_all(FORWARDED_FOR).into_iter().filter_map(|line| line.to_str().ok());
    let chain: Vec<String> = seen.map(str::to_owned).chain([peer.ip().to_string()]).collect();
    if let Ok(chain) = HeaderValue::from_str(&chain.join(", ")) {
        headers.insert(FORWARDED_FOR, chain);
    }
}
