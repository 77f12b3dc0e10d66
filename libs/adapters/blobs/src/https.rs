//! The HTTP client below S3: the TLS of the other drivers, HTTP/1.1, no redirects, no proxies.

use async_trait::async_trait;
use http_body_util::BodyExt;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector as Connector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpRequestBody, HttpResponse,
    HttpResponseBody, HttpService,
};
use rustls::RootCertStore;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// Connect limit, within [`ANSWER_LIMIT`].
const CONNECT_LIMIT: Duration = Duration::from_secs(3);
/// Answer limit: until the head of the answer is there, with the largest part sent (5 MiB at 0.7 MB/s).
const ANSWER_LIMIT: Duration = Duration::from_secs(8);
/// Idle limit: a connection that carried nothing for so long is closed. Servers close theirs after 20 s and
/// more.
const IDLE_LIMIT: Duration = Duration::from_secs(15);

/// Makes clients that speak HTTP over the TLS of the other drivers.
#[derive(Debug)]
pub(crate) struct HyperConnector;

impl HttpConnector for HyperConnector {
    fn connect(&self, _options: &ClientOptions) -> object_store::Result<HttpClient> {
        let mut connector = Connector::new();
        connector.set_connect_timeout(Some(CONNECT_LIMIT));
        connector.set_nodelay(true);
        connector.enforce_http(false);
        let ring = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(ring).with_safe_default_protocol_versions();
        let tls = tls.expect("ring has the cipher suites of TLS 1.2 and 1.3");
        let store = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect::<RootCertStore>();
        let tls = tls.with_root_certificates(store).with_no_client_auth();
        let https = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http();
        let https = https.enable_http1().wrap_connector(connector);
        let mut builder = Client::builder(TokioExecutor::new());
        builder.pool_timer(TokioTimer::new()).timer(TokioTimer::new()).pool_idle_timeout(IDLE_LIMIT);
        Ok(HttpClient::new(Hyper(builder.build(https))))
    }
}

#[derive(Debug)]
struct Hyper(Client<HttpsConnector<Connector>, HttpRequestBody>);

/// No answer came in time.
#[derive(Debug, thiserror::Error)]
#[error("no answer within {ANSWER_LIMIT:?}")]
struct Late;

#[async_trait]
impl HttpService for Hyper {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let answer = timeout(ANSWER_LIMIT, self.0.request(request)).await;
        let answer = answer.map_err(|_| HttpError::new(HttpErrorKind::Timeout, Late))?;
        let answer = answer.map_err(|error| {
            let kind = if error.is_connect() { HttpErrorKind::Connect } else { HttpErrorKind::Interrupted };
            HttpError::new(kind, error)
        })?;
        Ok(answer.map(|body| {
            HttpResponseBody::new(body.map_err(|error| HttpError::new(HttpErrorKind::Interrupted, error)))
        }))
    }
}
