//! The indexes of every collection, and what each is for. The server makes the one on `_id` itself.

use crate::search::block_key;
use eventflow_ports::push_devices::{REMOVAL_KEPT, SHOWN_KEPT};
use mongodb::IndexModel;
use mongodb::bson::{Document, doc};
use mongodb::options::IndexOptions;
use std::time::Duration;

/// Messages: the fence between two writers of a thread, a thread's messages by time, a sender's own keys, the
/// messages that a leg may join, those that were taken back, the pinned ones of a thread by the time of the
/// pin, and those of a thread that mention somebody.
pub(crate) fn of_messages() -> [IndexModel; 7] {
    let with_key = doc! { "clientMessageId": { "$exists": true } };
    [
        unique(doc! { "threadId": 1, "seq": 1 }, IndexOptions::default()),
        plain(doc! { "threadId": 1, "createdAt": 1, "seq": 1 }),
        unique(
            doc! { "senderId": 1, "clientMessageId": 1 },
            IndexOptions::builder().partial_filter_expression(with_key).build(),
        ),
        partial(doc! { "pair.key": 1, "createdAt": 1 }, doc! { "pair.key": { "$exists": true } }),
        partial(doc! { "threadId": 1, "seq": 1, "senderId": 1 }, doc! { "deletedAt": { "$exists": true } }),
        partial(
            doc! { "threadId": 1, "pinned.pinnedAt": -1, "seq": -1 },
            doc! { "pinned": { "$exists": true } },
        ),
        partial(doc! { "threadId": 1, "mentions": 1, "seq": 1 }, doc! { "mentions": { "$exists": true } }),
    ]
}

/// Threads: a person's threads in the order they are listed, and those that the person has archived. Large
/// threads have no `activityAt` ([`crate::lists`]).
pub(crate) fn of_threads() -> [IndexModel; 2] {
    [
        plain(doc! { "participants": 1, "status": 1, "activityAt": -1, "_id": -1 }),
        partial(
            doc! { "archivedBy": 1, "status": 1, "activityAt": -1, "_id": -1 },
            doc! { "archivedBy": { "$exists": true } },
        ),
    ]
}

/// Notifications: a person's notifications by age, the unread ones by age, those about a thread, and a
/// person's hidden ones.
pub(crate) fn of_notifications() -> [IndexModel; 4] {
    [
        plain(doc! { "userId": 1, "createdAt": -1, "_id": -1 }),
        plain(doc! { "userId": 1, "isRead": 1, "createdAt": -1, "_id": -1 }),
        plain(doc! { "threadId": 1, "userId": 1, "readAt": 1 }),
        partial(doc! { "hiddenFor": 1 }, doc! { "hiddenFor": { "$exists": true } }),
    ]
}

/// Windows of e-mail and push: the one open window of a key, those that may be claimed, and those that nobody
/// has ever closed.
pub(crate) fn of_windows() -> [IndexModel; 3] {
    [
        unique(doc! { "key": 1, "slot": 1 }, IndexOptions::default()),
        partial(doc! { "channel": 1, "claimableAt": 1 }, doc! { "claimableAt": { "$exists": true } }),
        plain(doc! { "dueAt": 1 }),
    ]
}

/// The delivery log: a person's rows, those about one message or notification, and the oldest.
pub(crate) fn of_deliveries() -> [IndexModel; 3] {
    [
        plain(doc! { "userId": 1, "at": -1, "_id": -1 }),
        plain(doc! { "reference": 1, "at": -1, "_id": -1 }),
        plain(doc! { "at": 1 }),
    ]
}

/// Revocations: those of a person.
pub(crate) fn of_revocations() -> IndexModel {
    plain(doc! { "userId": 1 })
}

/// Names: the words by which a person is found.
pub(crate) fn of_names() -> IndexModel {
    plain(doc! { "_id.user": 1 })
}

/// Outbox: the newest items.
pub(crate) fn of_outbox() -> IndexModel {
    plain(doc! { "at": -1, "_id": -1 })
}

/// Blocks of messages for search: those of a thread, and the last of them.
pub(crate) fn of_search_blocks() -> IndexModel {
    unique(block_key(), IndexOptions::default())
}

/// Sends: those that are due, the newest, and those that ended long ago.
pub(crate) fn of_sends() -> [IndexModel; 3] {
    [
        partial(doc! { "claimableAt": 1 }, doc! { "claimableAt": { "$exists": true } }),
        plain(doc! { "createdAt": -1, "_id": -1 }),
        partial(doc! { "endedAt": 1 }, doc! { "endedAt": { "$exists": true } }),
    ]
}

/// Blocks that hold: whom a person blocks, and who blocks a person.
pub(crate) fn of_blocks() -> [IndexModel; 2] {
    let holds = || doc! { "blockedAt": { "$exists": true } };
    [
        partial(doc! { "userId": 1, "otherId": 1 }, holds()),
        partial(doc! { "otherId": 1, "userId": 1 }, holds()),
    ]
}

