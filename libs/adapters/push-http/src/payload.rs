//! What a browser gets to read of a push: the JSON object that the service worker of the page takes.

use eventflow_ports::pusher::{Push, PushAct};
use eventflow_protocol::ThreadId;
use serde::Serialize;

/// The object. Fields are short words, and absent where they say nothing.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Payload<'a> {
    act: &'static str,
    tag: &'a str,
    badge: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thread_id: Option<ThreadId>,
}

/// `{act: "show", tag, badge, title, text, threadId?}` or `{act: "clear", tag, badge}`.
pub(crate) fn json(push: &Push) -> Vec<u8> {
    let bare =
        Payload { act: "clear", tag: &push.tag, badge: push.badge, title: None, text: None, thread_id: None };
    let payload = match &push.act {
        PushAct::Clear => bare,
        PushAct::Show { title, text, thread_id } => {
            Payload { act: "show", title: Some(title), text: Some(text), thread_id: *thread_id, ..bare }
        }
    };
    serde_json::to_vec(&payload).expect("texts and numbers have a JSON form")
}
