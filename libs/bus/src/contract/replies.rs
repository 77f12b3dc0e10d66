//! Replies: they reach the publisher that asked, from wherever its message has got to, and block nobody.

use super::bench::{PATIENCE, QUIET, cancel, next, publish, subscribe};
use crate::port::{Broker, Destination, Outgoing, Publish, ReplyTo, Subscription};
use crate::topology::{Delay, EMAIL, NOTIFY, PERSIST, PUSH};
use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::time::timeout;

/// Capacity of a publisher's reply channel.
const ROOM: usize = 16;

/// Runs every check of this group.
pub async fn check_all(broker: &dyn Broker) {
    a_reply_reaches_the_publisher_that_asked(broker).await;
    an_address_survives_a_retry(broker).await;
    a_reply_to_nobody_harms_nothing(broker).await;
    replies_that_nobody_reads_hold_nothing_up(broker).await;
}

struct Asker {
    publisher: Box<dyn Publish>,
    replies: mpsc::Receiver<Bytes>,
}

impl Asker {
    async fn new(broker: &dyn Broker) -> Self {
        let (sender, replies) = mpsc::channel(ROOM);
        Self { publisher: broker.publisher(Some(sender)).await.expect("a publisher can be opened"), replies }
    }

    async fn ask(&mut self, queue: &str, question: &'static str) {
        let message = Outgoing {
            reply_to: Some(ReplyTo::Me),
            ..Outgoing::to_queue(queue, Bytes::from_static(question.as_bytes()))
        };
        let results = self.publisher.publish(vec![message]).await;
        assert!(matches!(results[..], [Ok(())]), "{results:?}");
    }

    async fn answer(&mut self) -> Bytes {
        timeout(PATIENCE, self.replies.recv()).await.expect("the reply arrives").expect("the publisher lives")
    }

    async fn quiet(&mut self) {
        let reply = timeout(QUIET, self.replies.recv()).await;
        assert!(reply.is_err(), "no reply was due, but: {reply:?}");
    }
}

/// Takes the next question and returns its text and the address for the answer.
async fn question(subscription: &mut Box<dyn Subscription>) -> (Bytes, String) {
    let message = next(subscription).await;
    subscription.ack(&[message.tag]).await.expect("the subscription lives");
    (message.payload, message.reply_to.expect("somebody waits for an answer"))
}

/// Each publisher gets its own answers, several times in a row, and none of the other publisher's.
pub async fn a_reply_reaches_the_publisher_that_asked(broker: &dyn Broker) {
    let queue = PERSIST.shard(0);
    let (mut ann, mut bob) = (Asker::new(broker).await, Asker::new(broker).await);
    let mut worker = subscribe(broker, queue.name(), 64).await;
    for _ in 0..3 {
        ann.ask(queue.name(), "ann").await;
        bob.ask(queue.name(), "bob").await;
        for _ in 0..2 {
            let (name, address) = question(&mut worker).await;
            broker.reply(&address, name).await;
        }
        assert_eq!(
            (ann.answer().await, bob.answer().await),
            (Bytes::from_static(b"ann"), Bytes::from_static(b"bob"))
        );
    }
    ann.quiet().await;
    bob.quiet().await;
    cancel(worker).await;
}

/// The answer to a retried message goes to the publisher that asked first.
pub async fn an_address_survives_a_retry(broker: &dyn Broker) {
    let work = EMAIL;
    let queue = work.name();
    let mut asker = Asker::new(broker).await;
    let mut worker = subscribe(broker, queue, 64).await;
    asker.ask(queue, "again").await;
    let (payload, address) = question(&mut worker).await;
    let to = Destination::Retry { delay: Delay::OneSecond, queue: queue.to_owned() };
    let again = Outgoing { to, reply_to: Some(ReplyTo::Address(address)), ..Outgoing::to_queue("", payload) };
    publish(broker, vec![again]).await;
    let (payload, address) = question(&mut worker).await;
    broker.reply(&address, payload).await;
    assert_eq!(asker.answer().await, Bytes::from_static(b"again"));
    cancel(worker).await;
}

/// The publisher that asked may be gone, and the address may be made up.
pub async fn a_reply_to_nobody_harms_nothing(broker: &dyn Broker) {
    let work = PUSH;
    let queue = work.name();
    let mut asker = Asker::new(broker).await;
    let mut worker = subscribe(broker, queue, 64).await;
    asker.ask(queue, "gone").await;
    let (payload, address) = question(&mut worker).await;
    drop(asker);
    for nobody in [address.as_str(), "nobody", "", "amq.rabbitmq.reply-to", "amq.rabbitmq.reply-to.nobody"] {
        broker.reply(nobody, payload.clone()).await;
    }
    let mut asker = Asker::new(broker).await;
    asker.ask(queue, "still there").await;
    let (payload, address) = question(&mut worker).await;
    broker.reply(&address, payload).await;
    assert_eq!(asker.answer().await, Bytes::from_static(b"still there"));
    cancel(worker).await;
}

/// The adapter drops replies that do not fit into the channel. Publishing goes on, and later replies arrive.
pub async fn replies_that_nobody_reads_hold_nothing_up(broker: &dyn Broker) {
    let work = NOTIFY;
    let queue = work.name();
    let mut asker = Asker::new(broker).await;
    let mut worker = subscribe(broker, queue, 64).await;
    for _ in 0..ROOM * 3 {
        asker.ask(queue, "unread").await;
        let (payload, address) = question(&mut worker).await;
        timeout(PATIENCE, broker.reply(&address, payload)).await.expect("replying is bounded");
    }
    for _ in 0..ROOM {
        assert_eq!(asker.answer().await, Bytes::from_static(b"unread"));
    }
    while timeout(QUIET, asker.replies.recv()).await.is_ok() {}
    asker.ask(queue, "read").await;
    let (payload, address) = question(&mut worker).await;
    broker.reply(&address, payload).await;
    assert_eq!(asker.answer().await, Bytes::from_static(b"read"));
    cancel(worker).await;
}
