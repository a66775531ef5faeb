//! Updates tell three cases apart: not mentioned, set to null, set to a value.

use serde::{
    Deserialize, Deserializer,
    de::{Expected, IntoDeserializer, Visitor},
};
use std::{fmt, marker::PhantomData};

/// A member of an update.
///
/// Mark it `#[serde(default)]`. Without the mark a document that leaves the member out is
/// refused, rather than understood as null.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Field<T> {
    #[default]
    Absent,
    Null,
    Value(T),
}

impl<T> Field<T> {
    /// Writes what was sent into `target`. Null empties an `Option`; a target that cannot be
    /// empty keeps its value, as it does when the member is absent.
    pub fn set(self, target: &mut impl Slot<T>) {
        match self {
            Self::Absent => {}
            Self::Null => target.clear(),
            Self::Value(value) => target.fill(value),
        }
    }

    /// The value, if there is one.
    pub fn into_option(self) -> Option<T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Absent | Self::Null => None,
        }
    }

    /// `None` to leave things as they are, `Some(None)` to empty them.
    pub fn into_change(self) -> Option<Option<T>> {
        match self {
            Self::Absent => None,
            Self::Null => Some(None),
            Self::Value(value) => Some(Some(value)),
        }
    }

    pub fn as_ref(&self) -> Field<&T> {
        match self {
            Self::Absent => Field::Absent,
            Self::Null => Field::Null,
            Self::Value(value) => Field::Value(value),
        }
    }

    pub fn map<U>(self, with: impl FnOnce(T) -> U) -> Field<U> {
        match self {
            Self::Absent => Field::Absent,
            Self::Null => Field::Null,
            Self::Value(value) => Field::Value(with(value)),
        }
    }

    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }
}

/// A place that [`Field::set`] can write to: a `T` or an `Option<T>`.
pub trait Slot<T> {
    fn fill(&mut self, value: T);
    fn clear(&mut self);
}

impl<T> Slot<T> for T {
    fn fill(&mut self, value: T) {
        *self = value;
    }
    fn clear(&mut self) {}
}

impl<T> Slot<T> for Option<T> {
    fn fill(&mut self, value: T) {
        *self = Some(value);
    }
    fn clear(&mut self) {
        *self = None;
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Field<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        // Not `deserialize_option`: serde would then take a missing member for null.
        from.deserialize_newtype_struct("Field", Given(PhantomData))
    }
}

/// Reads a member that holds an id: `#[serde(default, deserialize_with = "jsonapi::id")]`. HashiCorp's clients know no
/// null there: an empty text is their word for none.
///
/// # Errors
/// What is neither null, nor text, nor an id of its kind.
pub fn id<'de, T, D>(from: D) -> Result<Field<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    match Option::<String>::deserialize(from)?.filter(|text| !text.is_empty()) {
        Some(text) => T::deserialize(text.into_deserializer()).map(Field::Value),
        None => Ok(Field::Null),
    }
}

struct Given<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Given<T> {
    type Value = Field<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Expected::fmt(&"a value or null", f)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, from: D) -> Result<Field<T>, D::Error> {
        Ok(Option::deserialize(from)?.map_or(Field::Null, Field::Value))
    }
}

#[cfg(test)]
mod tests {
    use super::Field;
    use crate::lenient::{Fault, from_json};
    use serde::Deserialize;
    use serde_json::{Value, json};

    #[derive(Debug, Default, Deserialize, PartialEq)]
    #[serde(rename_all = "kebab-case")]
    struct Update {
        #[serde(default)]
        auto_apply: Field<bool>,
        #[serde(default)]
        description: Field<String>,
    }

    fn read(value: Value) -> Update {
        from_json(value).unwrap()
    }

    #[test]
    fn absent_null_and_value_are_told_apart() {
        assert_eq!(read(json!({})).description, Field::Absent);
        assert_eq!(read(json!({ "description": null })).description, Field::Null);
        assert_eq!(read(json!({ "description": "" })).description, Field::Value(String::new()));
        assert_eq!(read(json!({ "auto_apply": true })).auto_apply, Field::Value(true));
    }

    #[test]
    fn null_empties_only_what_can_be_empty() {
        let (mut name, mut text) = ("old".to_owned(), Some("old".to_owned()));
        Field::<String>::Null.set(&mut name);
        Field::<String>::Absent.set(&mut text);
        assert_eq!((name.as_str(), text.as_deref()), ("old", Some("old")));
        Field::<String>::Null.set(&mut text);
        assert_eq!(text, None);
        Field::Value("new".to_owned()).set(&mut text);
        Field::Value("new".to_owned()).set(&mut name);
        assert_eq!((name.as_str(), text.as_deref()), ("new", Some("new")));
    }

    #[test]
    fn a_change_keeps_null_apart_from_absent() {
        assert_eq!(Field::<u8>::Absent.into_change(), None);
        assert_eq!(Field::<u8>::Null.into_change(), Some(None));
        assert_eq!(Field::Value(1).into_change(), Some(Some(1)));
        assert_eq!(Field::<u8>::Null.into_option(), None);
        assert_eq!(Field::Value(1).map(|n| n + 1).as_ref().into_option(), Some(&2));
    }

    #[test]
    fn an_empty_id_is_none() {
        #[derive(Debug, Default, Deserialize, PartialEq)]
        #[serde(default)]
        struct Named {
            #[serde(deserialize_with = "super::id")]
            id: Field<String>,
        }
        let read = |value| from_json::<Named>(value).map(|named| named.id);
        assert_eq!(read(json!({})), Ok(Field::Absent));
        assert_eq!(read(json!({ "id": null })), Ok(Field::Null));
        assert_eq!(read(json!({ "id": "" })), Ok(Field::Null));
        assert_eq!(read(json!({ "id": "x" })), Ok(Field::Value("x".to_owned())));
        assert_eq!(
            read(json!({ "id": 1 })).unwrap_err().to_string(),
            "id must be a string, not a number"
        );
    }

    #[test]
    fn a_forgotten_default_is_noticed_instead_of_read_as_null() {
        #[derive(Debug, Deserialize)]
        struct Careless {
            #[expect(dead_code, reason = "only its absence matters")]
            name: Field<String>,
        }
        let refused: Result<Careless, Fault> = from_json(json!({}));
        assert_eq!(refused.unwrap_err().to_string(), "name is required");
    }
}
