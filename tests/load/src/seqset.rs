//! A set of sequence numbers, kept as ranges: what one client saw of one thread.
//!
//! Live streams arrive in order, so in practice the set is one range and costs a few bytes, however many
//! messages pass. Each gap costs one more range. Adding a number twice is reported and is never an error.

/// Sorted, disjoint, non-adjacent inclusive ranges.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct SeqSet {
    ranges: Vec<(u32, u32)>,
}

impl SeqSet {
    /// Adds `seq`. Returns `true` if it was not in the set.
    pub fn insert(&mut self, seq: u32) -> bool {
        let after = self.ranges.partition_point(|&(start, _)| start <= seq);
        let before = after.checked_sub(1);
        if before.is_some_and(|i| seq <= self.ranges[i].1) {
            return false;
        }
        let joins_before = before.filter(|&i| self.ranges[i].1 + 1 == seq);
        let joins_after = self.ranges.get(after).is_some_and(|&(start, _)| seq + 1 == start);
        match (joins_before, joins_after) {
            (Some(i), true) => {
                self.ranges[i].1 = self.ranges[after].1;
                self.ranges.remove(after);
            }
            (Some(i), false) => self.ranges[i].1 = seq,
            (None, true) => self.ranges[after].0 = seq,
            (None, false) => self.ranges.insert(after, (seq, seq)),
        }
        true
    }

    /// Whether `seq` is in the set.
    pub fn contains(&self, seq: u32) -> bool {
        let after = self.ranges.partition_point(|&(start, _)| start <= seq);
        after > 0 && seq <= self.ranges[after - 1].1
    }

    /// The last number before the first gap, counting from 1; 0 if 1 is missing.
    pub fn level(&self) -> u32 {
        self.ranges.first().filter(|range| range.0 <= 1).map_or(0, |range| range.1)
    }

    /// The largest number; 0 if the set is empty.
    pub fn max(&self) -> u32 {
        self.ranges.last().map_or(0, |range| range.1)
    }

    /// How many numbers are in the set.
    pub fn len(&self) -> u64 {
        self.ranges.iter().map(|&(start, end)| u64::from(end - start) + 1).sum()
    }

    /// Whether the set is empty.
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Every number, ascending.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.ranges.iter().flat_map(|&(start, end)| start..=end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_any_order_melt_into_one_extent() {
        let mut set = SeqSet::default();
        for seq in [3, 1, 5, 2, 4] {
            assert!(set.insert(seq));
        }
        assert_eq!(set.ranges, vec![(1, 5)]);
        assert_eq!((set.level(), set.max(), set.len()), (5, 5, 5));
    }

    #[test]
    fn a_number_added_twice_is_noticed() {
        let mut set = SeqSet::default();
        assert!(set.insert(7));
        assert!(!set.insert(7));
        assert!(set.contains(7) && !set.contains(6) && !set.contains(8));
    }

    #[test]
    fn a_hole_keeps_the_level_below_it() {
        let mut set = SeqSet::default();
        for seq in [1, 2, 4, 9] {
            set.insert(seq);
        }
        assert_eq!((set.level(), set.max(), set.len()), (2, 9, 4));
        assert_eq!(set.iter().collect::<Vec<_>>(), vec![1, 2, 4, 9]);
    }
}
