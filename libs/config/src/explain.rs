//! Words for what is wrong with a setting: its key, its short name, its value, and what is right, in one
//! line.
//!
//! The value of a key that may hold a secret is never repeated.

use crate::sources::{ALIASES, DEFAULTS, is_secret};
use figment::error::{Actual, Kind};
use figment::value::Value;
use figment::{Figment, Source};

/// All keys, as in `default.toml`.
pub(crate) fn keys() -> impl Iterator<Item = String> {
    let mut section = "";
    DEFAULTS.lines().filter_map(move |line| {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = name;
        }
        let is_comment = line.starts_with('#');
        let (key, _) = line.split_once(" = ").filter(|_| !is_comment)?;
        Some(format!("{section}.{key}"))
    })
}

/// The key of a setting, with its short name if it has one: `` `email.smtp_url` (SMTP_URL) ``.
pub fn named(key: &str) -> String {
    let short = ALIASES.iter().find(|(_, of, _)| *of == key);
    short.map_or_else(|| format!("`{key}`"), |(name, ..)| format!("`{key}` ({name})"))
}

/// What was given for the key, as ` is …`, unless it may be a secret.
pub(crate) fn given(figment: &Figment, key: &str) -> String {
    let value = figment.find_value(key).ok().filter(|_| !is_secret(key));
    let shown = value.and_then(|value| match value {
        Value::String(_, text) => Some(text),
        Value::Num(_, number) => number
            .to_u128()
            .map(|number| number.to_string())
            .or_else(|| number.to_i128().map(|number| number.to_string()))
            .or_else(|| number.to_f64().map(|number| number.to_string())),
        _ => None,
    });
    let shown = shown.filter(|shown| !shown.is_empty());
    shown.map_or_else(String::new, |shown| format!(" is `{shown}`"))
}

/// What the reader of the settings found wrong, as one line.
pub(crate) fn unreadable(error: &figment::Error) -> String {
    let key = error.path.join(".");
    let file = error.metadata.as_ref().and_then(|metadata| match &metadata.source {
        Some(Source::File(path)) => Some(format!(" in {}", path.display())),
        _ => None,
    });
    let file = file.unwrap_or_default();
    match &error.kind {
        Kind::UnknownField(field, _) => {
            let in_section = if key.is_empty() || key == *field || key.ends_with(&format!(".{field}")) {
                key
            } else {
                format!("{key}.{field}")
            };
            let unknown = if in_section.is_empty() { field.clone() } else { in_section };
            format!("configuration key `{unknown}`{file}: there is no such setting; --print-config shows all")
        }
        Kind::UnknownVariant(given, known) => {
            format!("configuration key {}{file}: `{given}` is none of {}", named(&key), known.join(", "))
        }
        Kind::InvalidType(actual, expected) | Kind::InvalidValue(actual, expected) => {
            let what = kind_of(actual, is_secret(&key));
            let expected = expected_kind(expected);
            format!("configuration key {}{file}: {what} is given, {expected} is expected", named(&key))
        }
        Kind::Message(text) if key.is_empty() => format!("read the configuration{file}: {}", one_line(text)),
        Kind::Message(text) => format!("configuration key {}{file}: {text}", named(&key)),
        _ => format!("configuration key {}{file}: the value is out of range", named(&key)),
    }
}

/// What was given: a whole number itself, unless it may be a secret; else only the type of the value.
fn kind_of(actual: &Actual, is_secret: bool) -> String {
    match actual {
        Actual::Unsigned(number) if !is_secret => format!("`{number}`"),
        Actual::Signed(number) if !is_secret => format!("`{number}`"),
        Actual::Bool(_) => "`true` or `false`".to_owned(),
        Actual::Unsigned(_) | Actual::Signed(_) | Actual::Float(_) => "a number".to_owned(),
        Actual::Char(_) | Actual::Str(_) => "a text".to_owned(),
        Actual::Seq => "a list".to_owned(),
        Actual::Map => "a table".to_owned(),
        _ => "another type".to_owned(),
    }
}

/// What the reader expected, in words of operators.
fn expected_kind(expected: &str) -> String {
    let most = match expected {
        "u8" => u64::from(u8::MAX),
        "u16" => u64::from(u16::MAX),
        "u32" => u64::from(u32::MAX),
        "u64" | "usize" => return "a whole number that is not negative".to_owned(),
        "f32" | "f64" => return "a number".to_owned(),
        "bool" | "a boolean" => return "`true` or `false`".to_owned(),
        "a string" => return "a text".to_owned(),
        other => return other.to_owned(),
    };
    format!("a whole number from 0 to {most}")
}

/// The text of a reader of files without the lines that quote the file, which may hold a secret.
fn one_line(text: &str) -> String {
    let is_quote =
        |line: &&str| !line.trim_start().starts_with(|first: char| first == '|' || first.is_ascii_digit());
    text.lines()
        .filter(is_quote)
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join(": ")
}
