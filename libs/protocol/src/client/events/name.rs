//! Events have names.

use crate::client::answers::SyncAnswer;
use serde::Serialize;

/// The only argument of an event that a server sends.
pub trait ServerEvent: Serialize {
    /// The event's name, e.g. `message:received`.
    const NAME: &'static str;
}

impl ServerEvent for SyncAnswer {
    const NAME: &'static str = "sync";
}
