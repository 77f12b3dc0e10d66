//! Writes packets to the sockets of their recipients, and notes who needs a receipt.

use crate::ws::presence::subscriptions::PresenceSubscriptions;
use crate::ws::sockets::Sockets;
use crate::ws::sockets::handle::{ClientSocket, SocketHandle};
use crate::ws::upstream::receipts::Receipts;
use eventflow_protocol::Participants;
use eventflow_protocol::blocks::BlockLists;
use eventflow_protocol::change::RECEIPT_PARTICIPANTS_MAX;
use eventflow_protocol::event::GatewayEvent;
use eventflow_protocol::{ThreadId, UserId};
use eventflow_socketio::{EmitOutcome, Packet};
use std::collections::HashMap;
use std::sync::Arc;

/// A message's place in its thread.
#[derive(Clone, Copy)]
struct ThreadPlace {
    thread: ThreadId,
    seq: u64,
}

/// An event of a thread in the form in which its people get it.
#[derive(Clone, Copy)]
pub(super) struct ThreadPackets<'a> {
    pub(super) packet: &'a Packet,
    /// For who may not see the message at this place.
    pub(super) unquoted: Option<&'a (u64, Packet)>,
    /// For those who may not see all of its receipts.
    pub(super) without_receipts: &'a HashMap<UserId, Packet>,
    /// Who does not hear whose doing.
    pub(super) lists: &'a BlockLists,
}

impl<'a> ThreadPackets<'a> {
    /// What somebody gets who sees messages after the place `since`.
    fn of(self, user: &UserId, since: u64) -> &'a Packet {
        if let Some(packet) = self.without_receipts.get(user) {
            return packet;
        }
        let unquoted = self.unquoted.filter(|(seq, _)| *seq <= since);
        unquoted.map_or(self.packet, |(_, packet)| packet)
    }
}

/// The sockets here that may hear something.
pub(super) struct Recipients {
    sockets: Sockets,
    subscriptions: Arc<PresenceSubscriptions<SocketHandle>>,
    receipts: Arc<Receipts>,
}

impl Recipients {
    /// Over the sockets of this gateway.
    pub(super) fn new(
        sockets: Sockets,
        subscriptions: Arc<PresenceSubscriptions<SocketHandle>>,
        receipts: Arc<Receipts>,
    ) -> Self {
        Self { sockets, subscriptions, receipts }
    }

    /// Whether the user has a socket here.
    pub(super) fn has(&self, user: &UserId) -> bool {
        self.sockets.hub.has(user)
    }

    /// Writes to the participants of a thread, but for those who may not see the message that it is about, or
    /// from whom a block keeps whoever did it apart.
    /// Gives the number of packets queued.
    pub(super) fn write_to_thread(
        &self,
        delivery: &GatewayEvent,
        thread: ThreadId,
        people: &Participants,
        packets: ThreadPackets<'_>,
    ) -> u64 {
        let gets_receipts = people.stored().len() <= RECEIPT_PARTICIPANTS_MAX;
        let message = delivery.message.as_ref();
        let place = message.map(|message| ThreadPlace { thread, seq: message.seq });
        let about = message.map(|message| message.seq).or(delivery.seq);
        let mut queued = 0;
        for user in people.iter().filter(|user| delivery.except.as_ref() != Some(user)) {
            let since = people.place_of(user);
            let is_apart = delivery.actor.as_ref().is_some_and(|actor| packets.lists.are_apart(actor, user));
            if is_apart || about.is_some_and(|seq| seq <= since) {
                continue;
            }
            let is_from_other = message.is_some_and(|message| message.sender_id != *user);
            let receipt = place.filter(|_| gets_receipts && is_from_other);
            queued += self.write_to_participant(user, packets.of(user, since), place, receipt);
        }
        queued
    }

    /// Writes to one participant, through the gate at `place` if the packet is a message. Notes the receipt
    /// if one is needed, or keeps it with a packet that is kept for the socket's return.
    fn write_to_participant(
        &self,
        user: &UserId,
        packet: &Packet,
        place: Option<ThreadPlace>,
        receipt: Option<ThreadPlace>,
    ) -> u64 {
        let mut queued = 0;
        let mut is_written = false;
        self.each_current(user, |socket| {
            let result = match place {
                Some(ThreadPlace { thread, seq }) => {
                    socket.state().emit_through_gate(thread, seq, || socket.emit(packet))
                }
                None => Some(socket.emit(packet)),
            };
            match result {
                Some(EmitOutcome::Queued) => is_written = true,
                Some(EmitOutcome::Kept) => {
                    if let Some(ThreadPlace { thread, seq }) = receipt {
                        socket.state().keep_receipt(thread, seq);
                    }
                }
                Some(EmitOutcome::Dropped) | None => {}
            }
            queued += u64::from(result.is_some());
        });
        if let Some(ThreadPlace { thread, seq }) = receipt.filter(|_| is_written) {
            self.receipts.note(thread, user, seq);
        }
        queued
    }

    /// Writes to the sockets of one user. Gives the number of packets queued.
    pub(super) fn write_to_user(&self, user: &UserId, packets: &[Packet]) -> u64 {
        let mut queued = 0;
        self.each_current(user, |socket| queued += emit_all(socket, packets));
        queued
    }

    /// Writes to the sockets that follow the user's presence. Gives the number of packets queued.
    pub(super) fn write_to_followers(&self, user: &UserId, packets: &[Packet]) -> u64 {
        let mut queued = 0;
        self.subscriptions.each(user, |SocketHandle(socket)| queued += emit_all(socket, packets));
        queued
    }

    /// The user's sockets of the current generation. An older one may hear nothing more: something was lost
    /// that was addressed to it, and what it heard now would claim that its client has that too.
    fn each_current(&self, user: &UserId, mut act: impl FnMut(&ClientSocket)) {
        self.sockets.hub.each(user, |SocketHandle(socket)| {
            if self.sockets.generation.includes(socket.state()) {
                act(socket);
            }
        });
    }
}

fn emit_all(socket: &ClientSocket, packets: &[Packet]) -> u64 {
    packets.iter().map(|packet| u64::from(socket.emit(packet) != EmitOutcome::Dropped)).sum()
}
