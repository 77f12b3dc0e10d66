//! The contract of every [`Outbox`], as checks that an adapter's tests call. Each check needs an outbox of
//! its own, since it is one list for all.

use crate::outbox::{OUTBOX_MAX, Outbox, OutboxItem};
use crate::store_contract::fixtures::at;
use async_trait::async_trait;
use eventflow_protocol::outbound::Channel;
use std::sync::Arc;

/// Gives the suite access to the outbox under test.
#[async_trait]
pub trait Harness: Send + Sync {
    /// Opens one more outbox over the same data with empty caches, as another process would.
    async fn open(&self) -> Arc<dyn Outbox>;
}

/// An item is read unchanged, and one that comes again is there once.
pub async fn an_item_comes_back_unchanged_and_once(harness: &dyn Harness) {
    let outbox = harness.open().await;
    assert_eq!(outbox.kept(10).await.expect("list"), []);
    let mail = OutboxItem {
        html: Some("<p>hello</p>".to_owned()),
        headers: vec![("Message-ID".to_owned(), "<a@b>".to_owned()), ("X".to_owned(), String::new())],
        ..item("mail.1@example.com", 2)
    };
    let push = OutboxItem { channel: Channel::Push, ..item("push.1", 3) };
    for one in [&mail, &push, &mail] {
        outbox.keep(one).await.expect("keep");
    }
    let other = harness.open().await;
    assert_eq!(other.kept(10).await.expect("list"), [push.clone(), mail.clone()]);
    assert_eq!(other.kept(1).await.expect("list"), [push]);
    assert_eq!(other.kept_item(&mail.id).await.expect("read"), Some(mail));
    assert_eq!(other.kept_item("mail.2@example.com").await.expect("read"), None);
}

/// The outbox does not grow without end: the oldest items go.
pub async fn the_oldest_items_go(harness: &dyn Harness) {
    let outbox = harness.open().await;
    let count = OUTBOX_MAX + 5;
    for n in 0..count {
        outbox.keep(&item(&format!("mail.{n}"), i64::from(n))).await.expect("keep");
    }
    let kept = harness.open().await.kept(u32::MAX).await.expect("list");
    assert_eq!(kept.len(), usize::try_from(OUTBOX_MAX).expect("it is small"));
    assert_eq!((kept[0].id.as_str(), kept[kept.len() - 1].id.as_str()), ("mail.204", "mail.5"));
}

fn item(id: &str, seconds: i64) -> OutboxItem {
    OutboxItem {
        id: id.to_owned(),
        channel: Channel::Email,
        to: "Bob <bob@example.com>".to_owned(),
        title: "Ann wrote \u{1f4e6}".to_owned(),
        text: "hello\r\nworld".to_owned(),
        html: None,
        headers: Vec::new(),
        at: at(seconds),
    }
}
