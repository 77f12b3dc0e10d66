//! Profiles of people, and which of their credentials are revoked.
//!
//! `profiles`, `tokenNames` and `revocations` are the system's own. `users` is the host application's: the
//! store reads it and never writes, not even an index, and trusts nothing in it. A field of another type than
//! expected, or one that a page could not show as it is, counts as absent. [`crate::host_users`] says by
//! which field people are found there. Safe to repeat because every document is written under a key that
//! follows from its content.

use crate::call::CallError;
use crate::connection::{READ_LIMIT, WRITE_LIMIT};
use crate::record::person::{ProfileRecord, RevocationRecord, TokenNameRecord};
use crate::record::values::{date, moment};
use crate::store::MongoStore;
use async_trait::async_trait;
use eventflow_ports::{Directory, NameEntry, Segment, StoreError};
use eventflow_protocol::content::line_within;
use eventflow_protocol::person::{NAME_MAX_CHARS, Profile, Revocation, TokenName};
use eventflow_protocol::{MailAddress, UserId};
use futures_util::TryStreamExt;
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{Bson, Document, doc};
use std::collections::HashMap;

/// Avatar: longest address in bytes that every browser takes.
const AVATAR_MAX_BYTES: usize = 2_048;
/// Email: longest address in bytes (RFC 5321, 4.5.3.1.3, without the angle brackets).
const EMAIL_MAX_BYTES: usize = 254;

#[async_trait]
impl Directory for MongoStore {
    async fn profiles(&self, users: &[UserId]) -> Result<HashMap<UserId, Profile>, StoreError> {
        if users.is_empty() {
            return Ok(HashMap::new());
        }
        let (mut people, ours) = tokio::try_join!(self.host_profiles(users), self.own_profiles(users))?;
        people.extend(ours);
        let unknown: Vec<&UserId> = users.iter().filter(|user| !people.contains_key(*user)).collect();
        if !unknown.is_empty() {
            let named = self.token_names(&unknown).await?;
            people.extend(named.into_iter().map(|TokenNameRecord { id, name }| {
                (id.clone(), Profile { id, name, avatar: None, email: None, role: None })
            }));
        }
        Ok(people)
    }

    async fn people(
        &self,
        segment: &Segment,
        after: Option<&UserId>,
        limit: u32,
    ) -> Result<Vec<UserId>, StoreError> {
        Ok(self.segment(segment, after, limit).await?)
    }

    async fn note_token_name(&self, name: &TokenName) -> Result<(), StoreError> {
        let filter = doc! { "_id": name.user_id.as_str() };
        let update = doc! { "$set": { "name": &name.name } };
        let collection = self.token_names.clone();
        let write = async move { collection.update_one(filter, update).upsert(true).await.map(drop) };
        self.calls.run("note the name of a token", WRITE_LIMIT, write).await?;
        let own = self.own_profiles(std::slice::from_ref(&name.user_id)).await?.pop();
        let shown = own.map_or_else(|| name.name.clone(), |(_, profile)| profile.name);
        Ok(self.index_name(&name.user_id, &shown).await?)
    }

    async fn token_name(&self, user: &UserId) -> Result<Option<String>, StoreError> {
        let Some(record) = self.token_names(&[user]).await?.pop() else { return Ok(None) };
        Ok(self.is_listed(user).await?.then_some(record.name))
    }

    async fn names(
        &self,
        beginning: &str,
        after: Option<&NameEntry>,
        limit: u32,
    ) -> Result<Vec<NameEntry>, StoreError> {
        Ok(self.read_names(beginning, after, limit).await?)
    }

    async fn put_profile(&self, profile: &Profile) -> Result<(), StoreError> {
        let Profile { id, name, avatar, email, role } = profile.clone();
        let (collection, filter) = (self.profiles.clone(), doc! { "_id": id.as_str() });
        let record = ProfileRecord { id, name, avatar, email, role };
        let write = async move { collection.replace_one(filter, record).upsert(true).await.map(drop) };
        self.calls.run("put a profile", WRITE_LIMIT, write).await?;
        // A profile alone does not bring back whoever was taken out.
        if !self.is_ended(&profile.id).await? || self.is_listed(&profile.id).await? {
            self.index_name(&profile.id, &profile.name).await?;
        }
        Ok(())
    }

