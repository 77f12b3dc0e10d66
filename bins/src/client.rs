//! The HTTP client of operators' commands: one request, one answer, both within a limit of time and size.
//!
//! It speaks HTTP and, with the roots that browsers trust, HTTPS. The limit of time covers the whole
//! exchange, so an answer whose body never ends is an error too.

use anyhow::{Context, ensure};
use axum::body::{Body, Bytes, to_bytes};
use axum::http::{Request, StatusCode};
use eventflow_boot::outgoing::{Connector, connector};
use hyper_util::client::legacy;
use hyper_util::rt::TokioExecutor;
use std::io;
use std::time::Duration;
use tokio::time::timeout;

/// How long an exchange may take, and how large its answer may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// From the first byte of the request to the last byte of the answer.
    pub(crate) time: Duration,
    /// Bytes of the answer's body.
    pub(crate) bytes: usize,
}

/// A client for HTTP and HTTPS.
pub(crate) struct HttpClient {
    client: legacy::Client<Connector, Body>,
    limits: Limits,
}

impl HttpClient {
    /// No connection yet.
    pub(crate) fn new(limits: Limits) -> anyhow::Result<Self> {
        // No line is kept: a process that is told to end must not wait for its operator.
        let client =
            legacy::Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(connector()?);
        Ok(Self { client, limits })
    }

    /// Sends the request and reads the whole answer. The errors name the address without user and password.
    pub(crate) async fn ask(&self, request: Request<Body>) -> anyhow::Result<(StatusCode, Bytes)> {
        let Limits { time, bytes } = self.limits;
        let uri = request.uri();
        let host = uri.host().context("an address without a host: expected http(s)://host[:port]")?;
        let scheme = uri.scheme_str().unwrap_or_default();
        ensure!(matches!(scheme, "http" | "https"), "{host}: expected http(s)://host[:port]");
        let port = uri.port_u16().map(|port| format!(":{port}")).unwrap_or_default();
        let address = format!("{scheme}://{host}{port}{}", uri.path());
        let exchange = async {
            let response = self.client.request(request).await.with_context(|| format!("reach {address}"))?;
            let (head, body) = response.into_parts();
            let body = to_bytes(Body::new(body), bytes).await;
            let body = body.with_context(|| format!("read the answer of {address}"))?;
            anyhow::Ok((head.status, body))
        };
        timeout(time, exchange).await.with_context(|| format!("{address}: no whole answer in {time:?}"))?
    }
}

/// Whether nobody listens at the address any more. A time limit, a broken line or a name that cannot be
/// resolved does not say so.
pub(crate) fn is_connection_refused(error: &anyhow::Error) -> bool {
    error.chain().filter_map(|cause| cause.downcast_ref::<io::Error>()).any(|error| {
        // The connector tries every address of a name, and gives the error of the last one.
        error.kind() == io::ErrorKind::ConnectionRefused
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::Uri;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    const LIMITS: Limits = Limits { time: Duration::from_millis(200), bytes: 1_024 };

    fn request(uri: &str) -> Request<Body> {
        Request::builder().uri(uri.parse::<Uri>().unwrap()).body(Body::empty()).unwrap()
    }

    #[tokio::test]
    async fn an_answer_whose_body_never_ends_is_an_error_within_the_limit() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/stuck", listener.local_addr().unwrap());
        let serve = async {
            let (mut line, _) = listener.accept().await.unwrap();
            let mut asked = [0; 1_024];
            assert_ne!(line.read(&mut asked).await.unwrap(), 0);
            line.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf").await.unwrap();
            // Until the client has gone.
            let _ = line.read(&mut asked).await;
        };
        let client = HttpClient::new(LIMITS).unwrap();
        let ask = async {
            let error = client.ask(request(&url)).await.unwrap_err();
            drop(client);
            error
        };
        let ((), error) = tokio::join!(serve, ask);
        assert!(format!("{error:#}").contains("no whole answer in 200ms"), "{error:#}");
        assert!(!is_connection_refused(&error));
    }

    #[tokio::test]
    async fn an_address_with_https_is_asked_over_tls() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://{}/", listener.local_addr().unwrap());
        let serve = async {
            let (mut line, _) = listener.accept().await.unwrap();
            let mut first = [0];
            line.read_exact(&mut first).await.unwrap();
            first[0]
        };
        let client = HttpClient::new(LIMITS).unwrap();
        let (first, answer) = tokio::join!(serve, client.ask(request(&url)));
        assert_eq!(first, 0x16, "a TLS handshake (RFC 8446, section 5.1)");
        assert!(answer.is_err());
    }

    #[tokio::test]
    async fn a_port_where_nobody_listens_is_told_from_other_errors_and_no_error_shows_a_password() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let client = HttpClient::new(LIMITS).unwrap();
        let error = client.ask(request(&format!("http://ann:secret@{address}/x"))).await.unwrap_err();
        assert!(is_connection_refused(&error), "{error:#}");
        assert!(!format!("{error:#}").contains("secret"), "{error:#}");
        let error = client.ask(request("/x")).await.unwrap_err();
        assert!(!is_connection_refused(&error), "{error:#}");
    }
}
