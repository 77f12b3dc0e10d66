//! What a session can replay: its last packets with an offset, within bounds of number, bytes and age.
//!
//! A client presents the offset of the last packet that it got, and has to get every packet behind that one.
//! The replay looks for the packet with that offset instead of comparing offsets, because packets may be
//! emitted in another order than they were encoded. An idle session keeps no packets and has nothing
//! allocated.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use crate::config::Recovery;
use crate::offset::Offset;
use crate::packet::Packet;

/// The packets that a session keeps.
#[derive(Debug, Default)]
pub(crate) struct Replay {
    kept: VecDeque<(Instant, Packet)>,
    bytes: usize,
    /// The offset of the packet that was forgotten last; none if the session still has all its packets.
    last_forgotten: Option<Offset>,
}

impl Replay {
    /// Keeps a packet that has an offset. `prune_age` is `None` while the client is away: then no packet is
    /// too old, since the session as a whole expires.
    pub(crate) fn push(
        &mut self,
        packet: &Packet,
        now: Instant,
        bounds: &Recovery,
        prune_age: Option<Duration>,
    ) {
        self.bytes += packet.len();
        self.kept.push_back((now, packet.clone()));
        while self.kept.len() > bounds.max_packets || self.bytes > bounds.max_bytes {
            self.forget_oldest();
        }
        if let Some(age) = prune_age {
            self.prune(now, age);
        }
    }

    /// Forgets packets older than `age`, and the memory they took.
    pub(crate) fn prune(&mut self, now: Instant, age: Duration) {
        while self.kept.front().is_some_and(|(kept, _)| now.duration_since(*kept) > age) {
            self.forget_oldest();
        }
        if self.kept.is_empty() {
            self.kept = VecDeque::new();
        }
    }

    /// Every packet behind the one with this offset. Without an offset, or with one of an earlier session
    /// (which a client presents until it has got a packet in this one): every packet of the session. `None`
    /// if some of those are no longer kept.
    pub(crate) fn since(&self, offset: Option<Offset>) -> Option<Vec<Packet>> {
        let known = offset.and_then(|_| self.kept.iter().position(|(_, packet)| packet.offset() == offset));
        let skip = match known {
            Some(index) => 1 + index,
            None if self.last_forgotten.is_none() || self.last_forgotten == offset => 0,
            None => return None,
        };
        Some(self.kept.iter().skip(skip).map(|(_, packet)| packet.clone()).collect())
    }

    fn forget_oldest(&mut self) {
        if let Some((_, packet)) = self.kept.pop_front() {
            self.bytes -= packet.len();
            // A client that got this packet and none behind it can still go on: everything behind it is kept.
            // A client that presents an earlier offset, or none, has a gap from now on.
            self.last_forgotten = packet.offset();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::Encoder;

    const AGE: Duration = Duration::from_mins(2);

    fn filled(count: usize, bounds: &Recovery) -> (Replay, Vec<Packet>) {
        let encoder = Encoder::new();
        let packets: Vec<_> = (0..count).map(|number| encoder.event("n", &number).unwrap()).collect();
        let mut replay = Replay::default();
        for packet in &packets {
            replay.push(packet, Instant::now(), bounds, Some(AGE));
        }
        (replay, packets)
    }

    fn texts(packets: Option<Vec<Packet>>) -> Option<Vec<String>> {
        packets.map(|packets| packets.iter().map(|packet| packet.text().to_owned()).collect())
    }

    #[test]
    fn what_came_behind_an_offset_is_due() {
        let (replay, packets) = filled(3, &Recovery::default());
        assert_eq!(texts(replay.since(packets[0].offset())), texts(Some(packets[1..].to_vec())));
        assert_eq!(replay.since(packets[2].offset()).map(|due| due.len()), Some(0));
        assert_eq!(replay.since(None).map(|due| due.len()), Some(3));
    }

    #[test]
    fn an_offset_of_an_earlier_session_is_none_of_this_one() {
        let earlier = Offset::parse("abcdzzz");
        assert_eq!(filled(3, &Recovery::default()).0.since(earlier).map(|due| due.len()), Some(3));
        assert!(filled(3, &Recovery { max_packets: 2, ..Recovery::default() }).0.since(earlier).is_none());
    }

    #[test]
    fn the_last_forgotten_packet_is_still_a_place_to_start_and_earlier_ones_are_not() {
        let bounds = Recovery { max_packets: 2, ..Recovery::default() };
        let (replay, packets) = filled(4, &bounds);
        assert_eq!(replay.since(packets[1].offset()).map(|due| due.len()), Some(2));
        assert!(replay.since(packets[0].offset()).is_none());
        assert!(replay.since(None).is_none());
    }

    #[test]
    fn a_session_with_nothing_young_keeps_no_memory_but_can_go_on() {
        let (mut replay, packets) = filled(3, &Recovery::default());
        replay.prune(Instant::now() + AGE * 2, AGE);
        assert_eq!((replay.kept.capacity(), replay.bytes), (0, 0));
        assert_eq!(replay.since(packets[2].offset()).map(|due| due.len()), Some(0));
    }

    #[test]
    fn bytes_are_bounded_too() {
        let encoder = Encoder::new();
        let bounds = Recovery { max_bytes: 250, ..Recovery::default() };
        let mut replay = Replay::default();
        for _ in 0..5 {
            let packet = encoder.event("n", &"x".repeat(80)).unwrap();
            replay.push(&packet, Instant::now(), &bounds, None);
        }
        assert_eq!(replay.kept.len(), 2);
    }
}
