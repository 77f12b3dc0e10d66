//! What the description of a route says beside its shape: a name, a sentence, the parameters of its query,
//! and with which statuses it succeeds. A test holds this table against the table of routes, and the answers
//! of running systems are held against the documents in `tests/contract`.

use eventflow_protocol::UserId;
use eventflow_protocol::client::requests::ASKED_MAX;
use eventflow_protocol::dead_letters::{Cause, DeadLetterId, LetterState};
use schemars::SchemaGenerator;
use serde_json::{Value, json};

/// One route in words.
pub(super) struct Operation {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    /// The name of the operation, for generated clients.
    pub(super) id: &'static str,
    pub(super) tag: Tag,
    /// What it does, in one sentence.
    pub(super) summary: &'static str,
    pub(super) succeeds: Succeeds,
    pub(super) query: &'static [Parameter],
}

/// The part of the API that a route belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Tag {
    Conversations,
    Messages,
    Files,
    People,
    Notifications,
    Devices,
    Mail,
    Operations,
    Session,
}

impl Tag {
    pub(super) const ALL: [Self; 9] = [
        Self::Conversations,
        Self::Messages,
        Self::Files,
        Self::People,
        Self::Notifications,
        Self::Devices,
        Self::Mail,
        Self::Operations,
        Self::Session,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Conversations => "Conversations",
            Self::Messages => "Messages",
            Self::Files => "Files",
            Self::People => "People",
            Self::Notifications => "Notifications",
            Self::Devices => "Devices",
            Self::Mail => "Mail",
            Self::Operations => "Operations",
            Self::Session => "Session",
        }
    }

    pub(super) fn about(self) -> &'static str {
        match self {
            Self::Conversations => "Threads: who talks to whom, what is unread, archives.",
            Self::Messages => "Sending, history, editing, taking back, reactions, read receipts.",
            Self::Files => "Uploading files, whole or resumable by tus 1.0, and getting them.",
            Self::People => "Names, pictures and addresses of users, and who is online.",
            Self::Notifications => "The inbox, preferences, sends to many people, and the delivery log.",
            Self::Devices => "Where pushes go: phones and browsers.",
            Self::Mail => "Addresses that get no mail, links in mails, and the mail provider's reports.",
            Self::Operations => "The running system and its dead letters, for administrators.",
            Self::Session => "What a session by cookie needs.",
        }
    }
}

/// The statuses of success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Succeeds {
    /// 200.
    Reads,
    /// 200, or 202 if the broker has the command and its result is not known yet.
    Changes,
    /// 201 or, for what had been made before, 200.
    Makes,
    /// 201, 200 for what had been made before, or 202.
    MakesByCommand,
    /// 201 or 202.
    AlwaysMakes,
    /// 201.
    Uploads,
    /// 200 without a body.
    Tells,
    /// 204.
    Empties,
    /// 200 with one record of JSON a line.
    Lines,
    /// The bytes of a file: 200, 206 for a range, 304 for whoever has them, 302 to the origin of files.
    Streams,
}

impl Succeeds {
    /// The statuses.
    pub(super) fn statuses(self) -> &'static [u16] {
        match self {
            Self::Reads | Self::Tells | Self::Lines => &[200],
            Self::Changes => &[200, 202],
            Self::Makes => &[200, 201],
            Self::MakesByCommand => &[200, 201, 202],
            Self::AlwaysMakes => &[201, 202],
            Self::Uploads => &[201],
            Self::Empties => &[204],
            Self::Streams => &[200, 206, 302, 304],
        }
    }
}

/// A parameter of a query.
pub(super) struct Parameter {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    pub(super) kind: Kind,
}

/// The values of a parameter.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Text,
    Flag,
    Time,
    Count,
    /// 1 to the largest page.
    PageSize,
    /// 0 to the largest distance.
    Skip,
    /// Ids of users, at least one.
    Users,
    OneOf(&'static [&'static str]),
    /// A place in a history: a `seq` or a time.
    Place,
    /// The id of a dead letter.
    Letter,
    /// Why a dead letter failed.
    Cause,
    /// The state of a dead letter, or any.
    LetterState,
    /// What somebody looks for.
    Words,
}

