//! How ids and times are described to clients: JSON Schema for the types that write themselves as text.

use crate::dead_letters::{Carried, DeadLetterId};
use crate::id::{CommandId, DocumentId, USER_ID_MAX_BYTES, UserId};
use crate::mail::MailAddress;
use crate::schedule::WallTime;
use crate::timestamp::Timestamp;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use std::borrow::Cow;

impl JsonSchema for UserId {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "UserId".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        // The length counts bytes, so a text of other letters may be shorter still.
        let refused = UserId::refused_characters(|code| match u16::try_from(code) {
            Ok(unit) => format!("\\u{unit:04x}"),
            Err(_) => format!("\\u{{{code:x}}}"),
        });
        let pattern = format!("^(?!\\.{{1,2}}$)(?! )[^{refused}]+(?<! )$");
        json_schema!({ "type": "string", "minLength": 1, "maxLength": USER_ID_MAX_BYTES, "pattern": pattern })
    }
}

impl JsonSchema for MailAddress {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "MailAddress".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "email" })
    }
}

impl<Kind> JsonSchema for DocumentId<Kind> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "DocumentId".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[0-9a-f]{24}$" })
    }
}

impl JsonSchema for CommandId {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "CommandId".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "uuid" })
    }
}

impl JsonSchema for DeadLetterId {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "DeadLetterId".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let kinds = Carried::ALL.map(Carried::name).join("|");
        let pattern = format!("^({kinds})-[0-9a-f]{{8}}(-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}$");
        json_schema!({ "type": "string", "pattern": pattern })
    }
}

impl JsonSchema for WallTime {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "WallTime".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$" })
    }
}

impl JsonSchema for Timestamp {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Timestamp".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        if generator.contract().is_deserialize() {
            // The number of milliseconds since 1970 does as well.
            return json_schema!({ "type": ["string", "integer"], "format": "date-time" });
        }
        json_schema!({ "type": "string", "format": "date-time" })
    }
}
