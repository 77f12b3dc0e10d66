//! Bytes between processes: a version byte, then MessagePack with field names.
//!
//! Named fields cost under a microsecond more than positional ones and let old and new processes work side by
//! side: a reader ignores fields that it does not know, and fills absent ones from their defaults. A reader
//! never guesses at a version that it does not know: such a message is parked for an operator.

use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};

/// The version this build writes, and the only one it reads.
pub const VERSION: u8 = 1;

/// Why bytes could not be read or a value not be written.
#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    /// There are no bytes.
    #[error("decode an empty body")]
    Empty,
    /// A process of another version wrote them.
    #[error("decode a body of version {0}, this process reads version {VERSION}")]
    UnknownVersion(u8),
    /// They are not the MessagePack of the expected type.
    #[error("decode a body")]
    Malformed(#[source] MalformedBody),
    /// The value has no MessagePack form (a map with keys that are not text, for example).
    #[error("encode a body")]
    Unencodable(#[source] rmp_serde::encode::Error),
}

/// What is wrong with a body. Its text gets into logs and into the reasons of dead letters, so it quotes none
/// of the values that the parser found.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct MalformedBody(String);

impl From<rmp_serde::decode::Error> for MalformedBody {
    fn from(error: rmp_serde::decode::Error) -> Self {
        Self(without_values(&error.to_string()))
    }
}

/// How sentences of serde begin that quote the names of fields of this program, and nothing that was found.
const OF_OWN_NAMES: [&str; 2] = ["missing field `", "duplicate field `"];

/// A parser's sentence without what it quotes: serde puts texts that it found into double quotes, and numbers
/// and the names of fields and variants into backticks. What is found may contain such signs itself.
pub(crate) fn without_values(sentence: &str) -> String {
    if OF_OWN_NAMES.iter().any(|beginning| sentence.starts_with(beginning)) {
        return sentence.to_owned();
    }
    let Some(first) = sentence.find(['"', '`']) else { return sentence.to_owned() };
    let last = sentence.rfind(['"', '`']).unwrap_or(first);
    format!("{}…{}", &sentence[..first], &sentence[last + 1..])
}

/// Writes `value` with its version.
pub fn encode<T: Serialize>(value: &T) -> Result<Bytes, CodecError> {
    let mut out = Vec::with_capacity(512);
    out.push(VERSION);
    rmp_serde::encode::write_named(&mut out, value).map_err(CodecError::Unencodable)?;
    Ok(out.into())
}

/// Reads what [`encode`] wrote.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, CodecError> {
    match bytes.split_first() {
        None => Err(CodecError::Empty),
        Some((&VERSION, body)) => {
            rmp_serde::from_slice(body).map_err(|error| CodecError::Malformed(error.into()))
        }
        Some((&version, _)) => Err(CodecError::UnknownVersion(version)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Command;
    use crate::id::ThreadId;
    use serde_json::json;
    use std::error::Error as _;

    #[test]
    fn fields_that_a_later_version_added_are_passed_over() {
        let leave = json!({"kind": "leave_thread", "thread_id": ThreadId::derive(&[], "{}"), "user_id": "ann", "at": 7});
        let mut later = leave.clone();
        later["colour"] = json!({"of": ["a later version"]});
        let [known, later] = [leave, later].map(|value| decode::<Command>(&encode(&value).unwrap()).unwrap());
        assert_eq!(later, known);
    }

    #[test]
    fn an_error_quotes_nothing_of_what_it_found() {
        for typed in ["meet me at the bridge", "a \" bridge", "\"\"bridge"] {
            let body = encode(&json!({"kind": "leave_thread", "thread_id": {"a": typed}})).unwrap();
            let error = decode::<Command>(&body).unwrap_err();
            let said = error.source().unwrap().to_string();
            assert!(!said.contains("bridge"), "{said}");
            let quoted = without_values(&format!("invalid type: string {typed:?}, expected u64"));
            assert_eq!(quoted, "invalid type: string …, expected u64");
        }
    }

    #[test]
    fn an_error_quotes_no_name_and_no_number_that_it_found() {
        let said = |value: serde_json::Value| {
            let error = decode::<Command>(&encode(&value).unwrap()).unwrap_err();
            error.source().unwrap().to_string()
        };
        for typed in ["meet me at the bridge", "a ` bridge", "` \" bridge"] {
            assert_eq!(said(json!({ "kind": typed })), "unknown variant …");
        }
        assert!(!said(json!({"kind": "leave_thread", "thread_id": 4_711})).contains("4711"));
        assert_eq!(said(json!({})), "missing field `kind`", "the names of fields are this program's");
    }
}