/// Reports: those that wait and those that were handled, the last first.
pub(crate) fn of_reports() -> IndexModel {
    plain(doc! { "isHandled": 1, "createdAt": -1, "_id": -1 })
}

/// Drafts: those of a person that have a text, the last first.
pub(crate) fn of_drafts() -> IndexModel {
    partial(doc! { "userId": 1, "updatedAt": -1, "threadId": -1 }, doc! { "content": { "$gt": "" } })
}

/// Scheduled messages: those that are due, those of a person that wait, all of a person, and those that ended
/// long ago.
pub(crate) fn of_scheduled() -> [IndexModel; 4] {
    let waits = || doc! { "dueAt": { "$exists": true } };
    [
        partial(doc! { "dueAt": 1, "createdAt": 1, "_id": 1, "threadId": 1 }, waits()),
        partial(doc! { "senderId": 1, "dueAt": 1 }, waits()),
        plain(doc! { "senderId": 1, "sendAt": -1, "_id": -1 }),
        partial(doc! { "endedAt": 1 }, doc! { "endedAt": { "$exists": true } }),
    ]
}

/// The keys by which dead letters of a state are counted by queue and cause without reading one.
pub(crate) fn letters_by_cause() -> Document {
    doc! { "state": 1, "queue": 1, "cause": 1 }
}

/// Dead letters: by what became of them and when they failed, by what became of them and why, all of them by
/// time, those of a replay, and those that ended long ago.
pub(crate) fn of_letters() -> [IndexModel; 5] {
    [
        plain(letters_by_cause()),
        plain(doc! { "state": 1, "lastAt": -1, "_id": -1 }),
        plain(doc! { "lastAt": -1, "_id": -1 }),
        partial(doc! { "replay": 1, "state": 1 }, doc! { "replay": { "$exists": true } }),
        partial(doc! { "endedAt": 1 }, doc! { "endedAt": { "$exists": true } }),
    ]
}

/// Bodies of dead letters: those of a letter.
pub(crate) fn of_letter_bodies() -> IndexModel {
    plain(doc! { "letter": 1, "part": 1 })
}

/// Replays of dead letters: those that are due.
pub(crate) fn of_letter_replays() -> IndexModel {
    partial(doc! { "claimableAt": 1 }, doc! { "claimableAt": { "$exists": true } })
}

/// The keys by which it is counted what became of each letter of a replay, without reading an entry.
pub(crate) fn letters_of_replay() -> Document {
    doc! { "replay": 1, "action": 1, "letter": 1, "at": 1 }
}

/// The audit log: the newest, those about a letter, and how far a replay has come.
pub(crate) fn of_audit() -> [IndexModel; 3] {
    [
        plain(doc! { "at": -1, "_id": -1 }),
        partial(doc! { "letter": 1, "at": -1, "_id": -1 }, doc! { "letter": { "$exists": true } }),
        partial(letters_of_replay(), doc! { "replay": { "$exists": true } }),
    ]
}

/// Push devices: those of a person, the newest first; the server deletes what was removed long ago.
pub(crate) fn of_push_devices() -> [IndexModel; 2] {
    [plain(doc! { "userId": 1, "at": -1, "_id": 1 }), expiring(doc! { "removedAt": 1 }, REMOVAL_KEPT)]
}

/// What devices show: one push a device and tag; the server deletes what was pushed long ago.
pub(crate) fn of_push_shown() -> [IndexModel; 2] {
    [
        unique(doc! { "deviceId": 1, "tag": 1 }, IndexOptions::default()),
        expiring(doc! { "at": 1 }, SHOWN_KEPT),
    ]
}

/// Records of uploaded files: what counts as a person's, those that a message uses, those that are due, and
/// all of a person.
pub(crate) fn of_uploads() -> [IndexModel; 4] {
    [
        partial(doc! { "ownerId": 1, "counted": 1, "isWaiting": 1 }, doc! { "counted": { "$exists": true } }),
        partial(doc! { "messageIds": 1 }, doc! { "messageIds": { "$exists": true } }),
        partial(doc! { "dueAt": 1 }, doc! { "dueAt": { "$exists": true } }),
        plain(doc! { "ownerId": 1, "_id": 1 }),
    ]
}

/// Erasures: those whose next step is due, and marks by time.
pub(crate) fn of_erasures() -> [IndexModel; 2] {
    [
        partial(doc! { "dueAt": 1 }, doc! { "dueAt": { "$exists": true } }),
        plain(doc! { "markedAt": 1, "_id": 1 }),
    ]
}

fn expiring(keys: Document, kept: Duration) -> IndexModel {
    IndexModel::builder().keys(keys).options(IndexOptions::builder().expire_after(kept).build()).build()
}

fn plain(keys: Document) -> IndexModel {
    IndexModel::builder().keys(keys).build()
}

fn partial(keys: Document, filter: Document) -> IndexModel {
    let options = IndexOptions::builder().partial_filter_expression(filter).build();
    IndexModel::builder().keys(keys).options(options).build()
}

fn unique(keys: Document, mut options: IndexOptions) -> IndexModel {
    options.unique = Some(true);
    IndexModel::builder().keys(keys).options(options).build()
}
