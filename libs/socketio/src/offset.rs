//! Where a packet is in the stream of all recoverable packets of one encoder, as clients remember and present it.
//!
//! An offset names its encoder too, by four characters drawn at random when the encoder was made: a client keeps the offset of the
//! last packet it got, even from another server or an earlier run, and such an offset says nothing of this one's packets.

use std::fmt;

/// Characters that name an encoder.
const EPOCH_LENGTH: usize = 4;
/// Base of the digits.
const RADIX: u32 = 36;

/// Which encoder an offset is of.
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

/// Place of a packet: which encoder's, and the how manieth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offset {
    pub(crate) epoch: Epoch,
    pub(crate) position: u64,
}

impl Offset {
    /// Reads an offset as a client sent it.
    pub fn parse(text: &str) -> Option<Self> {
        let (epoch, position) = text.split_at_checked(EPOCH_LENGTH)?;
        let epoch = Epoch(epoch.as_bytes().try_into().ok()?);
        let is_plain = epoch.0.iter().chain(position.as_bytes()).all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase());
        let position = u64::from_str_radix(position, RADIX).ok().filter(|_| is_plain)?;
        Some(Self { epoch, position })
    }

    /// Whether both are of the same encoder, so that their positions can be compared.
    pub fn is_of_the_same_encoder(self, other: Self) -> bool {
        self.epoch == other.epoch
    }

    /// The how manieth packet of its encoder.
    pub fn position(self) -> u64 {
        self.position
    }
}

/// The encoder's name and the position in base 36, lower case.
impl fmt::Display for Offset {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // 13 digits hold every u64.
        let (mut digits, mut rest, mut from) = ([b'0'; 13], self.position, 13);
        loop {
            from -= 1;
            digits[from] = digit(u32::try_from(rest % u64::from(RADIX)).expect("less than 36"));
            rest /= u64::from(RADIX);
            if rest == 0 {
                break;
            }
        }
        let text = |bytes| std::str::from_utf8(bytes).expect("digits are ASCII");
        formatter.write_str(text(&self.epoch.0))?;
        formatter.write_str(text(&digits[from..]))
    }
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
            let offset = Offset { epoch: Epoch::of(4_000_000_000), position };
            assert_eq!(Offset::parse(&offset.to_string()), Some(offset), "{offset}");
        }
    }

    #[test]
    fn what_is_no_offset_is_refused() {
        for text in ["", "abcd", "abcd+1", "abcdA", "abc", "äöüä", "abcd 1", "abcdzzzzzzzzzzzzzzz"] {
            assert_eq!(Offset::parse(text), None, "{text}");
        }
    }

    #[test]
    fn offsets_of_two_encoders_are_not_compared() {
        let [one, other] = [1, 2].map(|random| Offset { epoch: Epoch::of(random), position: 7 });
        assert!(one.is_of_the_same_encoder(one));
        assert!(!one.is_of_the_same_encoder(other));
    }
}
