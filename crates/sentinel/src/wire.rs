//! Values and outcomes on their way to another process and back: exact, also where JSON has no word for something.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::frozen::{Frozen, Text};

/// Bytes: as text where they are some.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Bytes<'b> {
    Text(std::borrow::Cow<'b, str>),
    Other(Vec<u8>),
}

/// For `#[serde(with = …)]`.
pub(crate) mod bytes {
    use super::{Bytes, Deserialize as _, Deserializer, Serialize as _, Serializer};

    pub fn serialize<S: Serializer>(bytes: &impl AsRef<[u8]>, to: S) -> Result<S::Ok, S::Error> {
        let bytes = bytes.as_ref();
        match std::str::from_utf8(bytes) {
            Ok(text) => Bytes::Text(text.into()).serialize(to),
            Err(_) => Bytes::Other(bytes.to_vec()).serialize(to),
        }
    }

    pub fn deserialize<'d, D: Deserializer<'d>, T: From<Vec<u8>>>(from: D) -> Result<T, D::Error> {
        Ok(match Bytes::deserialize(from)? {
            Bytes::Text(text) => text.into_owned().into_bytes(),
            Bytes::Other(bytes) => bytes,
        }
        .into())
    }
}

/// A tree, with a letter for what each part of it is.
#[derive(Serialize, Deserialize)]
enum Wire {
    U,
    N,
    B(bool),
    I(i64),
    /// Its bits: JSON knows no infinity.
    F(u64),
    T(#[serde(with = "bytes")] Vec<u8>),
    L(Vec<Frozen>),
    M(Vec<(Key, Frozen)>),
}

#[derive(Serialize, Deserialize)]
struct Key(#[serde(with = "bytes")] Vec<u8>);

impl Serialize for Frozen {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Undefined => Wire::U,
            Self::Null => Wire::N,
            Self::Bool(value) => Wire::B(*value),
            Self::Int(value) => Wire::I(*value),
            Self::Float(value) => Wire::F(value.to_bits()),
            Self::Text(text) => Wire::T(text.to_vec()),
            Self::List(items) => Wire::L(items.to_vec()),
            Self::Map(entries) => {
                let entry = |(key, value): &(Text, Self)| (Key(key.to_vec()), value.clone());
                Wire::M(entries.iter().map(entry).collect())
            }
        }
        .serialize(to)
    }
}

impl<'d> Deserialize<'d> for Frozen {
    fn deserialize<D: Deserializer<'d>>(from: D) -> Result<Self, D::Error> {
        Ok(match Wire::deserialize(from)? {
            Wire::U => Self::Undefined,
            Wire::N => Self::Null,
            Wire::B(value) => Self::Bool(value),
            Wire::I(value) => Self::Int(value),
            Wire::F(bits) => Self::Float(f64::from_bits(bits)),
            Wire::T(text) => Self::Text(text.into()),
            Wire::L(items) => Self::list(items),
            Wire::M(entries) => Self::map(entries.into_iter().map(|(key, value)| (key.0, value))),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Source, World, evaluate};

    #[test]
    fn every_value_arrives_as_it_was_sent() {
        let odd = Frozen::list([
            Frozen::Undefined,
            Frozen::Null,
            Frozen::Bool(true),
            Frozen::Int(i64::MIN),
            Frozen::Float(f64::INFINITY),
            Frozen::Float(-0.0),
            Frozen::text("é\n\"\0"),
            Frozen::Text([0xff, 0x00, 0xc3].as_slice().into()),
            Frozen::map([(&b"\xff"[..], Frozen::Int(1)), (b"", Frozen::Undefined)]),
        ]);
        let sent = serde_json::to_string(&odd).unwrap();
        assert_eq!(serde_json::from_str::<Frozen>(&sent).unwrap(), odd);
    }

    #[test]
    fn an_outcome_arrives_as_it_was_sent() {
        for text in
            ["# A.\n\nx = \"\\xff\"\nprint(x)\nr = rule { [1.5, x, null] }\nmain = r", "main = 1 +"]
        {
            let world = World::new(chrono::DateTime::UNIX_EPOCH);
            let outcome =
                evaluate(&Source::new("p", text), &world, &crate::Limits::default(), &["x"]);
            let sent = serde_json::to_string(&outcome).unwrap();
            assert_eq!(serde_json::from_str::<crate::Outcome>(&sent).unwrap(), outcome);
        }
    }
}
