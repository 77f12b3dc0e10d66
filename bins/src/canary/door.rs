//! The front door as a client sees it: REST requests, and a socket over long-polling.
//!
//! Long-polling needs every part of the way that a WebSocket needs but the upgrade, which
//! [`Door::offers_websocket`] asks for separately.

use anyhow::{Context, bail, ensure};
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, Response, StatusCode, Uri, header};
use eventflow_boot::outgoing::{Connector, connector};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::timeout;

/// Answer limit: bytes of an answer that are read. The canary's own thread is all that it hears of.
const ANSWER_MAX_BYTES: usize = 4 * 1024 * 1024;
/// Time for ending a session: by then the round has its result, and the next one must not wait for it.
const CLOSE_LIMIT: Duration = Duration::from_secs(5);
/// The socket door: Engine.IO 4.
const SOCKETS: &str = "/socket.io/?EIO=4";
/// Separator of packets in the body of a poll (Engine.IO 4).
const SEPARATOR: char = '\u{1e}';
/// A key of a WebSocket handshake; any 16 bytes will do (RFC 6455, section 4.1).
const WEBSOCKET_KEY: &str = "ZXZlbnRmbG93LWNhbmFyeQ==";

/// One address, and the client that talks to it.
pub(super) struct Door {
    client: Client<Connector, Body>,
    base: String,
}

/// A signed-in socket.
pub(super) struct Socket<'a> {
    door: &'a Door,
    session: String,
}

impl Door {
    /// The door at `url`.
    pub(super) fn new(url: &str) -> anyhow::Result<Self> {
        let parts = url.parse::<Uri>().context("read the address")?;
        ensure!(parts.scheme().is_some() && parts.host().is_some(), "expected http(s)://host[:port]");
        let client = Client::builder(TokioExecutor::new()).build(connector()?);
        Ok(Self { client, base: url.trim_end_matches('/').to_owned() })
    }

    /// Sends a request as the owner of `token`. Gives the status and the JSON of the answer.
    pub(super) async fn post(&self, path: &str, token: &str, body: &Value) -> anyhow::Result<(u16, Value)> {
        let request = Request::builder()
            .method(Method::POST)
            .uri(format!("{}{path}", self.base))
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_string()))?;
        let (status, text) = self.ask(request).await?;
        let body = serde_json::from_str(&text).with_context(|| format!("{status}, and no JSON"))?;
        Ok((status.as_u16(), body))
    }

    /// Asks for a WebSocket, and closes it as soon as it is granted.
    pub(super) async fn offers_websocket(&self) -> anyhow::Result<()> {
        let request = Request::builder()
            .uri(format!("{}{SOCKETS}&transport=websocket", self.base))
            .header(header::CONNECTION, "Upgrade")
            .header(header::UPGRADE, "websocket")
            .header(header::SEC_WEBSOCKET_VERSION, "13")
            .header(header::SEC_WEBSOCKET_KEY, WEBSOCKET_KEY)
            .body(Body::empty())?;
        let answer = self.client.request(request).await?;
        ensure!(answer.status() == StatusCode::SWITCHING_PROTOCOLS, "the answer is {}", answer.status());
        Ok(())
    }

    async fn poll(&self, session: &str, packets: Option<&str>) -> anyhow::Result<String> {
        let session = if session.is_empty() { String::new() } else { format!("&sid={session}") };
        let request = Request::builder().uri(format!("{}{SOCKETS}&transport=polling{session}", self.base));
        let request = match packets {
            None => request.body(Body::empty())?,
            Some(packets) => request
                .method(Method::POST)
                .header(header::CONTENT_TYPE, "text/plain;charset=UTF-8")
                .body(Body::from(packets.to_owned()))?,
        };
        let (status, text) = self.ask(request).await?;
        ensure!(status == StatusCode::OK, "the answer is {status} {text}");
        Ok(text)
    }

    async fn ask(&self, request: Request<Body>) -> anyhow::Result<(StatusCode, String)> {
        let answer: Response<_> = self.client.request(request).await?;
        let (head, body) = answer.into_parts();
        let body = to_bytes(Body::new(body), ANSWER_MAX_BYTES).await?;
        Ok((head.status, String::from_utf8_lossy(&body).into_owned()))
    }
}

impl<'a> Socket<'a> {
    /// Opens a session and signs in.
    pub(super) async fn open(door: &'a Door, token: &str) -> anyhow::Result<Self> {
        let opened = door.poll("", None).await?;
        let open: Value =
            serde_json::from_str(opened.trim_start_matches('0')).context("read the handshake")?;
        let session = open["sid"].as_str().context("a handshake without a session")?.to_owned();
        let mut socket = Self { door, session };
        socket.write(&format!("40{}", json!({ "token": token }))).await?;
        let answer = socket.read(|packet| packet.starts_with("40") || packet.starts_with("44")).await?;
        ensure!(answer.starts_with("40"), "signing in is answered with {answer}");
        Ok(socket)
    }

    /// Waits for an event of this name that contains `text`.
    pub(super) async fn until_event(&mut self, name: &str, text: &str) -> anyhow::Result<()> {
        let begins = format!("42[\"{name}\"");
        self.read(|packet| packet.starts_with(&begins) && packet.contains(text)).await.map(drop)
    }

    /// Ends the session. One that cannot be ended within [`CLOSE_LIMIT`] ends by itself.
    pub(super) async fn close(self) {
        let _ = timeout(CLOSE_LIMIT, self.door.poll(&self.session, Some("1"))).await;
    }

    /// Reads until a packet is wanted, and answers pings meanwhile.
    async fn read(&mut self, is_wanted: impl Fn(&str) -> bool) -> anyhow::Result<String> {
        loop {
            let packets = self.door.poll(&self.session, None).await?;
            let mut wanted = None;
            for packet in packets.split(SEPARATOR) {
                match packet {
                    "2" => self.write("3").await?,
                    "1" => bail!("the server closed the session"),
                    _ if is_wanted(packet) => wanted = Some(packet.to_owned()),
                    _ => {}
                }
            }
            if let Some(packet) = wanted {
                return Ok(packet);
            }
        }
    }

    async fn write(&self, packets: &str) -> anyhow::Result<()> {
        self.door.poll(&self.session, Some(packets)).await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    #[tokio::test(start_paused = true)]
    async fn a_server_that_does_not_answer_holds_up_no_round() {
        let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let door = Door::new(&format!("http://{}", silent.local_addr().unwrap())).unwrap();
        let socket = Socket { door: &door, session: "s".to_owned() };
        timeout(CLOSE_LIMIT * 2, socket.close()).await.expect("it gives up");
    }
}
