//! Export of what the system holds about one person: records, one after the other, as the store's pages give
//! them.
//!
//! In comes the person, out go records into a channel that its reader empties at their pace: so an export has
//! a page of the store and a few records in memory, however much there is. It has what the person did and
//! what is kept for them, and nothing that belongs to others: neither their messages, nor who blocks the
//! person, nor reports about them. It may be made again at any time; what changes meanwhile may be in it or
//! not.

mod kept;
mod threads;

use crate::edge::Edge;
use eventflow_ports::store::PAGE_MAX;
use eventflow_ports::{Erasures, StoreError};
use eventflow_protocol::client::answers::{EXPORT_VERSION, ExportRecord};
use eventflow_protocol::{Timestamp, UserId};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Records that wait for their reader.
pub(crate) const WAITING: usize = 64;

/// Why an export ends before its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ExportError {
    /// The store did not do its part.
    #[error("read what is kept of a person")]
    Store(#[from] StoreError),
    /// Whoever asked for it does not want it any more.
    #[error("the reader of an export has gone")]
    Gone,
}

/// An export under way.
pub(crate) struct Export {
    edge: Arc<Edge>,
    user: UserId,
    counts: BTreeMap<String, u64>,
    records: mpsc::Sender<ExportRecord>,
}

impl Export {
    /// An export of this person into a channel.
    pub(crate) fn new(edge: Arc<Edge>, user: UserId, records: mpsc::Sender<ExportRecord>) -> Self {
        Self { edge, user, counts: BTreeMap::new(), records }
    }

    /// Sends every record. A failure leaves out the last one, which says that all are there.
    pub(crate) async fn run(mut self) -> Result<(), ExportError> {
        let (exported_at, user_id) = (self.edge.clock.now(), self.user.clone());
        let begin = ExportRecord::Export { exported_at, user_id, version: EXPORT_VERSION };
        self.records.send(begin).await.map_err(|_| ExportError::Gone)?;
        self.kept().await?;
        self.threads().await?;
        let end = ExportRecord::End { counts: std::mem::take(&mut self.counts) };
        self.records.send(end).await.map_err(|_| ExportError::Gone)
    }

    async fn send(&mut self, record: ExportRecord) -> Result<(), ExportError> {
        *self.counts.entry(record.kind().to_owned()).or_default() += 1;
        self.records.send(record).await.map_err(|_| ExportError::Gone)
    }

    fn erasures(&self) -> &dyn Erasures {
        &*self.edge.erasures
    }
}

/// The cursor behind a page; none if the page is the last one.
fn next<T, C>(page: &[T], cursor: impl FnOnce(&T) -> C) -> Option<C> {
    page.last().filter(|_| page.len() >= PAGE_MAX as usize).map(cursor)
}

/// A cursor of a time and an id.
type Moment<Id> = Option<(Timestamp, Id)>;
