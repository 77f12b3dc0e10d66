//! Signatures: which grams several messages have, as a Bloom filter of a size that fits them.
//!
//! Each gram sets two bits. A signature is made at its largest size and then halved while it stays sparse:
//! the place of a bit is the hash's share of the size, so half the size has it at half the place.

use super::fold;
use super::grams::{each_gram, hash_of};
use super::terms::Terms;
use crate::UserId;

/// Largest signature in bytes. Some 15 messages of 60 characters fill it. With its other columns it fits
/// into a page of an index of SQLite of 8 KB, whose rows may have 2,030 bytes.
pub const SIGNATURE_BYTES: usize = 1_920;
/// Smallest signature in bytes.
const SMALLEST_BYTES: usize = 60;
/// One bit of this many may be set in a signature that takes more messages or is halved: with two bits a
/// gram, one gram in 16 is seen where it is not.
const SPARSE: usize = 4;
/// Grams of a query that are asked for. The rarest come first, and more than these tell nothing new.
const WANTED_MAX: usize = 48;

/// What a message has beside its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark<'a> {
    /// This person wrote it.
    Sender(&'a UserId),
    /// It has attachments.
    Attachment,
}

impl Mark<'_> {
    fn hash(self) -> u64 {
        match self {
            Self::Sender(user) => hash_of(1, user.as_str().as_bytes()),
            Self::Attachment => hash_of(2, &[]),
        }
    }
}

/// Which grams and marks some messages have. It may say that they have one that they do not have, never the
/// other way round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    bits: Vec<u8>,
    set: usize,
}

impl Default for Signature {
    fn default() -> Self {
        Self { bits: vec![0; SIGNATURE_BYTES], set: 0 }
    }
}

