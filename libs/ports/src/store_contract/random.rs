//! Chance that comes out the same each time, so that a check which fails fails again.

/// A linear congruential generator (Knuth's MMIX constants): good enough to mix orders.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The same seed, the same sequence.
    pub fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `bound`, which is not 0.
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        // The shift leaves 31 bits, which fit every `usize` there is.
        usize::try_from(self.0 >> 33).unwrap_or_default() % bound
    }

    /// Yes in so many of a hundred cases.
    pub fn percent(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// Mixes `items`.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for end in (1..items.len()).rev() {
            let other = self.below(end + 1);
            items.swap(end, other);
        }
    }
}
