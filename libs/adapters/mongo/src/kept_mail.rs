//! The mails that windows keep, which their recipients may have.
//!
//! Safe to repeat because a window keeps one mail.

use crate::call::CallError;
use crate::connection::{READ_LIMIT, WRITE_LIMIT};
use crate::record::outbound::window_uuid;
use crate::store::MongoStore;
use eventflow_ports::KeptMail;
use eventflow_protocol::outbound::WindowId;
use mongodb::bson::{doc, serialize_to_bson};
use serde::Deserialize;

/// The mail of a window.
#[derive(Deserialize)]
struct MailRecord {
    mail: KeptMail,
}

impl MongoStore {
    /// Keeps the mail of a window, or forgets it.
    pub(crate) async fn change_mail(&self, id: WindowId, mail: Option<&KeptMail>) -> Result<(), CallError> {
        const WHAT: &str = "keep a mail";
        let update = if let Some(mail) = mail {
            let mail = serialize_to_bson(mail).map_err(|error| CallError::driver(WHAT, error.into()))?;
            doc! { "$set": { "mail": mail } }
        } else {
            doc! { "$unset": { "mail": "" } }
        };
        let collection = self.windows.clone();
        let filter = doc! { "_id": window_uuid(id) };
        let write = async move { collection.update_one(filter, update).await.map(drop) };
        self.calls.run(WHAT, WRITE_LIMIT, write).await
    }

    /// The mail that a window keeps.
    pub(crate) async fn read_mail(&self, id: WindowId) -> Result<Option<KeptMail>, CallError> {
        let filter = doc! { "_id": window_uuid(id), "mail": { "$exists": true } };
        let collection = self.windows.clone_with_type::<MailRecord>();
        let find = async move {
            collection.find_one(filter).projection(doc! { "mail": 1 }).max_time(READ_LIMIT).await
        };
        Ok(self.calls.run("read a mail", READ_LIMIT, find).await?.map(|found| found.mail))
    }
}
