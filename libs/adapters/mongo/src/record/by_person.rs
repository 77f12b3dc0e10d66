//! Numbers by person: maps whose keys are ids of people, as the fields of a document.
//!
//! The database reads a path at its points, and a field that begins with `$` as an operator. So both are
//! written with the sign `%` and two hexadecimal digits, and so are the sign itself and what is not ASCII:
//! `a.b` is the field `a%2Eb`. Ids of letters, digits and `_:@-` are their own fields, as in documents of
//! earlier versions.

use eventflow_protocol::UserId;
use percent_encoding::{AsciiSet, percent_decode_str, utf8_percent_encode};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Deref;

/// What is escaped in the name of a field.
const ESCAPED: &AsciiSet = &AsciiSet::EMPTY.add(b'.').add(b'$').add(b'%');

/// The name of this person's field.
pub(crate) fn field_of(user: &UserId) -> Cow<'_, str> {
    utf8_percent_encode(user.as_str(), ESCAPED).into()
}

/// The path of this person's field in the map of this name.
pub(crate) fn path_of(map: &str, user: &UserId) -> String {
    format!("{map}.{}", field_of(user))
}

/// A number for each of some people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ByPerson(HashMap<UserId, i64>);

impl ByPerson {
    /// Whether nobody has a number.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Deref for ByPerson {
    type Target = HashMap<UserId, i64>;
    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl FromIterator<(UserId, i64)> for ByPerson {
    fn from_iter<I: IntoIterator<Item = (UserId, i64)>>(numbers: I) -> Self {
        Self(numbers.into_iter().collect())
    }
}

impl Serialize for ByPerson {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(user, number)| (field_of(user), number)))
    }
}

impl<'de> Deserialize<'de> for ByPerson {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fields = HashMap::<String, i64>::deserialize(deserializer)?;
        let person = |field: &str| -> Result<UserId, D::Error> {
            let id = percent_decode_str(field).decode_utf8().map_err(D::Error::custom)?;
            id.parse().map_err(D::Error::custom)
        };
        fields
            .into_iter()
            .map(|(field, number)| Ok((person(&field)?, number)))
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mongodb::bson::{Bson, Document, deserialize_from_bson, doc, serialize_to_bson};

    fn user(id: &str) -> UserId {
        id.parse().unwrap()
    }

    #[test]
    fn plain_ids_are_their_own_fields_as_they_always_were() {
        for id in ["ann", "A:b@c-d_7", "7", "__proto__"] {
            assert_eq!(path_of("readSeq", &user(id)), format!("readSeq.{id}"));
        }
    }

    #[test]
    fn no_field_has_a_point_or_an_operator_in_it() {
        for (id, field) in
            [("a.b", "a%2Eb"), ("$where", "%24where"), ("a%2Eb", "a%252Eb"), ("auth0|é b", "auth0|%C3%A9 b")]
        {
            assert_eq!(field_of(&user(id)), field);
        }
    }

    #[test]
    fn what_is_written_by_person_is_read_by_the_same_person() {
        let people = ["ann", "a.b", "a%2Eb", "$set", "auth0|1", "%", "x%2", "é.é"];
        let numbers: ByPerson = people.iter().zip(0..).map(|(id, n)| (user(id), n)).collect();
        let written = serialize_to_bson(&numbers).unwrap();
        assert_eq!(deserialize_from_bson::<ByPerson>(written).unwrap(), numbers);
        let stranger = Bson::from(doc! { "a%0Ab": 1_i64 });
        assert!(deserialize_from_bson::<ByPerson>(stranger).is_err(), "the field of nobody");
        let none: ByPerson = deserialize_from_bson(Document::new().into()).unwrap();
        assert!(none.is_empty());
    }
}
