//! Who may start threads, as the settings say it.

use eventflow_config::{StartWithSetting, ThreadSettings};
use eventflow_ingress::{StartWith, ThreadRules};

/// The rules of these settings.
pub(crate) fn thread_rules(settings: &ThreadSettings) -> ThreadRules {
    ThreadRules {
        start_with: match settings.start_with {
            StartWithSetting::Anybody => StartWith::Anybody,
            StartWithSetting::Directory => StartWith::Directory,
            StartWithSetting::Admins => StartWith::Nobody,
        },
        people_max: settings.people_max,
        people_max_by_role: settings.by_role().unwrap_or_default(),
        new_per_hour: settings.new_per_hour,
    }
}
