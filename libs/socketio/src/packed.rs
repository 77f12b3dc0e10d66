//! The handshake of a connection whose client is in every namespace, in as few bytes as it takes: the client
//! may leave a namespace and join again, and then the application asks for it once more.
//!
//! The text is copied, since a request's own values keep the buffer alive that they were read into.

use std::net::SocketAddr;

use http::header::{
    ACCEPT, ACCEPT_ENCODING, ACCEPT_LANGUAGE, CACHE_CONTROL, CONNECTION, HeaderName, HeaderValue, PRAGMA,
    SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE, USER_AGENT,
};
use http::{HeaderMap, Method};

use crate::handshake::Handshake;

/// Headers that are let go: they tell of the first request's transport and of the browser, not of who asks.
const FORGOTTEN: [HeaderName; 11] = [
    ACCEPT,
    ACCEPT_ENCODING,
    ACCEPT_LANGUAGE,
    CACHE_CONTROL,
    CONNECTION,
    PRAGMA,
    SEC_WEBSOCKET_EXTENSIONS,
    SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_VERSION,
    UPGRADE,
    USER_AGENT,
];

/// A handshake that waits to be asked for again.
#[derive(Debug)]
pub(crate) struct PackedHandshake {
    method: Method,
    uri: Box<str>,
    /// One header after the other: name, colon, value, line feed. Neither contains a line feed, and a name
    /// contains no colon.
    headers: Box<[u8]>,
    peer: Option<SocketAddr>,
}

impl PackedHandshake {
    pub(crate) fn of(handshake: &Handshake) -> Self {
        let mut headers = Vec::new();
        for (name, value) in handshake.headers.iter().filter(|(name, _)| !FORGOTTEN.contains(name)) {
            headers.extend_from_slice(name.as_str().as_bytes());
            headers.push(b':');
            headers.extend_from_slice(value.as_bytes());
            headers.push(b'\n');
        }
        Self {
            method: handshake.method.clone(),
            uri: handshake.uri.to_string().into(),
            headers: headers.into(),
            peer: handshake.peer,
        }
    }

    pub(crate) fn unpack(&self) -> Handshake {
        let lines = self.headers.split(|byte| *byte == b'\n');
        Handshake {
            method: self.method.clone(),
            uri: self.uri.parse().unwrap_or_default(),
            headers: lines.filter_map(header).collect::<HeaderMap>(),
            peer: self.peer,
        }
    }
}

fn header(line: &[u8]) -> Option<(HeaderName, HeaderValue)> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let (name, value) = line.split_at(colon);
    Some((HeaderName::from_bytes(name).ok()?, HeaderValue::from_bytes(&value[1..]).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tells_who_asks_comes_back_as_it_was() {
        let request = http::Request::get("/socket.io/?EIO=4&transport=websocket")
            .header("cookie", "token=a:b")
            .header("cookie", "theme=\u{e4}")
            .header("x-forwarded-for", "")
            .header("user-agent", "a long story");
        let (mut head, ()) = request.body(()).unwrap().into_parts();
        let peer = Some(SocketAddr::from(([10, 0, 0, 1], 9)));
        let handshake = Handshake { method: head.method, uri: head.uri, headers: head.headers.clone(), peer };
        let unpacked = PackedHandshake::of(&handshake).unpack();
        head.headers.remove("user-agent");
        assert_eq!((unpacked.headers, unpacked.peer), (head.headers, peer));
        assert_eq!((unpacked.method, unpacked.uri), (handshake.method, handshake.uri));
    }
}
