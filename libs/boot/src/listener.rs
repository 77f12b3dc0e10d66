//! The clients' address: HTTP/1.1 with upgrades, small frames sent at once, and an end that waits for requests in flight.

use crate::connections::{self, Patience};
use anyhow::Context;
use axum::Router;
use std::future::Future;
use std::net::SocketAddr;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Binds `address` and gives its local form and the server to run until `shutdown`.
pub async fn bind(
    address: SocketAddr,
    router: Router,
    shutdown: CancellationToken,
) -> anyhow::Result<(SocketAddr, impl Future<Output = anyhow::Result<()>>)> {
    let listener = TcpListener::bind(address).await.with_context(|| format!("server.listen: bind {address}"))?;
    let address = listener.local_addr().context("server.listen")?;
    Ok((address, async move {
        connections::serve(listener, router, Patience::default(), shutdown).await;
        Ok(())
    }))
}
