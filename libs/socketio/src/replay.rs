//! What a session can replay: its last packets with an offset, within bounds of number, bytes and age.
//!
//! A client presents the offset of the last packet that it got, and has to get every packet behind that one.
//! The replay looks for the packet with that offset instead of comparing offsets, because packets may be
//! emitted in another order than they were encoded. An idle session keeps no packets and has nothing
//! allocated. What all sessions keep is bounded too ([`crate::budget`]).

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::account::Account;
use crate::budget::{Budget, Crowd, PLACE_BYTES};
use crate::offset::Offset;
use crate::packet::{KeptPacket, Packet};

/// The packets that a session keeps.
#[derive(Debug)]
pub(crate) struct Replay {
    kept: VecDeque<Arc<KeptPacket>>,
    bytes: usize,
    /// The offset of the packet that was forgotten last; none if the session still has all its packets.
    last_forgotten: Option<Offset>,
    budget: Arc<Budget>,
    account: Option<Arc<Account>>,
}

impl Replay {
    /// Nothing is kept yet.
    pub(crate) fn new(budget: &Arc<Budget>, account: Option<Arc<Account>>) -> Self {
        Self { kept: VecDeque::new(), bytes: 0, last_forgotten: None, budget: Arc::clone(budget), account }
    }

    /// Keeps a packet that has an offset. `prune_age` is `None` while the client is away: then no packet is
    /// too old, since the session as a whole expires. `false` if there is no room: then nothing before it is
    /// kept either, since a client that misses it has a gap.
    pub(crate) fn push(&mut self, packet: &Packet, prune_age: Option<Duration>) -> bool {
        if let Some(crowd) = self.crowd() {
            self.forget_all(crowd);
            self.last_forgotten = packet.offset();
            return false;
        }
        let kept = packet.keep(&self.budget);
        if let Some(account) = &self.account {
            account.keep(&kept);
        }
        self.budget.add(PLACE_BYTES);
        self.bytes += packet.len();
        self.kept.push_back(kept);
        let (packets, bytes) = (self.budget.bounds.max_packets, self.budget.bounds.max_bytes);
        while self.kept.len() > packets || self.bytes > bytes {
            self.forget_oldest();
        }
        if let Some(age) = prune_age {
            self.prune(Instant::now(), age);
        }
        true
    }

    /// Counts what is kept, and what will be, for this account.
    pub(crate) fn charge_to(&mut self, account: &Arc<Account>) {
        if self.account.is_none() {
            self.kept.iter().for_each(|kept| account.keep(kept));
            self.account = Some(Arc::clone(account));
        }
    }

    /// Forgets packets older than `age`, and the memory they took.
    pub(crate) fn prune(&mut self, now: Instant, age: Duration) {
        self.forget_while(|kept| now.duration_since(kept.at) > age);
    }

    /// Forgets packets that came at `cut` or before. Gives how many, and when the last of them came.
    pub(crate) fn forget_up_to(&mut self, cut: Instant) -> Option<(usize, Instant)> {
        let before = self.kept.len();
        let newest = self.kept.iter().take_while(|kept| kept.at <= cut).last().map(|kept| kept.at)?;
        self.forget_while(|kept| kept.at <= cut);
        Some((before - self.kept.len(), newest))
    }

    /// Every packet that is kept.
    pub(crate) fn kept(&self) -> impl Iterator<Item = &Arc<KeptPacket>> {
        self.kept.iter()
    }

    /// Every packet behind the one with this offset. Without an offset, or with one of an earlier session
    /// (which a client presents until it has got a packet in this one): every packet of the session. `None`
    /// if some of those are no longer kept.
    pub(crate) fn since(&self, offset: Option<Offset>) -> Option<Vec<Packet>> {
        let is_it = |kept: &Arc<KeptPacket>| kept.packet.offset() == offset;
        let known = offset.and_then(|_| self.kept.iter().position(is_it));
        let skip = match known {
            Some(index) => 1 + index,
            None if self.last_forgotten.is_none() || self.last_forgotten == offset => 0,
            None => return None,
        };
        Some(self.kept.iter().skip(skip).map(|kept| kept.packet.clone()).collect())
    }

    fn crowd(&self) -> Option<Crowd> {
        if self.budget.is_exhausted() {
            return Some(Crowd::Server);
        }
        self.account.as_ref().is_some_and(|account| account.is_exhausted()).then_some(Crowd::Account)
    }

    fn forget_all(&mut self, crowd: Crowd) {
        self.budget.count_forgotten(crowd, 1 + self.kept.len());
        self.forget_while(|_| true);
    }

    fn forget_while(&mut self, is_due: impl Fn(&KeptPacket) -> bool) {
        while self.kept.front().is_some_and(|kept| is_due(kept)) {
            self.forget_oldest();
        }
        if self.kept.is_empty() {
            self.kept = VecDeque::new();
        }
    }

