//! Requests with limits: HTTPS only, HTTP/2 where the service speaks it, no redirects, no proxies, answers
//! bounded in time and length.

use crate::guard::{GuardedResolver, Reach};
use bytes::Bytes;
use http::header::RETRY_AFTER;
use http::{HeaderMap, Method, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// Request limit: from looking the name up to the last byte of the answer. Services answer in well under one
/// second; a malicious one must not hold a worker.
pub(crate) const CALL_LIMIT: Duration = Duration::from_secs(5);
/// Connect limit, within [`CALL_LIMIT`].
const CONNECT_LIMIT: Duration = Duration::from_secs(3);
/// Answer limit: services answer with an error of a few hundred bytes; an endless body is cut here.
pub(crate) const ANSWER_MAX_BYTES: usize = 4 * 1024;
/// Idle limit: a connection that carried nothing for so long is closed. Users name the hosts, so connections
/// must not pile up.
const IDLE_LIMIT: Duration = Duration::from_mins(1);
/// Idle connections to one host: with HTTP/2 one carries everything.
const IDLE_MAX: usize = 2;

/// The certificate authorities that are trusted.
#[derive(Clone, Debug, Default)]
pub struct Roots {
    additional: Vec<CertificateDer<'static>>,
}

/// A file of certificates cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RootsError {
    /// It cannot be read, or holds something else.
    #[error("read certificates in PEM form")]
    Unreadable(#[source] rustls::pki_types::pem::Error),
    /// It holds no certificate.
    #[error("the file holds no certificate")]
    Empty,
}

impl Roots {
    /// Mozilla's list, and the certificates of this file.
    pub fn with_file(path: &Path) -> Result<Self, RootsError> {
        let certificates = CertificateDer::pem_file_iter(path).map_err(RootsError::Unreadable)?;
        let additional: Result<Vec<_>, _> = certificates.collect();
        let additional = additional.map_err(RootsError::Unreadable)?;
        if additional.is_empty() { Err(RootsError::Empty) } else { Ok(Self { additional }) }
    }
}

/// Why there is no answer. The texts name no address.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    /// The address is not one that may be connected to, and says so itself.
    #[error("the address is not public")]
    Forbidden,
    /// The name leads to no address that may be connected to now.
    #[error("the name of the push service leads to no public address")]
    Unreachable,
    /// No whole answer came in time.
    #[error("no answer within {CALL_LIMIT:?}")]
    Late,
    /// The connection failed, or broke.
    #[error("the connection failed")]
    Broken,
}

/// What a service answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    /// How long the service asks to wait.
    pub(crate) retry_after: Option<Duration>,
    /// At most [`ANSWER_MAX_BYTES`]; empty if there was more, or if reading it failed.
    pub(crate) body: Bytes,
}

/// Sends requests.
#[derive(Clone)]
pub(crate) struct Client {
    http: hyper_util::client::legacy::Client<HttpsConnector<HttpConnector<GuardedResolver>>, Full<Bytes>>,
    reach: Reach,
}

impl Client {
    /// A client that connects to addresses within this reach.
    pub(crate) fn new(reach: Reach, roots: &Roots) -> Self {
        let mut connector = HttpConnector::new_with_resolver(GuardedResolver::new(reach));
        connector.set_connect_timeout(Some(CONNECT_LIMIT));
        connector.set_nodelay(true);
        connector.enforce_http(false);
        let ring = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(ring).with_safe_default_protocol_versions();
        let tls = tls.expect("ring has the cipher suites of TLS 1.2 and 1.3");
        let mut store = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect::<RootCertStore>();
        store.add_parsable_certificates(roots.additional.iter().cloned());
        let tls = tls.with_root_certificates(store).with_no_client_auth();
        let https = HttpsConnectorBuilder::new().with_tls_config(tls).https_only();
        let https = https.enable_http1().enable_http2().wrap_connector(connector);
        let mut builder = hyper_util::client::legacy::Client::builder(TokioExecutor::new());
        builder.pool_timer(TokioTimer::new()).timer(TokioTimer::new());
        builder.pool_idle_timeout(IDLE_LIMIT).pool_max_idle_per_host(IDLE_MAX);
        Self { http: builder.build(https), reach }
    }

    /// Posts a body.
    pub(crate) async fn post(
        &self,
        url: &Uri,
        headers: HeaderMap,
        body: Vec<u8>,
    ) -> Result<Answer, CallError> {
        if !self.reach.admits(url) {
            return Err(CallError::Forbidden);
        }
        let mut request = Request::new(Full::new(Bytes::from(body)));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = url.clone();
        *request.headers_mut() = headers;
        timeout(CALL_LIMIT, self.call(request)).await.map_err(|_| CallError::Late)?
    }

    async fn call(&self, request: Request<Full<Bytes>>) -> Result<Answer, CallError> {
        let response = self.http.request(request).await.map_err(|error| explain(&error))?;
        let (status, retry_after) = (response.status(), retry_after(&response));
        let body = Limited::new(response.into_body(), ANSWER_MAX_BYTES).collect().await;
        let body = body.map(http_body_util::Collected::to_bytes).unwrap_or_default();
        Ok(Answer { status, retry_after, body })
    }
}

/// The resolver's refusal is somewhere below the error.
fn explain(error: &hyper_util::client::legacy::Error) -> CallError {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        let refused = error.downcast_ref::<std::io::Error>();
        if refused.is_some_and(|error| error.kind() == std::io::ErrorKind::PermissionDenied) {
            return CallError::Unreachable;
        }
        cause = error.source();
    }
    CallError::Broken
}

/// Seconds. The other form, a date, is left aside: the ladder waits in its own way then.
fn retry_after<B>(response: &Response<B>) -> Option<Duration> {
    let text = response.headers().get(RETRY_AFTER)?.to_str().ok()?;
    text.trim().parse().ok().map(Duration::from_secs)
}