    async fn revoke(&self, revocation: &Revocation) -> Result<(), StoreError> {
        let Revocation { user_id, session, at } = revocation;
        let key = doc! { "user": user_id.as_str(), "session": session.as_deref() };
        let update = doc! {
            "$setOnInsert": { "userId": user_id.as_str(), "session": session.as_deref() },
            "$max": { "at": date(*at) },
        };
        let collection = self.revocations.clone();
        let write =
            async move { collection.find_one_and_update(doc! { "_id": key }, update).upsert(true).await };
        let before = self.calls.run("revoke credentials", WRITE_LIMIT, write).await?;
        let is_news = before.is_none_or(|before| moment(before.at) <= *at);
        if session.is_none() && is_news {
            self.unlist(user_id).await?;
        }
        Ok(())
    }

    async fn revocations(&self, user: &UserId) -> Result<Vec<Revocation>, StoreError> {
        let (collection, filter) = (self.revocations.clone(), doc! { "userId": user.as_str() });
        let find = async move {
            let find = collection.find(filter).sort(doc! { "at": 1, "_id": 1 }).max_time(READ_LIMIT);
            find.await?.try_collect::<Vec<_>>().await
        };
        let found = self.calls.run("read revocations", READ_LIMIT, find).await?;
        let revocation = |record: RevocationRecord| Revocation {
            user_id: record.user_id,
            session: record.session,
            at: moment(record.at),
        };
        Ok(found.into_iter().map(revocation).collect())
    }
}

impl MongoStore {
    async fn token_names(&self, users: &[&UserId]) -> Result<Vec<TokenNameRecord>, CallError> {
        let ids: Vec<&str> = users.iter().map(|user| user.as_str()).collect();
        let (collection, filter) = (self.token_names.clone(), doc! { "_id": { "$in": ids } });
        let find =
            async move { collection.find(filter).max_time(READ_LIMIT).await?.try_collect::<Vec<_>>().await };
        self.calls.run("read names of tokens", READ_LIMIT, find).await
    }

    pub(crate) async fn own_profiles(&self, users: &[UserId]) -> Result<Vec<(UserId, Profile)>, CallError> {
        let ids: Vec<&str> = users.iter().map(UserId::as_str).collect();
        let (collection, filter) = (self.profiles.clone(), doc! { "_id": { "$in": ids } });
        let find =
            async move { collection.find(filter).max_time(READ_LIMIT).await?.try_collect::<Vec<_>>().await };
        let found = self.calls.run("read profiles", READ_LIMIT, find).await?;
        let profile = |ProfileRecord { id, name, avatar, email, role }| {
            (id.clone(), Profile { id, name, avatar, email, role })
        };
        Ok(found.into_iter().map(profile).collect())
    }

    async fn host_profiles(&self, users: &[UserId]) -> Result<HashMap<UserId, Profile>, CallError> {
        let mut people = HashMap::new();
        // The first query finds most people. The second asks for the rest only.
        for field in self.users.fields(&self.calls).await {
            let missing: Vec<&UserId> = users.iter().filter(|user| !people.contains_key(*user)).collect();
            if !missing.is_empty() {
                people.extend(self.host_profiles_by(field, &missing).await?);
            }
        }
        Ok(people)
    }

    async fn host_profiles_by(
        &self,
        field: &'static str,
        users: &[&UserId],
    ) -> Result<HashMap<UserId, Profile>, CallError> {
        let ids: Vec<Bson> = users.iter().copied().flat_map(keys).collect();
        let collection = self.users.collection.clone();
        let find = async move {
            let find = collection.find(doc! { field: { "$in": ids } });
            let find = find.projection(doc! { "id": 1, "name": 1, "email": 1, "avatar": 1, "role": 1 });
            find.max_time(READ_LIMIT).await?.try_collect::<Vec<_>>().await
        };
        let found = self.calls.run("read the host's users", READ_LIMIT, find).await?;
        let with_id = found.iter().filter_map(|user| Some((id(user.get(field)?)?, user)));
        let asked = with_id.filter(|(id, _)| users.contains(&id));
        Ok(asked.map(|(id, user)| (id.clone(), host_profile(id, user))).collect())
    }
}

