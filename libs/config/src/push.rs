//! The settings of pushes to apps and browsers.

use crate::secret::Secret;
use serde::Deserialize;

/// `[push]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PushSettings {
    /// `push.firebase_credentials`; empty: none.
    pub firebase_credentials: Secret,
    /// `push.fcm_url`
    pub fcm_url: String,
    /// `push.vapid_private_key`; empty: generated, or none.
    pub vapid_private_key: Secret,
    /// `push.vapid_public_key`; empty: that of the private key.
    pub vapid_public_key: String,
    /// `push.vapid_subject`; empty: the site.
    pub vapid_subject: String,
    /// `push.ca_file`; empty: none.
    pub ca_file: String,
    /// `push.allow_private_endpoints`
    pub allow_private_endpoints: bool,
}
