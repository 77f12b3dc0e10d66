//! JSON Schemas of everything that clients send and get, by the name of the type: the source for API
//! descriptions.

use crate::ErrorBody;
use crate::client::events::ServerEvent;
use crate::client::{answers, events, requests};
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value};

/// Adds the schema of one type, and of all types that it holds.
pub type Describe = fn(&mut SchemaGenerator) -> Schema;

/// What clients send.
const REQUESTS: &[Describe] = &[
    of::<requests::AddMembersBody>,
    of::<requests::AuthEvent>,
    of::<requests::ChangeGroupBody>,
    of::<requests::CreateThreadBody>,
    of::<requests::DeviceBody>,
    of::<requests::DiscardBody>,
    of::<requests::DraftBody>,
    of::<requests::DraftEvent>,
    of::<requests::EditLetterBody>,
    of::<requests::DisconnectBody>,
    of::<requests::EditMessageBody>,
    of::<requests::EditMessageEvent>,
    of::<requests::EraseBody>,
    of::<requests::HandledBody>,
    of::<requests::HandshakeAuth>,
    of::<requests::MessageEvent>,
    of::<requests::NotificationBody>,
    of::<requests::PreferencesBody>,
    of::<requests::MuteEndBody>,
    of::<requests::PresenceSyncEvent>,
    of::<requests::PresenceUpdateEvent>,
    of::<requests::ProfileBody>,
    of::<requests::ReactionBody>,
    of::<requests::ReactionEvent>,
    of::<requests::ReadMessageEvent>,
    of::<requests::ReadThreadBody>,
    of::<requests::ReplayBody>,
    of::<requests::ReportBody>,
    of::<requests::RevealBody>,
    of::<requests::RevocationBody>,
    of::<requests::RoleBody>,
    of::<requests::ScheduledBody>,
    of::<requests::SendMessageBody>,
    of::<requests::SendMessageEvent>,
    of::<requests::SyncEvent>,
    of::<requests::ThreadEvent>,
    of::<requests::UnreadThreadBody>,
    of::<requests::UnreadThreadEvent>,
];

/// What clients get as an answer.
const ANSWERS: &[Describe] = &[
    of::<ErrorBody>,
    of::<answers::ArchiveAnswer>,
    of::<answers::AuditAnswer>,
    of::<answers::AuthAnswer>,
    of::<answers::BlockAnswer>,
    of::<answers::BlocksAnswer>,
    of::<answers::ChangeAnswer>,
    of::<answers::ConnectedAnswer>,
    of::<answers::CountAnswer>,
    of::<answers::CsrfTokenAnswer>,
    of::<answers::CursorAnswer>,
    of::<answers::DeliveriesAnswer>,
    of::<answers::DeviceAnswer>,
    of::<answers::DevicesAnswer>,
    of::<answers::DiscardedAnswer>,
    of::<answers::DoneAnswer>,
    of::<answers::AttachmentAnswer>,
    of::<answers::UploadAnswer>,
    of::<answers::DraftAnswer>,
    of::<answers::DraftsAnswer>,
    of::<answers::DryRunAnswer>,
    of::<answers::EditedLetterAnswer>,
    of::<answers::EditsAnswer>,
    of::<answers::ErasureAnswer>,
    of::<answers::ExportRecord>,
    of::<answers::FoundUsersAnswer>,
    of::<answers::GatewaysAnswer>,
    of::<answers::HistoryAnswer>,
    of::<answers::LetterAnswer>,
    of::<answers::LetterGroupsAnswer>,
    of::<answers::LettersAnswer>,
    of::<answers::MembersAnswer>,
    of::<answers::MessageAnswer>,
    of::<answers::NotificationsAnswer>,
    of::<answers::NotifiedAnswer>,
    of::<answers::OutcomesAnswer>,
    of::<answers::ParticipantsAnswer>,
    of::<answers::PinsAnswer>,
    of::<answers::PipelineAnswer>,
    of::<answers::PreferencesAnswer>,
    of::<answers::PresenceAnswer>,
    of::<answers::PresenceChoiceAnswer>,
    of::<answers::PresenceListAnswer>,
    of::<answers::PushKeyAnswer>,
    of::<answers::QueuedAnswer>,
    of::<answers::ReplayAnswer>,
    of::<answers::ReportAnswer>,
    of::<answers::ReportedAnswer>,
    of::<answers::ReportsAnswer>,
    of::<answers::ScheduledAnswer>,
    of::<answers::ScheduledListAnswer>,
    of::<answers::SearchAnswer>,
    of::<answers::SendAnswer>,
    of::<answers::SendsAnswer>,
    of::<answers::ServersAnswer>,
    of::<answers::StatusAnswer>,
    of::<answers::SuppressionsAnswer>,
    of::<answers::SyncAnswer>,
    of::<answers::ThreadAck>,
    of::<answers::ThreadAnswer>,
    of::<answers::ThreadsAnswer>,
    of::<answers::UnreadCountAnswer>,
    of::<answers::UserAnswer>,
    of::<answers::UsersAnswer>,
];

