//! Segments of the directory: everybody, or everybody of a role, in the order of their ids.
//!
//! People are in up to three collections: the host application's `users`, `profiles`, and `tokenNames`. Each
//! gives its next ids, and the smallest of all are the next page. The host's ids are texts or object ids,
//! which count as their hexadecimal digits. A host user who has an `id` of their own, by which people are
//! found, goes by that one alone.

use crate::call::CallError;
use crate::connection::READ_LIMIT;
use crate::store::MongoStore;
use eventflow_ports::Segment;
use eventflow_protocol::UserId;
use eventflow_protocol::id::USER_ID_MAX_BYTES;
use eventflow_protocol::person::Profile;
use futures_util::TryStreamExt;
use mongodb::Collection;
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{Bson, Document, doc};
use std::collections::{BTreeSet, HashMap};

/// Hexadecimal digits of an object id.
const DIGITS: usize = 24;

impl MongoStore {
    /// The segment's people after this one.
    pub(crate) async fn segment(
        &self,
        segment: &Segment,
        after: Option<&UserId>,
        limit: u32,
    ) -> Result<Vec<UserId>, CallError> {
        let (mut found, mut after) = (Vec::new(), after.cloned());
        loop {
            let page = self.known_as(segment, after.as_ref(), limit).await?;
            let is_last = page.len() < limit as usize;
            after = page.last().cloned();
            found.extend(self.still_of(segment, page).await?);
            if is_last || found.len() >= limit as usize {
                found.truncate(limit as usize);
                return Ok(found);
            }
        }
    }

    /// Those of `people` whose own profile, which wins over the host's, does not give them another role or
    /// none.
    async fn still_of(&self, segment: &Segment, people: Vec<UserId>) -> Result<Vec<UserId>, CallError> {
        let Segment::Role(role) = segment else { return Ok(people) };
        let own: HashMap<UserId, Profile> = self.own_profiles(&people).await?.into_iter().collect();
        let is_in = |user: &UserId| own.get(user).is_none_or(|profile| profile.role.as_ref() == Some(role));
        Ok(people.into_iter().filter(is_in).collect())
    }

    /// The people after this one whom any collection counts to the segment.
    async fn known_as(
        &self,
        segment: &Segment,
        after: Option<&UserId>,
        limit: u32,
    ) -> Result<Vec<UserId>, CallError> {
        let after = after.map_or("", UserId::as_str);
        let base = match segment {
            Segment::Role(role) => doc! { "role": role },
            Segment::Everybody => Document::new(),
        };
        let mut found = BTreeSet::new();
        let profiles = self.profiles.clone_with_type();
        let filter = with(&base, doc! { "_id": { "$gt": after } });
        found.extend(self.ids(profiles, "_id", filter, after, limit).await?);
        if *segment == Segment::Everybody {
            let names = self.token_names.clone_with_type();
            let filter = doc! { "_id": { "$gt": after } };
            found.extend(self.ids(names, "_id", filter, after, limit).await?);
        }
        let fields = self.users.fields(&self.calls).await;
        for field in fields {
            let mut base = base.clone();
            if *field == "_id" && fields.contains(&"id") {
                base.insert("id", doc! { "$not": { "$type": ["string", "objectId"] } });
            }
            let users = || self.users.collection.clone();
            let texts = with(&base, texts_after(field, after));
            found.extend(self.ids(users(), field, texts, after, limit).await?);
            if let Some(first) = first_object_id_after(after) {
                let objects = with(&base, doc! { *field: { "$gte": first, "$type": "objectId" } });
                found.extend(self.ids(users(), field, objects, after, limit).await?);
            }
        }
        Ok(found.into_iter().take(limit as usize).collect())
    }

    /// The next ids in one collection: `limit` different ones after this one, or all that there are. Fewer
    /// would let a page of all collections end behind people who come later in this one.
    async fn ids(
        &self,
        collection: Collection<Document>,
        field: &'static str,
        filter: Document,
        after: &str,
        limit: u32,
    ) -> Result<BTreeSet<UserId>, CallError> {
        let after = after.to_owned();
        let find = async move {
            let find = collection.find(filter).projection(doc! { field: 1 }).sort(doc! { field: 1 });
            let mut people = find.batch_size(limit.saturating_add(1)).max_time(READ_LIMIT).await?;
            let mut found: BTreeSet<UserId> = BTreeSet::new();
            while found.len() < limit as usize
                && let Some(person) = people.try_next().await?
            {
                let user = person.get(field).and_then(id);
                found.extend(user.filter(|user| *user.as_str() > *after));
            }
            Ok(found)
        };
        self.calls.run("list people", READ_LIMIT, find).await
    }
}

/// The texts of this field that somebody can sign in with. The server passes over others, so that a page is
/// full unless it is the last.
fn texts_after(field: &str, after: &str) -> Document {
    let refused = UserId::refused_characters(|code| format!("\\x{{{code:x}}}"));
    let is_id = format!(r"\A(?!\.{{1,2}}\z)(?! )[^{refused}]+(?<! )\z");
    let value = format!("${field}");
    // Another type has no length.
    let is_text = doc! { "$eq": [{ "$type": &value }, "string"] };
    let bytes = doc! { "$cond": [is_text, { "$strLenBytes": &value }, 0] };
    let longest = i64::try_from(USER_ID_MAX_BYTES).unwrap_or(i64::MAX);
    doc! {
        field: { "$gt": after, "$type": "string", "$regex": is_id },
        "$expr": { "$lte": [bytes, longest] },
    }
}

fn with(base: &Document, more: Document) -> Document {
    base.clone().into_iter().chain(more).collect()
}

fn id(value: &Bson) -> Option<UserId> {
    match value {
        Bson::String(text) => text.parse().ok(),
        Bson::ObjectId(id) => id.to_hex().parse().ok(),
        _ => None,
    }
}

/// The smallest object id whose digits do not come before this text; `None` if all do.
fn first_object_id_after(text: &str) -> Option<ObjectId> {
    let mut digits = String::new();
    for byte in text.bytes().take(DIGITS) {
        match byte {
            b'0'..=b'9' | b'a'..=b'f' => digits.push(char::from(byte)),
            // The digit that follows in the order of texts: all digits, or the letters, or none.
            ..b'0' => break,
            b':'..b'a' => {
                digits.push('a');
                break;
            }
            _ => return ObjectId::parse_str(incremented(&digits)?).ok(),
        }
    }
    ObjectId::parse_str(padded(&digits)).ok()
}

fn padded(digits: &str) -> String {
    format!("{digits:0<DIGITS$}")
}

/// The smallest object id whose digits begin with more than these.
fn incremented(digits: &str) -> Option<String> {
    let kept = digits.trim_end_matches('f');
    let last = kept.chars().next_back()?;
    let next = char::from_digit(last.to_digit(16)? + 1, 16)?;
    Some(padded(&format!("{}{next}", &kept[..kept.len() - 1])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_object_id_comes_right_after_a_text() {
        for (text, first) in [
            ("", Some("0".repeat(24))),
            ("5f", Some(padded("5f"))),
            ("-", Some("0".repeat(24))),
            ("5F", Some(padded("5a"))),
            ("5z", Some(padded("6"))),
            ("fz", None),
            ("9z", Some(padded("a"))),
            ("zed", None),
            ("0123456789abcdef01234567-x", Some("0123456789abcdef01234567".to_owned())),
        ] {
            assert_eq!(first_object_id_after(text).map(ObjectId::to_hex), first, "{text}");
        }
    }
}
