//! The order of one session's packets: the offset of its last packet says how far the session has come.
//!
//! A packet for many sockets has one position from its encoder, and packets are emitted in that order. A
//! session that is apart (it gets packets of its own before it may get what the others get) has an order of
//! its own: the positions are those of its own packets, and packets for many are sent beside them. Packets
//! outside every order are sent beside others too. So a client's offset never says that it has got more than
//! it has.

use crate::packet::Packet;

/// The order of one session's packets.
#[derive(Debug, Default)]
pub(crate) struct Order {
    /// The position of the last packet that had its own.
    last: u64,
    is_apart: bool,
}

impl Order {
    /// Sets the session apart from the others, or ends that.
    pub(crate) fn set_apart(&mut self, is_apart: bool) {
        self.is_apart = is_apart;
    }

    /// The packet as this session gets it.
    pub(crate) fn place(&mut self, packet: &Packet) -> Packet {
        match packet.offset() {
            Some(offset) if offset.is_beside() || self.is_apart => packet.beside(self.last),
            _ => self.follow(packet),
        }
    }

    /// The packet with a position of its own.
    pub(crate) fn follow(&mut self, packet: &Packet) -> Packet {
        self.last = packet.offset().map_or(self.last, |offset| self.last.max(offset.position()));
        packet.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::Encoder;

    fn places(packets: &[Packet]) -> Vec<u64> {
        packets.iter().map(|packet| packet.offset().unwrap().position()).collect()
    }

    #[test]
    fn an_answer_that_overtakes_what_is_on_its_way_does_not_say_that_it_is_there() {
        let (encoder, mut order) = (Encoder::new(), Order::default());
        let news = [1, 2].map(|number| encoder.event("n", &number).unwrap());
        let answers = [1, 2].map(|number| encoder.event_beside("a", &number).unwrap());
        let got = [&news[0], &answers[0], &news[1], &answers[1]].map(|packet| order.place(packet));
        assert_eq!(places(&got), [1, 1, 2, 2]);
        assert_ne!(got[0].offset(), got[1].offset(), "each can be named");
        assert_eq!(got[1].text(), format!(r#"42["a",1,"{}"]"#, got[1].offset().unwrap()));
    }

    #[test]
    fn what_goes_to_many_does_not_say_that_a_session_apart_has_what_it_waits_for() {
        let (encoder, mut order) = (Encoder::new(), Order::default());
        order.set_apart(true);
        let missed = [1, 2].map(|number| encoder.event("n", &number).unwrap());
        let news = [1, 2].map(|number| encoder.event("news", &number).unwrap());
        let got = [order.follow(&missed[0]), order.place(&news[0]), order.follow(&missed[1])];
        assert_eq!(places(&got), [1, 1, 2]);
        order.set_apart(false);
        assert_eq!(places(&[order.place(&news[1])]), [4]);
    }

    #[test]
    fn what_is_never_replayed_stays_as_it_is() {
        let (encoder, mut order) = (Encoder::new(), Order::default());
        order.set_apart(true);
        assert_eq!(order.place(&encoder.ephemeral("n", &1).unwrap()).text(), r#"42["n",1]"#);
    }
}
