//! The facts beside a payload as AMQP headers and properties, and back.
//!
//! Only the system's own headers are written. So what the broker added on the way (`x-death`,
//! `x-delivery-count`) never travels on with a message that is published again: a 3.x broker would interpret
//! it.

use bytes::Bytes;
use eventflow_bus::port::{DeliveryTag, Headers, Incoming, Outgoing, ReplyTo};
use eventflow_protocol::TraceContext;
use lapin::BasicProperties;
use lapin::message::Delivery;
use lapin::types::{AMQPValue, FieldTable, LongString};

const ATTEMPT: &str = "x-ef-attempt";
const REASON: &str = "x-ef-reason";
const ORIGIN: &str = "x-ef-origin";
/// Quorum queues set it: the number of deliveries that ended without an acknowledgement.
const DELIVERY_COUNT: &str = "x-delivery-count";
/// The broker sets it when it moves a message itself. The latest event comes first.
const DEATHS: &str = "x-death";
/// The reason in [`DEATHS`] of a message that was delivered too often without an acknowledgement.
const DELIVERY_LIMIT: &str = "delivery_limit";
/// The delivery mode of a message that is written to disk.
const PERSISTENT: u8 = 2;
/// The queue that means "on this channel" to the broker.
pub(crate) const REPLY_QUEUE: &str = "amq.rabbitmq.reply-to";

/// The properties of a message to publish. `id` comes back with it if it is returned.
pub(crate) fn properties(message: &Outgoing, id: u64) -> BasicProperties {
    let mut headers = table(&message.headers);
    if let Some(trace) = message.trace {
        headers.insert(TraceContext::HEADER.into(), AMQPValue::LongString(trace.traceparent().into()));
    }
    let properties = BasicProperties::default()
        .with_delivery_mode(PERSISTENT)
        .with_message_id(id.to_string().into())
        .with_headers(headers);
    match &message.reply_to {
        None => properties,
        Some(ReplyTo::Me) => properties.with_reply_to(REPLY_QUEUE.into()),
        Some(ReplyTo::Address(address)) => properties.with_reply_to(address.as_str().into()),
    }
}

/// The id given to [`properties`].
pub(crate) fn id(properties: &BasicProperties) -> Option<u64> {
    properties.message_id().as_ref()?.as_str().parse().ok()
}

/// A delivery as the seam shows it.
pub(crate) fn incoming(delivery: Delivery) -> Incoming {
    let table = delivery.properties.headers().clone().unwrap_or_default();
    let counted = integer(&table, DELIVERY_COUNT);
    Incoming {
        tag: DeliveryTag(delivery.delivery_tag),
        payload: Bytes::from(delivery.data),
        redelivered: delivery.redelivered,
        // A classic queue does not count deliveries; its flag stands for one.
        delivery_count: counted.unwrap_or_else(|| u32::from(delivery.redelivered)),
        headers: headers(&table),
        reply_to: delivery.properties.reply_to().as_ref().map(|address| address.as_str().to_owned()),
    }
}

fn table(headers: &Headers) -> FieldTable {
    let mut table = FieldTable::default();
    if headers.attempt > 0 {
        table.insert(ATTEMPT.into(), AMQPValue::LongLongInt(headers.attempt.into()));
    }
    let texts = [(REASON, &headers.reason), (ORIGIN, &headers.origin)];
    for (name, text) in texts.into_iter().filter_map(|(name, text)| Some((name, text.as_deref()?))) {
        table.insert(name.into(), AMQPValue::LongString(text.into()));
    }
    table
}

fn headers(table: &FieldTable) -> Headers {
    let ours = Headers {
        attempt: integer(table, ATTEMPT).unwrap_or(0),
        reason: text(table, REASON),
        origin: text(table, ORIGIN),
    };
    match killed_its_workers(table) {
        Some(queue) => Headers { reason: Some(DELIVERY_LIMIT.to_owned()), origin: Some(queue), ..ours },
        None => ours,
    }
}

/// The queue whose delivery limit the message reached, if that is what brought it here.
fn killed_its_workers(table: &FieldTable) -> Option<String> {
    let AMQPValue::FieldArray(deaths) = table.inner().get(DEATHS)? else { return None };
    let AMQPValue::FieldTable(latest) = deaths.as_slice().first()? else { return None };
    if text(latest, "reason")? == DELIVERY_LIMIT { text(latest, "queue") } else { None }
}

fn text(table: &FieldTable, name: &str) -> Option<String> {
    match table.inner().get(name)? {
        AMQPValue::LongString(text) => Some(plain(text)),
        AMQPValue::ShortString(text) => Some(text.as_str().to_owned()),
        _ => None,
    }
}

fn plain(text: &LongString) -> String {
    String::from_utf8_lossy(text.as_bytes()).into_owned()
}

fn integer(table: &FieldTable, name: &str) -> Option<u32> {
    let value = match *table.inner().get(name)? {
        AMQPValue::ShortShortInt(value) => value.into(),
        AMQPValue::ShortShortUInt(value) => value.into(),
        AMQPValue::ShortInt(value) => value.into(),
        AMQPValue::ShortUInt(value) => value.into(),
        AMQPValue::LongInt(value) => value.into(),
        AMQPValue::LongUInt(value) => value.into(),
        AMQPValue::LongLongInt(value) => value,
        _ => return None,
    };
    u32::try_from(value.max(0)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use lapin::types::FieldArray;

    #[test]
    fn our_facts_survive_the_way_through_the_header_table() {
        let all =
            Headers { attempt: 3, reason: Some("store says no".into()), origin: Some("persist.1".into()) };
        assert_eq!(headers(&table(&all)), all);
        assert_eq!(headers(&table(&Headers::default())), Headers::default());
    }

    #[test]
    fn a_trace_is_written_as_the_header_that_tools_expect_and_nothing_without_one() {
        let written = |trace: Option<TraceContext>| {
            let message = Outgoing { trace, ..Outgoing::to_queue("persist.0", Bytes::new()) };
            text(properties(&message, 1).headers().as_ref().unwrap(), "traceparent")
        };
        let trace = TraceContext::new([0xab; 16], [0xcd; 8]);
        let expected = format!("00-{}-{}-01", "ab".repeat(16), "cd".repeat(8));
        assert_eq!(written(trace), Some(expected));
        assert_eq!(written(None), None);
    }

    #[test]
    fn a_message_that_killed_its_workers_says_so_and_names_its_queue() {
        let mut death = FieldTable::default();
        death.insert("reason".into(), AMQPValue::LongString("delivery_limit".into()));
        death.insert("queue".into(), AMQPValue::LongString("persist.1".into()));
        let mut table = table(&Headers { attempt: 1, reason: Some("older".into()), origin: None });
        table.insert(
            DEATHS.into(),
            AMQPValue::FieldArray(FieldArray::from(vec![AMQPValue::FieldTable(death)])),
        );
        let expected =
            Headers { attempt: 1, reason: Some("delivery_limit".into()), origin: Some("persist.1".into()) };
        assert_eq!(headers(&table), expected);
    }

    #[test]
    fn headers_of_strangers_are_read_without_a_panic() {
        let mut table = FieldTable::default();
        table.insert(ATTEMPT.into(), AMQPValue::LongLongInt(-5));
        table.insert(REASON.into(), AMQPValue::Boolean(true));
        table.insert(DEATHS.into(), AMQPValue::Void);
        assert_eq!(headers(&table), Headers::default());
    }
}