impl Kind {
    /// Whether the route refuses a query without the parameter.
    pub(super) fn is_required(self) -> bool {
        matches!(self, Self::Users | Self::Words)
    }

    /// The JSON Schema of the values.
    pub(super) fn schema(self) -> Value {
        match self {
            Self::Text => json!({ "type": "string" }),
            Self::Flag => json!({ "type": "boolean", "default": false }),
            Self::Time => json!({ "type": "string", "format": "date-time" }),
            Self::Count => json!({ "type": "integer", "minimum": 0 }),
            Self::PageSize => {
                let (most, usual) = (eventflow_ports::store::PAGE_MAX, crate::http::query::PAGE_DEFAULT);
                json!({ "type": "integer", "minimum": 1, "maximum": most, "default": usual })
            }
            Self::Skip => {
                json!({ "type": "integer", "minimum": 0, "maximum": crate::http::query::SKIP_MAX, "default": 0 })
            }
            Self::Users => {
                let user = SchemaGenerator::default().subschema_for::<UserId>();
                json!({ "type": "array", "items": user, "minItems": 1, "maxItems": ASKED_MAX })
            }
            Self::Place => {
                json!({ "anyOf": [Self::Count.schema(), Self::Time.schema()] })
            }
            Self::Letter => SchemaGenerator::default().subschema_for::<DeadLetterId>().to_value(),
            Self::Cause => json!({ "type": "string", "enum": Cause::ALL.map(Cause::name) }),
            Self::LetterState => {
                let states = LetterState::ALL.iter().map(|state| state.name());
                let words: Vec<_> = states.chain([crate::http::dead_letters::ANY_STATE]).collect();
                json!({ "type": "string", "enum": words })
            }
            Self::Words => {
                json!({ "type": "string", "maxLength": eventflow_protocol::search::QUERY_CHARS_MAX })
            }
            Self::OneOf(words) => json!({ "type": "string", "enum": words }),
        }
    }
}

const fn parameter(name: &'static str, kind: Kind, about: &'static str) -> Parameter {
    Parameter { name, about, kind }
}

const LIMIT: Parameter = parameter("limit", Kind::PageSize, "How many entries the page has at most.");
const CURSOR: Parameter = parameter("cursor", Kind::Text, "The `nextCursor` of the page before.");
const SKIP: Parameter = parameter("skip", Kind::Skip, "How many entries to pass over; a cursor is faster.");
const USERS: Parameter = parameter("userIds", Kind::Users, "Whom to show, separated by commas.");
const PAGE: &[Parameter] = &[LIMIT, CURSOR];
const HISTORY: &[Parameter] = &[
    LIMIT,
    CURSOR,
    parameter("before", Kind::Place, "Messages before this `seq` or time."),
    parameter("after", Kind::Place, "Messages after this `seq` or time."),
    parameter("beforeTime", Kind::Time, "Messages before this time."),
    parameter("afterTime", Kind::Time, "Messages after this time."),
    parameter("changesAfter", Kind::Count, "What was changed after this change number."),
];
const SEARCH: &[Parameter] = &[
    parameter("q", Kind::Words, "The words, or parts of words, that messages must have."),
    LIMIT,
    CURSOR,
    parameter("threadId", Kind::Text, "Only messages of this thread."),
    parameter("sender", Kind::Text, "Only messages of this person."),
    parameter("from", Kind::Time, "Accepted at this time or later."),
    parameter("to", Kind::Time, "Accepted before this time."),
    parameter("hasAttachment", Kind::Flag, "Only messages with attachments."),
];
const PEOPLE: &[Parameter] = &[
    parameter("q", Kind::Words, "Beginnings of words of a name or an id; whoever is found has all of them."),
    LIMIT,
    CURSOR,
];
const THREADS: &[Parameter] =
    &[LIMIT, CURSOR, SKIP, parameter("status", Kind::OneOf(&["active", "archived"]), "Which threads.")];
const INBOX: &[Parameter] =
    &[LIMIT, CURSOR, SKIP, parameter("unread", Kind::Flag, "Only what was not read.")];
