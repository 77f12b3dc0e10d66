//! Answers and events are the bytes that clients have always got; each literal here stands for one of them.

use crate::change::{Effect, PersonCursors, Receipted};
use crate::client::answers::*;
use crate::client::events::*;
use crate::client::{Sorted, Success, WithId, Written};
use crate::command::{CreateThread, SendMessage};
use crate::content::Content;
use crate::document::{Message, MessageStatus, PARTICIPANTS_SHOWN_MAX, Reaction, Thread, ThreadStatus};
use crate::group::Role;
use crate::inbox::{Notification, Preferences};
use crate::person::{Participant, Profile};
use crate::presence::{Presence, Status};
use crate::{CommandId, ErrorBody, ErrorCode, NotificationId, ThreadId, Timestamp, UserId};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Map;
use std::borrow::Cow;
use std::fmt::Debug;

const THREAD: &str = r#""010101010101010101010101""#;
const COMMAND: &str = "00000000-0000-0000-0000-000000000007";

fn thread_id() -> ThreadId {
    ThreadId::from_bytes([1; 12])
}

fn user(name: &str) -> UserId {
    name.parse().unwrap()
}

fn command() -> CommandId {
    CommandId(COMMAND.parse().unwrap())
}

fn message() -> Message {
    let send = SendMessage {
        thread_id: thread_id(),
        sender_id: user("ann"),
        content: Content::parse("hi").unwrap(),
        attachments: Vec::new(),
        client_message_id: Some("k".into()),
        pairing: None,
        typed: None,
        reply_to: None,
        repeat_only: false,
        mentions: Vec::new(),
        at: Timestamp(0),
    };
    send.into_message(command(), 3)
}

fn thread() -> Thread {
    let create = CreateThread {
        thread_id: thread_id(),
        participants: vec![user("ann"), user("ben")],
        metadata: Map::new(),
        group: None,
        created_by: user("ann"),
        at: Timestamp(0),
    };
    create.to_thread()
}

fn member() -> ThreadMember {
    ThreadMember::new(Participant::unknown(user("ann")), Role::Member)
}

fn notification() -> Notification {
    Notification {
        id: NotificationId::from_bytes([2; 12]),
        user_id: user("ann"),
        kind: "general".into(),
        title: "t".into(),
        text: "x".into(),
        data: Map::new(),
        thread_id: None,
        is_read: false,
        read_at: None,
        created_at: Timestamp(0),
        is_hidden: false,
    }
}

fn reaction() -> Reaction {
    Reaction { emoji: "👍".into(), user_id: user("ben"), created_at: Timestamp(0) }
}

fn receipted() -> Receipted {
    Receipted { id: message().id, seq: 3, status: MessageStatus::Read }
}

fn presence() -> Presence {
    Presence { user_id: user("ann"), status: Status::Online, last_seen: Some(Timestamp(0)) }
}

/// A message with its fields as they are stored.
fn in_order() -> String {
    format!(
        r#"{{"id":"{MESSAGE_ID}","_id":"{MESSAGE_ID}","threadId":{THREAD},"seq":3,"senderId":"ann","content":"hi","attachments":[],"reactions":[],"status":"sent","readBy":[],"deliveredTo":[],"isDraft":false,"clientMessageId":"k","createdAt":"1970-01-01T00:00:00.000Z","updatedAt":"1970-01-01T00:00:00.000Z"}}"#
    )
}

/// The same message with its fields in alphabetical order.
fn alphabetical() -> String {
    format!(
        r#"{{"_id":"{MESSAGE_ID}","attachments":[],"clientMessageId":"k","content":"hi","createdAt":"1970-01-01T00:00:00.000Z","deliveredTo":[],"id":"{MESSAGE_ID}","isDraft":false,"reactions":[],"readBy":[],"senderId":"ann","seq":3,"status":"sent","threadId":{THREAD},"updatedAt":"1970-01-01T00:00:00.000Z"}}"#
    )
}

