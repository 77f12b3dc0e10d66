//! Listener for clients: HTTP/1.1 with upgrades, small frames sent at once, and a shutdown that waits for
//! requests in flight.

use crate::connections::{self, ConnectionLimits};
use anyhow::Context;
use axum::Router;
use std::future::Future;
use std::net::SocketAddr;
use tokio::net::{TcpListener, TcpSocket};
use tokio_util::sync::CancellationToken;

/// Send buffer: bytes that the kernel may hold for one client; it doubles the value for its own needs. By
/// default the kernel takes up to 4 MiB for a client that does not read, which hides for that long that the
/// client is slow. This size still carries 2 MiB/s over a line with 250 ms round-trip time.
const SEND_BUFFER_BYTES: u32 = 256 * 1024;
/// Backlog: connections that wait to be accepted, as many as in the standard library.
const BACKLOG: u32 = 1_024;

/// Binds `address`. Returns the bound address and the server, which runs until `shutdown`. Needs a tokio
/// runtime. A client address may have `per_address` connections open at a time; 0 for no limit.
pub fn bind(
    address: SocketAddr,
    per_address: u32,
    router: Router,
    shutdown: CancellationToken,
) -> anyhow::Result<(SocketAddr, impl Future<Output = anyhow::Result<()>>)> {
    let listener = listen(address).with_context(|| format!("server.listen: bind {address}"))?;
    let address = listener.local_addr().context("server.listen")?;
    Ok((address, async move {
        let limits = ConnectionLimits { per_address, ..ConnectionLimits::default() };
        connections::serve(listener, router, limits, shutdown).await;
        Ok(())
    }))
}

/// A listener whose connections have a send buffer of [`SEND_BUFFER_BYTES`].
fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    #[cfg(not(windows))]
    socket.set_reuseaddr(true)?;
    socket.set_send_buffer_size(SEND_BUFFER_BYTES)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}
