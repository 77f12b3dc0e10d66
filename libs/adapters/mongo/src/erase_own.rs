//! Deletes what belongs to one person alone, some documents of each collection at a time.
//!
//! Safe to repeat because what was deleted is not there any more.

use crate::call::CallError;
use crate::connection::{READ_LIMIT, WRITE_LIMIT};
use crate::record::outbound::keys_of;
use crate::store::MongoStore;
use eventflow_ports::OwnErased;
use eventflow_protocol::{MailAddress, UserId};
use futures_util::TryStreamExt;
use mongodb::Collection;
use mongodb::bson::{Bson, Document, doc};

/// Documents of a collection that are deleted in one statement.
const AT_ONCE: i64 = 500;

const ERASE: &str = "erase what a person has";

impl MongoStore {
    /// See [`eventflow_ports::Erasures::erase_own`].
    pub(crate) async fn delete_own(
        &self,
        user: &UserId,
        address: Option<&MailAddress>,
    ) -> Result<OwnErased, CallError> {
        let name = user.as_str();
        let mut left = Left { is_complete: true };
        let mut erased = OwnErased::default();
        let counts = &mut erased.counts;
        // Deleted drafts, and blocks that have ended, are in no index but that of the keys.
        let keyed = |other: &str| {
            let key = |end: Bson| doc! { "userId": name, other: end };
            doc! { "_id": { "$gte": key(Bson::MinKey), "$lte": key(Bson::MaxKey) } }
        };
        let drafts = self.erase_some(self.drafts.clone_with_type(), keyed("threadId"));
        counts.drafts = left.note(drafts.await?);
        let blocks = self.erase_some(self.blocks.clone_with_type(), keyed("otherId"));
        counts.blocks = left.note(blocks.await?);
        let sent = doc! { "senderId": name };
        counts.scheduled = left.note(self.erase_some(self.scheduled.clone_with_type(), sent).await?);
        for owner in ["userId", "hiddenFor"] {
            let told = self.erase_some(self.notifications.clone_with_type(), doc! { owner: name }).await?;
            counts.notifications += left.note(told);
        }
        let of_person = || doc! { "userId": name };
        counts.deliveries = left.note(self.erase_some(self.deliveries.clone_with_type(), of_person()).await?);
        counts.devices = left.note(self.delete_devices(of_person()).await?);
        left.note(self.erase_some(self.windows.clone_with_type(), doc! { "key": keys_of(user) }).await?);
        let logins = doc! { "userId": name, "session": { "$ne": Bson::Null } };
        left.note(self.erase_some(self.revocations.clone_with_type(), logins).await?);
        for whole in [self.preferences.clone_with_type(), self.token_names.clone_with_type()] {
            left.note(self.erase_some(whole, doc! { "_id": name }).await?);
        }
        self.unlist(user).await?;
        if let Some(address) = address {
            let entry = doc! { "_id": address.key() };
            left.note(self.erase_some(self.suppressions.clone_with_type(), entry).await?);
        }
        // It is bounded, and only an installation that sends nothing has one. Who wrote what is in it cannot
        // be told.
        left.note(self.erase_some(self.outbox.clone_with_type(), Document::new()).await?);
        erased.is_complete = left.is_complete;
        Ok(erased)
    }

    /// Devices of a person, after what they show.
    async fn delete_devices(&self, filter: Document) -> Result<u64, CallError> {
        let collection = self.push_devices.clone_with_type::<Document>();
        let ids = self.some_ids(&collection, filter).await?;
        if ids.is_empty() {
            return Ok(0);
        }
        let (shown, of_devices) = (self.push_shown.clone(), doc! { "deviceId": { "$in": &ids } });
        let delete = async move { shown.delete_many(of_devices).await.map(drop) };
        self.calls.run(ERASE, WRITE_LIMIT, delete).await?;
        self.delete_ids(collection, ids).await
    }

    /// Deletes some of the documents that fit; gives how many.
    async fn erase_some(&self, collection: Collection<Document>, filter: Document) -> Result<u64, CallError> {
        let ids = self.some_ids(&collection, filter).await?;
        if ids.is_empty() { Ok(0) } else { self.delete_ids(collection, ids).await }
    }

    async fn some_ids(
        &self,
        collection: &Collection<Document>,
        filter: Document,
    ) -> Result<Vec<Bson>, CallError> {
        let collection = collection.clone();
        let find = async move {
            let find = collection.find(filter).projection(doc! { "_id": 1 }).limit(AT_ONCE);
            find.max_time(READ_LIMIT).await?.try_collect::<Vec<_>>().await
        };
        let found: Vec<Document> = self.calls.run(ERASE, READ_LIMIT, find).await?;
        Ok(found.into_iter().filter_map(|mut document| document.remove("_id")).collect())
    }

    async fn delete_ids(&self, collection: Collection<Document>, ids: Vec<Bson>) -> Result<u64, CallError> {
        let delete = async move { collection.delete_many(doc! { "_id": { "$in": ids } }).await };
        Ok(self.calls.run(ERASE, WRITE_LIMIT, delete).await?.deleted_count)
    }
}

/// Whether any collection may have more.
struct Left {
    is_complete: bool,
}

impl Left {
    fn note(&mut self, deleted: u64) -> u64 {
        self.is_complete &= deleted < AT_ONCE.unsigned_abs();
        deleted
    }
}
