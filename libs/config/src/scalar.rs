//! Values that people write as a number or as a text.

use serde::{Deserialize, Deserializer, de::Error};
use std::net::SocketAddr;

/// A number or a text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Scalar {
    Number(u64),
    Text(String),
}

/// The text, or the number as a text.
pub(crate) fn text<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    Ok(match Scalar::deserialize(from)? {
        Scalar::Number(number) => number.to_string(),
        Scalar::Text(text) => text,
    })
}

/// An address to listen on.
pub(crate) fn address<'de, D: Deserializer<'de>>(from: D) -> Result<SocketAddr, D::Error> {
    let text = text(from)?;
    let wrong = || {
        D::Error::custom(format!(
            "`{text}` is no address to listen on; write IP:PORT, for example 127.0.0.1:8080, [::1]:8080, \
             or 0.0.0.0:8080 for every network"
        ))
    };
    text.trim().parse().map_err(|_| wrong())
}
