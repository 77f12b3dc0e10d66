//! A gateway with a client on loopback, and what fan-out would send it.

use crate::IngressConfig;
use crate::testing::{NOW, World};
use crate::ws::lifecycle::AUTHENTICATION_TIMEOUT;
use crate::ws::{Gateway, Signals};
use async_trait::async_trait;
use eventflow_bus::handler::{BatchHandler as _, Item};
use eventflow_bus::reshard::gate::ShardGate;
use eventflow_ports::journal::Part;
use eventflow_ports::{Journal, JournalError, MemoryJournal, Registry as _};
use eventflow_protocol::command::Command;
use eventflow_protocol::event::{Audience, DeliveredMessage, Event, GatewayEvent};
use eventflow_protocol::presence::DeviceSignal;
use eventflow_protocol::{EventId, GatewayId, ThreadId, UserId, codec};
use eventflow_socketio::{Config, Recovery};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};
use tokio_util::sync::CancellationToken;

/// Nothing here takes this long; it only keeps a broken test from hanging.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

pub(super) struct Rig {
    pub(super) world: World,
    pub(super) gateway: Gateway,
    pub(super) address: SocketAddr,
    pub(super) shutdown: CancellationToken,
}

impl Rig {
    pub(super) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub(super) async fn with(configure: impl FnOnce(&mut IngressConfig)) -> Self {
        Self::start(World::with(configure).await, AUTHENTICATION_TIMEOUT).await
    }

    pub(super) async fn with_deadline(authentication_timeout: Duration) -> Self {
        Self::start(World::new().await, authentication_timeout).await
    }

    pub(super) async fn start(world: World, timeout: Duration) -> Self {
        Self::gateway(world, GatewayId::from("g1"), timeout, Config::default()).await
    }

    /// A gateway whose sessions may keep so much.
    pub(super) async fn with_recovery(recovery: Recovery) -> Self {
        let config = Config { recovery: Some(recovery), ..Config::default() };
        let world = World::with(|config| config.events_per_minute = 0).await;
        Self::gateway(world, GatewayId::from("g1"), AUTHENTICATION_TIMEOUT, config).await
    }

    /// A system whose journal can be held up.
    pub(super) async fn with_held_journal() -> (Self, Arc<HeldJournal>) {
        let (mut world, journal) = (World::new().await, HeldJournal::new());
        world.parts.journal = journal.clone();
        (Self::start(world, AUTHENTICATION_TIMEOUT).await, journal)
    }

    /// The same system with another gateway; the one before hears of nothing any more.
    pub(super) async fn with_another_gateway(self) -> Self {
        Self::gateway(self.world, GatewayId::new(), AUTHENTICATION_TIMEOUT, Config::default()).await
    }

