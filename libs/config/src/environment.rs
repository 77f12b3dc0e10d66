//! Environment: which settings it holds, by their short names and by `EVENTFLOW_<SECTION>__<KEY>`.
//!
//! A value has the type that its key has in the defaults, so a password of digits stays a text. A name that
//! begins with `EVENTFLOW_` and means nothing is refused: a typo must not run with a default.

use crate::sources::{ALIASES, DEFAULTS, ValueKind, is_secret, secret_files};
use crate::{ConfigError, explain};
use figment::Figment;
use figment::providers::{Format, Serialized, Toml};
use figment::value::{Num, Value};
use std::collections::BTreeMap;

/// The beginning of the long names.
const PREFIX: &str = "EVENTFLOW_";

/// Variables by name.
#[derive(Debug, Default)]
pub(crate) struct Environment(BTreeMap<String, String>);

impl Environment {
    /// The variables of this process. An empty one counts as not given.
    #[allow(clippy::disallowed_methods, reason = "this crate is the one that reads the environment")]
    pub(crate) fn of_process() -> Self {
        std::env::vars_os().filter_map(|(name, value)| Some((text(name)?, text(value)?))).collect()
    }

    /// Puts the settings of the environment over those of `figment`: the long names, then the short ones.
    pub(crate) fn merge_into(&self, mut figment: Figment) -> Result<Figment, ConfigError> {
        let defaults = Figment::from(Toml::string(DEFAULTS));
        for (name, value) in &self.0 {
            let Some(rest) = name.strip_prefix(PREFIX) else { continue };
            let Some((section, key)) = rest.split_once("__") else {
                if is_service_link(rest) {
                    continue;
                }
                return Err(unknown(name, rest));
            };
            let key = format!("{}.{}", section.to_ascii_lowercase(), key.to_ascii_lowercase());
            let default = defaults.find_value(&key).map_err(|_| unknown(name, rest))?;
            figment = merge(figment, &key, name, value, kind_of(&default))?;
        }
        for (name, key, kind) in ALIASES.iter().copied() {
            if let Some(value) = self.0.get(name) {
                figment = merge(figment, key, name, value, kind)?;
            }
        }
        for (name, key) in secret_files() {
            if let Some(path) = self.0.get(&name) {
                let secret = std::fs::read_to_string(path);
                let secret = secret.map_err(|source| ConfigError::File {
                    name: name.clone(),
                    key,
                    path: path.clone(),
                    source,
                })?;
                figment = figment.merge(Serialized::default(key, secret.trim()));
            }
        }
        Ok(figment)
    }
}

impl FromIterator<(String, String)> for Environment {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(variables: I) -> Self {
        Self(variables.into_iter().filter(|(_, value)| !value.is_empty()).collect())
    }
}

fn text(text: std::ffi::OsString) -> Option<String> {
    text.into_string().ok()
}

fn merge(
    figment: Figment,
    key: &str,
    name: &str,
    value: &str,
    kind: ValueKind,
) -> Result<Figment, ConfigError> {
    let wrong = |expected: &str| {
        let shown = if is_secret(key) { String::new() } else { format!("`{value}` ") };
        ConfigError::Unreadable(format!("configuration key `{key}` ({name}): {shown}is no {expected}"))
    };
    Ok(match kind {
        ValueKind::Text => figment.merge(Serialized::default(key, value)),
        ValueKind::Number => {
            let number: u64 = value.trim().parse().map_err(|_| wrong("whole number"))?;
            figment.merge(Serialized::default(key, number))
        }
        ValueKind::Fraction => {
            let number: f64 = value.trim().parse().map_err(|_| wrong("number"))?;
            figment.merge(Serialized::default(key, number))
        }
        ValueKind::Switch => {
            let switch: bool = value.trim().parse().map_err(|_| wrong("`true` or `false`"))?;
            figment.merge(Serialized::default(key, switch))
        }
    })
}

fn kind_of(default: &Value) -> ValueKind {
    match default {
        Value::Bool(..) => ValueKind::Switch,
        Value::Num(_, Num::F32(_) | Num::F64(_)) => ValueKind::Fraction,
        Value::Num(..) => ValueKind::Number,
        _ => ValueKind::Text,
    }
}

fn unknown(name: &str, rest: &str) -> ConfigError {
    let plain = rest.replace("__", "_");
    let named = |key: &str| key.replace('.', "_").to_ascii_uppercase() == plain;
    let hint = explain::keys()
        .find(|key| named(key))
        .map(|key| format!("{PREFIX}{}", key.replace('.', "__").to_ascii_uppercase()))
        .or_else(|| {
            ALIASES.iter().find(|(alias, ..)| *alias == plain).map(|(alias, ..)| (*alias).to_owned())
        });
    let hint = hint.map_or_else(
        || format!("the names are {PREFIX}<SECTION>__<KEY>; --print-config shows them"),
        |right| format!("did you mean {right}?"),
    );
    ConfigError::Unreadable(format!("environment variable {name}: no setting has this name; {hint}"))
}

/// Whether an orchestrator has made the variable for a service whose name begins with `eventflow`: Kubernetes
/// and the links of Docker do, unasked (`EVENTFLOW_SERVICE_HOST`, `EVENTFLOW_PORT_8080_TCP_ADDR`).
fn is_service_link(rest: &str) -> bool {
    let tail = rest.rsplit_once("PORT_").map(|(_, tail)| tail);
    let is_port = |tail: &str| {
        let mut parts = tail.split('_');
        let number = parts.next().is_some_and(|number| number.parse::<u16>().is_ok());
        number && parts.next().is_some_and(|protocol| matches!(protocol, "TCP" | "UDP" | "SCTP"))
    };
    rest.ends_with("SERVICE_HOST")
        || rest.contains("SERVICE_PORT")
        || rest == "PORT"
        || rest.ends_with("_PORT")
        || tail.is_some_and(is_port)
}
