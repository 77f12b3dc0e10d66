//! An old database: threads of a shop with its customers, messages with every generation of field names, and
//! documents that cannot be mapped. It also defines what the new system must hold afterwards.

use eventflow_protocol::document::Message;
use futures_util::future::join_all;
use mongodb::Database;
use mongodb::bson::{DateTime, Document, doc, oid::ObjectId};
use std::collections::BTreeMap;

/// The user who is in every thread.
pub(super) const SHOP: &str = "shop";
const THREADS: usize = 320;
/// Base number of messages of thread n: enough for several pages, and different for each thread.
const MESSAGES_LEAST: usize = 6;
const MESSAGES_MORE: usize = 15;
/// Time zero: 2023-11-14T22:13:20Z.
const ZERO_MS: i64 = 1_700_000_000_000;
/// Period: one of so many messages was deleted, has files, or has reactions.
const DELETED_EVERY: usize = 11;
const FILES_EVERY: usize = 7;
const REACTIONS_EVERY: usize = 5;

/// What the new system must hold afterwards.
#[derive(Default)]
pub(super) struct Expected {
    /// Threads by their old ids.
    pub(super) threads: BTreeMap<String, ExpectedThread>,
    files: u64,
    reactions: u64,
    deleted: u64,
}

/// One expected thread.
#[derive(Default)]
pub(super) struct ExpectedThread {
    /// Participants, sorted.
    pub(super) people: Vec<String>,
    /// Messages in the order of their times.
    pub(super) messages: Vec<Row>,
}

/// The compared parts of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    at: i64,
    key: String,
    sender: String,
    text: String,
    files: Vec<String>,
    reactions: Vec<String>,
    is_deleted: bool,
}

impl From<&Message> for Row {
    fn from(message: &Message) -> Self {
        Self {
            at: message.created_at.0,
            key: message.client_message_id.clone().unwrap_or_default(),
            sender: message.sender_id.to_string(),
            text: message.content.clone(),
            files: message
                .attachments
                .iter()
                .map(|file| format!("{} {}", file.url, file.mime_type))
                .collect(),
            reactions: message.reactions.iter().map(|one| format!("{} {}", one.user_id, one.emoji)).collect(),
            is_deleted: message.deleted_at.is_some(),
        }
    }
}

impl Expected {
    pub(super) fn messages(&self) -> usize {
        self.threads.values().map(|thread| thread.messages.len()).sum()
    }

    /// Lines of the summary of a run that finds `known` messages already stored. The broken documents are
    /// those of [`fill`].
    pub(super) fn lines(&self, known: u64) -> Vec<String> {
        let (all, threads) = (self.messages() as u64, THREADS as u64);
        let mut lines = vec![
            format!("messages: {} read, {} written, {known} there before, 9 left out", all + 9, all - known),
            format!(
                "  deleted then, and so deleted here: their place without text, files and reactions: {}",
                self.deleted
            ),
        ];
        lines.extend(
            [
                "  left out, fewer than two people with a usable id are known: 1 (such as alone)",
                "  left out, it names no thread: 1 (such as homeless)",
                "  left out, its thread was left out: 1 (such as in-alone)",
                "  left out, its sender has no usable id: 2 (such as no-sender, odd-sender)",
                "  left out, it has no text: 2 (such as no-text, odd-text)",
                "  left out, the message is empty: 2 (such as invisible, silent)",
                "  left out, the message is longer than 10000 characters: 1 (such as long)",
                "  left out, its url must be an https address or a path on this site: 1 (such as files)",
                "  left out, its url is missing: 1 (such as files)",
                "  left out, it is of nobody in the thread: 1 (such as signs)",
                "  left out, emoji must be a sign of 1 to 64 bytes: 1 (such as signs)",
            ]
            .map(String::from),
        );
        if known == all {
            lines.push(format!(
                "threads: {} read, 0 written, {threads} there before, 1 left out",
                threads + 1
            ));
            lines.push(format!(
                "attachments: {} read, 0 written, {} there before, 2 left out",
                self.files + 2,
                self.files
            ));
            lines.push(format!(
                "reactions: {} read, 0 written, {} there before, 2 left out",
                self.reactions + 2,
                self.reactions
            ));
        }
        lines
    }
}

/// Fills an empty database, with its messages in random order.
pub(super) async fn fill(database: &Database) -> Expected {
    let mut threads = Vec::new();
    let mut messages = Vec::new();
    let mut expected = Expected::default();
    for n in 0..THREADS {
        let key = ObjectId::new();
        let (id, buyer) = (format!("t{n:03}"), format!("buyer{}", n % 40));
        let created = DateTime::from_millis(ZERO_MS);
        threads.push(match n % 3 {
            0 => doc! { "_id": key, "id": &id, "customerId": &buyer, "recipientId": SHOP, "subject": "Order", "createdAt": created },
            1 => doc! { "_id": key, "id": &id, "participants": [&buyer, SHOP], "createdAt": created, "unreadCount": { SHOP: 3 } },
            _ => doc! { "_id": key, "id": &id, "members": [{ "userId": &buyer }, { "userId": SHOP }], "created_at": created },
        });
        let mut thread =
            ExpectedThread { people: vec![buyer.clone(), SHOP.to_owned()], messages: Vec::new() };
        for m in 0..MESSAGES_LEAST + n % MESSAGES_MORE {
            // Messages of some threads use both names of their thread, and still belong to one order.
            let name = if n.is_multiple_of(4) && !m.is_multiple_of(2) { key.to_hex() } else { id.clone() };
            messages.push(message(n, m, &name, &buyer, &mut thread, &mut expected));
        }
        expected.threads.insert(id, thread);
    }
    for thread in expected.threads.values_mut() {
        thread.messages.sort_by(|a, b| (a.at, &a.key).cmp(&(b.at, &b.key)));
    }
    broken(&mut threads, &mut messages, &mut expected);
    messages.sort_by_key(|message| message.get_str("id").unwrap().bytes().rev().collect::<Vec<_>>());
    let insert = async |name: &str, documents: &[Document]| {
        database.collection::<Document>(name).insert_many(documents).await
    };
    insert("threads", &threads).await.unwrap();
    join_all(messages.chunks(1_000).map(|chunk| insert("messages", chunk)))
        .await
        .into_iter()
        .for_each(|done| drop(done.unwrap()));
    expected
}

