//! Several updates of different documents in one command.
//!
//! The server says how many of them found their document, not which. Callers make each statement a compare-and-set, so that after
//! a miss they can read again and see what was done.

use crate::call::{CallError, Cause};
use crate::record::count;
use crate::store::{MongoStore, WRITE_LIMIT, majority_document};
use mongodb::bson::{Document, deserialize_from_document, doc};
use serde::Deserialize;

/// What the server says to an `update` command.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reply {
    n: i64,
    #[serde(default)]
    write_errors: Vec<Failure>,
    write_concern_error: Option<Failure>,
}

#[derive(Deserialize)]
struct Failure {
    code: i32,
    #[serde(default)]
    errmsg: String,
}

impl MongoStore {
    /// Runs these statements on a collection; how many of them found their document.
    pub(crate) async fn update(
        &self,
        what: &'static str,
        collection: &str,
        statements: Vec<Document>,
    ) -> Result<u64, CallError> {
        let command = doc! { "update": collection, "updates": statements, "ordered": false, "writeConcern": majority_document() };
        let answer = self.command(what, WRITE_LIMIT, command).await?;
        let reply: Reply =
            deserialize_from_document(answer).map_err(|error| CallError::driver(what, error.into()))?;
        match reply.write_concern_error.or_else(|| reply.write_errors.into_iter().next()) {
            None => Ok(count(reply.n)),
            Some(Failure { code, errmsg }) => {
                Err(CallError::new(what, Cause::Statement { code, message: errmsg }))
            }
        }
    }
}
