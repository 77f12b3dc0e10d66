//! Whom people find by name.

use crate::Config;
use serde::Deserialize;

/// `[people]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PeopleSettings {
    /// `people.search`
    pub search: PeopleSearchSetting,
}

/// Whom a user may find by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PeopleSearchSetting {
    /// Everybody.
    Everybody,
    /// People who share a thread with them.
    Acquaintances,
    /// Everybody for a trial at this machine, else acquaintances.
    Auto,
}

impl Config {
    /// Whether users find everybody by name, and not only whom they share a thread with.
    pub fn finds_everybody(&self) -> bool {
        match self.people.search {
            PeopleSearchSetting::Everybody => true,
            PeopleSearchSetting::Acquaintances => false,
            PeopleSearchSetting::Auto => self.is_a_trial(),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{Config, DEFAULTS};
    use figment::Figment;
    use figment::providers::{Format, Toml};

    #[test]
    fn everybody_is_found_in_a_trial_or_if_somebody_says_so() {
        let finds = |toml: &str| {
            let figment = Figment::from(Toml::string(DEFAULTS)).merge(Toml::string(toml));
            figment.extract::<Config>().unwrap().finds_everybody()
        };
        let secret = "auth.jwt_secret = '0123456789abcdef0123456789abcdef'";
        assert!(finds(""));
        assert!(!finds(secret));
        assert!(!finds("people.search = 'acquaintances'"));
        assert!(finds(&format!("people.search = 'everybody'\n{secret}")));
    }
}
