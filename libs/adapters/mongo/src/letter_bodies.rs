//! The bodies of dead letters, in parts that a document can hold.
//!
//! Safe to repeat because a part's id follows from its letter, from when that became one, and from the bytes:
//! equal parts are one document, and nothing ever overwrites another body. A letter that fails again after it
//! was deleted is a new one, so its body is none of those that were deleted with the old one.

use crate::call::CallError;
use crate::connection::{READ_LIMIT, WRITE_LIMIT};
use crate::record::dead_letters::{BodyKey, BodyRecord};
use crate::store::MongoStore;
use bytes::Bytes;
use eventflow_protocol::dead_letters::DeadLetter;
use futures_util::TryStreamExt;
use mongodb::bson::doc;

/// Bytes of a part: half of what a document can hold.
const PART_MAX: usize = 8 * 1024 * 1024;

impl MongoStore {
    /// Writes the newest version of a letter's body.
    pub(crate) async fn write_body(&self, letter: &DeadLetter, body: &[u8]) -> Result<(), CallError> {
        let Some(key) = BodyKey::of(letter, letter.version()) else { return Ok(()) };
        for part in BodyRecord::parts(&key, body, PART_MAX) {
            let collection = self.letter_bodies.clone();
            let insert = async move { collection.insert_one(part).await.map(drop) };
            match self.calls.run("keep the body of a dead letter", WRITE_LIMIT, insert).await {
                Err(error) if error.is_duplicate() => {}
                done => done?,
            }
        }
        Ok(())
    }

    /// Reads a version of a letter's body; `None` if there is none.
    pub(crate) async fn read_body(
        &self,
        letter: &DeadLetter,
        version: u32,
    ) -> Result<Option<Bytes>, CallError> {
        let Some(BodyKey { letter, born, digest }) = BodyKey::of(letter, version) else { return Ok(None) };
        let filter = doc! { "letter": letter, "born": born, "digest": digest };
        let collection = self.letter_bodies.clone();
        let find = async move {
            let find = collection.find(filter).sort(doc! { "part": 1 }).max_time(READ_LIMIT);
            find.await?.try_collect::<Vec<_>>().await
        };
        let parts = self.calls.run("read the body of a dead letter", READ_LIMIT, find).await?;
        if parts.is_empty() {
            return Ok(None);
        }
        let bytes = parts.into_iter().flat_map(BodyRecord::into_bytes).collect::<Vec<u8>>();
        Ok(Some(bytes.into()))
    }
}
