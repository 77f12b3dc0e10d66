//! Settings of dead letters.

use serde::Deserialize;

/// `[dead_letters]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeadLetterSettings {
    /// `dead_letters.replays_per_second`
    pub replays_per_second: u32,
    /// `dead_letters.kept_days`
    pub kept_days: u32,
}