const QUEUE: Parameter = parameter("queue", Kind::Text, "The queue that they died in.");
const CAUSE: Parameter = parameter("cause", Kind::Cause, "Why they died.");
const KIND: Parameter = parameter("kind", Kind::Text, "What they carry.");
const STATE: Parameter =
    parameter("state", Kind::LetterState, "Their state, or `any`; without it those that wait.");
const FROM: Parameter = parameter("from", Kind::Time, "Died at this time or later.");
const TO: Parameter = parameter("to", Kind::Time, "Died before this time.");
const LETTERS: &[Parameter] = &[LIMIT, CURSOR, QUEUE, CAUSE, KIND, STATE, FROM, TO];
const GROUPS: &[Parameter] = &[QUEUE, CAUSE, KIND, STATE, FROM, TO];
const AUDIT: &[Parameter] = &[LIMIT, CURSOR, parameter("letter", Kind::Letter, "Only this dead letter.")];
const REPORTS: &[Parameter] =
    &[LIMIT, CURSOR, parameter("status", Kind::OneOf(&["open", "handled"]), "Which reports.")];
const EXPORT: &[Parameter] = &[parameter("why", Kind::Text, "Why; it is recorded.")];
const CONNECTED: &[Parameter] =
    &[LIMIT, CURSOR, parameter("search", Kind::Text, "A part of an id or a name.")];

const fn operation(
    (method, path): (&'static str, &'static str),
    id: &'static str,
    tag: Tag,
    succeeds: Succeeds,
    query: &'static [Parameter],
    summary: &'static str,
) -> Operation {
    Operation { method, path, id, tag, summary, succeeds, query }
}

use Succeeds::{
    AlwaysMakes, Changes, Empties, Lines, Makes, MakesByCommand, Reads, Streams, Tells,
    Uploads as UploadsFile,
};
use Tag::{Conversations, Devices, Files, Mail, Messages, Notifications, Operations, People, Session};