const MESSAGE_ID: &str = "000000000000000000000007";
const TOLD: &str = r#"{"_id":"020202020202020202020202","createdAt":"1970-01-01T00:00:00.000Z","data":{},"id":"020202020202020202020202","isRead":false,"message":"x","readAt":null,"threadId":null,"title":"t","type":"general","userId":"ann"}"#;

/// By way of a value: serde buffers flattened fields, and from text the buffer would hold numbers as maps
/// (`serde_json`'s `arbitrary_precision`).
fn from_json<T: DeserializeOwned>(json: &str) -> T {
    serde_json::from_value(serde_json::from_str(json).unwrap()).unwrap()
}

/// Writes the value as `json`, and reads it back.
fn is<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T, json: &str) {
    assert_eq!(serde_json::to_string(value).unwrap(), json);
    assert_eq!(&from_json::<T>(json), value);
}

#[test]
fn answers_about_messages_are_the_json_they_always_were() {
    let shown = alphabetical();
    let stored = || Sorted(WithId(message()));
    is(
        &HistoryAnswer {
            cursors: None,
            gap: None,
            last_change: 4,
            messages: vec![stored()],
            next_cursor: None,
            success: Success,
        },
        &format!(r#"{{"lastChange":4,"messages":[{shown}],"nextCursor":null,"success":true}}"#),
    );
    let cursors =
        vec![PersonCursors { delivered_seq: 3, read_seq: 2, unread_after: None, user_id: user("ann") }];
    is(
        &HistoryAnswer {
            cursors: Some(cursors),
            gap: Some(false),
            last_change: 5,
            messages: Vec::new(),
            next_cursor: Some("changes.5".into()),
            success: Success,
        },
        r#"{"cursors":[{"deliveredSeq":3,"readSeq":2,"userId":"ann"}],"gap":false,"lastChange":5,"messages":[],"nextCursor":"changes.5","success":true}"#,
    );
    is(
        &MessageAnswer { deduplicated: false, message: stored(), success: Success },
        &format!(r#"{{"message":{shown},"success":true}}"#),
    );
    is(
        &MessageAnswer { deduplicated: true, message: stored(), success: Success },
        &format!(r#"{{"deduplicated":true,"message":{shown},"success":true}}"#),
    );
    let changed = |action, reactions| ChangeAnswer { action, message: stored(), reactions, success: Success };
    is(&changed(None, None), &format!(r#"{{"message":{shown},"success":true}}"#));
    is(
        &changed(Some(Effect::Edited.into()), None),
        &format!(r#"{{"action":"edited","message":{shown},"success":true}}"#),
    );
    is(
        &changed(Some(Effect::Reacted.into()), Some(Sorted(vec![reaction()]))),
        &format!(
            r#"{{"action":"added","message":{shown},"reactions":[{{"createdAt":"1970-01-01T00:00:00.000Z","emoji":"👍","userId":"ben"}}],"success":true}}"#
        ),
    );
    assert_eq!(
        [Effect::Deleted, Effect::Unreacted].map(ChangeAction::from),
        [ChangeAction::Deleted, ChangeAction::Removed]
    );
}

#[test]
fn answers_about_threads_are_the_json_they_always_were() {
    let companion = ThreadCompanion { id: None, name: "Ben + 2".into(), avatar: "/a.svg".into() };
    let listed = Sorted(ListedThread {
        thread: WithId(thread()),
        unread_count: 4,
        unread_mentions: 1,
        last_message: Some(WithId(message())),
        participant: companion,
        members: vec![member()],
    });
    let shown = format!(
        r#"{{"_id":{THREAD},"createdAt":"1970-01-01T00:00:00.000Z","id":{THREAD},"lastMessage":{},"lastMessageAt":null,"lastMessageId":null,"lastSeq":0,"members":[{{"avatar":"/assets/avatar.svg","id":"ann","name":"ann","role":"member"}}],"metadata":{{}},"participant":{{"avatar":"/a.svg","id":null,"name":"Ben + 2"}},"participantCount":2,"participants":["ann","ben"],"status":"active","unreadCount":4,"unreadMentions":1,"updatedAt":"1970-01-01T00:00:00.000Z"}}"#,
        alphabetical()
    );
    is(
        &ThreadAnswer { success: Success, thread: listed.clone() },
        &format!(r#"{{"success":true,"thread":{shown}}}"#),
    );
    is(
        &ThreadsAnswer { next_cursor: None, success: Success, threads: vec![listed] },
        &format!(r#"{{"nextCursor":null,"success":true,"threads":[{shown}]}}"#),
    );
    is(
        &ArchiveAnswer { status: ThreadStatus::Archived, success: Success, thread_id: thread_id() },
        &format!(r#"{{"status":"archived","success":true,"threadId":{THREAD}}}"#),
    );
    is(
        &CursorAnswer { seq: 3, success: Success, thread_id: thread_id(), unread_count: 1 },
        &format!(r#"{{"seq":3,"success":true,"threadId":{THREAD},"unreadCount":1}}"#),
    );
    is(
        &ThreadAck { success: Success, thread_id: thread_id() },
        &format!(r#"{{"success":true,"threadId":{THREAD}}}"#),
    );
}

#[test]
fn answers_about_notifications_are_the_json_they_always_were() {
    let stored = || Sorted(WithId(notification()));
    is(
        &NotificationsAnswer {
            next_cursor: Some("0.02".into()),
            notifications: vec![stored()],
            success: Success,
            unread_count: 1,
        },
        &format!(r#"{{"nextCursor":"0.02","notifications":[{TOLD}],"success":true,"unreadCount":1}}"#),
    );
    is(&UnreadCountAnswer { success: Success, unread_count: 1 }, r#"{"success":true,"unreadCount":1}"#);
    let mut told = NotifiedAnswer {
        deduplicated: false,
        failed: vec![user("ben")],
        notification: Some(stored()),
        notifications: vec![stored()],
        queued: vec![command()],
        success: Success,
        unwanted: Vec::new(),
    };
    let rest = format!(
        r#""failed":["ben"],"notification":{TOLD},"notifications":[{TOLD}],"queued":["{COMMAND}"],"success":true,"unwanted":[]}}"#
    );
    is(&told, &format!("{{{rest}"));
    told.deduplicated = true;
    is(&told, &format!(r#"{{"deduplicated":true,{rest}"#));
    is(&CountAnswer { count: 2, success: Success }, r#"{"count":2,"success":true}"#);
    is(
        &PreferencesAnswer { preferences: Sorted(Preferences::default()), success: Success },
        r#"{"preferences":{"channels":{"email":true,"inApp":true,"push":true},"digest":{"every":"immediately","hour":8},"locale":"","mutes":[],"quietHours":{"enabled":false,"from":"22:00","until":"07:00"},"timeZone":"UTC","types":{},"updatedAt":null,"whenAway":false},"success":true}"#,
    );
}

#[test]
fn answers_about_people_and_the_service_are_the_json_they_always_were() {
    is(&AuthAnswer { success: Success, user_id: user("ann") }, r#"{"success":true,"userId":"ann"}"#);
    is(&CsrfTokenAnswer { csrf_token: "t".into(), success: Success }, r#"{"csrfToken":"t","success":true}"#);
    let shown = r#"{"lastSeen":"1970-01-01T00:00:00.000Z","status":"online","userId":"ann"}"#;
    is(
        &PresenceAnswer { presence: Sorted(presence()), success: Success },
        &format!(r#"{{"presence":{shown},"success":true}}"#),
    );
    is(
        &PresenceListAnswer { presence: Sorted(vec![presence()]), success: Success },
        &format!(r#"{{"presence":[{shown}],"success":true}}"#),
    );
    is(
        &PresenceChoiceAnswer { status: Status::Away, success: Success },
        r#"{"status":"away","success":true}"#,
    );
    let profile = Profile { id: user("ann"), name: "Ann".into(), avatar: None, email: None, role: None };
    is(
        &UserAnswer { success: Success, user: Sorted(profile) },
        r#"{"success":true,"user":{"avatar":null,"email":null,"id":"ann","name":"Ann"}}"#,
    );
    is(&DoneAnswer::default(), r#"{"success":true}"#);
    is(
        &QueuedAnswer::of(command()),
        &format!(r#"{{"commandId":"{COMMAND}","status":"queued","success":true}}"#),
    );
    is(
        &QueuedAnswer::in_thread(command(), thread_id()),
        &format!(r#"{{"commandId":"{COMMAND}","status":"queued","success":true,"threadId":{THREAD}}}"#),
    );
    is(
        &StatusAnswer {
            gateways: 2,
            stats: ServiceStats { connected_clients: 1, online_users: 2, rooms: 3, typing_users: 4 },
            stats_age_ms: Some(1_500),
            status: ServiceHealth::Degraded,
            success: Success,
            timestamp: Timestamp(0),
            unavailable: vec!["broker".into()],
        },
        r#"{"gateways":2,"stats":{"connectedClients":1,"onlineUsers":2,"rooms":3,"typingUsers":4},"statsAgeMs":1500,"status":"degraded","success":true,"timestamp":"1970-01-01T00:00:00.000Z","unavailable":["broker"]}"#,
    );
    assert!(serde_json::from_str::<DoneAnswer>(r#"{"success":false}"#).is_err());
}

#[test]
fn what_was_missed_is_the_json_it_always_was() {
    let missed = SyncedThread::Messages(SyncedMessages {
        thread_id: thread_id(),
        messages: vec![Written::of(&message()).unwrap()],
        changed: None,
        cursors: None,
        last_change: 6,
        complete: true,
        gap: false,
    });
    let refused = SyncedThread::Refused(RefusedThread {
        thread_id: "x".into(),
        error: ErrorBody::new(ErrorCode::NotFound, "there is no such thread"),
    });
    let answer = SyncAnswer { success: Success, threads: vec![missed, refused], new_threads: None };
    let threads = format!(
        r#"{{"threadId":{THREAD},"messages":[{}],"lastChange":6,"complete":true,"gap":false}},{{"threadId":"x","success":false,"error":"there is no such thread","code":"not_found"}}"#,
        in_order()
    );
    is(&answer, &format!(r#"{{"success":true,"threads":[{threads}]}}"#));
    let changed = SyncedThread::Messages(SyncedMessages {
        thread_id: thread_id(),
        messages: Vec::new(),
        changed: Some(vec![Written::of(&message()).unwrap()]),
        cursors: Some(vec![PersonCursors {
            delivered_seq: 3,
            read_seq: 2,
            unread_after: None,
            user_id: user("ann"),
        }]),
        last_change: 7,
        complete: true,
        gap: false,
    });
    is(
        &changed,
        &format!(
            r#"{{"threadId":{THREAD},"messages":[],"changed":[{}],"cursors":[{{"deliveredSeq":3,"readSeq":2,"userId":"ann"}}],"lastChange":7,"complete":true,"gap":false}}"#,
            in_order()
        ),
    );
    let answer = SyncAnswer { success: Success, threads: Vec::new(), new_threads: Some(vec![thread_id()]) };
    is(&answer, &format!(r#"{{"success":true,"threads":[],"newThreads":[{THREAD}]}}"#));
    assert_eq!(SyncAnswer::NAME, "sync");
}

#[test]
fn events_about_messages_are_the_json_they_always_were() {
    let shown = in_order();
    let sent = |deduplicated| MessageSent {
        success: Success,
        message: Written::of(&message()).unwrap(),
        client_message_id: Some("k".into()),
        deduplicated,
    };
    is(&sent(false), &format!(r#"{{"success":true,"message":{shown},"clientMessageId":"k"}}"#));
    is(
        &sent(true),
        &format!(r#"{{"success":true,"message":{shown},"clientMessageId":"k","deduplicated":true}}"#),
    );
    is(
        &MessageQueued {
            client_message_id: None,
            command_id: command(),
            status: QueuedStatus::Queued,
            success: Success,
            thread_id: Some("x".into()),
        },
        &format!(
            r#"{{"clientMessageId":null,"commandId":"{COMMAND}","status":"queued","success":true,"threadId":"x"}}"#
        ),
    );
    is(
        &MessageError {
            error: ErrorBody::new(ErrorCode::Invalid, "content is missing"),
            echo: Echo { thread_id: Some("x".into()), client_message_id: None },
        },
        r#"{"success":false,"error":"content is missing","code":"invalid","threadId":"x"}"#,
    );
    is(&MessageReceived::of(&message()), &format!(r#"{{"message":{shown}}}"#));
    is(&MessageUpdated::of(&message()), &format!(r#"{{"message":{shown}}}"#));
    is(
        &MessageDeleted {
            deleted_at: Timestamp(0),
            message_id: message().id,
            seq: 3,
            thread_id: thread_id(),
        },
        &format!(
            r#"{{"deletedAt":"1970-01-01T00:00:00.000Z","messageId":"{MESSAGE_ID}","seq":3,"threadId":{THREAD}}}"#
        ),
    );
    is(
        &ReactionReceived {
            action: ChangeAction::Removed,
            emoji: Some("👍".into()),
            message_id: message().id,
            reactions: Sorted(Cow::Owned(vec![reaction()])),
            seq: 3,
            thread_id: thread_id(),
            user_id: user("ben"),
        },
        &format!(
            r#"{{"action":"removed","emoji":"👍","messageId":"{MESSAGE_ID}","reactions":[{{"createdAt":"1970-01-01T00:00:00.000Z","emoji":"👍","userId":"ben"}}],"seq":3,"threadId":{THREAD},"userId":"ben"}}"#
        ),
    );
}

#[test]
fn events_about_cursors_and_threads_are_the_json_they_always_were() {
    let messages = || Sorted(Cow::Owned(vec![receipted()]));
    let shown = format!(r#"[{{"_id":"{MESSAGE_ID}","seq":3,"status":"read"}}]"#);
    is(
        &MessageReadUpdate {
            message_id: Some(message().id),
            messages: messages(),
            read_at: Timestamp(0),
            seq: 3,
            thread_id: thread_id(),
            user_id: user("ben"),
        },
        &format!(
            r#"{{"messageId":"{MESSAGE_ID}","messages":{shown},"readAt":"1970-01-01T00:00:00.000Z","seq":3,"threadId":{THREAD},"userId":"ben"}}"#
        ),
    );
    is(
        &MessageStatusUpdate {
            delivered_at: Timestamp(0),
            message_id: None,
            messages: messages(),
            seq: 3,
            thread_id: thread_id(),
            user_id: user("ben"),
        },
        &format!(
            r#"{{"deliveredAt":"1970-01-01T00:00:00.000Z","messageId":null,"messages":{shown},"seq":3,"threadId":{THREAD},"userId":"ben"}}"#
        ),
    );
    let updated = |status, unread_count| ThreadUpdated {
        thread: ChangedThread {
            document_id: thread_id(),
            id: thread_id(),
            group: None,
            status,
            unread_count,
            updated_at: Timestamp(0),
        },
    };
    is(
        &updated(None, None),
        &format!(r#"{{"thread":{{"_id":{THREAD},"id":{THREAD},"updatedAt":"1970-01-01T00:00:00.000Z"}}}}"#),
    );
    is(
        &updated(Some(ThreadStatus::Archived), Some(2)),
        &format!(
            r#"{{"thread":{{"_id":{THREAD},"id":{THREAD},"status":"archived","unreadCount":2,"updatedAt":"1970-01-01T00:00:00.000Z"}}}}"#
        ),
    );
    is(
        &TypingUpdate { is_typing: true, thread_id: thread_id(), user_id: user("ann") },
        &format!(r#"{{"isTyping":true,"threadId":{THREAD},"userId":"ann"}}"#),
    );
    is(
        &ThreadCreated::of(&thread(), vec![member()]),
        &format!(
            r#"{{"thread":{{"id":{THREAD},"_id":{THREAD},"participants":["ann","ben"],"participantCount":2,"lastMessageId":null,"lastMessageAt":null,"lastSeq":0,"status":"active","metadata":{{}},"createdAt":"1970-01-01T00:00:00.000Z","updatedAt":"1970-01-01T00:00:00.000Z","members":[{{"id":"ann","name":"ann","avatar":"/assets/avatar.svg","role":"member"}}]}}}}"#
        ),
    );
    is(
        &ThreadLeft {
            left_at: Timestamp(0),
            participant_count: 2,
            removed_by: None,
            thread_id: thread_id(),
            user_id: "ann".parse().unwrap(),
        },
        &format!(
            r#"{{"leftAt":"1970-01-01T00:00:00.000Z","participantCount":2,"threadId":{THREAD},"userId":"ann"}}"#
        ),
    );
}

#[test]
fn a_document_for_a_client_names_some_people_and_counts_all() {
    let crowd: Vec<UserId> = (0..120).map(|n| format!("u{n:03}").parse().unwrap()).collect();
    let large = Thread { participants: crowd.clone(), participant_count: 0, ..thread() };
    let shown = ThreadCreated::of(&large, Vec::new()).thread.thread.0;
    assert_eq!(shown.participants, crowd[..PARTICIPANTS_SHOWN_MAX]);
    assert_eq!(shown.participant_count, 120);
    assert_eq!(shown.clone().shown(), shown, "showing what is shown changes nothing");
}

#[test]
fn events_about_what_one_did_oneself_name_what_changed_and_what_is_left() {
    let at = Timestamp(0);
    is(
        &NotificationUpdated {
            action: NotificationAction::Deleted,
            notification_id: Some(notification().id),
            unread_count: Some(3),
            updated_at: at,
        },
        r#"{"action":"deleted","notificationId":"020202020202020202020202","unreadCount":3,"updatedAt":"1970-01-01T00:00:00.000Z"}"#,
    );
    is(
        &NotificationUpdated {
            action: NotificationAction::Read,
            notification_id: None,
            unread_count: None,
            updated_at: at,
        },
        r#"{"action":"read","notificationId":null,"unreadCount":null,"updatedAt":"1970-01-01T00:00:00.000Z"}"#,
    );
    is(
        &PreferencesUpdated { preferences: Sorted(Cow::Owned(Preferences::default())) },
        r#"{"preferences":{"channels":{"email":true,"inApp":true,"push":true},"digest":{"every":"immediately","hour":8},"locale":"","mutes":[],"quietHours":{"enabled":false,"from":"22:00","until":"07:00"},"timeZone":"UTC","types":{},"updatedAt":null,"whenAway":false}}"#,
    );
    is(
        &PresenceChosen { status: Status::Away, updated_at: at },
        r#"{"status":"away","updatedAt":"1970-01-01T00:00:00.000Z"}"#,
    );
}

#[test]
fn events_about_people_and_connections_are_the_json_they_always_were() {
    let shown = r#"{"userId":"ann","status":"online","lastSeen":"1970-01-01T00:00:00.000Z"}"#;
    is(&PresenceSync(Cow::Owned(presence())), shown);
    is(&PresenceUpdate(Cow::Owned(presence())), shown);
    is(
        &NotificationReceived::of(&notification(), None),
        r#"{"notification":{"id":"020202020202020202020202","_id":"020202020202020202020202","userId":"ann","type":"general","title":"t","message":"x","data":{},"threadId":null,"isRead":false,"readAt":null,"createdAt":"1970-01-01T00:00:00.000Z"}}"#,
    );
    is(&AuthSuccess { user_id: user("ann") }, r#"{"userId":"ann"}"#);
    is(
        &AuthError { code: ErrorCode::TokenExpired, error: "e".into(), retry_after_ms: None },
        r#"{"code":"token_expired","error":"e"}"#,
    );
    is(
        &EventError { code: ErrorCode::Unknown, error: "e".into(), event: "a".into(), retry_after_ms: None },
        r#"{"code":"unknown","error":"e","event":"a"}"#,
    );
    is(
        &ConnectErrorData { code: ErrorCode::RateLimited, retry_after_ms: Some(5) },
        r#"{"code":"rate_limited","retryAfterMs":5}"#,
    );
}
