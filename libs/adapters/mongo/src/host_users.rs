//! By which fields people are found in the host application's `users`, so that nobody's id makes the server
//! read the whole collection.
//!
//! Every collection has an index on `_id`. Some hosts sign people in by a field `id` of their own. The store
//! looks for an index on it at the start and once a minute, and asks by `id` only if there is one, or if the
//! collection is small. A host that has such ids and no index gets a warning: its people are shown by their
//! ids.

use crate::call::Calls;
use crate::connection::READ_LIMIT;
use futures_util::TryStreamExt;
use moka::sync::Cache;
use mongodb::bson::{Bson, Document, doc};
use mongodb::error::{Error, ErrorKind};
use mongodb::{Collection, IndexModel};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How long the store keeps to what it found: an index that an operator makes counts after this time.
const LOOK_EVERY: Duration = Duration::from_mins(1);
/// Small collection: reading all of it takes the server a millisecond.
const SCANNED_MAX: u64 = 1_000;
/// Documents that are looked at to learn whether a host's users have an `id` of their own.
const SAMPLE: i64 = 20;
/// The server's code for a collection that does not exist.
const NO_SUCH_COLLECTION: i32 = 26;

const DATABASE_ID: &str = "_id";
const OWN_ID: &str = "id";

/// Which field of the host application's users holds the id by which a person signs in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HostKey {
    /// `_id`, and `id` as well if the server can find people by it without reading the whole collection.
    #[default]
    Either,
    /// `_id` only.
    DatabaseId,
    /// `id` only, which needs an index.
    OwnId,
    /// Nobody is looked for: the collection belongs to something else.
    None,
}

/// The host application's users, read and never written.
#[derive(Debug)]
pub(crate) struct HostUsers {
    pub(crate) collection: Collection<Document>,
    key: HostKey,
    /// Whether the server finds people by `id`; absent until it was looked at, and again after a while.
    found: Cache<(), bool>,
    lacks_index: AtomicBool,
}

/// What a look at the collection came to.
struct Look {
    is_indexed: bool,
    is_small: bool,
    has_own_ids: bool,
}

impl HostUsers {
    pub(crate) fn new(collection: Collection<Document>, key: HostKey) -> Self {
        let found = Cache::builder().max_capacity(1).time_to_live(LOOK_EVERY).build();
        Self { collection, key, found, lacks_index: AtomicBool::new(false) }
    }

    /// The fields by which people are looked for, in this order.
    pub(crate) async fn fields(&self, calls: &Calls) -> &'static [&'static str] {
        match self.key {
            HostKey::Either if self.finds_own_ids(calls).await => &[DATABASE_ID, OWN_ID],
            HostKey::Either | HostKey::DatabaseId => &[DATABASE_ID],
            HostKey::OwnId if self.finds_own_ids(calls).await => &[OWN_ID],
            HostKey::OwnId | HostKey::None => &[],
        }
    }

    /// Looks at the collection now, whatever was found before.
    pub(crate) async fn look_anew(&self, calls: &Calls) {
        self.found.invalidate(&());
        self.fields(calls).await;
    }

    /// What the host's operator should mend, if anything.
    pub(crate) fn warning(&self) -> Option<String> {
        let name = self.collection.name();
        self.lacks_index.load(Ordering::Relaxed).then(|| {
            format!(
                "the collection `{name}` has no index on `id`, so people are not looked for by it: create one, \
                 or set store.host_key to `_id`"
            )
        })
    }

    async fn finds_own_ids(&self, calls: &Calls) -> bool {
        if let Some(finds) = self.found.get(&()) {
            return finds;
        }
        let look = calls.run("look at the host's users", READ_LIMIT, look(self.collection.clone())).await;
        // An outage shows in the query that follows. Whoever may not list indexes has the one on `_id`.
        look.is_ok_and(|look| self.note(&look))
    }

    fn note(&self, look: &Look) -> bool {
        let finds = look.is_indexed || look.is_small;
        self.lacks_index.store(!finds && look.has_own_ids, Ordering::Relaxed);
        self.found.insert((), finds);
        finds
    }
}

async fn look(users: Collection<Document>) -> Result<Look, Error> {
    let indexes = indexes(&users).await?;
    let sample = users.find(doc! {}).projection(doc! { OWN_ID: 1 }).limit(SAMPLE);
    let sample: Vec<Document> = sample.max_time(READ_LIMIT).await?.try_collect().await?;
    Ok(Look {
        is_indexed: indexes.iter().any(finds_every_own_id),
        is_small: users.estimated_document_count().await? <= SCANNED_MAX,
        has_own_ids: sample.iter().any(has_own_id),
    })
}

/// The indexes of a collection; none if it does not exist.
pub(crate) async fn indexes(collection: &Collection<Document>) -> Result<Vec<IndexModel>, Error> {
    match collection.list_indexes().await {
        Ok(indexes) => indexes.try_collect().await,
        Err(error) if is_missing(&error) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

fn is_missing(error: &Error) -> bool {
    matches!(&*error.kind, ErrorKind::Command(command) if command.code == NO_SUCH_COLLECTION)
}

/// Whether the server uses the index to find any person by `id`. One over a part of the collection does not
/// have everybody, one with a language's rules compares otherwise, and a hidden one is not used.
fn finds_every_own_id(index: &IndexModel) -> bool {
    let is_first = index.keys.keys().next().is_some_and(|field| field == OWN_ID);
    let is_plain = index.options.as_ref().is_none_or(|options| {
        options.partial_filter_expression.is_none()
            && options.collation.is_none()
            && options.hidden != Some(true)
    });
    is_first && is_plain
}

fn has_own_id(user: &Document) -> bool {
    matches!(user.get(OWN_ID), Some(Bson::String(_) | Bson::ObjectId(_)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use mongodb::options::IndexOptions;

    fn index(keys: Document, options: Option<IndexOptions>) -> IndexModel {
        IndexModel::builder().keys(keys).options(options).build()
    }

    #[test]
    fn only_an_index_that_has_everybody_counts() {
        let partial =
            IndexOptions::builder().partial_filter_expression(doc! { "id": { "$gt": "m" } }).build();
        let hidden = IndexOptions::builder().hidden(true).build();
        let unique = IndexOptions::builder().unique(true).sparse(true).build();
        for (index, counts) in [
            (index(doc! { "id": 1 }, None), true),
            (index(doc! { "id": -1, "name": 1 }, Some(unique)), true),
            (index(doc! { "id": "hashed" }, None), true),
            (index(doc! { "name": 1, "id": 1 }, None), false),
            (index(doc! { "id": 1 }, Some(partial)), false),
            (index(doc! { "id": 1 }, Some(hidden)), false),
            (index(doc! { "_id": 1 }, None), false),
        ] {
            assert_eq!(finds_every_own_id(&index), counts, "{index:?}");
        }
    }
}
