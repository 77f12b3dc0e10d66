//! Settings of what e-mail and push have in common.

use serde::Deserialize;

/// `[notifications]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NotificationSettings {
    /// `notifications.email_grace_s`
    pub email_grace_s: u32,
    /// `notifications.push_grace_s`
    pub push_grace_s: u32,
    /// `notifications.log_days`
    pub log_days: u32,
    /// `notifications.sends_per_second`
    pub sends_per_second: u32,
    /// `notifications.templates`; empty: there are none.
    pub templates: String,
}
