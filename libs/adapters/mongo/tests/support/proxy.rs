//! A TCP proxy before the database that can break, go silent, or lose the answers.

use eventflow_ports::store_contract::Fault;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

/// Bytes relayed at a time.
const CHUNK: usize = 64 * 1024;

/// A proxy on a loopback port.
pub(crate) struct Proxy {
    /// `host:port` to connect to.
    pub(crate) address: String,
    fault: watch::Sender<Option<Fault>>,
}

#[derive(Clone, Copy, PartialEq)]
enum Direction {
    Asking,
    Answering,
}

impl Proxy {
    /// Relays to `target` (`host:port`) until it is dropped.
    pub(crate) async fn to(target: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (fault, faults) = watch::channel(None);
        TaskTracker::new().spawn(accept(listener, target, faults));
        Self { address, fault }
    }

    /// From now on there is this fault, or none.
    pub(crate) fn set(&self, fault: Option<Fault>) {
        self.fault.send_replace(fault);
    }
}

async fn accept(listener: TcpListener, target: String, mut faults: watch::Receiver<Option<Fault>>) {
    let tracker = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            gone = faults.wait_for(|_| false) => { assert!(gone.is_err()); return }
        };
        let Ok((client, _)) = accepted else { continue };
        if *faults.borrow() == Some(Fault::Refused) {
            continue;
        }
        let Ok(server) = TcpStream::connect(&target).await else { continue };
        let ((client_in, client_out), (server_in, server_out)) = (client.into_split(), server.into_split());
        tracker.spawn(relay(client_in, server_out, faults.clone(), Direction::Asking));
        tracker.spawn(relay(server_in, client_out, faults.clone(), Direction::Answering));
    }
}

/// Ends, and with it the connection, when one side closes, the connection breaks, or an answer was lost and
/// the fault is over.
async fn relay(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut faults: watch::Receiver<Option<Fault>>,
    direction: Direction,
) {
    let mut chunk = vec![0; CHUNK];
    let mut lost = false;
    loop {
        let fault = *faults.borrow_and_update();
        if fault == Some(Fault::Refused) || (lost && fault != Some(Fault::AnswersLost)) {
            break;
        }
        let read = tokio::select! {
            read = from.read(&mut chunk), if fault != Some(Fault::Silent) => read,
            changed = faults.changed() => {
                if changed.is_err() { break }
                continue;
            }
        };
        let Ok(length @ 1..) = read else { break };
        if direction == Direction::Answering && *faults.borrow() == Some(Fault::AnswersLost) {
            lost = true;
        } else if to.write_all(&chunk[..length]).await.is_err() {
            break;
        }
    }
    to.shutdown().await.ok();
}
