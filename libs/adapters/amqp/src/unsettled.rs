//! Which deliveries of a subscription are not acknowledged yet, and how few acknowledgements say so.
//!
//! AMQP can acknowledge "everything up to this tag". That is right only if nothing before the tag is still
//! open. So tags before the oldest open one share one acknowledgement, and the others go one by one. A tag
//! that is not open is left out, since the broker would close the channel over it.

use eventflow_bus::port::DeliveryTag;
use std::collections::BTreeSet;

/// One acknowledgement for the broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Acknowledgement {
    pub(crate) tag: u64,
    /// Acknowledges everything before the tag too.
    pub(crate) multiple: bool,
}

/// The open deliveries; at most as many as the prefetch.
#[derive(Default)]
pub(crate) struct Unsettled {
    open: BTreeSet<u64>,
}

impl Unsettled {
    pub(crate) fn delivered(&mut self, tag: DeliveryTag) {
        self.open.insert(tag.0);
    }

    /// How many are open.
    pub(crate) fn len(&self) -> usize {
        self.open.len()
    }

    /// Settles `tags`. Gives the acknowledgements for the broker, in order.
    pub(crate) fn settle(&mut self, tags: &[DeliveryTag]) -> Vec<Acknowledgement> {
        let mut settled: Vec<u64> =
            tags.iter().map(|tag| tag.0).filter(|tag| self.open.remove(tag)).collect();
        settled.sort_unstable();
        let oldest_open = self.open.first().copied().unwrap_or(u64::MAX);
        let together = settled.partition_point(|tag| *tag < oldest_open);
        let (before, after) = settled.split_at(together);
        let first = before.last().map(|tag| Acknowledgement { tag: *tag, multiple: before.len() > 1 });
        let rest = after.iter().map(|tag| Acknowledgement { tag: *tag, multiple: false });
        first.into_iter().chain(rest).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delivered(tags: std::ops::RangeInclusive<u64>) -> Unsettled {
        let mut unsettled = Unsettled::default();
        tags.for_each(|tag| unsettled.delivered(DeliveryTag(tag)));
        unsettled
    }

    fn told(unsettled: &mut Unsettled, tags: &[u64]) -> Vec<(u64, bool)> {
        let tags: Vec<DeliveryTag> = tags.iter().copied().map(DeliveryTag).collect();
        unsettled.settle(&tags).into_iter().map(|ack| (ack.tag, ack.multiple)).collect()
    }

    #[test]
    fn a_batch_from_the_front_is_one_acknowledgement_whatever_its_order() {
        assert_eq!(told(&mut delivered(1..=5), &[3, 1, 2]), [(3, true)]);
    }

    #[test]
    fn what_is_behind_an_open_delivery_goes_one_by_one_until_the_gap_closes() {
        let mut unsettled = delivered(1..=5);
        assert_eq!(told(&mut unsettled, &[1, 3, 4]), [(1, false), (3, false), (4, false)]);
        assert_eq!(told(&mut unsettled, &[2, 5]), [(5, true)]);
    }

    #[test]
    fn a_tag_that_is_not_open_is_left_out() {
        let mut unsettled = delivered(1..=2);
        assert_eq!(told(&mut unsettled, &[1]), [(1, false)]);
        assert_eq!(told(&mut unsettled, &[1, 9]), []);
    }
}
