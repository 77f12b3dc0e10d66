//! Lists with a bound, and lists of people.

use crate::UserId;
use crate::client::given::FIELD;
use crate::client::values::unfit::Unfit;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

/// At most `MAX` items. A longer list is refused before its items are looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List<T, const MAX: usize>(pub Vec<T>);

impl<T, const MAX: usize> Default for List<T, MAX> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>, const MAX: usize> Deserialize<'de> for List<T, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Items::<T, MAX>(PhantomData))
    }
}

struct Items<T, const MAX: usize>(PhantomData<fn() -> T>);

impl<'de, T: Deserialize<'de>, const MAX: usize> Visitor<'de> for Items<T, MAX> {
    type Value = List<T, MAX>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut given: A) -> Result<Self::Value, A::Error> {
        let too_many = || A::Error::custom(format_args!("{FIELD} has more than {MAX} items"));
        if given.size_hint().is_some_and(|count| count > MAX) {
            return Err(too_many());
        }
        let mut items = Vec::new();
        while let Some(item) = given.next_element()? {
            if items.len() == MAX {
                return Err(too_many());
            }
            items.push(item);
        }
        Ok(List(items))
    }
}

impl<T: JsonSchema, const MAX: usize> JsonSchema for List<T, MAX> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("ListOf{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "array", "items": generator.subschema_for::<T>(), "maxItems": MAX })
    }
}

/// A user id in a request.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(with = "UserId")]
pub struct NamedUser(pub UserId);

impl TryFrom<String> for NamedUser {
    type Error = Unfit;

    fn try_from(text: String) -> Result<Self, Unfit> {
        text.parse().map(Self).map_err(|error| Unfit::sentence(format_args!("{FIELD}: {error}")))
    }
}

/// At most `MAX` user ids. Repeats stay.
pub type UserIds<const MAX: usize> = List<NamedUser, MAX>;

impl<const MAX: usize> List<NamedUser, MAX> {
    /// The ids in the order given.
    pub fn into_ids(self) -> Vec<UserId> {
        self.0.into_iter().map(|NamedUser(id)| id).collect()
    }
}
