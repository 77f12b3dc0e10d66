//! Profiles and revocations as the database keeps them.

use eventflow_protocol::UserId;
use mongodb::bson::DateTime;
use serde::{Deserialize, Serialize};

/// A document of `profiles`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ProfileRecord {
    #[serde(rename = "_id")]
    pub(crate) id: UserId,
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) avatar: Option<String>,
    #[serde(default)]
    pub(crate) email: Option<String>,
    #[serde(default)]
    pub(crate) role: Option<String>,
}

/// A document of `tokenNames`: what a person's token called them last.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct TokenNameRecord {
    #[serde(rename = "_id")]
    pub(crate) id: UserId,
    pub(crate) name: String,
}

/// A document of `revocations`: the latest revocation of one login of a person, or of all their logins.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RevocationRecord {
    pub(crate) user_id: UserId,
    #[serde(default)]
    pub(crate) session: Option<String>,
    pub(crate) at: DateTime,
}
