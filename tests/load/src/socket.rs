//! One authenticated Socket.IO connection: TCP, WebSocket upgrade, Engine.IO open, Socket.IO CONNECT.

use crate::{
    error::LoadError,
    target::{Target, source_address},
    wire::{self, Packet},
};
use futures_util::{SinkExt as _, StreamExt as _};
use std::{net::SocketAddr, time::Duration};
use tokio::{
    net::{TcpSocket, TcpStream},
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{Message, Utf8Bytes, protocol::WebSocketConfig},
};

/// Handshake limit: a handshake that takes longer has failed.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);
/// Write limit: after this time the server counts as no longer reading.
const WRITE_WITHIN: Duration = Duration::from_secs(10);
/// Frame limit in bytes; larger frames are refused. The system's own limit is 256 KiB.
const LARGEST_FRAME: usize = 1024 * 1024;

/// What a client needs to resume its session.
#[derive(Debug, Clone, Default)]
pub struct Resume {
    /// Private session id.
    pub pid: String,
    /// Offset of the last event seen.
    pub offset: String,
}

/// An open, authenticated connection.
pub struct Socket {
    ws: WebSocketStream<TcpStream>,
    /// Heartbeat limit: without a frame for this long the server counts as gone.
    pub patience: Duration,
    /// Session id for resuming, if the server keeps sessions.
    pub pid: Option<String>,
    /// Whether the server resumed the old session.
    pub resumed: bool,
}

impl Socket {
    /// Connects user number `user`; `attempt` selects one of several gateways.
    pub async fn open(
        target: &Target,
        user: u32,
        attempt: u32,
        resume: Option<&Resume>,
    ) -> Result<Self, LoadError> {
        let handshake = Self::handshake(target, user, attempt, resume);
        timeout(HANDSHAKE_WITHIN, handshake).await.map_err(|_| LoadError::Timeout(HANDSHAKE_WITHIN))?
    }

    async fn handshake(
        target: &Target,
        user: u32,
        attempt: u32,
        resume: Option<&Resume>,
    ) -> Result<Self, LoadError> {
        let gateway = target.gateway(user, attempt);
        let stream = connect_tcp(target, gateway, user)
            .await
            .map_err(|source| LoadError::Connect { address: gateway.to_owned(), source })?;
        let url = format!("ws://{gateway}/socket.io/?EIO=4&transport=websocket");
        let config = WebSocketConfig::default()
            .read_buffer_size(target.read_buffer)
            .max_message_size(Some(LARGEST_FRAME));
        let (ws, _) = client_async_with_config(url, stream, Some(config)).await.map_err(Box::new)?;
        let mut socket = Self { ws, patience: HANDSHAKE_WITHIN, pid: None, resumed: false };
        socket.read_open().await?;
        let resume_with = resume.map(|resume| (resume.pid.as_str(), resume.offset.as_str()));
        socket.write(&wire::connect(&target.token(user), resume_with)).await?;
        socket.read_connected().await?;
        socket.resumed = resume.is_some_and(|resume| socket.pid.as_ref() == Some(&resume.pid));
        Ok(socket)
    }

    /// The server's address and ours, as long as the operating system knows them.
    pub fn addresses(&self) -> Option<(SocketAddr, SocketAddr)> {
        let stream = self.ws.get_ref();
        Some((stream.peer_addr().ok()?, stream.local_addr().ok()?))
    }

    /// Reads the next text frame. Cancel-safe.
    pub async fn read(&mut self) -> Result<Utf8Bytes, LoadError> {
        loop {
            match self.ws.next().await {
                Some(Ok(Message::Text(text))) => return Ok(text),
                Some(Ok(Message::Close(_))) | None => return Err(LoadError::Closed),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(Box::new(error).into()),
            }
        }
    }

    /// Buffers a frame; [`Self::flush`] writes it.
    pub async fn feed(&mut self, frame: String) -> Result<(), LoadError> {
        Ok(self.ws.feed(Message::text(frame)).await.map_err(Box::new)?)
    }

    /// Writes the buffered frames.
    pub async fn flush(&mut self) -> Result<(), LoadError> {
        let written =
            timeout(WRITE_WITHIN, self.ws.flush()).await.map_err(|_| LoadError::Timeout(WRITE_WITHIN))?;
        Ok(written.map_err(Box::new)?)
    }

    async fn write(&mut self, frame: &str) -> Result<(), LoadError> {
        self.feed(frame.to_owned()).await?;
        self.flush().await
    }

    async fn read_open(&mut self) -> Result<(), LoadError> {
        let frame = self.read().await?;
        let Packet::Open(json) = Packet::parse(&frame) else {
            return Err(LoadError::Handshake(format!("expected open, got {frame}")));
        };
        let open: wire::Open =
            serde_json::from_str(json).map_err(|error| LoadError::Handshake(error.to_string()))?;
        self.patience = Duration::from_millis(open.ping_interval + open.ping_timeout);
        Ok(())
    }

    async fn read_connected(&mut self) -> Result<(), LoadError> {
        loop {
            let frame = self.read().await?;
            match Packet::parse(&frame) {
                Packet::Connected(json) => {
                    let answer: wire::Connected = serde_json::from_str(json)
                        .map_err(|error| LoadError::Handshake(error.to_string()))?;
                    self.pid = answer.pid;
                    return Ok(());
                }
                Packet::Ping => self.write(wire::PONG).await?,
                _ => return Err(LoadError::Handshake(format!("expected CONNECT, got {frame}"))),
            }
        }
    }
}

async fn connect_tcp(target: &Target, gateway: &str, user: u32) -> std::io::Result<TcpStream> {
    let source = source_address(user);
    let is_special = source.is_some() || target.receive_buffer.is_some();
    let stream = match gateway.parse::<SocketAddr>() {
        Ok(address) if address.is_ipv4() && is_special => {
            let socket = TcpSocket::new_v4()?;
            if let Some(source) = source {
                socket.bind(SocketAddr::new(source, 0))?;
            }
            // The buffer size must be set before connecting, because it decides the window that is offered to
            // the server.
            if let Some(bytes) = target.receive_buffer {
                socket.set_recv_buffer_size(bytes)?;
            }
            socket.connect(address).await?
        }
        _ => TcpStream::connect(gateway).await?,
    };
    stream.set_nodelay(true)?;
    Ok(stream)
}
