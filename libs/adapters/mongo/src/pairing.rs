//! Which message a leg belongs to: how the same message sent over two transports, without a key, becomes one.
//!
//! A message's `pair` holds its key and the command of each leg. A leg joins the oldest message of its key that has none of its
//! kind and is near enough in time ([`eventflow_protocol::pairing`]); joining is a compare-and-set on that place. The places of the
//! threads are taken *before* the messages are looked up, so that an insert after an overtaken lookup meets the unique index on
//! (thread, place) and looks again: two writers never both start a message for one click.
//! Safe to repeat because a leg that was joined is found by its command.

use crate::call::CallError;
use crate::record::{MessageRecord, PairRecord, date, object_id};
use crate::store::{MongoStore, READ_LIMIT};
use eventflow_ports::NewMessage;
use eventflow_protocol::document::Message;
use eventflow_protocol::pairing::{Leg, Pairing};
use eventflow_protocol::{CommandId, Timestamp};
use futures_util::TryStreamExt;
use mongodb::bson::{Document, doc};
use std::collections::HashMap;

/// What the lookup may find in one answer of the server, so that it needs no second one.
const LOOKUP_BATCH: u32 = 2_000;

/// The messages that legs may join, by key, oldest first.
#[derive(Default)]
pub(crate) struct Pairs(HashMap<String, Vec<Pair>>);

struct Pair {
    /// None if it is about to be stored.
    message: Option<Message>,
    created_at: Timestamp,
    legs: PairRecord,
}

/// What to do with a message.
pub(crate) enum Placement {
    /// It is this one, as was decided before.
    Known(Message),
    /// It is this one, if nobody else takes that place.
    Join(Message),
    /// It is one that is about to be stored.
    Wait,
    /// It is one of its own.
    Own,
}

/// A leg on its way to its message.
pub(crate) struct Join {
    /// Place of the leg in its batch.
    pub(crate) index: usize,
    /// What it joins.
    pub(crate) message: Message,
    leg: Leg,
    command: CommandId,
}

impl MongoStore {
    /// The messages that these may join; nothing is asked if there are none.
    pub(crate) async fn find_pairs(
        &self,
        new: impl Iterator<Item = &NewMessage>,
    ) -> Result<Pairs, CallError> {
        let Some(filter) = pairs_filter(new) else { return Ok(Pairs::default()) };
        let collection = self.messages.clone();
        let find = async move {
            let find =
                collection.find(filter).sort(doc! { "seq": 1 }).batch_size(LOOKUP_BATCH).max_time(READ_LIMIT);
            find.await?.try_collect::<Vec<_>>().await
        };
        let mut pairs = Pairs::default();
        for mut record in self.calls.run("look up pairs", READ_LIMIT, find).await? {
            let Some(legs) = record.pair.take() else { continue };
            let message = Message::from(record);
            let pair = Pair { created_at: message.created_at, message: Some(message), legs };
            pairs.0.entry(pair.legs.key.clone()).or_default().push(pair);
        }
        Ok(pairs)
    }

    /// Whether all of them could join. If not, some may have: looked up again, those are known.
    pub(crate) async fn join(&self, joins: &[Join]) -> Result<bool, CallError> {
        if joins.is_empty() {
            return Ok(true);
        }
        let statements = joins.iter().map(Join::statement).collect();
        Ok(self.update("join legs", self.messages.name(), statements).await? == joins.len() as u64)
    }
}

impl Pairs {
    /// Where a message belongs, and that it is there from now on. Not for a command that was asked for already.
    pub(crate) fn place(&mut self, new: &NewMessage) -> Placement {
        let Some(pairing) = pairing(new) else { return Placement::Own };
        let pairs = self.0.entry(pairing.key.clone()).or_default();
        let command = new.command_id.to_string();
        if let Some(known) = pairs.iter().find(|pair| pair.legs.leg(pairing.leg) == Some(&command)) {
            return known.message.clone().map_or(Placement::Wait, Placement::Known);
        }
        let fits = |pair: &&mut Pair| {
            pair.legs.leg(pairing.leg).is_none() && pairing.reaches(new.send.at, pair.created_at)
        };
        if let Some(pair) = pairs.iter_mut().find(fits) {
            *pair.legs.leg_mut(pairing.leg) = Some(command);
            return pair.message.clone().map_or(Placement::Wait, Placement::Join);
        }
        let mut legs = PairRecord::default();
        *legs.leg_mut(pairing.leg) = Some(command);
        pairs.push(Pair { message: None, created_at: new.send.at, legs });
        Placement::Own
    }
}

impl Join {
    /// That this message of a batch joins that one.
    pub(crate) fn new(index: usize, new: &NewMessage, message: Message) -> Option<Self> {
        Some(Self { index, message, leg: pairing(new)?.leg, command: new.command_id })
    }

    fn statement(&self) -> Document {
        let path = match self.leg {
            Leg::Socket => "pair.socket",
            Leg::Rest => "pair.rest",
        };
        let filter = doc! { "_id": object_id(self.message.id), path: { "$exists": false } };
        doc! { "q": filter, "u": { "$set": { path: self.command.to_string() } } }
    }
}

/// How a message is recorded that is stored as one of its own.
pub(crate) fn with_leg(record: MessageRecord, new: &NewMessage) -> MessageRecord {
    match pairing(new) {
        Some(pairing) => record.with_leg(pairing, new.command_id),
        None => record,
    }
}

/// A message with a key of its sender never pairs.
fn pairing(new: &NewMessage) -> Option<&Pairing> {
    new.send.pairing.as_ref().filter(|_| new.send.client_message_id.is_none())
}

fn pairs_filter<'a>(new: impl Iterator<Item = &'a NewMessage>) -> Option<Document> {
    let legs: Vec<(&Pairing, Timestamp)> = new.filter_map(|new| Some((pairing(new)?, new.send.at))).collect();
    let earliest = legs.iter().map(|(pairing, at)| pairing.earliest(*at)).min()?;
    let keys: Vec<&str> = legs.iter().map(|(pairing, _)| pairing.key.as_str()).collect();
    Some(doc! { "pair.key": { "$in": keys }, "createdAt": { "$gte": date(earliest) } })
}
