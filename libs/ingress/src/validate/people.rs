//! Lists of people in a client's JSON.

use crate::fields::{self, Object};
use crate::refusal::Refusal;
use eventflow_protocol::UserId;
use serde_json::Value;

/// A list of user ids; an absent one is empty. Repeats stay.
pub fn user_ids(body: &mut Object, field: &str, max: usize) -> Result<Vec<UserId>, Refusal> {
    let items = fields::list(body, field, max)?;
    items.into_iter().enumerate().map(|(index, value)| user(value, &format!("{field}[{index}]"))).collect()
}

fn user(value: Value, path: &str) -> Result<UserId, Refusal> {
    let Value::String(text) = value else { return Err(fields::wrong_type(path, "a text")) };
    text.parse().map_err(|error| Refusal::invalid(format!("{path}: {error}")))
}
