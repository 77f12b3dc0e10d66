//! The sends port: notifications for many people, and how far each has come.
//!
//! [`BulkSend`] says how a send changes; a store runs these changes one at a time for each send. Every method
//! may be repeated. [`crate::sends_contract`] checks these promises.

use crate::store::StoreError;
use async_trait::async_trait;
use eventflow_protocol::sends::{BulkSend, CancelSend, NewSend, SendState, SendStep};
use eventflow_protocol::{SendId, Timestamp};

/// What became of a new send.
#[derive(Clone, Debug, PartialEq)]
pub enum AddedSend {
    /// The store has stored the send now.
    Stored(Box<BulkSend>),
    /// The same send is already stored: the send as it is now.
    Before(Box<BulkSend>),
    /// The id already belongs to a send with another body.
    KeyReused,
}

impl AddedSend {
    /// The answer to a new send whose id a stored one has.
    pub fn again(new: &NewSend, known: BulkSend) -> Self {
        if known.body == new.body { Self::Before(Box::new(known)) } else { Self::KeyReused }
    }
}

/// What became of a wish to stop a send.
#[derive(Clone, Debug, PartialEq)]
pub enum CancelledSend {
    /// The send is cancelled, now or since earlier.
    Done(Box<BulkSend>),
    /// Everybody has been told.
    TooLate,
    /// There is no such send.
    NotFound,
}

impl CancelledSend {
    /// The answer to a wish that changed nothing, by what is stored.
    pub fn unchanged(stored: Option<BulkSend>) -> Self {
        match stored {
            None => Self::NotFound,
            Some(send) if send.state == SendState::Cancelled => Self::Done(Box::new(send)),
            Some(_) => Self::TooLate,
        }
    }
}

/// Selects a page of the sends. The newest come first; among equal times the larger ids come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SendPage {
    /// Cursor: continue after the send with this time and id.
    pub after: Option<(Timestamp, SendId)>,
    /// Page size, 1 to [`crate::store::PAGE_MAX`].
    pub limit: u32,
}

/// Keeps sends.
#[async_trait]
pub trait Sends: Send + Sync + 'static {
    /// Stores a send, unless its id exists.
    async fn add_send(&self, new: &NewSend) -> Result<AddedSend, StoreError>;

    /// Stops a send ([`BulkSend::cancel`]).
    async fn cancel_send(&self, cancel: &CancelSend) -> Result<CancelledSend, StoreError>;

    /// Takes the send that may be taken since the longest time, until `until` ([`BulkSend::claim`]). Of two
    /// concurrent callers only one gets a send.
    async fn claim_send(&self, now: Timestamp, until: Timestamp) -> Result<Option<BulkSend>, StoreError>;

    /// Notes a step of a send, and keeps the claim until `until` ([`BulkSend::advance`]). Returns the send as
    /// it is now; `None` if the step does not begin where the send is.
    async fn advance_send(
        &self,
        id: SendId,
        step: &SendStep,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<BulkSend>, StoreError>;

    /// Lets go of a send, so that it may be taken again at `until` ([`BulkSend::release`]).
    async fn release_send(&self, id: SendId, until: Timestamp) -> Result<(), StoreError>;

    /// Reads a send.
    async fn bulk_send(&self, id: SendId) -> Result<Option<BulkSend>, StoreError>;

    /// Reads a page of the sends.
    async fn bulk_sends(&self, page: SendPage) -> Result<Vec<BulkSend>, StoreError>;

    /// Deletes sends that ended before `before`. Returns how many it deleted, a bounded number at a time:
    /// repeat it until it is 0. Their keys are free again.
    async fn forget_sends(&self, before: Timestamp) -> Result<u64, StoreError>;
}
