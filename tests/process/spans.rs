//! Trace of one message across processes: from the client's event to the delivery, each span continues the
//! one before it.

use crate::backends::Own;
use eventflow_protocol::TraceContext;
use eventflow_testkit::collector::ExportedSpan;
use eventflow_testkit::servers::free_port;
use eventflow_testkit::system::SINGLE;
use eventflow_testkit::{Collector, RawSocket, System};
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Log line of a process whose collector is away.
const COLLECTOR_AWAY: &str = "the collector takes no spans";
/// Limit of the shutdown: the last spans get 3 s, and the rest is as quick as usual.
const END_IN_TIME: Duration = Duration::from_secs(15);

/// The spans of one message in order, by the first words of their names.
const WAY: [&str; 5] = [
    "event message:send",
    "command send_message",
    "envelope persist.",
    "envelope fanout.",
    "envelope gateway.",
];

/// The spans of a request that makes a thread, in order, by the first words of their names.
const OF_A_REQUEST: [&str; 4] =
    ["request ", "command create_thread", "envelope persist.", "envelope fanout."];

#[tokio::test(flavor = "multi_thread")]
async fn one_process_exports_a_message_as_one_trace_from_the_event_to_the_delivery() {
    let collector = Collector::start().await.unwrap();
    let system = System::single(&[("OTLP_ENDPOINT", &collector.url)]).await.unwrap();
    one_message(&system).await;
    let way = way_of_a_message(&collector).await;
    assert!(way.iter().all(|span| span.service == SINGLE), "{way:#?}");
    system.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fleet_exports_a_message_as_one_trace_through_rabbitmq() {
    let own = Own::create("spans").await.unwrap();
    let collector = Collector::start().await.unwrap();
    let system = System::fleet(&own.backends, &[("OTLP_ENDPOINT", &collector.url)]).await.unwrap();
    one_message(&system).await;
    let way = way_of_a_message(&collector).await;
    let services: Vec<&str> = way.iter().map(|span| span.service.as_str()).collect();
    let expected = ["ws-gateway", "ws-gateway", "persistence-worker", "fanout-worker", "ws-gateway"];
    assert_eq!(services, expected, "{way:#?}");
    system.stop().await.unwrap();
    own.delete().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_the_beginning_of_a_trace_too() {
    let collector = Collector::start().await.unwrap();
    let system = System::single(&[("OTLP_ENDPOINT", &collector.url)]).await.unwrap();
    one_message(&system).await;
    let created = collector.eventually("the request that makes a thread is traced", |spans| {
        let command = spans.iter().find(|span| span.name == "command create_thread")?;
        let request = spans.iter().find(|span| span.span_id == command.parent_id)?;
        Some(request.clone())
    });
    let created = created.await.unwrap();
    assert_eq!(created.name, "request /api/v2/messages/threads");
    assert_eq!(created.attributes["method"], "POST");
    assert_eq!(created.attributes["status"], "201", "{created:#?}");
    assert!(created.parent_id.is_empty(), "{created:#?}");
    system.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_goes_on_with_the_trace_of_its_sender_only_where_that_is_allowed() {
    let sender = TraceContext::new([7; 16], [9; 8]).unwrap();
    for (allowed, expected) in [("true", true), ("false", false)] {
        let collector = Collector::start().await.unwrap();
        let settings = [
            ("OTLP_ENDPOINT", collector.url.as_str()),
            ("TRACE_CONTINUE", allowed),
            ("TRACE_SAMPLE_RATIO", "0"),
        ];
        let system = System::single(&settings).await.unwrap();
        let ann = system.token("ann").await.unwrap();
        let created = reqwest::Client::new()
            .post(system.url("/api/v2/messages/threads"))
            .bearer_auth(&ann)
            .header("traceparent", sender.traceparent())
            .json(&json!({ "participants": ["ben"], "initialMessage": "hello" }));
        assert_eq!(created.send().await.unwrap().status(), StatusCode::CREATED);
        if expected {
            // The answer comes before the fan-out, which a shutdown may leave to the next start.
            let way = collector.eventually("each stage goes on with the trace", |spans| {
                let found = |name: &&str| spans.iter().find(|span| span.name.starts_with(*name)).cloned();
                OF_A_REQUEST.iter().map(found).collect::<Option<Vec<_>>>()
            });
            let way = way.await.unwrap();
            assert_eq!(way[0].parent_id, sender.span_id());
            assert!(way.iter().all(|span| span.trace_id == sender.trace_id()), "{way:#?}");
        }
        // The shutdown sends the remaining spans.
        system.stop().await.unwrap();
        let spans = collector.spans();
        assert_eq!(!spans.is_empty(), expected, "{spans:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_share_of_none_exports_nothing_of_a_message() {
    let collector = Collector::start().await.unwrap();
    let settings = [("OTLP_ENDPOINT", collector.url.as_str()), ("TRACE_SAMPLE_RATIO", "0")];
    let system = System::single(&settings).await.unwrap();
    one_message(&system).await;
    // The shutdown sends the remaining spans.
    system.stop().await.unwrap();
    assert!(collector.spans().is_empty(), "{:#?}", collector.spans());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_collector_messages_flow_one_line_says_so_and_the_end_is_in_time() {
    let nowhere = format!("http://127.0.0.1:{}", free_port().unwrap());
    let mut system = System::single(&[("OTLP_ENDPOINT", &nowhere)]).await.unwrap();
    one_message(&system).await;
    let started = Instant::now();
    let process = system.process(SINGLE);
    process.terminate().await.unwrap();
    let status = process.ended().await.unwrap();
    let log = process.log();
    assert!(status.success(), "{status}: {log}");
    assert_eq!(log.matches(COLLECTOR_AWAY).count(), 1, "{log}");
    assert!(started.elapsed() < END_IN_TIME, "{:?}", started.elapsed());
}

/// Ann sends a message to Ben by socket, and Ben receives it.
async fn one_message(system: &System) {
    let ann = system.token("ann").await.unwrap();
    let ben = system.token("ben").await.unwrap();
    let created = reqwest::Client::new()
        .post(system.url("/api/v2/messages/threads"))
        .bearer_auth(&ann)
        .json(&json!({ "participants": ["ben"] }));
    let created = created.send().await.unwrap();
    assert_eq!(created.status(), StatusCode::CREATED);
    let thread = created.json::<Value>().await.unwrap()["thread"]["_id"].clone();
    let mut listener = RawSocket::connect(&system.sockets(), &ben).await.unwrap();
    let mut speaker = RawSocket::connect(&system.sockets(), &ann).await.unwrap();
    let message = json!({ "threadId": thread, "content": "hello" });
    let answer = speaker.ask("message:send", &message).await.unwrap();
    assert_eq!(answer["success"], true, "{answer}");
    listener.event("message:received").await.unwrap();
}

/// The spans of the message, each the parent of the next, and the batches that carried it.
async fn way_of_a_message(collector: &Collector) -> Vec<ExportedSpan> {
    let way = collector.eventually("a message's way is one trace", |spans| {
        let (first, rest) = WAY.split_first()?;
        let event = spans.iter().find(|span| span.name.starts_with(first))?;
        let mut way = vec![event.clone()];
        for name in rest {
            way.push(next(spans, way.last()?, name)?.clone());
        }
        Some(way)
    });
    let way = way.await.unwrap();
    assert!(way[0].parent_id.is_empty(), "a client's event begins a trace: {way:#?}");
    let batches = collector.eventually("the batches point to the trace", |spans| {
        let of_the_message = |span: &&ExportedSpan| {
            span.name.starts_with("batch ") && span.linked_traces.contains(&way[0].trace_id)
        };
        let batches: Vec<ExportedSpan> = spans.iter().filter(of_the_message).cloned().collect();
        (batches.len() >= 3).then_some(batches)
    });
    for batch in batches.await.unwrap() {
        assert_ne!(batch.trace_id, way[0].trace_id, "a batch has a trace of its own: {batch:#?}");
    }
    way
}

/// The span of this name whose parent is `parent`.
fn next<'a>(spans: &'a [ExportedSpan], parent: &ExportedSpan, name: &str) -> Option<&'a ExportedSpan> {
    spans.iter().find(|span| {
        span.name.starts_with(name) && span.trace_id == parent.trace_id && span.parent_id == parent.span_id
    })
}
