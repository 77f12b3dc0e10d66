//! The suppression list port: the mail addresses that get no mail, and why.
//!
//! Every change may be repeated: of two changes of one address the one that is carried out later counts. The
//! commands about an address keep their order, and no clock tells it. Case does not tell addresses apart.
//! [`crate::suppressions_contract`] checks these promises.

use crate::store::StoreError;
use async_trait::async_trait;
use eventflow_protocol::MailAddress;
use eventflow_protocol::mail::{ChangeSuppression, Suppression};

/// Selects a page of the suppression list, in the order of [`MailAddress::key`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SuppressionPage {
    /// Cursor: continue after this address.
    pub after: Option<MailAddress>,
    /// Page size, 1 to [`crate::store::PAGE_MAX`].
    pub limit: u32,
}

/// Keeps the suppression list.
#[async_trait]
pub trait Suppressions: Send + Sync + 'static {
    /// Puts an address onto the list or takes it off. Returns whether this changed the list.
    ///
    /// An address that is on the list already keeps its first reason.
    async fn change_suppression(&self, change: &ChangeSuppression) -> Result<bool, StoreError>;

    /// Reads why an address gets no mail; `None` if it gets mail.
    async fn suppression(&self, address: &MailAddress) -> Result<Option<Suppression>, StoreError>;

    /// Reads a page of the list.
    async fn suppressions(&self, page: SuppressionPage) -> Result<Vec<Suppression>, StoreError>;
}
