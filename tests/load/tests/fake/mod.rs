//! A small messaging system in memory that keeps the contract, except for one fault that it is told to make.
//!
//! It serves WebSocket with `accept_async` and REST with axum, behind one lock. Deliveries go through one
//! bounded queue per socket, so that cutting a socket loses what was in the queue, as with a killed gateway.

mod rest;
mod world;

use axum::Router;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::Value;
use std::sync::{Arc, Mutex};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::mpsc,
};
use tokio_tungstenite::{accept_async, tungstenite::Message};
use tokio_util::task::TaskTracker;
pub(crate) use world::Fault;
use world::World;

/// Frames that may wait for a socket.
const QUEUE: usize = 4096;

/// The running fake and its addresses.
pub(crate) struct Fake {
    pub(crate) ws: String,
    pub(crate) http: String,
}

type Shared = Arc<Mutex<World>>;

impl Fake {
    /// Starts on ports that the system chooses. The fake runs as long as the runtime.
    pub(crate) async fn start(fault: Fault) -> Self {
        let world: Shared = Arc::new(Mutex::new(World::new(fault)));
        let tracker = TaskTracker::new();
        let ws = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let http = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let fake = Self {
            ws: format!("ws://{}", ws.local_addr().unwrap()),
            http: format!("http://{}", http.local_addr().unwrap()),
        };
        let app: Router = rest::router(Arc::clone(&world));
        tracker.spawn(async move { axum::serve(http, app).await });
        let sockets = tracker.clone();
        tracker.spawn(async move {
            while let Ok((stream, _)) = ws.accept().await {
                sockets.spawn(serve(stream, Arc::clone(&world)));
            }
        });
        fake
    }
}

/// The user that a token names, without verifying the token.
pub(crate) fn user_of(token: &str) -> String {
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    claims["sub"].as_str().unwrap().to_owned()
}

async fn serve(stream: TcpStream, world: Shared) {
    stream.set_nodelay(true).unwrap();
    let Ok(mut ws) = accept_async(stream).await else { return };
    let open = r#"0{"sid":"e","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":262144}"#;
    if ws.send(Message::text(open)).await.is_err() {
        return;
    }
    let Some(Ok(Message::Text(connect))) = ws.next().await else { return };
    let auth: Value = serde_json::from_str(connect.strip_prefix("40").unwrap()).unwrap();
    let user = user_of(auth["token"].as_str().unwrap());
    let (tx, mut rx) = mpsc::channel(QUEUE);
    world.lock().unwrap().connect(&user, &auth, &tx);
    loop {
        tokio::select! {
            frame = rx.recv() => match frame {
                Some(Some(frame)) => {
                    if ws.send(Message::text(frame)).await.is_err() {
                        return;
                    }
                }
                _ => return,
            },
            frame = ws.next() => match frame {
                Some(Ok(Message::Text(text))) => world.lock().unwrap().receive(&user, &text, &tx),
                Some(Ok(_)) => {}
                _ => return,
            },
        }
    }
}
