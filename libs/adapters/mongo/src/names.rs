//! The index of names: the collection `names`, one document for each word by which somebody is found, whose
//! key is the word and the person.
//!
//! It follows from `profiles` and `tokenNames`. The host application's `users` are not copied: they are found
//! from the first name of a token on. Safe to repeat because a document's key is all it has; what a
//! writer that died has left out, the repetition of its command adds. An entry too many does no harm, since
//! whoever reads it looks at the name itself.

use crate::call::CallError;
use crate::connection::{READ_LIMIT, WRITE_LIMIT};
use crate::store::MongoStore;
use eventflow_ports::NameEntry;
use eventflow_protocol::UserId;
use eventflow_protocol::search::name_words;
use futures_util::TryStreamExt;
use mongodb::Collection;
use mongodb::bson::{Bson, Document, doc};
use std::collections::HashSet;

/// Behind every word with the same beginning: no character comes later in the order of bytes.
const LAST: char = '\u{10FFFF}';
/// People whom an earlier version stored are indexed so many at a time: some 5,000 small documents.
const STEP: u32 = 1_000;

/// The key that says that everybody of an earlier version is indexed; no word and no id is empty.
fn complete() -> Document {
    key("", "")
}

fn key(word: &str, user: &str) -> Document {
    doc! { "word": word, "user": user }
}

fn entry(document: &Document) -> Option<NameEntry> {
    let id = document.get_document("_id").ok()?;
    let user = id.get_str("user").ok()?.parse().ok()?;
    Some(NameEntry { word: id.get_str("word").ok()?.to_owned(), user })
}

impl MongoStore {
    /// The entries whose words begin like this, after another one.
    pub(crate) async fn read_names(
        &self,
        beginning: &str,
        after: Option<&NameEntry>,
        limit: u32,
    ) -> Result<Vec<NameEntry>, CallError> {
        let from = after.map_or_else(|| key(beginning, ""), |entry| key(&entry.word, entry.user.as_str()));
        let filter = doc! { "_id": { "$gt": from, "$lt": key(&format!("{beginning}{LAST}"), "") } };
        let collection = self.names.clone();
        let find = async move {
            let find = collection.find(filter).sort(doc! { "_id": 1 }).limit(i64::from(limit));
            find.max_time(READ_LIMIT).await?.try_collect::<Vec<_>>().await
        };
        let found = self.calls.run("look for names", READ_LIMIT, find).await?;
        Ok(found.iter().filter_map(entry).collect())
    }

    /// Whether a person is in the index.
    pub(crate) async fn is_listed(&self, user: &UserId) -> Result<bool, CallError> {
        let (collection, filter) = (self.names.clone(), doc! { "_id.user": user.as_str() });
        let find = async move { collection.find_one(filter).max_time(READ_LIMIT).await };
        Ok(self.calls.run("look for a name", READ_LIMIT, find).await?.is_some())
    }

    /// Whether all credentials of a person were revoked once.
    pub(crate) async fn is_ended(&self, user: &UserId) -> Result<bool, CallError> {
        Ok(!self.ended(std::slice::from_ref(user)).await?.is_empty())
    }

    /// Those of these people all of whose credentials were revoked once.
    async fn ended(&self, users: &[UserId]) -> Result<HashSet<UserId>, CallError> {
        let ids: Vec<&str> = users.iter().map(UserId::as_str).collect();
        let filter = doc! { "userId": { "$in": ids }, "session": Bson::Null };
        let collection = self.revocations.clone();
        let find =
            async move { collection.find(filter).max_time(READ_LIMIT).await?.try_collect::<Vec<_>>().await };
        let found = self.calls.run("read revocations", READ_LIMIT, find).await?;
        Ok(found.into_iter().map(|record| record.user_id).collect())
    }

    /// Makes the entries of a person those of this name.
    pub(crate) async fn index_name(&self, user: &UserId, name: &str) -> Result<(), CallError> {
        let words = name_words(user, name);
        self.add_names(words.iter().map(|word| key(word, user.as_str())).collect()).await?;
        let wanted: Vec<String> = words.into_iter().collect();
        self.take_out(doc! { "_id.user": user.as_str(), "_id.word": { "$nin": wanted } }).await
    }

    /// Takes a person out of the index.
    pub(crate) async fn unlist(&self, user: &UserId) -> Result<(), CallError> {
        self.take_out(doc! { "_id.user": user.as_str() }).await
    }

    async fn take_out(&self, filter: Document) -> Result<(), CallError> {
        let collection = self.names.clone();
        let delete = async move { collection.delete_many(filter).await.map(drop) };
        self.calls.run("take names out", WRITE_LIMIT, delete).await
    }

    /// Adds entries; those that are there already stay.
    async fn add_names(&self, keys: Vec<Document>) -> Result<(), CallError> {
        if keys.is_empty() {
            return Ok(());
        }
        let entries: Vec<Document> = keys.into_iter().map(|key| doc! { "_id": key }).collect();
        let collection = self.names.clone();
        let insert = async move { collection.insert_many(entries).ordered(false).await.map(drop) };
        match self.calls.run("add names", WRITE_LIMIT, insert).await {
            Err(error) if error.duplicates().is_some() => Ok(()),
            answer => answer,
        }
    }

    /// Indexes everybody whom an earlier version stored without an index, once in the life of a database.
    pub(crate) async fn index_everybody(&self) -> Result<(), CallError> {
        let (collection, filter) = (self.names.clone(), doc! { "_id": complete() });
        let find = async move { collection.find_one(filter).max_time(READ_LIMIT).await };
        if self.calls.run("look at the names", READ_LIMIT, find).await?.is_some() {
            return Ok(());
        }
        let own = [self.profiles.clone_with_type(), self.token_names.clone_with_type()];
        for collection in own {
            let mut after = String::new();
            while let Some(last) = self.index_step(&collection, &after).await? {
                after = last;
            }
        }
        self.add_names(vec![complete()]).await
    }

    /// Indexes the next people of a collection; gives the last of them.
    async fn index_step(
        &self,
        collection: &Collection<Document>,
        after: &str,
    ) -> Result<Option<String>, CallError> {
        let (collection, filter) = (collection.clone(), doc! { "_id": { "$gt": after } });
        let find = async move {
            let find = collection.find(filter).projection(doc! { "name": 1 }).sort(doc! { "_id": 1 });
            find.limit(i64::from(STEP)).max_time(READ_LIMIT).await?.try_collect::<Vec<_>>().await
        };
        let found: Vec<Document> = self.calls.run("read names", READ_LIMIT, find).await?;
        let people: Vec<(UserId, &str)> = found
            .iter()
            .filter_map(|person| {
                Some((person.get_str("_id").ok()?.parse().ok()?, person.get_str("name").ok()?))
            })
            .collect();
        let ids: Vec<UserId> = people.iter().map(|(user, _)| user.clone()).collect();
        let ended = self.ended(&ids).await?;
        let listed = people.iter().filter(|(user, _)| !ended.contains(user));
        let keys = listed.flat_map(|(user, name)| {
            name_words(user, name).into_iter().map(|word| key(&word, user.as_str())).collect::<Vec<_>>()
        });
        self.add_names(keys.collect()).await?;
        Ok(found.last().and_then(|last| last.get_str("_id").ok()).map(str::to_owned))
    }
}
