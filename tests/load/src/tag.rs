//! Tag: what a generated message carries so that every reader can recognise it, that is, run, sender, number
//! and intended time.
//!
//! The content is `<run>-<sender>-<n>@<micros> xxx…`, and its first part is also the `clientMessageId`. The
//! time is in microseconds on the generator's own clock, so latency needs neither a look-up nor a second
//! clock.

use std::fmt::Write as _;

/// The identity of one generated message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tag {
    /// Number of the sending user within the run.
    pub sender: u32,
    /// Number of the message within the sender, from 0.
    pub n: u32,
    /// Time at which the message was meant to be sent, in microseconds since the generator started.
    pub intended_us: u64,
}

impl Tag {
    /// Writes the `clientMessageId`.
    pub fn write_id(&self, run: &str, out: &mut String) {
        write!(out, "{run}-{}-{}", self.sender, self.n).expect("writing to a string cannot fail");
    }

    /// Writes the content, padded to `size` bytes (longer if the tag alone is longer).
    pub fn write_content(&self, run: &str, size: usize, out: &mut String) {
        let start = out.len();
        self.write_id(run, out);
        write!(out, "@{} ", self.intended_us).expect("writing to a string cannot fail");
        let padding = size.saturating_sub(out.len() - start);
        out.extend(std::iter::repeat_n('x', padding));
    }

    /// Reads a tag from content; `None` if the content is not of this run.
    pub fn parse(run: &str, content: &str) -> Option<Self> {
        let rest = content.strip_prefix(run)?.strip_prefix('-')?;
        let (sender, rest) = rest.split_once('-')?;
        let (n, rest) = rest.split_once('@')?;
        let (intended_us, _) = rest.split_once(' ')?;
        Some(Self {
            sender: sender.parse().ok()?,
            n: n.parse().ok()?,
            intended_us: intended_us.parse().ok()?,
        })
    }

    /// A number that stands for this message at this place of the thread. The sum of these numbers compares
    /// whole orders.
    pub fn digest(&self, seq: u32) -> u64 {
        let key = (u64::from(self.sender) << 32 | u64::from(self.n)) ^ u64::from(seq).rotate_left(20);
        splitmix(splitmix(key).wrapping_add(u64::from(seq)))
    }
}

/// The finaliser of `SplitMix64`: spreads neighbouring keys over all 64 bits.
fn splitmix(key: u64) -> u64 {
    let mut z = key.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_is_padded_and_reads_back() {
        let tag = Tag { sender: 12, n: 345, intended_us: 6_789 };
        let mut content = String::new();
        tag.write_content("r1", 100, &mut content);
        assert_eq!(content.len(), 100);
        assert!(content.starts_with("r1-12-345@6789 xxx"));
        assert_eq!(Tag::parse("r1", &content), Some(tag));
    }

    #[test]
    fn another_run_or_plain_text_is_not_ours() {
        assert_eq!(Tag::parse("r1", "r2-1-2@3 "), None);
        assert_eq!(Tag::parse("r1", "hello"), None);
    }

    #[test]
    fn swapped_places_change_the_digest() {
        let a = Tag { sender: 1, n: 1, intended_us: 0 };
        let b = Tag { sender: 1, n: 2, intended_us: 0 };
        assert_ne!(a.digest(1).wrapping_add(b.digest(2)), a.digest(2).wrapping_add(b.digest(1)));
    }
}
