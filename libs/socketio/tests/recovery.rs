//! Connection state recovery: the same session on a new transport, with exactly what was missed.

#![allow(clippy::unwrap_used, reason = "a test that fails to unwrap has failed")]

mod support;

use std::time::Duration;

use eventflow_socketio::{Config, DisconnectReason, EmitOutcome, Encoder, Lost, Recovery};
use futures_util::SinkExt as _;
use support::{Client, Rig, Seen};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

/// What a client remembers of a session.
struct Memory {
    sid: String,
    pid: String,
    offset: Option<String>,
}

impl Memory {
    fn of(answer: &serde_json::Value) -> Self {
        let text = |key: &str| answer[key].as_str().unwrap().to_owned();
        Self { sid: text("sid"), pid: text("pid"), offset: None }
    }

    /// Reads an event and remembers its offset, as the official client does.
    async fn read(&mut self, client: &mut Client) -> String {
        let text = client.text_after_pings().await;
        let event: Vec<serde_json::Value> = serde_json::from_str(text.strip_prefix("42").unwrap()).unwrap();
        let offset = event.last().unwrap().as_str().unwrap();
        self.offset = Some(offset.to_owned());
        // Without the characters that name the encoder.
        text.replace(offset, &offset[4..])
    }

    fn auth(&self, user: &str) -> String {
        match &self.offset {
            Some(offset) => format!(r#"{{"pid":"{}","offset":"{offset}","user":"{user}"}}"#, self.pid),
            None => format!(r#"{{"pid":"{}","user":"{user}"}}"#, self.pid),
        }
    }
}

fn emit(rig: &Rig, number: u32) -> EmitOutcome {
    rig.socket().emit(&rig.server.application().encoder.event("n", &number).unwrap())
}

async fn start(config: Config) -> (Rig, Client, Memory) {
    let rig = Rig::new(config);
    let (client, answer) = rig.joined(r#"{"user":"anna"}"#).await;
    (rig, client, Memory::of(&answer))
}

#[tokio::test(start_paused = true)]
async fn a_client_that_comes_back_gets_what_it_missed_and_nothing_twice() {
    let (mut rig, mut client, mut memory) = start(Config::default()).await;
    memory.read(&mut client).await;
    assert_eq!(emit(&rig, 1), EmitOutcome::Queued);
    assert_eq!(memory.read(&mut client).await, r#"42["n",1,"2"]"#);
    drop(client);
    rig.until(Seen::Disconnected(DisconnectReason::TransportClosed)).await;
    assert_eq!(emit(&rig, 2), EmitOutcome::Kept);
    assert!(rig.socket().is_parked());
    assert_eq!(rig.server.stats().parked.get(), 1);
    // sleep: paused time
    tokio::time::sleep(Duration::from_secs(110)).await;
    assert_eq!(emit(&rig, 3), EmitOutcome::Kept);

    let (mut client, answer) = rig.joined(&memory.auth("anna")).await;
    assert_eq!((&answer["sid"], &answer["pid"]), (&memory.sid.clone().into(), &memory.pid.clone().into()));
    assert_eq!(memory.read(&mut client).await, r#"42["n",2,"3"]"#);
    assert_eq!(memory.read(&mut client).await, r#"42["n",3,"4"]"#);
    assert_eq!(memory.read(&mut client).await, r#"42["early",1,"5"]"#);
    assert_eq!((rig.seen().await, rig.seen().await), (Seen::Joining(true), Seen::Connected(true)));
    assert_eq!((rig.server.stats().parked.get(), rig.server.stats().recovered.get()), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_closes_in_order_is_told_from_a_broken_line_and_may_come_back_as_well() {
    let frame = |code: u16| Some(CloseFrame { code: code.into(), reason: "".into() });
    for (close, reason) in [
        (Message::Close(None), DisconnectReason::ClientClosed),
        (Message::Close(frame(1000)), DisconnectReason::ClientClosed),
        (Message::Close(frame(1001)), DisconnectReason::ClientClosed),
        (Message::text("1"), DisconnectReason::ClientClosed),
        (Message::Close(frame(1002)), DisconnectReason::TransportClosed),
    ] {
        let (mut rig, mut client, mut memory) = start(Config::default()).await;
        memory.read(&mut client).await;
        client.0.send(close).await.unwrap();
        rig.until(Seen::Disconnected(reason)).await;
        let (_client, answer) = rig.joined(&memory.auth("anna")).await;
        assert_eq!(answer["sid"], memory.sid, "{reason:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_on_polling_that_closes_in_order_says_so() {
    let mut rig = Rig::new(Config::default());
    let query = rig.open_polling().await;
    assert_eq!(rig.post(&query, "40").await.0, 200);
    rig.until(Seen::Connected(false)).await;
    assert_eq!(rig.post(&query, "1").await.0, 200);
    rig.until(Seen::Disconnected(DisconnectReason::ClientClosed)).await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_has_seen_nothing_yet_gets_everything() {
    let (mut rig, client, mut memory) = start(Config::default()).await;
    drop(client);
    rig.until(Seen::Disconnected(DisconnectReason::TransportClosed)).await;
    emit(&rig, 1);
    let (mut client, answer) = rig.joined(&memory.auth("anna")).await;
    assert_eq!(answer["sid"], memory.sid);
    assert_eq!(memory.read(&mut client).await, r#"42["early",1,"1"]"#);
    assert_eq!(memory.read(&mut client).await, r#"42["n",1,"2"]"#);
}

#[tokio::test(start_paused = true)]
async fn another_identity_gets_a_fresh_session() {
    let (mut rig, mut client, mut memory) = start(Config::default()).await;
    memory.read(&mut client).await;
    drop(client);
    rig.until(Seen::Disconnected(DisconnectReason::TransportClosed)).await;
    let (_client, answer) = rig.joined(&memory.auth("bob")).await;
    assert_ne!(answer["sid"], memory.sid);
    assert_ne!(answer["pid"], memory.pid);
    assert_eq!(rig.server.stats().not_recovered.get(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_offset_or_an_id_nobody_gave_out_gets_a_fresh_session() {
    let (mut rig, mut client, mut memory) = start(Config::default()).await;
    memory.read(&mut client).await;
    drop(client);
    rig.until(Seen::Disconnected(DisconnectReason::TransportClosed)).await;
    for auth in [
        format!(r#"{{"pid":"{}","offset":"zzz","user":"anna"}}"#, memory.pid),
        format!(r#"{{"pid":"{}","offset":"ä","user":"anna"}}"#, memory.pid),
        r#"{"pid":"aaaaaaaaaaaaaaaaaaaa","offset":"1","user":"anna"}"#.to_owned(),
        r#"{"pid":1,"offset":{},"user":"anna"}"#.to_owned(),
    ] {
        let (_client, answer) = rig.joined(&auth).await;
        assert_ne!(answer["sid"], memory.sid, "{auth}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_offset_of_an_earlier_session_is_as_good_as_none() {
    let (mut rig, client, mut memory) = start(Config::default()).await;
    drop(client);
    rig.until(Seen::Disconnected(DisconnectReason::TransportClosed)).await;
    for offset in ["abcd9".to_owned(), Encoder::new().event("n", &1).unwrap().offset().unwrap().to_string()] {
        memory.offset = Some(offset);
        let (mut client, answer) = rig.joined(&memory.auth("anna")).await;
        assert_eq!(answer["sid"], memory.sid);
        assert_eq!(memory.read(&mut client).await, r#"42["early",1,"1"]"#);
        drop(client);
        rig.until(Seen::Disconnected(DisconnectReason::TransportClosed)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_fresh_session_is_told_what_its_client_has_lost() {
    let (mut rig, mut client, mut memory) = start(Config::default()).await;
    assert_eq!(memory.pid.split_once('.').map(|(_, note)| note), Some("note"));
    memory.read(&mut client).await;
    let offset = rig.server.application().encoder.offset();
    let lost = |rig: &Rig| rig.server.application().lost.lock().clone();
    assert_eq!(lost(&rig), None);
    let (_other, _) = rig.joined(&memory.auth("bob")).await;
    assert_eq!(lost(&rig), Some(Lost { note: "note".into(), offset: Some(offset), is_here: true }));
    memory.pid = "aaaaaaaaaaaaaaaaaaaa.of another server".into();
    memory.offset = None;
    let (_other, _) = rig.joined(&memory.auth("anna")).await;
    assert_eq!(lost(&rig), Some(Lost { note: "of another server".into(), offset: None, is_here: false }));
    drop(client);
    rig.until(Seen::Disconnected(DisconnectReason::TransportClosed)).await;
}

#[tokio::test(start_paused = true)]
async fn a_session_nobody_comes_back_for_expires_once() {
    let (mut rig, client, memory) = start(Config::default()).await;
    let start = tokio::time::Instant::now();
    drop(client);
    rig.until(Seen::Expired).await;
    assert!((120..=121).contains(&start.elapsed().as_secs()));
    assert_eq!(rig.server.stats().parked.get(), 0);
    let (_client, answer) = rig.joined(&memory.auth("anna")).await;
    assert_ne!(answer["sid"], memory.sid);
    assert_eq!(rig.seen().await, Seen::Joining(false));
}

#[tokio::test(start_paused = true)]
async fn a_session_that_missed_too_much_is_a_fresh_one() {
    let recovery = Recovery { max_packets: 3, ..Recovery::default() };
    let (mut rig, mut client, mut memory) =
        start(Config { recovery: Some(recovery), ..Config::default() }).await;
    memory.read(&mut client).await;
    drop(client);
    rig.until(Seen::Disconnected(DisconnectReason::TransportClosed)).await;
    for number in 0..4 {
        emit(&rig, number);
    }
    let (_client, answer) = rig.joined(&memory.auth("anna")).await;
    assert_ne!(answer["sid"], memory.sid);
}

#[tokio::test(start_paused = true)]
async fn a_full_buffer_is_replayed_without_counting_as_a_slow_client() {
    let (mut rig, mut client, mut memory) = start(Config::default()).await;
    memory.read(&mut client).await;
    drop(client);
    rig.until(Seen::Disconnected(DisconnectReason::TransportClosed)).await;
    for number in 0..256 {
        emit(&rig, number);
    }
    let (mut client, answer) = rig.joined(&memory.auth("anna")).await;
    assert_eq!(answer["sid"], memory.sid);
    for number in 0..256 {
        assert!(memory.read(&mut client).await.starts_with(&format!(r#"42["n",{number},"#)));
    }
    assert_eq!(rig.server.stats().slow_clients.get(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_client_may_come_back_before_its_old_transport_is_known_to_be_dead() {
    let (mut rig, mut client, mut memory) = start(Config::default()).await;
    memory.read(&mut client).await;
    emit(&rig, 1);
    let started = tokio::time::Instant::now();
    let (mut new, answer) = rig.joined(&memory.auth("anna")).await;
    assert_eq!(answer["sid"], memory.sid);
    assert_eq!(started.elapsed(), Duration::ZERO);
    assert_eq!(memory.read(&mut new).await, r#"42["n",1,"2"]"#);
    for expected in [
        Seen::Joining(false),
        Seen::Connected(false),
        Seen::Disconnected(DisconnectReason::Replaced),
        Seen::Joining(true),
        Seen::Connected(true),
    ] {
        assert_eq!(rig.seen().await, expected);
    }
    assert_eq!(client.close_code().await, Some(1000));
}

#[tokio::test(start_paused = true)]
async fn too_many_parked_sessions_make_the_oldest_expire() {
    let recovery = Recovery { max_parked: 2, ..Recovery::default() };
    let mut rig = Rig::new(Config { recovery: Some(recovery), ..Config::default() });
    let mut clients = Vec::new();
    for _ in 0..3 {
        clients.push(rig.joined("").await.0);
    }
    let oldest = rig.server.application().sockets.lock()[0].id().to_owned();
    for client in clients {
        drop(client);
        rig.until(Seen::Disconnected(DisconnectReason::TransportClosed)).await;
        tokio::time::advance(Duration::from_secs(1)).await;
    }
    rig.until(Seen::Expired).await;
    let left: Vec<_> = rig.server.application().sockets.lock().iter().map(|socket| *socket.id()).collect();
    assert_eq!((left.len(), left.contains(&oldest)), (2, false));
    assert_eq!(rig.server.stats().parked.get(), 2);
}

#[tokio::test(start_paused = true)]
async fn ephemeral_packets_are_not_replayed() {
    let (mut rig, mut client, mut memory) = start(Config::default()).await;
    memory.read(&mut client).await;
    drop(client);
    rig.until(Seen::Disconnected(DisconnectReason::TransportClosed)).await;
    let typing = rig.server.application().encoder.ephemeral("typing", &1).unwrap();
    assert_eq!(rig.socket().emit(&typing), EmitOutcome::Dropped);
    let (mut client, _) = rig.joined(&memory.auth("anna")).await;
    assert_eq!(memory.read(&mut client).await, r#"42["early",1,"2"]"#);
}

#[tokio::test(start_paused = true)]
async fn a_session_on_polling_is_recovered_on_polling() {
    let (mut rig, mut client, mut memory) = start(Config::default()).await;
    memory.read(&mut client).await;
    drop(client);
    rig.until(Seen::Disconnected(DisconnectReason::TransportClosed)).await;
    emit(&rig, 1);
    let query = rig.open_polling().await;
    rig.post(&query, &format!("40{}", memory.auth("anna"))).await;
    let (_, body) = rig.get(&query).await;
    assert!(body.contains(&memory.sid) && body.contains("\u{1e}42[\"n\",1,"), "{body}");
}

#[tokio::test(start_paused = true)]
async fn a_packet_that_was_on_its_way_when_the_session_began_is_not_repeated() {
    let mut rig = Rig::new(Config::default());
    let packet = rig.server.application().encoder.event("n", &1).unwrap();
    let (mut client, answer) = rig.joined(r#"{"user":"anna"}"#).await;
    let mut memory = Memory::of(&answer);
    memory.read(&mut client).await;
    rig.socket().emit(&packet);
    assert_eq!(memory.read(&mut client).await, r#"42["n",1,"1"]"#);
    drop(client);
    rig.until(Seen::Disconnected(DisconnectReason::TransportClosed)).await;
    let (mut client, answer) = rig.joined(&memory.auth("anna")).await;
    assert_eq!(answer["sid"], memory.sid);
    assert_eq!(memory.read(&mut client).await, r#"42["early",1,"3"]"#);
}

#[tokio::test(start_paused = true)]
async fn a_session_apart_is_recovered_as_exactly_as_others() {
    let (mut rig, mut client, mut memory) = start(Config::default()).await;
    memory.read(&mut client).await;
    let (socket, encoder) = (rig.socket(), rig.server.application().encoder.clone());
    socket.set_apart(true);
    socket.emit_apart(&encoder.event("own", &1).unwrap());
    emit(&rig, 1);
    assert_eq!(memory.read(&mut client).await, r#"42["own",1,"2"]"#);
    assert_eq!(memory.read(&mut client).await, r#"42["n",1,"2-3"]"#);
    drop(client);
    rig.until(Seen::Disconnected(DisconnectReason::TransportClosed)).await;
    emit(&rig, 2);
    socket.emit(&encoder.event_beside("answer", &1).unwrap());
    let (mut client, answer) = rig.joined(&memory.auth("anna")).await;
    assert_eq!(answer["sid"], memory.sid);
    assert_eq!(memory.read(&mut client).await, r#"42["n",2,"2-4"]"#);
    assert_eq!(memory.read(&mut client).await, r#"42["answer",1,"2-5"]"#);
}

#[tokio::test(start_paused = true)]
async fn a_note_can_be_added_to_while_joining() {
    let (rig, _client, memory) = start(Config::default()).await;
    rig.socket().add_to_note(".more");
    let (_client, answer) = rig.joined(&memory.auth("anna")).await;
    assert!(answer["pid"].as_str().unwrap().ends_with(".note.more"), "{answer}");
}