    fn forget_oldest(&mut self) {
        if let Some(kept) = self.kept.pop_front() {
            self.bytes -= kept.packet.len();
            self.budget.subtract(PLACE_BYTES);
            if let Some(account) = &self.account {
                account.forget(&kept);
            }
            // A client that got this packet and none behind it can still go on: everything behind it is kept.
            // A client that presents an earlier offset, or none, has a gap from now on.
            self.last_forgotten = kept.packet.offset();
        }
    }
}

impl Drop for Replay {
    fn drop(&mut self) {
        self.forget_while(|_| true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Recovery;
    use crate::packet::Encoder;

    const AGE: Duration = Duration::from_mins(2);

    fn replay(bounds: Recovery) -> Replay {
        Replay::new(&Budget::new(bounds, Arc::default()), None)
    }

    fn filled(count: usize, bounds: Recovery) -> (Replay, Vec<Packet>) {
        let encoder = Encoder::new();
        let packets: Vec<_> = (0..count).map(|number| encoder.event("n", &number).unwrap()).collect();
        let mut replay = replay(bounds);
        for packet in &packets {
            assert!(replay.push(packet, Some(AGE)));
        }
        (replay, packets)
    }

    fn texts(packets: Option<Vec<Packet>>) -> Option<Vec<String>> {
        packets.map(|packets| packets.iter().map(|packet| packet.text().to_owned()).collect())
    }

    #[test]
    fn what_came_behind_an_offset_is_due() {
        let (replay, packets) = filled(3, Recovery::default());
        assert_eq!(texts(replay.since(packets[0].offset())), texts(Some(packets[1..].to_vec())));
        assert_eq!(replay.since(packets[2].offset()).map(|due| due.len()), Some(0));
        assert_eq!(replay.since(None).map(|due| due.len()), Some(3));
    }

    #[test]
    fn an_offset_of_an_earlier_session_is_none_of_this_one() {
        let earlier = Offset::parse("abcdzzz");
        assert_eq!(filled(3, Recovery::default()).0.since(earlier).map(|due| due.len()), Some(3));
        assert!(filled(3, Recovery { max_packets: 2, ..Recovery::default() }).0.since(earlier).is_none());
    }

    #[test]
    fn the_last_forgotten_packet_is_still_a_place_to_start_and_earlier_ones_are_not() {
        let bounds = Recovery { max_packets: 2, ..Recovery::default() };
        let (replay, packets) = filled(4, bounds);
        assert_eq!(replay.since(packets[1].offset()).map(|due| due.len()), Some(2));
        assert!(replay.since(packets[0].offset()).is_none());
        assert!(replay.since(None).is_none());
    }

    #[test]
    fn a_session_with_nothing_young_keeps_no_memory_but_can_go_on() {
        let (mut replay, packets) = filled(3, Recovery::default());
        let budget = Arc::clone(&replay.budget);
        assert!(budget.used() > 0);
        replay.prune(Instant::now() + AGE * 2, AGE);
        assert_eq!((replay.kept.capacity(), replay.bytes, budget.used()), (0, 0, 0));
        assert_eq!(replay.since(packets[2].offset()).map(|due| due.len()), Some(0));
    }

    #[test]
    fn bytes_are_bounded_too() {
        let encoder = Encoder::new();
        let mut replay = replay(Recovery { max_bytes: 250, ..Recovery::default() });
        for _ in 0..5 {
            let packet = encoder.event("n", &"x".repeat(80)).unwrap();
            replay.push(&packet, None);
        }
        assert_eq!(replay.kept.len(), 2);
    }

    #[test]
    fn what_finds_no_room_leaves_a_gap_behind_which_the_session_goes_on() {
        let encoder = Encoder::new();
        let mut replay = replay(Recovery { max_bytes_total: 1_000, ..Recovery::default() });
        let packets = [(); 3].map(|()| encoder.event("n", &"x".repeat(600)).unwrap());
        assert_eq!(packets.each_ref().map(|packet| replay.push(packet, None)), [true, true, false]);
        assert_eq!((replay.budget.used(), replay.kept.len()), (0, 0));
        assert!(replay.since(packets[1].offset()).is_none());
        let last = encoder.event("n", &1).unwrap();
        assert!(replay.push(&last, None));
        assert_eq!(replay.since(packets[2].offset()).map(|due| due.len()), Some(1));
    }

    #[test]
    fn what_was_kept_before_an_account_was_known_counts_for_it_too() {
        let (mut replay, _) = filled(3, Recovery { max_bytes_per_account: 400, ..Recovery::default() });
        let account = crate::account::Accounts::new(Arc::clone(&replay.budget)).of("ann");
        replay.charge_to(&account);
        assert!(account.excess() > 0 && account.is_exhausted());
        assert!(!replay.push(&Encoder::new().event("n", &1).unwrap(), None));
        assert_eq!((account.excess(), replay.budget.used()), (0, 0));
    }
}
