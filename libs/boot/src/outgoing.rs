//! Outgoing HTTP: the connector of every client that a process has towards servers of its operator.

use anyhow::Context as _;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use std::sync::Arc;

/// Connections for `http` and, with the roots that browsers trust, for `https`.
pub type Connector = HttpsConnector<HttpConnector>;

/// Makes a connector for HTTP/1.1, in plain or over TLS.
///
/// # Errors
/// TLS cannot be prepared.
pub fn connector() -> anyhow::Result<Connector> {
    let ring = Arc::new(rustls::crypto::ring::default_provider());
    let builder = HttpsConnectorBuilder::new().with_provider_and_webpki_roots(ring).context("prepare TLS")?;
    Ok(builder.https_or_http().enable_http1().build())
}
