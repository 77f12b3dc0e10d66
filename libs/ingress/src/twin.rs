//! Twins: the same message sent over both transports by one click, with no key to tell that it is the same.
//!
//! The published client sends every message by socket and by REST. A message with a key needs nothing of
//! this: its key says which message it is. `eventflow_protocol::pairing` has the rule by which the store
//! pairs the two halves.

use crate::identity::Session;
use eventflow_protocol::Timestamp;
use eventflow_protocol::command::SendMessage;
use eventflow_protocol::pairing::{self, Leg, Pairing};

/// Gives a message without a key what its twin is recognised by: the login, the sender, the thread and the
/// content.
///
/// `opened_at` is when the connection was opened over which a socket's half came.
pub(crate) fn recognise_by_content(
    send: &mut SendMessage,
    leg: Leg,
    session: Session,
    opened_at: Option<Timestamp>,
) {
    if send.client_message_id.is_some() {
        return;
    }
    let key = pairing::key(&session.0, &send.sender_id, send.thread_id, send.said());
    send.pairing = Some(Pairing { leg, key, opened_at });
}

#[cfg(test)]
mod tests {
    use super::*;
    use eventflow_protocol::ThreadId;
    use eventflow_protocol::content::Content;

    fn key(content: &str, client_message_id: Option<&str>, session: u8) -> Option<String> {
        let mut send = SendMessage {
            thread_id: ThreadId::from_bytes([1; 12]),
            sender_id: "ann".parse().unwrap(),
            content: Content::parse(content).unwrap(),
            attachments: Vec::new(),
            client_message_id: client_message_id.map(str::to_owned),
            pairing: None,
            typed: None,
            reply_to: None,
            repeat_only: false,
            mentions: Vec::new(),
            at: Timestamp(5),
        };
        recognise_by_content(&mut send, Leg::Rest, Session([session; 32]), None);
        send.pairing.map(|pairing| pairing.key)
    }

    #[test]
    fn only_messages_without_a_key_pair_and_only_within_a_login() {
        assert_eq!(key("a", Some("k"), 1), None);
        assert_eq!(key("a", None, 1), key("a", None, 1));
        assert_ne!(key("a", None, 1), key("a", None, 2));
        assert_ne!(key("a", None, 1), key("b", None, 1));
    }
}
