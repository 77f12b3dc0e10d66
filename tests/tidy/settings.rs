//! Settings: every setting has an explanation, is read, and has the short names that its explanation gives.

use eventflow_config::{Config, DEFAULTS, aliases};
use std::collections::BTreeSet;

/// A key of the defaults.
struct Setting {
    /// The key with its section, e.g. `broker.shards`.
    key: String,
    /// The comment above the key, as one line.
    comment: String,
}

impl Setting {
    /// The names in `[env A or B]` of the comment.
    fn short_names(&self) -> impl Iterator<Item = &str> {
        let named = self
            .comment
            .split_once("[env ")
            .and_then(|(_, rest)| rest.split_once(']'))
            .map(|(names, _)| names);
        named.into_iter().flat_map(|names| names.split(" or "))
    }
}

#[test]
fn every_setting_is_a_field_and_every_field_a_setting() {
    // The configuration refuses unknown fields, and no field has a default of its own. So this check works
    // both ways.
    if let Err(error) = toml::from_str::<Config>(DEFAULTS) {
        panic!("libs/config/src/default.toml and the fields of Config differ: {error}");
    }
}

#[test]
fn every_setting_is_explained() {
    let bare: Vec<String> = settings()
        .into_iter()
        .filter(|setting| setting.comment.is_empty())
        .map(|setting| setting.key)
        .collect();
    assert!(
        bare.is_empty(),
        "these keys of libs/config/src/default.toml have no comment right above them: {bare:?}"
    );
}

#[test]
fn every_short_name_in_the_explanations_works_and_every_one_that_works_is_explained() {
    let settings = settings();
    let explained: BTreeSet<(&str, &str)> = settings
        .iter()
        .flat_map(|setting| setting.short_names().map(|name| (name, setting.key.as_str())))
        .collect();
    let works: BTreeSet<(&str, &str)> = aliases().collect();
    assert_eq!(
        explained, works,
        "`[env NAME]` in libs/config/src/default.toml against the aliases that are read"
    );
}

fn settings() -> Vec<Setting> {
    let mut section = "";
    let mut comment = String::new();
    let mut settings = Vec::new();
    for line in DEFAULTS.lines() {
        if let Some(words) = line.strip_prefix('#') {
            comment = format!("{comment}{words}");
            continue;
        }
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = name;
        } else if let Some((name, _)) = line.split_once(" = ") {
            settings.push(Setting { key: format!("{section}.{name}"), comment: comment.trim().to_owned() });
        }
        comment.clear();
    }
    assert!(settings.len() > aliases().count(), "the defaults could not be read");
    settings
}