/// Message m of thread n. Two of every three messages share their time with another one, so that the id
/// decides the order.
fn message(
    n: usize,
    m: usize,
    thread: &str,
    buyer: &str,
    into: &mut ExpectedThread,
    all: &mut Expected,
) -> Document {
    let (id, sender) = (format!("m{n:03}-{m:02}"), if m.is_multiple_of(3) { SHOP } else { buyer });
    let at = ZERO_MS + i64::try_from(n * 1_000 + (m / 3) * 60_000).unwrap();
    let is_deleted = m % DELETED_EVERY == 5;
    let text = format!("message {m} of thread {n}: a < b & c 📦");
    let mut document = match m % 3 {
        0 => {
            doc! { "id": &id, "threadId": thread, "senderId": sender, "content": &text, "createdAt": DateTime::from_millis(at) }
        }
        1 => doc! { "id": &id, "thread_id": thread, "fromUserId": sender, "text": &text, "sentAt": at },
        _ => {
            doc! { "id": &id, "conversationId": thread, "sender": { "id": sender }, "message": &text, "timestamp": at }
        }
    };
    let mut row = Row {
        at,
        key: format!("v1:{id}"),
        sender: sender.to_owned(),
        text,
        files: Vec::new(),
        reactions: Vec::new(),
        is_deleted,
    };
    if m % FILES_EVERY == 3 {
        let url = format!("https://files.example/{id}.png");
        document.insert(
            "attachments",
            [doc! { "type": "image", "url": &url, "filename": "p.png", "size": 7, "mimeType": "image/png" }],
        );
        row.files.push(format!("{url} image/png"));
    }
    if m % REACTIONS_EVERY == 2 {
        document.insert(
            "reactions",
            [doc! { "emoji": "👍", "userId": buyer }, doc! { "emoji": "🎉", "userId": SHOP }],
        );
        row.reactions = vec![format!("{buyer} 👍"), format!("{SHOP} 🎉")];
    }
    if is_deleted {
        document.insert("deletedAt", DateTime::from_millis(at + 1));
        row = Row { text: String::new(), files: Vec::new(), reactions: Vec::new(), ..row };
    }
    all.files += row.files.len() as u64;
    all.reactions += row.reactions.len() as u64;
    all.deleted += u64::from(is_deleted);
    into.messages.push(row);
    document
}

/// Adds documents that cannot be mapped, as a whole or in part.
fn broken(threads: &mut Vec<Document>, messages: &mut Vec<Document>, expected: &mut Expected) {
    threads.push(doc! { "id": "alone", "participants": ["somebody"] });
    let (at, thread) = (DateTime::from_millis(ZERO_MS), "t000");
    let of = |id: &str, more: Document| {
        let mut document = doc! { "id": id, "threadId": thread, "senderId": SHOP, "createdAt": at };
        document.extend(more);
        document
    };
    messages.extend([
        doc! { "id": "homeless", "senderId": SHOP, "content": "x", "createdAt": at },
        doc! { "id": "in-alone", "threadId": "alone", "senderId": "somebody", "content": "x", "createdAt": at },
        doc! { "id": "no-sender", "threadId": thread, "content": "x", "createdAt": at },
        of("odd-sender", doc! { "senderId": "a\u{7}b", "content": "x" }),
        of("no-text", doc! {}),
        of("odd-text", doc! { "content": { "$gt": "" } }),
        of("invisible", doc! { "content": "\u{200b}\u{2060}" }),
        of("silent", doc! { "content": "   " }),
        of("long", doc! { "content": "x".repeat(10_001) }),
        doc! { "id": "m-own-seq", "threadId": thread, "seq": 7, "senderId": SHOP, "content": "of the new system" },
    ]);
    let files = [doc! { "url": "javascript:alert(1)" }, doc! { "filename": "nowhere.png" }];
    let signs = [doc! { "emoji": "👍", "userId": "stranger" }, doc! { "emoji": "<b>", "userId": SHOP }];
    messages.push(of("files", doc! { "content": "with bad files", "attachments": files.to_vec() }));
    messages.push(of("signs", doc! { "content": "with bad signs", "reactions": signs.to_vec() }));
    let first = &mut expected.threads.get_mut(thread).unwrap().messages;
    for (id, text) in [("files", "with bad files"), ("signs", "with bad signs")] {
        let row = Row {
            at: ZERO_MS,
            key: format!("v1:{id}"),
            sender: SHOP.to_owned(),
            text: text.to_owned(),
            files: Vec::new(),
            reactions: Vec::new(),
            is_deleted: false,
        };
        first.push(row);
    }
    first.sort_by(|a, b| (a.at, &a.key).cmp(&(b.at, &b.key)));
}
