//! The server: TLS with a certificate made for this run, HTTP/2 or HTTP/1 as the client negotiates.

use super::state::{State, lock};
use super::{fcm, web_push};
use anyhow::Context;
use axum::Router;
use axum::routing::post;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::ServerConfig;
use rustls::pki_types::PrivatePkcs8KeyDer;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Streams at a time on one connection: what real push services allow.
const STREAMS_MAX: u32 = 100;

/// Starts to listen, and writes the certificate to `file`.
pub(super) async fn start(
    file: &Path,
    tasks: &TaskTracker,
    stop: CancellationToken,
) -> anyhow::Result<(SocketAddr, Arc<State>)> {
    let listener = TcpListener::bind("127.0.0.1:0").await.context("bind the push services")?;
    let address = listener.local_addr().context("bind the push services")?;
    let state =
        Arc::new(State { origin: format!("https://localhost:{}", address.port()), ..State::default() });
    let acceptor = acceptor(file)?;
    let router = Router::new()
        .route("/token", post(fcm::token))
        .route("/v1/projects/{project}/{act}", post(fcm::send))
        .route("/push/{id}", post(web_push::take))
        .with_state(Arc::clone(&state));
    let connections = tasks.clone();
    tasks.spawn(async move {
        loop {
            let accepted = tokio::select! {
                () = stop.cancelled() => return,
                accepted = listener.accept() => accepted,
            };
            let Ok((stream, _)) = accepted else { continue };
            let serving = serve(stream, acceptor.clone(), router.clone());
            let stop = stop.clone();
            connections.spawn(async move {
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = serving => {}
                }
            });
        }
    });
    Ok((address, state))
}

async fn serve(stream: TcpStream, acceptor: TlsAcceptor, router: Router) {
    let Ok(stream) = acceptor.accept(stream).await else { return };
    let service = TowerToHyperService::new(router);
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http2().max_concurrent_streams(STREAMS_MAX);
    // A client that goes away in the middle is no fault of a test.
    let _ = builder.serve_connection(TokioIo::new(stream), service).await;
}

fn acceptor(file: &Path) -> anyhow::Result<TlsAcceptor> {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["localhost".to_owned()]).context("make a certificate")?;
    std::fs::write(file, cert.pem()).context("write the certificate")?;
    let key = PrivatePkcs8KeyDer::from(signing_key.serialize_der());
    let ring = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(ring).with_safe_default_protocol_versions()?;
    let mut config = config.with_no_client_auth().with_single_cert(vec![cert.der().clone()], key.into())?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

impl State {
    /// Counts a request for a push, and gives what is to go wrong with it.
    pub(super) fn next_fault(&self) -> Option<super::Fault> {
        *lock(&self.asked) += 1;
        lock(&self.faults).pop_front()
    }
}
