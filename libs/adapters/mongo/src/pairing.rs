//! Pairing: a client without a key sends one message over two transports, and the two legs become one stored
//! message.
//!
//! A message's `pair` holds the pairing key and the command of each leg. A leg joins the oldest message of
//! its key that has no leg of its kind, is near enough in time and still is what was sent
//! ([`eventflow_protocol::pairing`]); joining is a compare-and-set on that leg's field and on the message not
//! having been changed. The store takes the places of the threads *before* it looks the
//! messages up. So an insert after an overtaken lookup meets the unique index on (thread, place) and looks
//! again: two writers never both start a message for one click. Safe to repeat because a leg that has joined
//! is found by its command.

use crate::call::CallError;
use crate::connection::READ_LIMIT;
use crate::record::message::{MessageRecord, PairRecord};
use crate::record::values::{date, object_id};
use crate::store::MongoStore;
use eventflow_ports::NewMessage;
use eventflow_protocol::document::Message;
use eventflow_protocol::pairing::{Leg, Pairing};
use eventflow_protocol::{CommandId, Timestamp};
use futures_util::TryStreamExt;
use mongodb::bson::{Document, doc};
use std::collections::HashMap;

/// Lookup: documents in one answer of the server, so that a lookup needs no second one.
const LOOKUP_BATCH: u32 = 2_000;

/// The messages that legs may join, by key, oldest first.
#[derive(Default)]
pub(crate) struct Pairs(HashMap<String, Vec<PairableMessage>>);

struct PairableMessage {
    /// None if the batch is about to store the message.
    message: Option<Message>,
    created_at: Timestamp,
    legs: PairRecord,
}

/// What the batch does with a new message.
pub(crate) enum Placement {
    /// Its leg has joined this stored message before.
    Known(Message),
    /// Its leg joins this stored message, unless another writer takes that leg first.
    Join(Message),
    /// It belongs to a message of the same batch that is not stored yet.
    Wait,
    /// It becomes a message of its own.
    Store,
}

/// A leg on its way to its message.
pub(crate) struct LegJoin {
    /// Index of the leg in its batch.
    pub(crate) index: usize,
    /// The message that the leg joins.
    pub(crate) message: Message,
    leg: Leg,
    command: CommandId,
}

impl MongoStore {
    /// Finds the messages that these may join. Asks nothing if no message can pair.
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
            let pair = PairableMessage { created_at: message.created_at, message: Some(message), legs };
            pairs.0.entry(pair.legs.key.clone()).or_default().push(pair);
        }
        Ok(pairs)
    }

    /// Writes the joins. `false` if some leg could not join; others may have, and the next lookup finds those
    /// by their command.
    pub(crate) async fn join(&self, joins: &[LegJoin]) -> Result<bool, CallError> {
        if joins.is_empty() {
            return Ok(true);
        }
        let statements = joins.iter().map(LegJoin::statement).collect();
        Ok(self.update("join legs", self.messages.name(), statements).await? == joins.len() as u64)
    }
}

impl Pairs {
    /// Decides where a message belongs, and records it for the rest of the batch. The caller passes each
    /// command once.
    pub(crate) fn place(&mut self, new: &NewMessage) -> Placement {
        let Some(pairing) = pairing(new) else { return Placement::Store };
        let pairs = self.0.entry(pairing.key.clone()).or_default();
        let command = new.command_id.to_string();
        if let Some(known) = pairs.iter().find(|pair| pair.legs.leg(pairing.leg) == Some(&command)) {
            return known.message.clone().map_or(Placement::Wait, Placement::Known);
        }
        let fits = |pair: &&mut PairableMessage| {
            pair.legs.leg(pairing.leg).is_none()
                && pairing.reaches(new.send.at, pair.created_at)
                && pair.message.as_ref().is_none_or(Message::is_as_sent)
        };
        if let Some(pair) = pairs.iter_mut().find(fits) {
            *pair.legs.leg_mut(pairing.leg) = Some(command);
            return pair.message.clone().map_or(Placement::Wait, Placement::Join);
        }
        let mut legs = PairRecord::default();
        *legs.leg_mut(pairing.leg) = Some(command);
        pairs.push(PairableMessage { message: None, created_at: new.send.at, legs });
        Placement::Store
    }
}

impl LegJoin {
    /// Message `index` of the batch joins `message`. None if it does not pair.
    pub(crate) fn new(index: usize, new: &NewMessage, message: Message) -> Option<Self> {
        Some(Self { index, message, leg: pairing(new)?.leg, command: new.command_id })
    }

    fn statement(&self) -> Document {
        let path = match self.leg {
            Leg::Socket => "pair.socket",
            Leg::Rest => "pair.rest",
        };
        // `null` also finds what is absent.
        let filter = doc! {
            "_id": object_id(self.message.id),
            path: { "$exists": false },
            "editedAt": null,
            "deletedAt": null,
        };
        doc! { "q": filter, "u": { "$set": { path: self.command.to_string() } } }
    }
}

/// Adds the first leg to the record of a message that is stored as one of its own.
pub(crate) fn with_leg(record: MessageRecord, new: &NewMessage) -> MessageRecord {
    match pairing(new) {
        Some(pairing) => record.with_leg(pairing, new.command_id),
        None => record,
    }
}

/// How a message pairs. A message with its sender's own key never does.
fn pairing(new: &NewMessage) -> Option<&Pairing> {
    new.send.pairing.as_ref().filter(|_| new.send.client_message_id.is_none())
}

fn pairs_filter<'a>(new: impl Iterator<Item = &'a NewMessage>) -> Option<Document> {
    let legs: Vec<(&Pairing, Timestamp)> = new.filter_map(|new| Some((pairing(new)?, new.send.at))).collect();
    let earliest = legs.iter().map(|(pairing, at)| pairing.reach(*at)[0]).min()?;
    let keys: Vec<&str> = legs.iter().map(|(pairing, _)| pairing.key.as_str()).collect();
    Some(doc! { "pair.key": { "$in": keys }, "createdAt": { "$gte": date(earliest) } })
}
