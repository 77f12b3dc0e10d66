//! Signs: what the spellings of one emoji have in common.
//!
//! Platforms write one emoji differently: `❤` and `❤️`, `1⃣` and `1️⃣` differ in a variation selector, which
//! only says how to draw it (UTS 51, 2.6). To people they are one sign, so they are one reaction.

use crate::document::{Message, Reaction};
use std::borrow::Cow;
use unicode_normalization::{UnicodeNormalization, is_nfc};

/// The sign of an emoji or of any short text: composed (NFC), without variation selectors. Skin tones and
/// joiners make other signs.
pub fn sign(emoji: &str) -> Cow<'_, str> {
    if is_nfc(emoji) && !emoji.contains(is_variation_selector) {
        return Cow::Borrowed(emoji);
    }
    Cow::Owned(emoji.chars().filter(|c| !is_variation_selector(*c)).nfc().collect())
}

fn is_variation_selector(c: char) -> bool {
    matches!(c, '\u{FE0E}' | '\u{FE0F}')
}

/// How this emoji is spelled on the message; as it came if the message does not have it.
pub fn shown_as<'a>(message: &'a Message, emoji: &'a str) -> &'a str {
    let is_it = |reaction: &&Reaction| sign(&reaction.emoji) == sign(emoji);
    message.reactions.iter().find(is_it).map_or(emoji, |reaction| &reaction.emoji)
}

#[cfg(test)]
mod tests {
    use super::sign;

    #[test]
    fn spellings_of_one_emoji_have_one_sign() {
        for (one, other) in [
            ("\u{2764}", "\u{2764}\u{FE0F}"),
            ("\u{2764}\u{FE0E}", "\u{2764}\u{FE0F}"),
            ("1\u{20E3}", "1\u{FE0F}\u{20E3}"),
            ("\u{1F441}\u{200D}\u{1F5E8}", "\u{1F441}\u{FE0F}\u{200D}\u{1F5E8}\u{FE0F}"),
            ("\u{E9}", "e\u{301}"),
        ] {
            assert_eq!(sign(one), sign(other), "{one} {other}");
        }
        for (one, other) in [("👍", "👍🏽"), ("👩", "👩\u{200D}👧"), ("+1", "1")] {
            assert_ne!(sign(one), sign(other), "{one} {other}");
        }
    }
}