    async fn gateway(world: World, id: GatewayId, timeout: Duration, config: Config) -> Self {
        let metrics = &world.parts.metrics;
        let gate = ShardGate::fixed(world.topology.shards());
        let signals = Signals::open(&world.port, &gate, metrics, &world.tracker).await.unwrap();
        let (gateway, tasks) = Gateway::with_deadline(&world.parts, signals, id, config, timeout).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, shutdown) = (listener.local_addr().unwrap(), CancellationToken::new());
        gateway.queue_made();
        let router = gateway.router();
        world.tracker.spawn(tasks.run(shutdown.clone()));
        let stop = shutdown.clone();
        world.tracker.spawn(async move {
            let served = axum::serve(listener, router);
            tokio::select! {
                result = served => result.unwrap(),
                () = stop.cancelled() => {}
            }
        });
        Self { world, gateway, address, shutdown }
    }

    /// Opens a WebSocket with these headers.
    pub(super) async fn open(&self, headers: &[(&'static str, String)]) -> Result<Client, Error> {
        self.open_with("", headers).await
    }

    /// Opens a WebSocket with more parameters in its URL, and with these headers.
    pub(super) async fn open_with(
        &self,
        query: &str,
        headers: &[(&'static str, String)],
    ) -> Result<Client, Error> {
        let mut request = format!("ws://{}/socket.io/?EIO=4&transport=websocket{query}", self.address)
            .into_client_request()
            .unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        let (socket, _) = client_async(request, TcpStream::connect(self.address).await.unwrap()).await?;
        let mut client = Client { socket, acks: 0, offset: None };
        assert!(client.frame().await.starts_with('0'), "the OPEN packet comes first");
        Ok(client)
    }

    /// A client that presents a token in the handshake.
    pub(super) async fn client(&self, user: &str) -> Client {
        let mut client = self.open(&[]).await.unwrap();
        let connected = client.connect(&json!({"token": self.world.token(user)})).await;
        assert!(connected.starts_with("40{"), "{connected}");
        client
    }

    pub(super) fn cookie(&self, user: &str) -> Vec<(&'static str, String)> {
        vec![
            ("cookie", format!("token={}", self.world.token(user))),
            ("origin", format!("http://{}", self.address)),
        ]
    }

    /// What fan-out would send for a stored message.
    pub(super) async fn deliver(&self, id: EventId, thread: ThreadId, content: &str) {
        let payload = json!({"message": {"threadId": thread, "content": content}}).to_string();
        let item = item(id, thread, "message:received", payload);
        self.gateway.deliveries().perform(&[item]).await.unwrap();
    }

    /// What fan-out would send for the message that `sender` stored at `seq`.
    pub(super) async fn deliver_message(&self, thread: ThreadId, sender: &str, seq: u64) {
        self.hand(message_of(thread, sender, seq)).await;
    }

    /// Hands a delivery to the gateway.
    pub(super) async fn hand(&self, delivery: GatewayEvent) {
        self.gateway.deliveries().perform(&[incoming(delivery)]).await.unwrap();
    }

    /// Every typing event that went to fan-out.
    pub(super) fn typed(&self) -> Vec<(String, bool)> {
        let events = self.published::<Event>("fanout");
        let typed = events.into_iter().map(|event| match event {
            Event::Typing { user_id, is_typing, .. } => (user_id.to_string(), is_typing),
            other => panic!("{other:?}"),
        });
        typed.collect()
    }

    /// Every choice of how to be seen that went to fan-out, and whether it was to be away.
    pub(super) fn own_choices(&self) -> Vec<(UserId, bool)> {
        let events = self.published::<Event>("fanout");
        let chosen = events.into_iter().map(|event| match event {
            Event::PresenceChosen { user_id, wants_away, .. } => (user_id, wants_away),
            other => panic!("{other:?}"),
        });
        chosen.collect()
    }

    /// Every device signal that went to the sweeper.
    pub(super) fn signals(&self) -> Vec<DeviceSignal> {
        self.published("presence")
    }

    /// The commands that are not messages.
    pub(super) fn changes(&self) -> Vec<Command> {
        self.world
            .commands()
            .into_iter()
            .filter(|command| !matches!(command, Command::SendMessage(_)))
            .collect()
    }

    fn published<T: serde::de::DeserializeOwned>(&self, stage: &str) -> Vec<T> {
        let all = self.world.published();
        all.iter()
            .filter(|(queue, _)| queue.starts_with(stage))
            .map(|(_, item)| codec::decode(&item.body).unwrap())
            .collect()
    }

    pub(super) async fn is_located(&self, user: &str) -> bool {
        let user: UserId = user.parse().unwrap();
        self.world.registry.locate(std::slice::from_ref(&user)).await.unwrap().gateways.contains_key(&user)
    }
}

/// A delivery as it comes from the gateway's queue.
pub(super) fn incoming(value: GatewayEvent) -> Item<GatewayEvent> {
    Item { id: value.event_id.0, attempt: 0, redelivered: false, value, reply_to: None, trace: None }
}

pub(super) fn item(event_id: EventId, thread: ThreadId, name: &str, payload: String) -> Item<GatewayEvent> {
    let mut delivery = GatewayEvent::new(event_id, Audience::Thread(thread), name, payload, NOW);
    delivery.membership_changed = true;
    incoming(delivery)
}

/// What fan-out would send for the message that `sender` stored at `seq`.
pub(super) fn message_of(thread: ThreadId, sender: &str, seq: u64) -> GatewayEvent {
    let payload = json!({"message": {"threadId": thread, "seq": seq}}).to_string();
    let mut delivery =
        GatewayEvent::new(new_event(), Audience::Thread(thread), "message:received", payload, NOW);
    delivery.message = Some(DeliveredMessage { id: None, seq, sender_id: user(sender) });
    delivery
}

pub(super) fn new_event() -> EventId {
    EventId(uuid::Uuid::now_v7())
}

/// A journal whose answers can be held up; what was to be written is there nevertheless.
pub(super) struct HeldJournal {
    inner: MemoryJournal,
    is_held: watch::Sender<bool>,
    /// So many of the next appends fail.
    failures: AtomicU32,
}

impl HeldJournal {
    pub(super) fn new() -> Arc<Self> {
        let is_held = watch::Sender::new(false);
        Arc::new(Self { inner: MemoryJournal::default(), is_held, failures: AtomicU32::new(0) })
    }

    pub(super) fn hold(&self, is_held: bool) {
        self.is_held.send_replace(is_held);
    }

    /// Lets the next appends fail, as when Redis does not answer in time.
    pub(super) fn fail(&self, appends: u32) {
        self.failures.store(appends, Relaxed);
    }

    fn fails(&self) -> bool {
        self.failures.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_ok()
    }
}

#[async_trait]
impl Journal for HeldJournal {
    async fn append(&self, gateway: &GatewayId, part: &Part, keep_from: u64) -> Result<(), JournalError> {
        if self.fails() {
            return Err(JournalError { what: "append a part", source: "it was told to fail".into() });
        }
        self.inner.append(gateway, part, keep_from).await?;
        self.is_held.subscribe().wait_for(|is_held| !is_held).await.unwrap();
        Ok(())
    }

    async fn read(&self, gateway: &GatewayId) -> Result<Vec<Part>, JournalError> {
        self.inner.read(gateway).await
    }
}

pub(super) struct Client {
    pub(super) socket: WebSocketStream<TcpStream>,
    acks: u32,
    /// Of the last event that has one, as the official client remembers it.
    pub(super) offset: Option<String>,
}

impl Client {
    /// The next frame's text, heartbeats answered; `closed` when the connection ends.
    pub(super) async fn frame(&mut self) -> String {
        loop {
            let next = tokio::time::timeout(PATIENCE, self.socket.next()).await.expect("a frame in time");
            match next {
                Some(Ok(Message::Text(text))) if text.as_str() == "2" => self.send("3").await,
                Some(Ok(Message::Text(text))) => {
                    self.remember(text.as_str());
                    return text.as_str().to_owned();
                }
                Some(Ok(Message::Close(_)) | Err(_)) | None => return "closed".to_owned(),
                Some(Ok(_)) => {}
            }
        }
    }

    fn remember(&mut self, frame: &str) {
        let Some(event) =
            frame.strip_prefix("42").and_then(|event| serde_json::from_str::<Vec<Value>>(event).ok())
        else {
            return;
        };
        if event.len() > 1
            && let Some(Value::String(offset)) = event.last()
        {
            self.offset = Some(offset.clone());
        }
    }

    pub(super) async fn send(&mut self, text: &str) {
        self.socket.send(Message::text(text)).await.unwrap();
    }

    pub(super) async fn connect(&mut self, auth: &Value) -> String {
        self.send(&format!("40{auth}")).await;
        self.frame().await
    }

    pub(super) async fn emit(&mut self, name: &str, body: &Value) {
        self.send(&format!("42{}", json!([name, body]))).await;
    }

    /// Emits with a callback and gives its argument; events that come before it are dropped.
    pub(super) async fn ask(&mut self, name: &str, body: &Value) -> Value {
        self.acks += 1;
        let (id, prefix) = (self.acks, format!("43{}", self.acks));
        self.send(&format!("42{id}{}", json!([name, body]))).await;
        loop {
            let frame = self.frame().await;
            assert_ne!(frame, "closed");
            if let Some(arguments) = frame.strip_prefix(&prefix) {
                return serde_json::from_str::<Vec<Value>>(arguments).unwrap().remove(0);
            }
        }
    }

    /// The next event of this name.
    pub(super) async fn event(&mut self, name: &str) -> Value {
        loop {
            let frame = self.frame().await;
            assert_ne!(frame, "closed", "waiting for {name}");
            let Some(event) = frame.strip_prefix("42") else { continue };
            let mut arguments: Vec<Value> = serde_json::from_str(event).unwrap();
            if arguments[0] == name {
                return arguments.remove(1);
            }
        }
    }

    pub(super) async fn until_closed(&mut self) {
        while self.frame().await != "closed" {}
    }
}

pub(super) fn user(name: &str) -> UserId {
    name.parse().unwrap()
}

/// Looks until it is so; panics if it does not become so.
pub(super) async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let mut looks = tokio::time::interval(Duration::from_millis(5));
    let started = tokio::time::Instant::now();
    while !is_so() {
        assert!(started.elapsed() < PATIENCE, "{what}");
        looks.tick().await;
    }
}
