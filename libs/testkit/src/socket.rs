//! A Socket.IO client reduced to its frames. It shows what the official client does not: packets and close
//! codes.

use crate::PATIENCE;
use anyhow::{Context, bail};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// A connected socket.
#[derive(Debug)]
pub struct RawSocket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

/// How a connection ended, and the frames before its end.
#[derive(Debug)]
pub struct Ended {
    /// The WebSocket close code, if there was a close frame.
    pub code: Option<u16>,
    /// Text frames before it, other than pings.
    pub frames: Vec<String>,
}

impl RawSocket {
    /// Connects to `address` (`host:port`) and authenticates with `token`.
    pub async fn connect(address: &str, token: &str) -> anyhow::Result<Self> {
        let url = format!("ws://{address}/socket.io/?EIO=4&transport=websocket");
        let (stream, _) = connect_async(url).await.context("open a socket")?;
        let mut socket = Self { stream };
        socket.expect('0').await?;
        socket.write(format!("40{}", json!({ "token": token }))).await?;
        socket.expect_prefix("40").await?;
        Ok(socket)
    }

    /// Emits an event and waits for the answer to its callback.
    pub async fn ask(&mut self, event: &str, body: &Value) -> anyhow::Result<Value> {
        self.write(format!("427{}", json!([event, body]))).await?;
        loop {
            let frame = self.read().await?;
            if let Some(answer) = frame.strip_prefix("437") {
                return Ok(serde_json::from_str::<Value>(answer)?[0].clone());
            }
        }
    }

    /// Waits for an event of this name. Gives its first argument.
    pub async fn event(&mut self, name: &str) -> anyhow::Result<Value> {
        loop {
            let frame = self.read().await?;
            let Some(event) = frame.strip_prefix("42") else { continue };
            let mut event: Vec<Value> =
                serde_json::from_str(event).with_context(|| format!("read {frame}"))?;
            if event.first().is_some_and(|first| first == name) && event.len() > 1 {
                return Ok(event.swap_remove(1));
            }
        }
    }

    /// Reads until the server closes the connection.
    pub async fn until_closed(mut self) -> anyhow::Result<Ended> {
        let mut frames = Vec::new();
        loop {
            let next = timeout(PATIENCE, self.stream.next())
                .await
                .context("the server does not close the socket")?;
            match next {
                Some(Ok(Message::Text(text))) if text.as_str() == "2" => self.write("3".to_owned()).await?,
                Some(Ok(Message::Text(text))) => frames.push(text.as_str().to_owned()),
                Some(Ok(Message::Close(frame))) => {
                    return Ok(Ended { code: frame.map(|frame| frame.code.into()), frames });
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Ok(Ended { code: None, frames }),
            }
        }
    }

    async fn expect(&mut self, kind: char) -> anyhow::Result<String> {
        let mut prefix = [0; 4];
        self.expect_prefix(kind.encode_utf8(&mut prefix)).await
    }

    async fn expect_prefix(&mut self, prefix: &str) -> anyhow::Result<String> {
        let frame = self.read().await?;
        if frame.starts_with(prefix) { Ok(frame) } else { bail!("expected a frame {prefix}…, got {frame}") }
    }

    async fn read(&mut self) -> anyhow::Result<String> {
        loop {
            let next = timeout(PATIENCE, self.stream.next()).await.context("the server says nothing")?;
            match next.context("the connection ended")?? {
                Message::Text(text) if text.as_str() == "2" => self.write("3".to_owned()).await?,
                Message::Text(text) => return Ok(text.as_str().to_owned()),
                Message::Close(frame) => bail!("the server closed the socket: {frame:?}"),
                _ => {}
            }
        }
    }

    async fn write(&mut self, frame: String) -> anyhow::Result<()> {
        self.stream.send(Message::text(frame)).await.context("write to a socket")
    }
}
