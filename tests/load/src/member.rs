//! Member: one client that behaves as a good frontend does. It reads, answers pings, and sends what is due.
//! After a drop it reconnects, resumes the session or catches up from history, and repeats messages that were
//! never answered.
//!
//! The client is one task with one `select!`. It reads all frames that have arrived before it writes, and
//! flushes all writes of a turn at once. Repeating is safe: see `outbox` (sending) and `view` (receiving).

use crate::{
    catch_up::{CatchUp, Fetched},
    error::LoadError,
    outbox::{Due, Outbox},
    rest::Stored,
    socket::{Resume, Socket},
    stage::Stage,
    tag::Tag,
    target::Target,
    view::View,
    wire::{self, Packet},
};
use futures_util::FutureExt as _;
use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use tokio::time::{Instant, sleep_until};

/// Frames read in one turn before writing.
const FRAMES_PER_TURN: usize = 64;
/// Messages written in one turn before reading.
const SENDS_PER_TURN: usize = 64;
/// Pause before a reconnect: this plus up to [`RECONNECT_SPREAD_MS`], so that clients do not reconnect in one
/// wave.
const RECONNECT_AFTER_MS: u64 = 100;
/// Random part of the pause after [`RECONNECT_AFTER_MS`].
const RECONNECT_SPREAD_MS: u64 = 900;
/// Longest sleep while nothing is due, so that the heartbeat is checked at least this often.
const LONGEST_SLEEP: Duration = Duration::from_secs(5);

/// State that all members of a run share.
pub struct Shared {
    /// The system under load.
    pub target: Target,
    /// Clock, phase and counters of the run.
    pub stage: Stage,
    /// Bytes of content per message.
    pub content_bytes: usize,
    /// Whether a client reconnects after a drop.
    pub reconnect: bool,
}

/// One client.
pub struct Member {
    shared: Arc<Shared>,
    user: u32,
    thread: Arc<str>,
    view: View,
    outbox: Outbox,
    resume: Resume,
    attempts: u32,
    catch_up: CatchUp,
    heard_at: Instant,
    unsettled: bool,
}

/// The record of a client for the ledger.
pub struct Record {
    /// Number of the user.
    pub user: u32,
    /// What the client saw.
    pub view: View,
    /// What the client sent.
    pub outbox: Outbox,
}

enum End {
    Closed,
    Dropped,
}

impl Member {
    /// Creates user number `user` in `thread`, sending from `outbox`.
    pub fn new(shared: Arc<Shared>, user: u32, thread: Arc<str>, outbox: Outbox) -> Self {
        Self {
            shared,
            user,
            thread,
            view: View::default(),
            outbox,
            resume: Resume::default(),
            attempts: 0,
            catch_up: CatchUp::default(),
            heard_at: Instant::now(),
            unsettled: false,
        }
    }

    /// Runs on `socket` and its successors until the stage is closed.
    pub async fn live(mut self, mut socket: Socket) -> Record {
        loop {
            self.resume.pid = socket.pid.clone().unwrap_or_default();
            match self.converse(&mut socket).await {
                Ok(End::Closed) => break,
                Ok(End::Dropped) => self.shared.stage.on_error("disconnected by the server"),
                Err(error) => self.shared.stage.on_error(kind(&error)),
            }
            drop(socket);
            match self.come_back().await {
                Some(next) => socket = next,
                None => break,
            }
        }
        Record { user: self.user, view: self.view, outbox: self.outbox }
    }

