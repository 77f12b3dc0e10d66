//! What the description of a server's event says beside its type: who gets it, and when. A test holds this
//! table against the list of events.

/// A server's event in words.
pub(super) struct Told {
    pub(super) name: &'static str,
    /// Whose sockets get it.
    pub(super) to: &'static str,
    /// What has happened.
    pub(super) when: &'static str,
}

const fn told(name: &'static str, to: &'static str, when: &'static str) -> Told {
    Told { name, to, when }
}

const SENDER: &str = "the socket that sent";
const ASKER: &str = "the socket that asked";
const PARTICIPANTS: &str = "participants";
const OWN: &str = "one person's own sockets";
const FOLLOWERS: &str = "sockets that follow this person";

/// All events of a server, by what they are about.
#[rustfmt::skip]
pub(super) const TOLD: &[Told] = &[
    told("message:sent", SENDER, "The message is stored."),
    told("message:queued", SENDER, "The store did not answer within 3 s; the message will be stored. Then `message:received` comes, as to everybody; no `message:sent` follows."),
    told("message:error", SENDER, "The message is refused. `threadId` and `clientMessageId` are what the client gave."),
    told("message:received", PARTICIPANTS, "A message is stored."),
    told("message:updated", PARTICIPANTS, "A message was edited."),
    told("message:pinned", PARTICIPANTS, "A message was pinned or unpinned, by `userId`: `action` is `pinned` or `unpinned`."),
    told("message:deleted", PARTICIPANTS, "A message was taken back."),
    told("reaction:received", PARTICIPANTS, "Somebody put an emoji on a message or took one off: `action` is `added` or `removed`. `reactions` are all that the message has now."),
    told("message:read:update", PARTICIPANTS, "Somebody has read up to `seq`. `messages` are the newest that changed by it, at most 100; `messageId` is the last of them."),
    told("message:status", "participants, in threads of up to 100 people", "Somebody's sockets have everything up to `seq`; the fields are as in `message:read:update`."),
    told("thread:created", PARTICIPANTS, "A thread was created, somebody who had left it came back, or people were added to a group."),
    told("thread:left", "participants, and the own sockets of who left", "Somebody has left a thread, or was removed from a group by `removedBy`."),
    told("thread:members:added", PARTICIPANTS, "People were added to a group, by `addedBy`. They hear it too, behind `thread:created`."),
    told("thread:updated", "one person's own sockets; of a group's look, participants", "The person read the thread, marked it unread, archived or unarchived it, or a message that the person had not read was taken back. With `group`: name, picture or owners of a group changed."),
    told("typing:update", "the other participants", "Somebody types or stopped. Whoever's message came has stopped. The server ends it after 6 s without a new `typing:start`, or after 9 s if the typist's gateway was killed."),
    told("presence:sync", FOLLOWERS, "The socket opened a thread with this person, asked for the person by `presence:sync`, or the person came or went."),
    told("presence:update", FOLLOWERS, "As `presence:sync`, but for the answers to the event `presence:sync`, which come under that name only. Listen to `presence:sync`."),
    told("presence:chosen", OWN, "The person chose how to be seen, with `presence:update` on any device."),
    told("sync", ASKER, "It asked with `sync` and without a callback."),
    told("notification:received", "the person notified", "A notification is stored. `unreadCount` is how many the person has not read by now."),
    told("notification:updated", OWN, "The person read or deleted a notification, or the thread that it is about. `notificationId` is `null` for all that were created before `updatedAt`."),
    told("draft:updated", OWN, "The person saved or deleted a draft, on any device. Of several the highest `revision` counts."),
    told("block:updated", OWN, "The person blocked somebody, or ended that, on any device. Threads of the two are away now, or are back: read the list of threads again."),
    told("scheduled:updated", OWN, "A message of the person waits for its time, was changed or cancelled, or was sent or not: `state` says how far it has come, and `reason` why it was not sent. Of several the latest `updatedAt` counts."),
    told("preferences:updated", OWN, "The person set their preferences."),
    told("auth:success", ASKER, "Answer to `auth`."),
    told("auth:error", "the socket", "Answer to `auth`; also before the server closes a socket whose token has ended, or one that nobody signed in."),
    told("session:ended", "each socket of a person", "An operator ends their connections, for this `reason`. The socket is closed after it, and the client may connect again."),
    told("error", ASKER, "An event without a callback was refused. `event` is its name: what the client sent, up to 64 characters."),
];
