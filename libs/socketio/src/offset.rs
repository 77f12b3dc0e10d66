//! The place of a packet in the stream of all recoverable packets of one encoder, as clients remember and
//! present it.
//!
//! Within one session, positions never fall: the offset of the last packet that a client got says how far it
//! has come. A packet outside that order (an answer, made while others are on their way) is sent beside the
//! last one: it repeats that one's position and adds a number of its own.
//!
//! An offset also names its encoder, by four characters drawn at random when the encoder was made. A client
//! keeps the offset of the last packet that it got, even from another server or an earlier run; such an
//! offset says nothing of this encoder's packets.

use std::fmt::{self, Write as _};

/// Characters that name an encoder.
const EPOCH_LENGTH: usize = 4;
/// Base of the digits.
const RADIX: u32 = 36;

/// The name of an encoder in its offsets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Epoch([u8; EPOCH_LENGTH]);

impl Epoch {
    /// The epoch that a random number stands for.
    pub(crate) fn of(mut random: u32) -> Self {
        let mut characters = [b'0'; EPOCH_LENGTH];
        for character in &mut characters {
            *character = digit(random % RADIX);
            random /= RADIX;
        }
        Self(characters)
    }
}

/// Stands between the position and the number of a packet beside it.
const BESIDE: char = '-';

/// The place of a packet: its encoder and its position there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offset {
    pub(crate) epoch: Epoch,
    pub(crate) position: u64,
    /// Tells packets at one position apart. 0 for the packet whose own position it is.
    pub(crate) beside: u64,
}

impl Offset {
    /// Reads an offset as a client sent it.
    pub fn parse(text: &str) -> Option<Self> {
        let (epoch, place) = text.split_at_checked(EPOCH_LENGTH)?;
        let epoch = Epoch(epoch.as_bytes().try_into().ok().filter(|_| is_plain(epoch))?);
        let (position, beside) = match place.split_once(BESIDE) {
            None => (number(place)?, 0),
            Some((position, beside)) => (number(position)?, number(beside).filter(|beside| *beside > 0)?),
        };
        Some(Self { epoch, position, beside })
    }

    /// Whether both are of the same encoder, so that their positions can be compared.
    pub fn is_of_the_same_encoder(self, other: Self) -> bool {
        self.epoch == other.epoch
    }

    /// The position, counted from 1. A packet beside another one has that one's position.
    pub fn position(self) -> u64 {
        self.position
    }

    /// Whether the offset repeats the position of another packet.
    pub(crate) fn is_beside(self) -> bool {
        self.beside > 0
    }

    /// The offset of the same packet when it is sent beside the one at `position`.
    pub(crate) fn put_beside(self, position: u64) -> Self {
        Self { position, beside: if self.is_beside() { self.beside } else { self.position }, ..self }
    }
}

/// Form: the encoder's name and the position in base 36, lower case. Beside another packet: then a hyphen and
/// the number.
impl fmt::Display for Offset {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(std::str::from_utf8(&self.epoch.0).expect("digits are ASCII"))?;
        write_number(formatter, self.position)?;
        if self.is_beside() {
            formatter.write_char(BESIDE)?;
            write_number(formatter, self.beside)?;
        }
        Ok(())
    }
}

fn write_number(formatter: &mut fmt::Formatter<'_>, number: u64) -> fmt::Result {
    // 13 digits hold every u64.
    let mut digits = [b'0'; 13];
    let mut rest = number;
    let mut from = digits.len();
    loop {
        from -= 1;
        digits[from] = digit(u32::try_from(rest % u64::from(RADIX)).expect("less than 36"));
        rest /= u64::from(RADIX);
        if rest == 0 {
            break;
        }
    }
    formatter.write_str(std::str::from_utf8(&digits[from..]).expect("digits are ASCII"))
}

fn number(text: &str) -> Option<u64> {
    u64::from_str_radix(text, RADIX).ok().filter(|_| is_plain(text))
}

fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase())
}

fn digit(value: u32) -> u8 {
    let digit = char::from_digit(value, RADIX).expect("less than the base");
    u8::try_from(digit).expect("a digit is ASCII")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_read_back_as_themselves() {
        for position in [0, 1, 35, 36, 1_000_000, u64::MAX] {
            for beside in [0, 1, u64::MAX] {
                let offset = Offset { epoch: Epoch::of(4_000_000_000), position, beside };
                assert_eq!(Offset::parse(&offset.to_string()), Some(offset), "{offset}");
            }
        }
    }

    #[test]
    fn what_is_no_offset_is_refused() {
        for text in [
            "",
            "abcd",
            "abcd+1",
            "abcdA",
            "abc",
            "äöüä",
            "abcd 1",
            "abcdzzzzzzzzzzzzzzz",
            "abcd1-",
            "abcd1-0",
            "abcd-1",
            "abcd1-2-3",
        ] {
            assert_eq!(Offset::parse(text), None, "{text}");
        }
    }

    #[test]
    fn offsets_of_two_encoders_are_not_compared() {
        let [one, other] = [1, 2].map(|random| Offset { epoch: Epoch::of(random), position: 7, beside: 0 });
        assert!(one.is_of_the_same_encoder(one));
        assert!(!one.is_of_the_same_encoder(other));
    }
}
