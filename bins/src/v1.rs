//! Proxy to the old messaging system, behind the same address: it forwards every request below
//! `/api/messages` and returns the answer.
//!
//! Bodies stream both ways, unread. The proxy removes headers that belong to one connection only (RFC 9110,
//! section 7.6.1) and adds who asked (`X-Forwarded-*`). It sends every request to the configured upstream and
//! takes only path and query from the request. It repeats no request, since only the client knows whether its
//! request may be repeated.

mod headers;
mod progress;

use anyhow::Context;
use axum::body::Body;
use axum::extract::{OriginalUri, Request, State};
use axum::http::uri::{Authority, PathAndQuery, Scheme};
use axum::http::{StatusCode, Uri, Version, header};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use axum::{Json, Router};
use eventflow_config::V1Settings;
use eventflow_protocol::{ErrorBody, ErrorCode};
use hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use progress::{Culprit, Progress};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// Connect limit: an old system that accepts no connection within this time counts as down.
const CONNECT_LIMIT: Duration = Duration::from_secs(3);
/// Answer limit: how long the old system may take to begin its answer, counted from the last byte of the
/// request. An answer that has begun has no limit; the client decides when to give up.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);
/// Idle limit: the proxy closes an idle connection after this time. It is shorter than the 5 s after which
/// Node.js closes the connection from the other side.
const IDLE_LIMIT: Duration = Duration::from_secs(4);
/// Idle connections that the proxy keeps: enough for bursts and few enough for a small server.
const IDLE_MAX: usize = 32;
/// Requests under way: so many may wait for the old system's answers at a time. Each may hold a piece of a
/// body (up to 400 KB) on either side.
const UNDER_WAY_MAX: usize = 256;
/// Retry: when a client may send a request again that the old system could not answer.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// The routes that the old system owns.
const ROUTES: [&str; 3] = ["/api/messages", "/api/messages/", "/api/messages/{*rest}"];

/// The old system's address, and the HTTP client that talks to it.
#[derive(Clone)]
struct Upstream {
    client: Client<HttpsConnector<HttpConnector>, Body>,
    scheme: Scheme,
    authority: Authority,
    under_way: Arc<Semaphore>,
}

/// Why the proxy cannot return an answer of the old system.
enum ForwardError {
    /// The path would leave the routes that the old system owns here.
    Path,
    /// The connection failed, or broke before an answer began.
    Down(Box<dyn std::error::Error + Send + Sync>),
    /// No answer began in time.
    Late,
    /// The client did not send the rest of its request in time.
    Stalled,
    /// Too many requests wait for the old system.
    Busy,
}

/// The routes of the old system. Without a configured address they answer with a 404 that says so.
pub fn router(config: &V1Settings) -> anyhow::Result<Router> {
    routes(&config.upstream_url).context("v1.upstream_url")
}

fn routes(url: &str) -> anyhow::Result<Router> {
    if url.is_empty() {
        return Ok(ROUTES
            .into_iter()
            .fold(Router::new(), |router, path| router.route(path, any(not_configured))));
    }
    let upstream = Arc::new(Upstream::new(url)?);
    let router = ROUTES.into_iter().fold(Router::new(), |router, path| router.route(path, any(pass_on)));
    Ok(router.with_state(upstream))
}

async fn not_configured() -> Response {
    let error = "there is no old messaging system here; use /api/v2/messages, or set V1_UPSTREAM_URL";
    (StatusCode::NOT_FOUND, Json(ErrorBody::new(ErrorCode::Unknown, error))).into_response()
}

async fn pass_on(
    State(upstream): State<Arc<Upstream>>,
    OriginalUri(uri): OriginalUri,
    request: Request,
) -> Response {
    match upstream.ask(&uri, request).await {
        Ok(response) => response,
        Err(error) => error.into_response(),
    }
}

