//! What operators ask of the running system.

use crate::client::values::Why;
use schemars::JsonSchema;
use serde::Deserialize;

/// `POST /ops/users/{id}/disconnect`: end somebody's connections.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
pub struct DisconnectBody {
    /// Why; it is recorded, and the person is told.
    pub why: Why,
}