/// All routes of the table, in its order.
#[rustfmt::skip]
pub(super) const OPERATIONS: &[Operation] = &[
    operation(("GET", "/v2/csrf-token"), "csrfToken", Session, Reads, &[], "Gives the token that writes by cookie need."),

    operation(("POST", "/v2/messages/threads"), "createThread", Conversations, MakesByCommand, &[], "Creates the thread of these people, or finds it."),
    operation(("GET", "/v2/messages/threads"), "listThreads", Conversations, Reads, THREADS, "Lists one's threads, the most recently active first."),
    operation(("GET", "/v2/messages/threads/{id}"), "showThread", Conversations, Reads, &[], "Shows a thread."),
    operation(("DELETE", "/v2/messages/threads/{id}"), "archiveThread", Conversations, Changes, &[], "Archives a thread for oneself."),
    operation(("POST", "/v2/messages/threads/{id}/unarchive"), "unarchiveThread", Conversations, Changes, &[], "Takes a thread back from one's archive."),
    operation(("POST", "/v2/messages/threads/{id}/read"), "readThread", Conversations, Changes, &[], "Marks a thread as read, up to a message or to its end."),
    operation(("POST", "/v2/messages/threads/{id}/unread"), "markThreadUnread", Conversations, Changes, &[], "Makes messages of others unread again for oneself, from a message on."),
    operation(("POST", "/v2/messages/threads/{id}/leave"), "leaveThread", Conversations, Changes, &[], "Leaves a thread."),
    operation(("GET", "/v2/messages/threads/{id}/participants"), "listParticipants", Conversations, Reads, PAGE, "Lists the people of a thread."),
    operation(("PATCH", "/v2/messages/threads/{id}"), "changeGroup", Conversations, Changes, &[], "Gives a group another name or picture."),
    operation(("GET", "/v2/messages/threads/{id}/members"), "listMembers", Conversations, Reads, PAGE, "Lists the people of a thread with their roles."),
    operation(("POST", "/v2/messages/threads/{id}/members"), "addMembers", Conversations, Changes, &[], "Adds people to a group."),
    operation(("DELETE", "/v2/messages/threads/{id}/members/{member}"), "removeMember", Conversations, Changes, &[], "Removes somebody from a group; for its owners, and for oneself."),
    operation(("PATCH", "/v2/messages/threads/{id}/members/{member}"), "setMemberRole", Conversations, Changes, &[], "Makes somebody an owner of a group, or a member."),
    operation(("GET", "/v2/messages/threads/{id}/pins"), "listPins", Conversations, Reads, PAGE, "Lists the pinned messages of a thread, the last pinned first."),
    operation(("GET", "/v2/messages/threads/{id}/draft"), "showDraft", Conversations, Reads, &[], "Shows what one has begun to write in a thread."),
    operation(("PUT", "/v2/messages/threads/{id}/draft"), "saveDraft", Conversations, Changes, &[], "Saves what one has begun to write in a thread, for all one's devices. An empty content deletes it."),
    operation(("DELETE", "/v2/messages/threads/{id}/draft"), "deleteDraft", Conversations, Changes, &[], "Deletes what one has begun to write in a thread."),

    operation(("GET", "/v2/messages/drafts"), "listDrafts", Messages, Reads, PAGE, "Lists one's drafts of all threads, the last saved first."),
    operation(("GET", "/v2/messages/scheduled"), "listScheduled", Messages, Reads, PAGE, "Lists one's scheduled messages, what is due last first."),
    operation(("PATCH", "/v2/messages/scheduled/{id}"), "changeScheduled", Messages, Changes, &[], "Changes text, mentions or time of one's scheduled message."),
    operation(("DELETE", "/v2/messages/scheduled/{id}"), "cancelScheduled", Messages, Changes, &[], "Cancels one's scheduled message."),
    operation(("POST", "/v2/messages/scheduled/{id}/send"), "sendScheduled", Messages, Changes, &[], "Sends one's scheduled message now."),
    operation(("GET", "/v2/messages/search"), "searchMessages", Messages, Reads, SEARCH, "Finds messages of one's threads by their words, the newest first."),
    operation(("GET", "/v2/messages/{id}"), "listMessages", Messages, Reads, HISTORY, "Gives a page of a thread's history, ascending by `seq`; without a place the newest. The id is the thread's."),
    operation(("POST", "/v2/messages/{id}"), "sendMessage", Messages, MakesByCommand, &[], "Sends a message, now or at `sendAt`. The id is the thread's."),
    operation(("PUT", "/v2/messages/{id}"), "editMessage", Messages, Changes, &[], "Replaces the text of one's message. The id is the message's."),
    operation(("PATCH", "/v2/messages/{id}"), "patchMessage", Messages, Changes, &[], "Replaces the text of one's message, as PUT does."),
    operation(("DELETE", "/v2/messages/{id}"), "deleteMessage", Messages, Changes, &[], "Takes one's message back. The id is the message's."),
    operation(("POST", "/v2/messages/{id}/reactions"), "react", Messages, Changes, &[], "Adds or removes one's reaction to a message."),
    operation(("POST", "/v2/messages/{id}/read"), "readMessage", Messages, Changes, &[], "Marks a thread as read up to this message."),
    operation(("PUT", "/v2/messages/{id}/pin"), "pinMessage", Messages, Changes, &[], "Pins a message to its thread."),
    operation(("DELETE", "/v2/messages/{id}/pin"), "unpinMessage", Messages, Changes, &[], "Unpins a message."),
    operation(("POST", "/v2/messages/{id}/report"), "reportMessage", Messages, MakesByCommand, &[], "Reports a message to the administrators, with a copy of what it says."),
    operation(("GET", "/v2/messages/{id}/edits"), "listEdits", Messages, Reads, &[], "Shows what a message said before it was edited, oldest first."),

    operation(("POST", "/v2/attachments"), "uploadFile", Files, UploadsFile, &[], "Uploads a file in a form. Its message is sent with the file's id."),
    operation(("POST", "/v2/attachments/tus"), "createUpload", Files, UploadsFile, &[], "Begins a resumable upload (tus 1.0); its first bytes may come along."),
    operation(("HEAD", "/v2/attachments/tus/{id}"), "showUpload", Files, Tells, &[], "Tells in headers how far a resumable upload is."),
    operation(("PATCH", "/v2/attachments/tus/{id}"), "appendUpload", Files, Empties, &[], "Appends bytes to a resumable upload. The last one finishes the file."),
    operation(("DELETE", "/v2/attachments/tus/{id}"), "endUpload", Files, Empties, &[], "Ends a resumable upload and deletes what has come."),
    operation(("GET", "/v2/attachments/{id}"), "getFile", Files, Streams, &[], "Gives the bytes of a file, or a range of them."),
    operation(("GET", "/v2/attachments/{id}/thumbnail"), "getThumbnail", Files, Streams, &[], "Gives the small picture of an image."),
    operation(("GET", "/v2/attachments/{id}/info"), "showFile", Files, Reads, &[], "Shows one's finished file as a message shows it."),
    operation(("DELETE", "/v2/attachments/{id}"), "deleteFile", Files, Reads, &[], "Deletes one's file that no message uses."),

    operation(("GET", "/v2/presence"), "listPresence", People, Reads, &[USERS], "Tells who of these people is online."),
    operation(("GET", "/v2/presence/{id}"), "showPresence", People, Reads, &[], "Tells whether a user is online."),

    operation(("GET", "/v2/notifications"), "listNotifications", Notifications, Reads, INBOX, "Lists one's notifications, the newest first."),
    operation(("POST", "/v2/notifications"), "notify", Notifications, MakesByCommand, &[], "Notifies people now, or begins a send to many."),
    operation(("GET", "/v2/notifications/sends"), "listSends", Notifications, Reads, PAGE, "Lists sends, the newest first."),
    operation(("GET", "/v2/notifications/sends/{id}"), "showSend", Notifications, Reads, &[], "Tells how far a send has come."),
    operation(("DELETE", "/v2/notifications/sends/{id}"), "stopSend", Notifications, Changes, &[], "Stops a send."),
    operation(("GET", "/v2/notifications/unread-count"), "countUnread", Notifications, Reads, &[], "Counts one's unread notifications."),
    operation(("POST", "/v2/notifications/read-all"), "readAllNotifications", Notifications, Changes, &[], "Marks all one's notifications as read."),
    operation(("GET", "/v2/notifications/preferences"), "showPreferences", Notifications, Reads, &[], "Shows what one is told of, when and how."),
    operation(("POST", "/v2/notifications/preferences"), "replacePreferences", Notifications, Changes, &[], "Replaces one's preferences."),
    operation(("PUT", "/v2/notifications/preferences"), "putPreferences", Notifications, Changes, &[], "Replaces one's preferences, as POST does."),
    operation(("PATCH", "/v2/notifications/preferences"), "changePreferences", Notifications, Changes, &[], "Changes those preferences that the body names."),
    operation(("PUT", "/v2/notifications/preferences/mutes/{id}"), "muteThread", Notifications, Changes, &[], "Mutes a thread for oneself."),
    operation(("DELETE", "/v2/notifications/preferences/mutes/{id}"), "unmuteThread", Notifications, Changes, &[], "Ends the mute of a thread."),
    operation(("POST", "/v2/notifications/{id}/read"), "readNotification", Notifications, Changes, &[], "Marks a notification as read."),
    operation(("GET", "/v2/notifications/{id}/deliveries"), "listDeliveriesOfNotification", Notifications, Reads, PAGE, "Tells what became of a notification, by channel."),
    operation(("DELETE", "/v2/notifications/{id}"), "deleteNotification", Notifications, Changes, &[], "Deletes a notification."),

    operation(("GET", "/v2/email/suppressions"), "listSuppressions", Mail, Reads, PAGE, "Lists the addresses that get no mail."),
    operation(("DELETE", "/v2/email/suppressions/{id}"), "liftSuppression", Mail, Changes, &[], "Lets an address get mail again."),
    operation(("POST", "/v2/devices"), "registerDevice", Devices, AlwaysMakes, &[], "Registers a phone or browser for pushes."),
    operation(("GET", "/v2/devices"), "listDevices", Devices, Reads, &[], "Lists one's devices."),
    operation(("DELETE", "/v2/devices/{id}"), "removeDevice", Devices, Changes, &[], "Removes one of one's devices."),
    operation(("GET", "/v2/push/key"), "pushKey", Devices, Reads, &[], "Gives the key that a browser subscribes with."),

    operation(("GET", "/v2/ops/pipeline"), "showPipeline", Operations, Reads, &[], "Shows the queues with depth, age and owner."),
    operation(("GET", "/v2/ops/gateways"), "listGateways", Operations, Reads, &[], "Shows the gateways with their sockets."),
    operation(("GET", "/v2/ops/servers"), "listServers", Operations, Reads, &[], "Tells how the servers answer."),
    operation(("POST", "/v2/ops/users/{id}/disconnect"), "disconnectUser", Operations, Reads, &[], "Ends the sockets of a user."),
    operation(("GET", "/v2/ops/outcomes"), "countOutcomes", Operations, Reads, &[], "Counts what became of notifications."),
    operation(("GET", "/v2/ops/users"), "listConnectedUsers", Operations, Reads, CONNECTED, "Lists who is connected."),
    operation(("GET", "/v2/messaging/status"), "messagingStatus", Operations, Reads, &[], "Tells the state of the system in one answer."),
    operation(("GET", "/v2/users"), "listUsers", People, Reads, &[USERS], "Shows the profiles of those people that one may see."),
    operation(("GET", "/v2/users/search"), "searchUsers", People, Reads, PEOPLE, "Finds people by the words of their names and ids."),
    operation(("GET", "/v2/reports"), "listReports", Messages, Reads, REPORTS, "Lists reports of messages, the newest first."),
    operation(("PUT", "/v2/reports/{id}/handled"), "handleReport", Messages, Changes, &[], "Marks a report as handled."),
    operation(("GET", "/v2/users/blocks"), "listBlocks", People, Reads, PAGE, "Lists whom one blocks, sorted by id."),
    operation(("PUT", "/v2/users/{id}/block"), "blockUser", People, Changes, &[], "Blocks somebody: neither hears anything of the other, and they do not notice."),
    operation(("DELETE", "/v2/users/{id}/block"), "unblockUser", People, Changes, &[], "Ends a block."),
    operation(("PUT", "/v2/users/{id}"), "putUser", People, Changes, &[], "Sets a user's profile."),
    operation(("GET", "/v2/users/{id}/deliveries"), "listDeliveriesOfUser", Notifications, Reads, PAGE, "Tells what became of a user's notifications."),
    operation(("POST", "/v2/users/{id}/revoke"), "revokeUser", People, Changes, &[], "Ends a user's logins, or one of them."),
    operation(("GET", "/v2/users/{id}/export"), "exportUser", People, Lines, EXPORT, "Gives everything that is kept of a user, one record a line; the last line is the end."),
    operation(("POST", "/v2/users/{id}/erase"), "eraseUser", People, MakesByCommand, &[], "Erases what a user has left here, for ever."),
    operation(("GET", "/v2/users/{id}/erase"), "showErasure", People, Reads, &[], "Tells how far the erasure of a user has come."),

    operation(("GET", "/v2/ops/dead-letters"), "listDeadLetters", Operations, Reads, LETTERS, "Lists dead letters, the newest first."),
    operation(("GET", "/v2/ops/dead-letters/groups"), "groupDeadLetters", Operations, Reads, GROUPS, "Groups dead letters by queue and cause."),
    operation(("GET", "/v2/ops/dead-letters/{id}"), "showDeadLetter", Operations, Reads, &[], "Shows a dead letter without what people wrote."),
    operation(("POST", "/v2/ops/dead-letters/{id}/reveal"), "revealDeadLetter", Operations, Reads, &[], "Shows a dead letter whole, and records who looked and why."),
    operation(("PUT", "/v2/ops/dead-letters/{id}/body"), "editDeadLetter", Operations, Reads, &[], "Replaces what a dead letter carries."),
    operation(("POST", "/v2/ops/replays"), "beginReplay", Operations, Makes, &[], "Sends dead letters again, or tells what that would do."),
    operation(("GET", "/v2/ops/replays/{id}"), "showReplay", Operations, Reads, &[], "Tells how far a replay has come."),
    operation(("POST", "/v2/ops/discards"), "discardDeadLetters", Operations, Reads, &[], "Discards dead letters."),
    operation(("GET", "/v2/ops/audit"), "listAudit", Operations, Reads, AUDIT, "Lists what administrators did with dead letters."),
];
