//! Several updates of different documents in one command.
//!
//! The server answers how many statements found their document, not which ones. Callers make each statement a
//! compare-and-set, so that after a miss they can read the documents again and see which statements took
//! effect.

use crate::call::{CallError, Cause};
use crate::connection::{WRITE_LIMIT, majority_document};
use crate::record::values::count;
use crate::store::MongoStore;
use mongodb::bson::{Document, deserialize_from_document, doc};
use serde::Deserialize;

/// The server's answer to an `update` command.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct UpdateReply {
    n: i64,
    #[serde(default)]
    write_errors: Vec<StatementFailure>,
    write_concern_error: Option<StatementFailure>,
}

#[derive(Deserialize)]
struct StatementFailure {
    code: i32,
}

impl MongoStore {
    /// Runs these statements on a collection. Gives how many of them found their document.
    pub(crate) async fn update(
        &self,
        what: &'static str,
        collection: &str,
        statements: Vec<Document>,
    ) -> Result<u64, CallError> {
        let command = doc! { "update": collection, "updates": statements, "ordered": false, "writeConcern": majority_document() };
        let answer = self.command(what, WRITE_LIMIT, command).await?;
        let reply: UpdateReply =
            deserialize_from_document(answer).map_err(|error| CallError::driver(what, error.into()))?;
        match reply.write_concern_error.or_else(|| reply.write_errors.into_iter().next()) {
            None => Ok(count(reply.n)),
            Some(StatementFailure { code }) => Err(CallError::new(what, Cause::Statement { code })),
        }
    }
}