impl Upstream {
    fn new(url: &str) -> anyhow::Result<Self> {
        let parts = url.parse::<Uri>().context("read the address")?.into_parts();
        let scheme = parts.scheme.context("it has no scheme")?;
        let authority = parts.authority.context("it has no host")?;
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(CONNECT_LIMIT));
        connector.set_nodelay(true);
        connector.enforce_http(false);
        let ring = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(ring).with_safe_default_protocol_versions()?;
        let tls = tls.with_webpki_roots().with_no_client_auth();
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_http1()
            .wrap_connector(connector);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_LIMIT)
            .pool_max_idle_per_host(IDLE_MAX)
            .build(connector);
        Ok(Self { client, scheme, authority, under_way: Arc::new(Semaphore::new(UNDER_WAY_MAX)) })
    }

    async fn ask(&self, uri: &Uri, request: Request) -> Result<Response, ForwardError> {
        // Given back when the answer begins: from then on the client's connection bounds what it may hold.
        let _place = self.under_way.try_acquire().map_err(|_| ForwardError::Busy)?;
        let (mut head, body) = request.into_parts();
        head.uri = self.address(uri.path_and_query().ok_or(ForwardError::Path)?)?;
        head.version = Version::HTTP_11;
        headers::prepare_request(&mut head);
        let (body, progress) = Progress::of(body);
        let answer = self.client.request(Request::from_parts(head, Body::new(body)));
        // The limit starts again with each piece of the body that is sent, so it does not cut off a long
        // upload.
        let answer = tokio::select! {
            answer = answer => answer.map_err(|error| ForwardError::Down(error.into()))?,
            culprit = progress.stalled(ANSWER_LIMIT) => return Err(match culprit {
                Culprit::Client => ForwardError::Stalled,
                Culprit::Upstream => ForwardError::Late,
            }),
        };
        let (mut head, body) = answer.into_parts();
        head.version = Version::HTTP_11;
        headers::strip_connection(&mut head.headers);
        Ok(Response::from_parts(head, Body::new(body)))
    }

    /// Builds the URI of this path at the old system. It refuses a path that would leave the routes owned
    /// here, because other routes of the old system may be meant for its own network only.
    fn address(&self, wanted: &PathAndQuery) -> Result<Uri, ForwardError> {
        if climbs(wanted.path()) {
            return Err(ForwardError::Path);
        }
        let uri = Uri::builder().scheme(self.scheme.clone()).authority(self.authority.clone());
        uri.path_and_query(wanted.clone()).build().map_err(|_| ForwardError::Path)
    }
}

/// Whether a server that resolves dot segments would leave the path's beginning. Encoded dots and backslashes
/// count too.
fn climbs(path: &str) -> bool {
    let plain = path.to_ascii_lowercase().replace("%2e", ".").replace("%2f", "/").replace("%5c", "\\");
    plain.split(['/', '\\']).any(|segment| segment == "." || segment == "..")
}

impl IntoResponse for ForwardError {
    fn into_response(self) -> Response {
        let (status, code, error) = match self {
            Self::Path => (StatusCode::BAD_REQUEST, ErrorCode::Invalid, "the path has dot segments"),
            Self::Stalled => {
                (StatusCode::REQUEST_TIMEOUT, ErrorCode::Unavailable, "the body did not arrive in time")
            }
            Self::Busy => (
                StatusCode::SERVICE_UNAVAILABLE,
                ErrorCode::Unavailable,
                "too many requests wait for the old messaging system",
            ),
            Self::Late => {
                tracing::warn!(limit = ?ANSWER_LIMIT, "the old messaging system did not answer");
                (
                    StatusCode::GATEWAY_TIMEOUT,
                    ErrorCode::Unavailable,
                    "the old messaging system did not answer in time",
                )
            }
            Self::Down(error) => {
                tracing::warn!(
                    error = &*error as &dyn std::error::Error,
                    "the old messaging system cannot be reached"
                );
                (
                    StatusCode::BAD_GATEWAY,
                    ErrorCode::Unavailable,
                    "the old messaging system cannot be reached",
                )
            }
        };
        let wait = code.is_retryable().then_some(RETRY_AFTER);
        let mut answer = (status, Json(ErrorBody::new(code, error).retry_after(wait))).into_response();
        if let Some(wait) = wait {
            answer.headers_mut().insert(header::RETRY_AFTER, wait.as_secs().into());
        }
        answer
    }
}

#[cfg(test)]
mod tests;