impl Signature {
    /// Adds a message.
    pub fn add(&mut self, content: &str, marks: &[Mark<'_>]) {
        each_gram(&fold(content), |_, hash| self.insert(hash));
        for mark in marks {
            self.insert(mark.hash());
        }
    }

    /// Whether it has room for more messages and still tells something.
    pub fn is_sparse(&self) -> bool {
        self.set * SPARSE <= self.bits.len() * 8
    }

    /// The bytes to store: of the smallest size that is sparse enough.
    pub fn into_bytes(mut self) -> Vec<u8> {
        while self.bits.len() > SMALLEST_BYTES {
            let half = halved(&self.bits);
            let set: usize = half.iter().map(|byte| byte.count_ones() as usize).sum();
            if set * SPARSE > half.len() * 8 {
                break;
            }
            self = Self { bits: half, set };
        }
        self.bits
    }

    fn insert(&mut self, hash: u64) {
        for place in places(hash, self.bits.len()) {
            let (byte, bit) = (place / 8, 1 << (place % 8));
            self.set += usize::from(self.bits[byte] & bit == 0);
            self.bits[byte] |= bit;
        }
    }
}

/// What a query wants a signature to have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted(Vec<u64>);

impl Wanted {
    /// What all terms and marks want.
    pub fn new(terms: &Terms, marks: &[Mark<'_>]) -> Self {
        let mut grams = Vec::new();
        for term in terms.folded() {
            each_gram(term, |length, hash| grams.push((std::cmp::Reverse(length), hash)));
        }
        grams.sort_unstable();
        grams.dedup();
        grams.truncate(WANTED_MAX);
        Self(marks.iter().map(|mark| mark.hash()).chain(grams.into_iter().map(|(_, hash)| hash)).collect())
    }

    /// The sizes in bytes that stored signatures have.
    pub fn sizes() -> impl Iterator<Item = usize> {
        std::iter::successors(Some(SIGNATURE_BYTES), |size| Some(size / 2))
            .take_while(|size| *size >= SMALLEST_BYTES)
    }

    /// The places of the bits that a signature of so many bytes must have, ascending. Bit `n` is bit `n % 8`
    /// of byte `n / 8`, counted from the lowest.
    pub fn places(&self, bytes: usize) -> Vec<usize> {
        let mut wanted: Vec<usize> = self.0.iter().flat_map(|hash| places(*hash, bytes)).collect();
        wanted.sort_unstable();
        wanted.dedup();
        wanted
    }

    /// Whether messages with this stored signature may have everything.
    pub fn may_be_in(&self, bits: &[u8]) -> bool {
        let is_set = |place: usize| bits[place / 8] >> (place % 8) & 1 == 1;
        bits.is_empty() || self.0.iter().all(|hash| places(*hash, bits.len()).into_iter().all(is_set))
    }
}

/// The two bits of a hash in a signature of so many bytes.
fn places(hash: u64, bytes: usize) -> [usize; 2] {
    let share = |half: u64| usize::try_from((half * (bytes as u64 * 8)) >> 32).unwrap_or(0);
    [share(hash >> 32), share(hash & 0xFFFF_FFFF)]
}

/// The same signature at half the size.
fn halved(bits: &[u8]) -> Vec<u8> {
    let pairs = |byte: u8| (0..4).fold(0, |half, n| half | u8::from(byte >> (2 * n) & 3 != 0) << n);
    bits.chunks(2).map(|two| pairs(two[0]) | pairs(two[1]) << 4).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn terms(query: &str) -> Terms {
        query.parse().unwrap()
    }

    fn signature(texts: &[&str]) -> Vec<u8> {
        let mut signature = Signature::default();
        for text in texts {
            signature.add(text, &[]);
        }
        signature.into_bytes()
    }

    #[test]
    fn a_short_message_has_a_small_signature_and_a_long_one_the_largest() {
        assert_eq!(signature(&["hi"]).len(), SMALLEST_BYTES);
        let long: String =
            (0..10_000_u32).map(|n| char::from_u32(0x4E00 + n * 7 % 20_000).unwrap()).collect();
        assert_eq!(signature(&[&long]).len(), SIGNATURE_BYTES);
        assert_eq!(Wanted::sizes().collect::<Vec<_>>(), [1920, 960, 480, 240, 120, 60]);
    }

    #[test]
    fn what_is_not_there_is_seldom_seen() {
        let texts: Vec<String> =
            (0..15).map(|n| format!("message {n} about the weather of tomorrow")).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let bits = signature(&texts);
        let is_seen = |n: &u32| Wanted::new(&terms(&format!("qzx{n}")), &[]).may_be_in(&bits);
        assert!((0..1_000).filter(is_seen).count() < 20);
    }

    #[test]
    fn marks_are_asked_for_like_text() {
        let ann: UserId = "ann".parse().unwrap();
        let bob: UserId = "bob".parse().unwrap();
        let mut signature = Signature::default();
        signature.add("hello", &[Mark::Sender(&ann)]);
        let bits = signature.into_bytes();
        for (marks, is_there) in [
            (&[][..], true),
            (&[Mark::Sender(&ann)], true),
            (&[Mark::Sender(&bob)], false),
            (&[Mark::Sender(&ann), Mark::Attachment], false),
        ] {
            assert_eq!(Wanted::new(&terms("hello"), marks).may_be_in(&bits), is_there, "{marks:?}");
        }
    }

    proptest! {
        #[test]
        fn no_hit_is_passed_over(texts in proptest::collection::vec("\\PC{0,40}", 1..8), from in 0..40_usize, length in 2..12_usize) {
            let all: Vec<&str> = texts.iter().map(String::as_str).collect();
            let bits = signature(&all);
            for text in &texts {
                let part: String = text.chars().skip(from).take(length).collect();
                let Ok(terms) = part.parse::<Terms>() else { continue };
                if terms.is_in(text) {
                    let wanted = Wanted::new(&terms, &[]);
                    prop_assert!(wanted.may_be_in(&bits), "{part:?}");
                    let is_set = |place: usize| bits[place / 8] >> (place % 8) & 1 == 1;
                    prop_assert!(wanted.places(bits.len()).into_iter().all(is_set));
                }
            }
        }
    }
}
