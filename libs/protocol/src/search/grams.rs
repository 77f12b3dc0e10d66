//! Grams: the short pieces of a folded text that a signature knows.
//!
//! Two, three and four characters in a row within a word; longer pieces are rarer and therefore tell more.
//! Of a Han character or a picture, which is a word or half of one, the character itself and two in a row:
//! there are thousands of them, so two tell as much as four letters.

/// Multiplier of the running hash (FNV-1a, 64 bits).
const PRIME: u64 = 0x0000_0100_0000_01B3;
/// Start of the running hash (FNV-1a, 64 bits).
const BASIS: u64 = 0xCBF2_9CE4_8422_2325;
/// Longest gram in characters.
const LONGEST: usize = 4;

/// Gives the hash of each gram of a folded text with its length, some of them more than once.
pub(super) fn each_gram(folded: &str, mut each: impl FnMut(usize, u64)) {
    let mut characters = folded.chars();
    while let Some(first) = characters.next() {
        if first == ' ' {
            continue;
        }
        let mut hash = step(BASIS, first);
        let most = if is_word(first) { 2 } else { LONGEST };
        if is_word(first) {
            each(1, finish(hash));
        }
        for (length, next) in (2..=most).zip(characters.clone()) {
            if next == ' ' {
                break;
            }
            hash = step(hash, next);
            each(length, finish(hash));
        }
    }
}

/// The hash of something that is no text, such as an id; `kind` keeps kinds apart.
pub(super) fn hash_of(kind: u8, bytes: &[u8]) -> u64 {
    let seed = step(BASIS ^ u64::from(kind), char::MAX);
    finish(bytes.iter().fold(seed, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(PRIME)))
}

/// Whether this character is a word, or half of one: Han, and pictures.
pub(super) fn is_word(c: char) -> bool {
    matches!(c, '\u{2600}'..='\u{27BF}' | '\u{1F000}'..='\u{1FAFF}' | '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{3FFFF}')
}

fn step(hash: u64, c: char) -> u64 {
    (hash ^ u64::from(u32::from(c))).wrapping_mul(PRIME)
}

/// Spreads the bits of the running hash (the finalizer of `MurmurHash3`).
fn finish(mut hash: u64) -> u64 {
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xFF51_AFD7_ED55_8CCD);
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xC4CE_B9FE_1A85_EC53);
    hash ^ (hash >> 33)
}

#[cfg(test)]
mod tests {
    use super::each_gram;

    fn lengths(folded: &str) -> Vec<usize> {
        let mut lengths = Vec::new();
        each_gram(folded, |length, _| lengths.push(length));
        lengths
    }

    #[test]
    fn grams_stay_within_words_and_han_is_a_word_by_itself() {
        assert_eq!(lengths("abc d"), [2, 3, 2]);
        assert_eq!(lengths("abcde"), [2, 3, 4, 2, 3, 4, 2, 3, 2]);
        assert_eq!(lengths("天气"), [1, 2, 1]);
        assert_eq!(lengths("  "), [0; 0]);
    }

    #[test]
    fn hashes_are_those_that_stored_signatures_were_made_with() {
        let mut hashes = Vec::new();
        each_gram("ab气", |_, hash| hashes.push(hash));
        assert_eq!(hashes, GOLDEN, "existing signatures would no longer find anything");
    }

    const GOLDEN: [u64; 4] = [
        15_740_586_271_646_006_756,
        15_770_536_056_263_205_627,
        2_301_962_071_906_582_612,
        4_849_536_266_236_222_212,
    ];
}
