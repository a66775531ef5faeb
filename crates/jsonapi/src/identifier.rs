//! Resource identifiers in requests: relationship endpoints and the relationships of a body.

use crate::{Error, Errors, Field, Limits, body, field::id, lenient::from_json};
use axum::extract::{FromRequest, Request};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error as _, IgnoredAny, MapAccess, Visitor},
};
use serde_json::{Map, Value};
use std::{fmt, marker::PhantomData};

/// One resource as a request names it: by id or, for tags and their bindings, by attributes.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Identifier<Id = String> {
    #[serde(rename = "type", default)]
    pub kind: String,
    pub id: Option<Id>,
    /// Texts in it are looked at when it is [read](Self::read).
    #[serde(default, deserialize_with = "crate::verbatim")]
    pub attributes: Map<String, Value>,
}

impl<Id> Identifier<Id> {
    /// 422 unless it is of type `kind` or of none; it stands at `place` in the document.
    pub fn is_of_kind(&self, kind: &str, place: &str) -> Result<(), Errors> {
        check_kind(&self.kind, kind, || format!("{place}/type"))
    }

    /// The attributes of an item that is sent in full, and that stands at `place` in the document.
    pub fn read<A: DeserializeOwned>(&self, place: &str) -> Result<A, Errors> {
        from_json(Value::Object(self.attributes.clone())).map_err(|fault| {
            body::refusal("invalid attribute", format!("{place}/attributes"), "attributes", &fault)
        })
    }
}

/// The body of a relationship endpoint: `{"data": [{"type": …, "id": …}, …]}`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Identifiers(pub Vec<Identifier>);

/// The ids, if every identifier has one and is of type `kind` or of none; else 422.
fn ids<Id>(identifiers: Vec<Identifier<Id>>, kind: &str, place: &str) -> Result<Vec<Id>, Errors> {
    let each = |(index, identifier): (usize, Identifier<Id>)| {
        identifier.is_of_kind(kind, &format!("{place}/{index}"))?;
        identifier.id.ok_or_else(|| {
            Error::unprocessable(format!("{place}/{index}/id"), "id is required").into()
        })
    };
    identifiers.into_iter().enumerate().map(each).collect()
}

fn check_kind(sent: &str, kind: &str, pointer: impl FnOnce() -> String) -> Result<(), Errors> {
    if sent.is_empty() || crate::spelling::same(sent, kind) {
        return Ok(());
    }
    Err(Error::unprocessable(pointer(), format!("type must be {kind}")).into())
}

impl Identifiers {
    /// The ids, if every identifier has one and is of type `kind` or of none; else 422.
    pub fn ids(self, kind: &str) -> Result<Vec<String>, Errors> {
        ids(self.0, kind, "/data")
    }
}

impl Identifiers {
    /// As [`Identifiers::ids`], as typed ids; 422 with the place of the first that is none.
    pub fn parsed<Id>(self, kind: &str) -> Result<Vec<Id>, Errors>
    where
        Id: std::str::FromStr<Err: std::fmt::Display>,
    {
        let each = |(index, text): (usize, String)| {
            text.parse().map_err(|reason| {
                Error::unprocessable(format!("/data/{index}/id"), format!("id {reason}")).into()
            })
        };
        self.ids(kind)?.into_iter().enumerate().map(each).collect()
    }
}

impl<S: Send + Sync> FromRequest<S> for Identifiers {
    type Rejection = Errors;

    async fn from_request(request: Request, _: &S) -> Result<Self, Errors> {
        let data =
            body::data(body::parse(&body::read(request, Limits::USUAL).await?, Limits::USUAL)?)?;
        from_json(data)
            .map(Self)
            .map_err(|fault| body::refusal("invalid document", "/data".into(), "data", &fault))
    }
}

/// What a relationship of a body has as `data`. An empty object has null; one that has only other members says nothing,
/// which must be taken neither for null nor for silence.
struct Related<T>(Option<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Related<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_struct("Related", &["data"], Members(PhantomData))
    }
}

struct Members<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Members<T> {
    type Value = Related<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Related<T>, A::Error> {
        let mut is_empty = true;
        let mut data = None;
        while let Some(name) = members.next_key::<String>()? {
            is_empty = false;
            if name == "data" {
                data = Some(members.next_value()?);
            } else {
                members.next_value::<IgnoredAny>()?;
            }
        }
        match data {
            Some(data) => Ok(Related(data)),
            None if is_empty => Ok(Related(None)),
            None => Err(A::Error::missing_field("data")),
        }
    }
}

/// A to-one relationship in a request; null takes it away, and so do an empty object and an empty id, which clients
/// send that know no null.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToOne<Id> {
    pub data: Option<Target<Id>>,
}

/// The other end of a to-one relationship.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target<Id> {
    pub kind: String,
    pub id: Id,
}

impl<'de, Id: Deserialize<'de>> Deserialize<'de> for ToOne<Id> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let Related(data) = Related::<Named<Id>>::deserialize(from)?;
        Ok(Self { data: data.and_then(|named| named.0) })
    }
}

/// A target, unless its id is empty or it is an empty object.
struct Named<Id>(Option<Target<Id>>);

impl<'de, Id: Deserialize<'de>> Deserialize<'de> for Named<Id> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(bound(deserialize = "Id: Deserialize<'de>"))]
        struct Sent<Id> {
            #[serde(rename = "type", default)]
            kind: String,
            #[serde(default, deserialize_with = "id")]
            id: Field<Id>,
        }
        match Sent::deserialize(from)? {
            Sent { kind, id: Field::Value(id) } => Ok(Self(Some(Target { kind, id }))),
            Sent { kind, id: Field::Absent } if !kind.is_empty() => {
                Err(D::Error::missing_field("id"))
            }
            _ => Ok(Self(None)),
        }
    }
}

impl<Id> ToOne<Id> {
    pub fn id(&self) -> Option<&Id> {
        self.data.as_ref().map(|target| &target.id)
    }

    pub fn into_id(self) -> Option<Id> {
        self.data.map(|target| target.id)
    }

    /// The id, if what is named is of type `kind` or of none; else 422.
    pub fn of_kind(self, kind: &str, relationship: &str) -> Result<Option<Id>, Errors> {
        if let Some(target) = &self.data {
            check_kind(&target.kind, kind, || {
                format!("/data/relationships/{relationship}/data/type")
            })?;
        }
        Ok(self.into_id())
    }
}

/// A to-many relationship in a request. Only a list says something: what an absent relation, an empty one or null leaves
/// is as it was, since a list that is taken for empty would remove everything. Mark it `#[serde(default)]`.
#[derive(Clone, Debug, PartialEq)]
pub struct ToMany<Id>(pub Option<Vec<Identifier<Id>>>);

impl<Id> Default for ToMany<Id> {
    fn default() -> Self {
        Self(None)
    }
}

impl<'de, Id: Deserialize<'de>> Deserialize<'de> for ToMany<Id> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(Self(Option::<Related<_>>::deserialize(from)?.and_then(|related| related.0)))
    }
}

impl<Id> ToMany<Id> {
    /// The ids of a list, if every identifier has one and is of type `kind` or of none; else 422.
    pub fn of_kind(self, kind: &str, relationship: &str) -> Result<Option<Vec<Id>>, Errors> {
        let place = format!("/data/relationships/{relationship}/data");
        self.0.map(|identifiers| ids(identifiers, kind, &place)).transpose()
    }
}
