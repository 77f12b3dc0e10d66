//! The drafts port: what people have begun to write, one draft a person and thread.
//!
//! [`KeptDraft`](eventflow_protocol::drafts::KeptDraft) says how a draft changes; a store runs these changes
//! one at a time for each draft. Every method may be repeated. [`crate::drafts_contract`] checks these
//! promises.

use crate::store::{StoreError, WithCommandId};
use async_trait::async_trait;
use eventflow_protocol::drafts::{Draft, SaveDraft, SavedDraft};
use eventflow_protocol::{ThreadId, Timestamp, UserId};

/// Selects a page of a person's drafts that have a text. What was saved last comes first; among equal times
/// the larger ids of threads come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DraftPage {
    /// Cursor: continue after the draft with this time, of this thread.
    pub after: Option<(Timestamp, ThreadId)>,
    /// Page size, 1 to [`crate::store::PAGE_MAX`].
    pub limit: u32,
}

/// Keeps drafts.
#[async_trait]
pub trait Drafts: Send + Sync + 'static {
    /// Saves a draft ([`eventflow_protocol::drafts::KeptDraft::save`]). After [`SavedDraft::Done`] it is
    /// durable. Membership is not looked at.
    ///
    /// A person has at most [`eventflow_protocol::drafts::DRAFTS_MAX`] drafts that have a text. The store
    /// looks for room before it begins one; several processes that begin drafts of one person at the same
    /// moment may go beyond the bound by their number.
    async fn save_draft(&self, save: &WithCommandId<SaveDraft>) -> Result<SavedDraft, StoreError>;

    /// Deletes the draft of somebody who has left the thread
    /// ([`eventflow_protocol::drafts::KeptDraft::clear`]).
    async fn clear_draft(&self, thread: ThreadId, user: &UserId, at: Timestamp) -> Result<(), StoreError>;

    /// Reads a draft; [`Draft::none`] if nobody has ever saved it.
    async fn draft(&self, thread: ThreadId, user: &UserId) -> Result<Draft, StoreError>;

    /// Reads a page of a person's drafts.
    async fn drafts_of(&self, user: &UserId, page: DraftPage) -> Result<Vec<Draft>, StoreError>;
}
