//! Items that move from a window into one that is postponed.
//!
//! A move is three writes, and whoever makes them may die between any two:
//!
//! 1. The window is sealed and says into which other its items move. Nobody sends it from then on.
//! 2. The other window takes the items in and says that it has.
//! 3. The window is deleted.
//!
//! A window that moves can be claimed when it would be due. Whoever claims it ends the move: if the other
//! window has the items, this one is deleted; else the other one is made to refuse them, whatever a caller
//! that is late still writes, and this one stays. A window that has taken others in deletes them before it is
//! deleted itself, so one whose destination is gone was not taken in.

use crate::call::CallError;
use crate::connection::{READ_LIMIT, WRITE_LIMIT};
use crate::record::outbound::WindowRecord;
use crate::record::values::date;
use crate::store::MongoStore;
use eventflow_protocol::Timestamp;
use mongodb::bson::{Document, Uuid, doc, serialize_to_bson};
use mongodb::error::Error;

impl MongoStore {
    /// The first step: seals the window that is open for the key of `into`. `None` if there is none.
    pub(crate) async fn seal_to_move(
        &self,
        into: &WindowRecord,
        until: Timestamp,
    ) -> Result<Option<WindowRecord>, CallError> {
        let filter = doc! { "key": &into.key, "_id": { "$ne": into.id } };
        self.seal(filter, doc! { "movesTo": into.id, "claimableAt": date(until) }).await
    }

    /// The third step: deletes windows whose items are in this one.
    pub(crate) async fn drop_moved(&self, into: Uuid, moved: &[Uuid]) -> Result<(), CallError> {
        if moved.is_empty() {
            return Ok(());
        }
        let (collection, filter) = (self.windows.clone(), doc! { "_id": { "$in": moved }, "movesTo": into });
        let delete = async move { collection.delete_many(filter).await.map(drop) };
        self.calls.run("merge windows", WRITE_LIMIT, delete).await
    }

    /// A window whose items have not moved is sent for itself.
    pub(crate) async fn stay(&self, id: Uuid, into: Uuid) -> Result<(), CallError> {
        let filter = doc! { "_id": id, "movesTo": into };
        self.change_window("merge windows", filter, doc! { "$unset": { "movesTo": "" } }).await.map(drop)
    }

    /// Ends the move of a window, of which nobody knows how far it came.
    pub(crate) async fn end_move(&self, id: Uuid, into: Uuid, now: Timestamp) -> Result<(), CallError> {
        const WHAT: &str = "merge windows";
        let fence = doc! { "$addToSet": { "refused": id } };
        let refuses = self.change_window(WHAT, doc! { "_id": into, "moved": { "$ne": id } }, fence).await?;
        if refuses.is_none() && self.has_taken_in(into, id).await? {
            return self.drop_moved(into, &[id]).await;
        }
        let filter = doc! { "_id": id, "movesTo": into };
        let stays = doc! { "$unset": { "movesTo": "" }, "$set": { "claimableAt": date(now) } };
        self.change_window(WHAT, filter, stays).await.map(drop)
    }

    async fn has_taken_in(&self, into: Uuid, id: Uuid) -> Result<bool, CallError> {
        let (collection, filter) = (self.windows.clone(), doc! { "_id": into, "moved": id });
        let find = async move { collection.find_one(filter).max_time(READ_LIMIT).await };
        Ok(self.calls.run("look for windows", READ_LIMIT, find).await?.is_some())
    }
}

impl WindowRecord {
    /// The second step, as a part of the change of the other window: it takes the items in once, and not
    /// after it has refused them.
    pub(crate) fn move_into(&self, filter: &mut Document, update: &mut Document) -> Result<(), Error> {
        filter.insert("moved", doc! { "$ne": self.id });
        filter.insert("refused", doc! { "$ne": self.id });
        let items = serialize_to_bson(&self.items)?;
        update.insert("$push", doc! { "items": { "$each": items }, "moved": self.id });
        update.insert("$inc", doc! { "count": self.count });
        update.insert("$min", doc! { "openedAt": self.opened_at });
        Ok(())
    }
}