/// What clients get as an event.
const EVENTS: &[Describe] = &[
    of::<events::AuthError>,
    of::<events::AuthSuccess>,
    of::<events::BlockUpdated>,
    of::<events::ConnectErrorData>,
    of::<events::DraftUpdated>,
    of::<events::Echo>,
    of::<events::EventError>,
    of::<events::MembersAdded>,
    of::<events::MessageDeleted>,
    of::<events::MessageError>,
    of::<events::MessagePinned<'static>>,
    of::<events::MessageQueued>,
    of::<events::MessageReadUpdate<'static>>,
    of::<events::MessageReceived<'static>>,
    of::<events::MessageSent>,
    of::<events::MessageStatusUpdate<'static>>,
    of::<events::MessageUpdated<'static>>,
    of::<events::NotificationReceived<'static>>,
    of::<events::NotificationUpdated>,
    of::<events::PreferencesUpdated<'static>>,
    of::<events::PresenceChosen>,
    of::<events::PresenceSync<'static>>,
    of::<events::PresenceUpdate<'static>>,
    of::<events::ReactionReceived<'static>>,
    of::<events::ScheduledUpdated>,
    of::<events::SessionEnded>,
    of::<events::ThreadCreated>,
    of::<events::ThreadLeft>,
    of::<events::ThreadUpdated>,
    of::<events::TypingUpdate>,
];

/// The events that a server sends, by name.
pub const SERVER_EVENTS: &[(&str, Describe)] = &[
    named::<answers::SyncAnswer>(),
    named::<events::AuthError>(),
    named::<events::AuthSuccess>(),
    named::<events::BlockUpdated>(),
    named::<events::DraftUpdated>(),
    named::<events::EventError>(),
    named::<events::MembersAdded>(),
    named::<events::MessageDeleted>(),
    named::<events::MessageError>(),
    named::<events::MessageQueued>(),
    named::<events::MessageReadUpdate<'static>>(),
    named::<events::MessageReceived<'static>>(),
    named::<events::MessageSent>(),
    named::<events::MessageStatusUpdate<'static>>(),
    named::<events::MessagePinned<'static>>(),
    named::<events::MessageUpdated<'static>>(),
    named::<events::NotificationReceived<'static>>(),
    named::<events::NotificationUpdated>(),
    named::<events::PreferencesUpdated<'static>>(),
    named::<events::PresenceChosen>(),
    named::<events::PresenceSync<'static>>(),
    named::<events::PresenceUpdate<'static>>(),
    named::<events::ReactionReceived<'static>>(),
    named::<events::ScheduledUpdated>(),
    named::<events::SessionEnded>(),
    named::<events::ThreadCreated>(),
    named::<events::ThreadLeft>(),
    named::<events::ThreadUpdated>(),
    named::<events::TypingUpdate>(),
];

/// The schemas of requests, by type name.
pub fn requests() -> Map<String, Value> {
    definitions(SchemaSettings::draft2020_12().for_deserialize(), REQUESTS)
}

/// The schemas of answers, by type name.
pub fn answers() -> Map<String, Value> {
    definitions(SchemaSettings::draft2020_12().for_serialize(), ANSWERS)
}

/// The schemas of events, by type name.
pub fn events() -> Map<String, Value> {
    definitions(SchemaSettings::draft2020_12().for_serialize(), EVENTS)
}

const fn named<T: ServerEvent + JsonSchema>() -> (&'static str, Describe) {
    (T::NAME, of::<T>)
}

fn of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

fn definitions(settings: SchemaSettings, types: &[Describe]) -> Map<String, Value> {
    let mut generator = settings.into_generator();
    for describe in types {
        describe(&mut generator);
    }
    generator.take_definitions(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::Path;

    /// The names of the public types in a folder of this module.
    fn types_in(folder: &str) -> Vec<String> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/client").join(folder);
        let mut names = Vec::new();
        for file in fs::read_dir(folder).unwrap() {
            for line in fs::read_to_string(file.unwrap().path()).unwrap().lines() {
                let declared = line.strip_prefix("pub struct ").or_else(|| line.strip_prefix("pub enum "));
                let end = |c: char| !c.is_ascii_alphanumeric();
                names.extend(declared.and_then(|rest| rest.split(end).next()).map(str::to_owned));
            }
        }
        assert!(!names.is_empty(), "no public types found");
        names
    }

    fn lacks(schemas: &Map<String, Value>, folder: &str) -> Vec<String> {
        types_in(folder).into_iter().filter(|name| !schemas.contains_key(name)).collect()
    }

    #[test]
    fn every_type_of_the_contract_has_a_schema() {
        assert_eq!(lacks(&requests(), "requests"), [""; 0], "requests");
        assert_eq!(lacks(&answers(), "answers"), [""; 0], "answers");
        assert_eq!(lacks(&events(), "events"), [""; 0], "events");
    }

    #[test]
    fn every_event_of_a_server_is_listed_by_its_name() {
        let mut implemented = 0;
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/client/events");
        for file in fs::read_dir(folder).unwrap() {
            implemented +=
                fs::read_to_string(file.unwrap().path()).unwrap().matches("impl ServerEvent for").count();
        }
        let names: std::collections::BTreeSet<_> = SERVER_EVENTS.iter().map(|(name, _)| name).collect();
        assert_eq!((implemented, names.len()), (SERVER_EVENTS.len(), SERVER_EVENTS.len()));
    }

    #[test]
    fn a_schema_says_what_is_required_and_what_a_document_holds() {
        let requests = requests();
        assert_eq!(requests["EditMessageBody"]["required"], serde_json::json!(["content"]));
        assert_eq!(
            requests["SendMessageBody"]["properties"]["attachments"]["maxItems"],
            serde_json::json!(10)
        );
        let answers = answers();
        let message = &answers["MessageWithId"]["properties"];
        assert_eq!(message["id"], message["_id"]);
        assert!(answers["ListedThread"]["properties"]["unreadCount"].is_object());
    }
}
