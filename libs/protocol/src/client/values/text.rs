//! Texts of messages and notifications, and the keys and emoji that come with them.

use crate::change::EMOJI_MAX_BYTES;
use crate::client::values::unfit::Unfit;
use crate::command::CLIENT_KEY_MAX_BYTES;
use crate::content::{Content, clean, is_blank, line_within, text_within};
use crate::inbox::{KIND_MAX_BYTES, TEXT_MAX_CHARS, TITLE_MAX_CHARS};
use schemars::JsonSchema;
use serde::Deserialize;

/// What a message says: clean text of at most 10,000 characters. Whether it may be empty depends on what
/// comes with it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(extend("maxLength" = 80_000))]
pub struct MessageContent(pub Content);

impl TryFrom<String> for MessageContent {
    type Error = Unfit;

    fn try_from(raw: String) -> Result<Self, Unfit> {
        Content::parse_optional(&raw).map(Self).map_err(Unfit::sentence)
    }
}

/// A client's own key for what it sends: any text of 1 to 128 bytes. It means nothing to the system, which
/// compares keys byte by byte and never cleans them.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(extend("minLength" = 1, "maxLength" = CLIENT_KEY_MAX_BYTES))]
pub struct ClientKey(String);

impl ClientKey {
    /// The key.
    pub fn into_string(self) -> String {
        self.0
    }
}

impl TryFrom<String> for ClientKey {
    type Error = Unfit;

    fn try_from(key: String) -> Result<Self, Unfit> {
        // Halves of characters are read as U+FFFD, so two keys that contain it may be one by mistake.
        if (1..=CLIENT_KEY_MAX_BYTES).contains(&key.len()) && !key.contains(char::REPLACEMENT_CHARACTER) {
            return Ok(Self(key));
        }
        Err(Unfit::must_be(format_args!("a text of 1 to {CLIENT_KEY_MAX_BYTES} bytes without U+FFFD")))
    }
}

/// One emoji, or any short visible text without spaces and markup.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(extend("minLength" = 1, "maxLength" = EMOJI_MAX_BYTES))]
pub struct Emoji(String);

impl Emoji {
    /// The emoji.
    pub fn into_string(self) -> String {
        self.0
    }
}

impl TryFrom<String> for Emoji {
    type Error = Unfit;

    fn try_from(emoji: String) -> Result<Self, Unfit> {
        let is_odd =
            |c: char| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | '&' | '"' | '\'' | '`');
        let fits = (1..=EMOJI_MAX_BYTES).contains(&emoji.len());
        if fits && !emoji.contains(is_odd) && !is_blank(&emoji) && clean(&emoji) == emoji {
            return Ok(Self(emoji));
        }
        Err(Unfit::must_be(format_args!("a sign of 1 to {EMOJI_MAX_BYTES} bytes")))
    }
}

/// The kind of a notification: short and plain, because kinds become map keys.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(extend("pattern" = "^[a-z0-9_.:-]{1,64}$"))]
pub struct NotificationKind(String);

impl NotificationKind {
    /// The kind.
    pub fn into_string(self) -> String {
        self.0
    }
}

impl Default for NotificationKind {
    /// The kind of a notification that names none.
    fn default() -> Self {
        Self("general".to_owned())
    }
}

impl TryFrom<String> for NotificationKind {
    type Error = Unfit;

    fn try_from(kind: String) -> Result<Self, Unfit> {
        let is_allowed =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_.:-".contains(&byte);
        if (1..=KIND_MAX_BYTES).contains(&kind.len()) && kind.bytes().all(is_allowed) {
            return Ok(Self(kind));
        }
        Err(Unfit::field(format_args!("must match [a-z0-9_.:-]{{1,{KIND_MAX_BYTES}}}")))
    }
}

/// The title of a notification: one clean line.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
pub struct NotificationTitle(String);

impl NotificationTitle {
    /// The line.
    pub fn into_string(self) -> String {
        self.0
    }
}

impl TryFrom<String> for NotificationTitle {
    type Error = Unfit;

    fn try_from(raw: String) -> Result<Self, Unfit> {
        let title = line_within(&raw, TITLE_MAX_CHARS).map(Self);
        title.ok_or_else(|| Unfit::field(format_args!("must have 1 to {TITLE_MAX_CHARS} characters")))
    }
}

/// The text of a notification: clean, and perhaps empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
pub struct NotificationText(String);

impl NotificationText {
    /// The text.
    pub fn into_string(self) -> String {
        self.0
    }
}

impl TryFrom<String> for NotificationText {
    type Error = Unfit;

    fn try_from(raw: String) -> Result<Self, Unfit> {
        let text = text_within(&raw, TEXT_MAX_CHARS).map(Self);
        text.ok_or_else(|| Unfit::field(format_args!("is longer than {TEXT_MAX_CHARS} characters")))
    }
}