    async fn converse(&mut self, socket: &mut Socket) -> Result<End, LoadError> {
        let shared = Arc::clone(&self.shared);
        let feed = self.outbox.feed().cloned();
        let closing = shared.stage.close.cancelled();
        tokio::pin!(closing);
        let timer = sleep_until(Instant::now());
        tokio::pin!(timer);
        self.heard_at = Instant::now();
        loop {
            let more = self.write_due(socket).await?;
            self.start_catch_up();
            self.report_settled(true);
            let wake = if more { Instant::now() } else { self.wake_at() };
            // The timer may fire too early, which does no harm. Resetting it in every turn would cost more.
            if wake < timer.deadline() || timer.is_elapsed() {
                timer.as_mut().reset(wake);
            }
            let more_due = async {
                match &feed {
                    Some(feed) => feed.changed().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = &mut closing => return Ok(End::Closed),
                frame = socket.read() => {
                    if !self.read_ready(socket, &frame?).await? {
                        return Ok(End::Dropped);
                    }
                }
                () = more_due => {}
                page = self.catch_up.done() => self.finish_catch_up(page),
                () = &mut timer => self.check_patience(socket)?,
            }
        }
    }

    /// Handles `frame` and the frames that have already arrived. Returns `false` if the server ended the
    /// session.
    async fn read_ready(&mut self, socket: &mut Socket, frame: &str) -> Result<bool, LoadError> {
        self.heard_at = Instant::now();
        let mut go_on = self.handle(socket, frame).await?;
        for _ in 1..FRAMES_PER_TURN {
            match socket.read().now_or_never() {
                Some(frame) if go_on => go_on = self.handle(socket, &frame?).await?,
                _ => break,
            }
        }
        Ok(go_on)
    }

    async fn handle(&mut self, socket: &mut Socket, frame: &str) -> Result<bool, LoadError> {
        match Packet::parse(frame) {
            Packet::Event(event) => self.on_event(event),
            Packet::Ack(n, ack) => {
                let stage = &self.shared.stage;
                let now_us = stage.now_us();
                stage.on_arrival(now_us);
                self.outbox.answered(n, &wire::answer(ack), now_us, stage);
            }
            Packet::Ping => {
                socket.feed(wire::PONG.to_owned()).await?;
                socket.flush().await?;
            }
            Packet::Disconnected => return Ok(false),
            Packet::Open(_) | Packet::Connected(_) | Packet::Rejected(_) | Packet::Other => {}
        }
        Ok(true)
    }

    fn on_event(&mut self, event: &str) {
        if let Some(offset) = wire::offset(event) {
            self.resume.offset.clear();
            self.resume.offset.push_str(offset);
        }
        match wire::received(event) {
            Some(Ok(message)) => self.on_message(&message),
            Some(Err(_)) => self.shared.stage.on_error("unreadable message"),
            None => {}
        }
    }

    fn on_message(&mut self, message: &wire::Message<'_>) {
        let stage = &self.shared.stage;
        let now_us = stage.now_us();
        let tag = Tag::parse(&stage.run, &message.content).filter(|_| *message.thread_id == *self.thread);
        let Some(tag) = tag else {
            self.view.foreign(&format!("thread {} seq {}", message.thread_id, message.seq));
            return;
        };
        if self.view.live(message.seq, tag) {
            stage.on_delivered(tag.intended_us, now_us);
        } else {
            stage.on_arrival(now_us);
        }
        if tag.sender == self.user {
            self.outbox.seen(tag.n, message.seq, now_us, stage);
        }
    }

    /// Writes the due messages in one flush. Returns `true` if more may be due.
    async fn write_due(&mut self, socket: &mut Socket) -> Result<bool, LoadError> {
        let shared = Arc::clone(&self.shared);
        let now_us = shared.stage.now_us();
        self.outbox.expire(now_us, &shared.stage);
        let mut count = 0;
        while count < SENDS_PER_TURN {
            let Some(due) = self.outbox.next(now_us, &shared.stage) else { break };
            socket.feed(self.frame(due)).await?;
            shared.stage.on_sent(due.tag.intended_us, now_us, due.again);
            count += 1;
        }
        if count > 0 {
            socket.flush().await?;
        }
        Ok(count == SENDS_PER_TURN)
    }

    fn frame(&self, due: Due) -> String {
        let run = &self.shared.stage.run;
        let (mut id, mut content) = (String::new(), String::with_capacity(self.shared.content_bytes));
        due.tag.write_id(run, &mut id);
        due.tag.write_content(run, self.shared.content_bytes, &mut content);
        wire::send(due.tag.n, &self.thread, &id, &content)
    }

    fn start_catch_up(&mut self) {
        if self.view.is_behind() && self.catch_up.is_ready() {
            let after = self.view.start_catch_up();
            self.catch_up.start(&self.shared, self.user, &self.thread, after);
        }
    }

    fn finish_catch_up(&mut self, fetched: Fetched) {
        match fetched {
            Ok(messages) => {
                self.take_history(messages);
                self.view.end_catch_up();
            }
            Err(error) => {
                self.shared.stage.on_error(kind(&error));
                self.view.retry_catch_up();
            }
        }
        self.catch_up.rest_if(self.view.is_behind());
    }

    fn take_history(&mut self, messages: Vec<Stored>) {
        let stage = &self.shared.stage;
        let now_us = stage.now_us();
        for Stored { seq, tag } in messages {
            let Some(tag) = tag else { continue };
            if self.view.fetched(seq, tag) {
                stage.on_known(now_us);
            }
            if tag.sender == self.user {
                self.outbox.seen(tag.n, seq, now_us, stage);
            }
        }
    }

    async fn come_back(&mut self) -> Option<Socket> {
        let shared = Arc::clone(&self.shared);
        let stage = &shared.stage;
        let dropped_us = stage.now_us();
        stage.faults.drops.fetch_add(1, Ordering::Relaxed);
        self.outbox.path_broken();
        self.report_settled(false);
        if !shared.reconnect {
            return None;
        }
        let socket = tokio::select! {
            () = stage.close.cancelled() => return None,
            socket = self.reconnect() => socket,
        };
        stage.faults.reconnects.fetch_add(1, Ordering::Relaxed);
        stage.faults.longest_outage_us.fetch_max(stage.now_us() - dropped_us, Ordering::Relaxed);
        if socket.resumed {
            stage.faults.recovered.fetch_add(1, Ordering::Relaxed);
        } else {
            self.catch_up = CatchUp::default();
            self.resume.offset.clear();
            self.view.new_session();
        }
        Some(socket)
    }

    async fn reconnect(&mut self) -> Socket {
        let resume = self.resume.clone();
        let resume = (!resume.pid.is_empty() && !resume.offset.is_empty()).then_some(resume);
        loop {
            let pause = RECONNECT_AFTER_MS + rand::random_range(0..=RECONNECT_SPREAD_MS);
            tokio::time::sleep(Duration::from_millis(pause)).await;
            self.attempts += 1;
            match Socket::open(&self.shared.target, self.user, self.attempts, resume.as_ref()).await {
                Ok(socket) => return socket,
                Err(error) => self.shared.stage.on_error(kind(&error)),
            }
        }
    }

    fn check_patience(&self, socket: &Socket) -> Result<(), LoadError> {
        if self.heard_at.elapsed() > socket.patience {
            return Err(LoadError::Timeout(socket.patience));
        }
        Ok(())
    }

    fn wake_at(&mut self) -> Instant {
        let latest = Instant::now() + LONGEST_SLEEP;
        let outbox = self.outbox.wake_us().map(|us| self.shared.stage.instant(us).into());
        let catch_up = self.catch_up.wake_at().filter(|_| self.view.is_behind());
        [outbox, catch_up].into_iter().flatten().fold(latest, Instant::min)
    }

    /// Tells the stage when this client becomes settled (connected and caught up) or unsettled.
    fn report_settled(&mut self, connected: bool) {
        let unsettled = !connected || self.view.is_unsettled();
        if unsettled != self.unsettled {
            self.unsettled = unsettled;
            let change = if unsettled { 1 } else { -1 };
            self.shared.stage.unsettled_clients.fetch_add(change, Ordering::AcqRel);
        }
    }
}

/// A short label for an error, from a closed set.
fn kind(error: &LoadError) -> &'static str {
    match error {
        LoadError::Setting(_) => "setting",
        LoadError::Connect { .. } => "connect refused",
        LoadError::WebSocket(_) => "transport broke",
        LoadError::Handshake(_) => "handshake refused",
        LoadError::Timeout(_) => "server silent",
        LoadError::Closed => "transport closed",
        LoadError::Rest { .. } => "REST unreachable",
        LoadError::Refused { .. } => "REST refused",
        LoadError::Shape { .. } => "REST shape",
    }
}