/// The forms in which a host application may store an id.
fn keys(user: &UserId) -> impl Iterator<Item = Bson> {
    let text = Bson::from(user.as_str());
    std::iter::once(text).chain(ObjectId::parse_str(user.as_str()).ok().map(Bson::from))
}

fn id(value: &Bson) -> Option<UserId> {
    match value {
        Bson::String(text) => text.parse().ok(),
        Bson::ObjectId(id) => id.to_hex().parse().ok(),
        _ => None,
    }
}

fn host_profile(id: UserId, user: &Document) -> Profile {
    let text = |field: &str| user.get_str(field).ok();
    Profile {
        name: text("name").and_then(name).unwrap_or_else(|| id.to_string()),
        avatar: text("avatar").filter(|address| is_avatar(address)).map(str::to_owned),
        role: text("role").map(str::to_owned),
        email: text("email").map(str::trim).filter(|address| is_email(address)).map(str::to_owned),
        id,
    }
}

/// The name as one clean line. None if nothing of it shows.
fn name(raw: &str) -> Option<String> {
    let words = raw.split_whitespace().collect::<Vec<_>>().join(" ");
    let start: String = words.chars().take(NAME_MAX_CHARS).collect();
    line_within(&start, NAME_MAX_CHARS)
}

/// Accepts `https` addresses and paths of the same site, without any character that ends an attribute of a
/// page. `//host` and `/\host` are other sites.
fn is_avatar(address: &str) -> bool {
    let is_path = address.starts_with('/') && !address.starts_with("//");
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"\"'<>`\\".contains(&byte);
    (is_path || address.starts_with("https://"))
        && address.len() <= AVATAR_MAX_BYTES
        && address.bytes().all(is_plain)
}

fn is_email(address: &str) -> bool {
    address.len() <= EMAIL_MAX_BYTES && address.parse::<MailAddress>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_one_line_of_plain_text() {
        for (raw, shown) in [
            ("Ann  Lee", Some("Ann Lee")),
            ("Ann\n<ann@example.org>\u{202E}", Some("Ann <ann@example.org>")),
            ("a < b", Some("a < b")),
            ("\u{200B}", None),
            (" ", None),
        ] {
            assert_eq!(name(raw).as_deref(), shown, "{raw}");
        }
        assert_eq!(name(&"é".repeat(NAME_MAX_CHARS + 1)), Some("é".repeat(NAME_MAX_CHARS)));
    }

    #[test]
    fn pictures_come_over_https_or_from_the_same_site() {
        for good in ["https://example.org/a.png?size=2", "/avatars/1.png"] {
            assert!(is_avatar(good), "{good}");
        }
        let bad = [
            "http://example.org/a.png",
            "//example.org/a.png",
            "/\\example.org/a.png",
            "javascript:alert(1)",
            "a.png",
            "",
        ];
        for bad in bad.into_iter().chain([
            "/a\" onerror=\"alert(1)",
            "data:image/png;base64,AA",
            "https://e.org/a b",
        ]) {
            assert!(!is_avatar(bad), "{bad}");
        }
    }

    #[test]
    fn addresses_of_mailboxes_are_plain() {
        for good in ["ann@example.org", "O'Neil@bücher.example", "root@localhost"] {
            assert!(is_email(good), "{good}");
        }
        for bad in [
            "ann",
            "@example.org",
            "ann@",
            "ann@example.org\nBcc: x@y",
            "a b@example.org",
            "<ann@example.org>",
            "ann@example.org.",
        ] {
            assert!(!is_email(bad), "{bad}");
        }
    }
}
