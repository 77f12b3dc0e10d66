//! Windows that take nothing more in, and windows that are opened again because they wait longer.
//!
//! Safe to repeat because a window that is open again has only its time set anew, and [`crate::moves`] says
//! why items move once.

use crate::call::{CallError, Cause};
use crate::connection::READ_LIMIT;
use crate::deliveries::IdRecord;
use crate::outbound::{ROUNDS_MAX, items_max};
use crate::record::outbound::{OPEN, WindowRecord, window_id, window_uuid};
use crate::record::values::date;
use crate::store::MongoStore;
use eventflow_protocol::Timestamp;
use eventflow_protocol::outbound::WindowId;
use mongodb::bson::{Bson, Document, Uuid, doc};

const WHAT: &str = "postpone a window";

impl MongoStore {
    /// Lets the open window that matches take nothing more in, and gives it as it is with these changes.
    /// `None` if there is none.
    pub(crate) async fn seal(
        &self,
        mut filter: Document,
        mut changes: Document,
    ) -> Result<Option<WindowRecord>, CallError> {
        filter.insert("slot", OPEN);
        let collection = self.windows.clone_with_type::<IdRecord>();
        let open = filter.clone();
        let find =
            async move { collection.find_one(open).projection(doc! { "_id": 1 }).max_time(READ_LIMIT).await };
        let Some(IdRecord { id }) = self.calls.run("look for windows", READ_LIMIT, find).await? else {
            return Ok(None);
        };
        filter.insert("_id", id);
        changes.insert("slot", id.to_string());
        self.change_window("seal a window", filter, doc! { "$set": changes }).await
    }

    /// Opens a window again, unless its mail may have been sent. What was opened for its key meanwhile is
    /// sealed; its items move, if they fit.
    pub(crate) async fn postpone(&self, id: WindowId, until: Timestamp) -> Result<(), CallError> {
        let id = window_uuid(id);
        let Some(own) = self.read_window(window_id(id)).await? else { return Ok(()) };
        if own.is_perhaps_sent() {
            let filter = doc! { "_id": id, "closedWith": { "$exists": false } };
            let update = doc! { "$set": { "claimableAt": date(until) }, "$unset": { "takenUntil": "" } };
            return self.change_window(WHAT, filter, update).await.map(drop);
        }
        let mut moving: Option<WindowRecord> = None;
        for _ in 0..ROUNDS_MAX {
            if let Some(found) = self.seal_to_move(&own, until).await?
                && let Some(before) = moving.replace(found)
            {
                self.stay(before.id, id).await?;
            }
            let too_large = moving.take_if(|other| own.count + other.count > items_max());
            if let Some(too_large) = too_large {
                self.stay(too_large.id, id).await?;
            }
            match self.open_again(&own, until, moving.as_ref()).await {
                Ok(None) => return self.all_stay(moving.as_ref(), id).await,
                Ok(Some(_)) => return self.drop_moved(id, &ids_of(moving)).await,
                // Somebody opened one this moment.
                Err(error) if error.is_duplicate() => {}
                Err(error) => return Err(error),
            }
        }
        self.all_stay(moving.as_ref(), id).await?;
        Err(CallError::new(WHAT, Cause::Contended(ROUNDS_MAX)))
    }

    /// Opens the window, with the items of one that moves into it. `None` if somebody else has it by now.
    async fn open_again(
        &self,
        own: &WindowRecord,
        until: Timestamp,
        moving: Option<&WindowRecord>,
    ) -> Result<Option<WindowRecord>, CallError> {
        let absent = doc! { "$exists": false };
        let taken = own.taken_until.map_or_else(|| absent.clone().into(), Bson::from);
        let mut filter = doc! {
            "_id": own.id,
            "closedWith": &absent,
            "left": &absent,
            "mail": &absent,
            "takenUntil": taken,
        };
        let mut update = doc! {
            "$set": { "slot": OPEN, "claimableAt": date(until) },
            "$unset": { "takenUntil": "" },
        };
        if let Some(moving) = moving {
            moving.move_into(&mut filter, &mut update).map_err(|error| CallError::driver(WHAT, error))?;
        }
        self.change_window(WHAT, filter, update).await
    }

    async fn all_stay(&self, moving: Option<&WindowRecord>, into: Uuid) -> Result<(), CallError> {
        match moving {
            Some(moving) => self.stay(moving.id, into).await,
            None => Ok(()),
        }
    }
}

fn ids_of(moving: Option<WindowRecord>) -> Vec<Uuid> {
    moving.into_iter().map(|moving| moving.id).collect()
}
