//! The clients' address: HTTP/1.1 with upgrades, small frames sent at once, and an end that waits for requests in flight.

use anyhow::Context;
use axum::Router;
use axum::extract::connect_info::IntoMakeServiceWithConnectInfo;
use axum::serve::ListenerExt;
use std::future::Future;
use std::net::SocketAddr;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

/// Binds `address` and gives its local form and the server to run until `shutdown`.
pub async fn bind(
    address: SocketAddr,
    router: Router,
    shutdown: CancellationToken,
) -> anyhow::Result<(SocketAddr, impl Future<Output = anyhow::Result<()>>)> {
    let listener = TcpListener::bind(address).await.with_context(|| format!("server.listen: bind {address}"))?;
    let address = listener.local_addr().context("server.listen")?;
    // Without it a small frame waits for the acknowledgement of the one before.
    let listener = listener.tap_io(|stream: &mut TcpStream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(error = &error as &dyn std::error::Error, "TCP_NODELAY was not set");
        }
    });
    let service: IntoMakeServiceWithConnectInfo<Router, SocketAddr> = router.into_make_service_with_connect_info();
    Ok((address, async move {
        let serve = axum::serve(listener, service).with_graceful_shutdown(shutdown.cancelled_owned());
        serve.await.context("serve clients")
    }))
}
