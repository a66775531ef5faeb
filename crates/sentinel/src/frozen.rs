//! Data that never changes: plans, parameters, static imports. Read once, shared by all policies.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

/// A string of bytes that is shared.
pub type Text = Arc<[u8]>;

/// A tree of data. Maps have strings as keys, sorted, each once.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Frozen {
    #[default]
    Undefined,
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Text),
    List(Arc<[Frozen]>),
    Map(Arc<[(Text, Frozen)]>),
}

static UNDEFINED: Frozen = Frozen::Undefined;

impl Frozen {
    /// Reads JSON. Integral numbers that fit into 64 bits become ints, all others floats.
    pub fn from_json(text: &[u8]) -> Result<Self, String> {
        let mut known = HashSet::new();
        let mut reader = serde_json::Deserializer::from_slice(text);
        let value = Seed(&mut known).deserialize(&mut reader).map_err(|e| e.to_string())?;
        reader.end().map_err(|e| e.to_string())?;
        Ok(value)
    }

    pub fn text(text: &str) -> Self {
        Self::Text(text.as_bytes().into())
    }

    pub fn list(items: impl IntoIterator<Item = Self>) -> Self {
        Self::List(items.into_iter().collect())
    }

    /// A map; of entries with the same key the last one counts.
    pub fn map<K: Into<Text>>(entries: impl IntoIterator<Item = (K, Self)>) -> Self {
        let entries = entries.into_iter().map(|(key, value)| (key.into(), value));
        let mut entries: Vec<(Text, Self)> = entries.collect();
        entries.reverse();
        entries.sort_by(|a, b| a.0.cmp(&b.0));
        entries.dedup_by(|later, kept| later.0 == kept.0);
        Self::Map(entries.into())
    }

    /// A map whose keys are names of ours.
    pub fn object<const N: usize>(entries: [(&str, Self); N]) -> Self {
        Self::map(entries.map(|(key, value)| (key.as_bytes(), value)))
    }

    /// The member of a map; undefined for what is missing and for what is no map.
    pub fn get(&self, key: &str) -> &Self {
        match self {
            Self::Map(entries) => find(entries, key.as_bytes()).unwrap_or(&UNDEFINED),
            _ => &UNDEFINED,
        }
    }

    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => std::str::from_utf8(text).ok(),
            _ => None,
        }
    }

    /// The elements of a list; none for anything else.
    pub fn items(&self) -> &[Self] {
        if let Self::List(items) = self { items } else { &[] }
    }

    /// The entries of a map; none for anything else.
    pub fn entries(&self) -> &[(Text, Self)] {
        if let Self::Map(entries) = self { entries } else { &[] }
    }

    pub fn is_undefined(&self) -> bool {
        matches!(self, Self::Undefined)
    }

    /// This, or `other` where it is undefined.
    pub fn or(&self, other: Self) -> Self {
        if self.is_undefined() { other } else { self.clone() }
    }

    /// As JSON; members that are undefined are left out, elements become null.
    pub fn to_json(&self) -> serde_json::Value {
        use serde_json::Value;
        match self {
            Self::Undefined | Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(*value),
            Self::Int(value) => Value::from(*value),
            Self::Float(value) => Value::from(*value),
            Self::Text(text) => Value::String(String::from_utf8_lossy(text).into_owned()),
            Self::List(items) => items.iter().map(Self::to_json).collect(),
            Self::Map(entries) => {
                let defined = entries.iter().filter(|(_, value)| !value.is_undefined());
                let entries = defined.map(|(key, value)| {
                    (String::from_utf8_lossy(key).into_owned(), value.to_json())
                });
                Value::Object(entries.collect())
            }
        }
    }
}

impl From<&serde_json::Value> for Frozen {
    fn from(value: &serde_json::Value) -> Self {
        use serde_json::Value;
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            Value::Number(number) => match number.as_i64() {
                Some(int) => Self::Int(int),
                None => Self::Float(number.as_f64().unwrap_or(f64::NAN)),
            },
            Value::String(text) => Self::text(text),
            Value::Array(items) => Self::list(items.iter().map(Self::from)),
            Value::Object(entries) => {
                Self::map(entries.iter().map(|(key, value)| (key.as_bytes(), Self::from(value))))
            }
        }
    }
}

/// The value of a key in sorted entries.
pub(crate) fn find<'e>(entries: &'e [(Text, Frozen)], key: &[u8]) -> Option<&'e Frozen> {
    let index = entries.binary_search_by(|(known, _)| (**known).cmp(key)).ok()?;
    Some(&entries[index].1)
}

/// Strings up to this length are kept once for a whole document.
const SHARED: usize = 64;

struct Seed<'k>(&'k mut HashSet<Text>);

impl Seed<'_> {
    fn share(&mut self, text: &str) -> Text {
        let bytes = text.as_bytes();
        if bytes.len() > SHARED {
            return bytes.into();
        }
        if let Some(known) = self.0.get(bytes) {
            return known.clone();
        }
        let text: Text = bytes.into();
        self.0.insert(text.clone());
        text
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Frozen;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Frozen, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Frozen;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Frozen, E> {
        Ok(Frozen::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Frozen, E> {
        Ok(Frozen::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Frozen, E> {
        Ok(Frozen::Int(value))
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "what is no int is a float, and the nearest one"
    )]
    fn visit_u64<E>(self, value: u64) -> Result<Frozen, E> {
        Ok(i64::try_from(value).map_or(Frozen::Float(value as f64), Frozen::Int))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Frozen, E> {
        Ok(Frozen::Float(value))
    }

    fn visit_str<E>(mut self, text: &str) -> Result<Frozen, E> {
        Ok(Frozen::Text(self.share(text)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Frozen, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(Seed(self.0))? {
            items.push(item);
        }
        Ok(Frozen::List(items.into()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Frozen, A::Error> {
        let mut entries: Vec<(Text, Frozen)> = Vec::new();
        while let Some(key) = map.next_key_seed(Seed(self.0))? {
            let Frozen::Text(key) = key else { return Err(A::Error::custom("a key is a string")) };
            entries.push((key, map.next_value_seed(Seed(self.0))?));
        }
        Ok(Frozen::map(entries))
    }
}
