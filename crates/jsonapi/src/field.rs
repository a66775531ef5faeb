//! Updates tell three cases apart: not mentioned, set to null, set to a value.

use serde::{
    Deserialize, Deserializer,
    de::{Expected, Visitor},
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
