//! Windows that take nothing more in, and windows that are opened again because they wait longer.
//!
//! Safe to repeat because a window that is open again has only its time set anew, and a window whose items
//! have moved is gone.

use crate::call::{CallError, Cause};
use crate::connection::{READ_LIMIT, WRITE_LIMIT};
use crate::deliveries::IdRecord;
use crate::outbound::{ROUNDS_MAX, items_max};
use crate::record::outbound::{OPEN, WindowRecord, window_id, window_uuid};
use crate::record::values::date;
use crate::store::MongoStore;
use eventflow_protocol::Timestamp;
use eventflow_protocol::outbound::WindowId;
use mongodb::bson::{Document, doc, serialize_to_bson};

impl MongoStore {
    /// Lets the open window that matches take nothing more in, and gives it. `None` if there is none.
    pub(crate) async fn seal(&self, mut filter: Document) -> Result<Option<WindowRecord>, CallError> {
        filter.insert("slot", OPEN);
        let collection = self.windows.clone_with_type::<IdRecord>();
        let open = filter.clone();
        let find =
            async move { collection.find_one(open).projection(doc! { "_id": 1 }).max_time(READ_LIMIT).await };
        let Some(IdRecord { id }) = self.calls.run("look for windows", READ_LIMIT, find).await? else {
            return Ok(None);
        };
        filter.insert("_id", id);
        self.change_window("seal a window", filter, doc! { "$set": { "slot": id.to_string() } }).await
    }

    /// Opens a window again, unless its mail may have been sent. What was opened for its key meanwhile is
    /// sealed; its items move, if they fit. A caller that dies in between leaves them in both windows, and
    /// they are told twice.
    pub(crate) async fn postpone(&self, id: WindowId, until: Timestamp) -> Result<(), CallError> {
        const WHAT: &str = "postpone a window";
        let id = window_uuid(id);
        let Some(own) = self.read_window(window_id(id)).await? else { return Ok(()) };
        if own.left {
            let filter = doc! { "_id": id, "closedWith": { "$exists": false } };
            let update = doc! { "$set": { "claimableAt": date(until) }, "$unset": { "takenUntil": "" } };
            return self.change_window(WHAT, filter, update).await.map(drop);
        }
        let mut other = None;
        for _ in 0..ROUNDS_MAX {
            let found = self.seal(doc! { "key": &own.key, "_id": { "$ne": id } }).await?;
            other = found.or(other);
            let fits = other.take_if(|other| own.count + other.count <= items_max());
            let filter = doc! { "_id": id, "closedWith": { "$exists": false } };
            let mut update = doc! {
                "$set": { "slot": OPEN, "claimableAt": date(until) },
                "$unset": { "takenUntil": "" },
            };
            if let Some(fits) = &fits {
                let items =
                    serialize_to_bson(&fits.items).map_err(|error| CallError::driver(WHAT, error.into()))?;
                update.insert("$push", doc! { "items": { "$each": items } });
                update.insert("$inc", doc! { "count": fits.count });
                update.insert("$min", doc! { "openedAt": fits.opened_at });
            }
            match self.change_window(WHAT, filter, update).await {
                Ok(_) => return self.drop_merged(fits).await,
                // Somebody opened one this moment.
                Err(error) if error.is_duplicate() => other = fits,
                Err(error) => return Err(error),
            }
        }
        Err(CallError::new(WHAT, Cause::Contended(ROUNDS_MAX)))
    }

    /// Deletes a window whose items are in another one now, unless somebody is sending it.
    async fn drop_merged(&self, window: Option<WindowRecord>) -> Result<(), CallError> {
        let Some(window) = window else { return Ok(()) };
        let filter = doc! { "_id": window.id, "takenUntil": { "$exists": false } };
        let collection = self.windows.clone();
        let delete = async move { collection.delete_one(filter).await.map(drop) };
        self.calls.run("merge windows", WRITE_LIMIT, delete).await
    }
}
