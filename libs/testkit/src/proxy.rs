//! A TCP proxy in front of a server, to take the server away and bring it back for one test only.

use anyhow::Context;
use std::net::SocketAddr;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// A proxy in front of a server. The system under test takes it for the server.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    is_open: watch::Sender<bool>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Proxy {
    /// Starts a proxy in front of `target` (`host:port`) that lets connections through.
    pub async fn start(target: &str) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("bind a proxy")?;
        let address = listener.local_addr().context("bind a proxy")?;
        let (is_open, state) = watch::channel(true);
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let accepting = accept(listener, target.to_owned(), state, tasks.clone());
        let stopped = stop.clone();
        tasks.spawn(async move { stopped.run_until_cancelled(accepting).await });
        Ok(Self { address, is_open, stop, tasks })
    }

    /// The address of the proxy.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Breaks every connection, and closes new ones as soon as they are made.
    pub fn cut(&self) {
        self.is_open.send_replace(false);
    }

    /// Lets connections through again.
    pub fn mend(&self) {
        self.is_open.send_replace(true);
    }

    /// Ends the proxy, and waits for its tasks.
    pub async fn stop(self) {
        self.cut();
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.stop.cancel();
        self.cut();
    }
}

async fn accept(listener: TcpListener, target: String, state: watch::Receiver<bool>, tasks: TaskTracker) {
    while let Ok((client, _)) = listener.accept().await {
        if *state.borrow() {
            tasks.spawn(pass(client, target.clone(), state.clone()));
        }
    }
}

async fn pass(mut client: TcpStream, target: String, mut state: watch::Receiver<bool>) {
    let Ok(mut server) = TcpStream::connect(&target).await else { return };
    tokio::select! {
        // When one side ends, both end, for whatever reason.
        _ = copy_bidirectional(&mut client, &mut server) => {}
        _ = state.wait_for(|is_open| !is_open) => {}
    }
}
