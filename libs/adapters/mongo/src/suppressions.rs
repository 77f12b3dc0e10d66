//! The suppression list.
//!
//! Safe to repeat because each address has one document, which says whether it is on the list: a change that
//! finds it so changes nothing. A lifted address keeps its document, which says when it was changed last.

use crate::call::CallError;
use crate::connection::{READ_LIMIT, WRITE_LIMIT};
use crate::record::mail::SuppressionRecord;
use crate::record::values::date;
use crate::store::MongoStore;
use async_trait::async_trait;
use eventflow_ports::store::PAGE_MAX;
use eventflow_ports::{StoreError, SuppressionPage, Suppressions};
use eventflow_protocol::MailAddress;
use eventflow_protocol::mail::{ChangeSuppression, Suppression, SuppressionChange};
use futures_util::TryStreamExt;
use mongodb::bson::{Bson, Document, doc, serialize_to_bson};
use mongodb::options::ReturnDocument;

#[async_trait]
impl Suppressions for MongoStore {
    async fn change_suppression(&self, change: &ChangeSuppression) -> Result<bool, StoreError> {
        match self.suppress_or_lift(change).await {
            // Somebody else has made the address's document at this moment: now there is one to update.
            Err(error) if error.is_duplicate() => Ok(self.suppress_or_lift(change).await?),
            done => Ok(done?),
        }
    }

    async fn suppression(&self, address: &MailAddress) -> Result<Option<Suppression>, StoreError> {
        let filter = doc! { "_id": address.key(), "isActive": true };
        let collection = self.suppressions.clone();
        let find = async move { collection.find_one(filter).max_time(READ_LIMIT).await };
        let found = self.calls.run("read a suppression", READ_LIMIT, find).await?;
        Ok(found.and_then(SuppressionRecord::into_suppression))
    }

    async fn suppressions(&self, page: SuppressionPage) -> Result<Vec<Suppression>, StoreError> {
        let after = page.after.as_ref().map(MailAddress::key).unwrap_or_default();
        let filter = doc! { "_id": { "$gt": after }, "isActive": true };
        let collection = self.suppressions.clone();
        let limit = i64::from(page.limit.clamp(1, PAGE_MAX));
        let find = async move {
            let find = collection.find(filter).sort(doc! { "_id": 1 }).limit(limit).max_time(READ_LIMIT);
            find.await?.try_collect::<Vec<_>>().await
        };
        let found = self.calls.run("list suppressions", READ_LIMIT, find).await?;
        Ok(found.into_iter().filter_map(SuppressionRecord::into_suppression).collect())
    }
}

impl MongoStore {
    /// Applies the change. Whether it changed the list follows from the document as it was before.
    async fn suppress_or_lift(&self, change: &ChangeSuppression) -> Result<bool, CallError> {
        let filter = doc! { "_id": change.address.key() };
        let update = vec![doc! { "$set": fields(change) }];
        let collection = self.suppressions.clone();
        let write = async move {
            let write = collection.find_one_and_update(filter, update).upsert(true);
            write.return_document(ReturnDocument::Before).await
        };
        let before = self.calls.run("change the suppression list", WRITE_LIMIT, write).await?;
        let was_active = before.is_some_and(|before| before.is_active);
        let activates = matches!(change.change, SuppressionChange::Suppress { .. });
        Ok(was_active != activates)
    }
}

/// The fields of the document after the change, as expressions over those before it.
fn fields(change: &ChangeSuppression) -> Document {
    let at = date(change.at);
    let changed_at = doc! { "$max": ["$changedAt", at] };
    match &change.change {
        SuppressionChange::Suppress { reason, detail } => {
            let counts = doc! { "$ne": ["$isActive", true] };
            // Literals, or a text that begins with a dollar sign would be read as the name of a field.
            let put =
                |value: Bson, field: &str| doc! { "$cond": [counts.clone(), { "$literal": value }, field] };
            let reason = serialize_to_bson(reason).unwrap_or(Bson::Null);
            doc! {
                "address": put(change.address.as_str().into(), "$address"),
                "reason": put(reason, "$reason"),
                "detail": put(detail.as_str().into(), "$detail"),
                "since": put(at.into(), "$since"),
                "isActive": put(true.into(), "$isActive"),
                "changedAt": changed_at,
            }
        }
        SuppressionChange::Lift => doc! {
            "isActive": false,
            "changedAt": changed_at,
        },
    }
}
