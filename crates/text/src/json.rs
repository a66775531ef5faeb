//! JSON that is read or changed in places: its numbers stay as they were written, however long they are.

use std::{collections::BTreeMap, fmt};

use serde::{Serialize, Serializer};
use serde_json::Error;
use serde_json::value::RawValue;

/// As deep as `serde_json` goes by itself.
const DEEPEST: usize = 128;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Json {
    Null,
    Bool(bool),
    /// In the words of whoever wrote it.
    Number(String),
    Text(String),
    List(Vec<Json>),
    Members(Members),
}

pub type Members = BTreeMap<String, Json>;

impl Json {
    /// Reads one document; of two members with one name the last counts.
    ///
    /// # Errors
    /// For what is no JSON, or is nested too deeply.
    pub fn read(document: &[u8]) -> Result<Self, Error> {
        Self::from_raw(serde_json::from_slice(document)?, 0)
    }

    fn from_raw(raw: &RawValue, depth: usize) -> Result<Self, Error> {
        if depth > DEEPEST {
            return Err(serde::de::Error::custom("the document is nested too deeply"));
        }
        let inner = |raw: &RawValue| Self::from_raw(raw, depth + 1);
        let text = raw.get();
        Ok(match text.as_bytes().first() {
            Some(b'{') => {
                let members: BTreeMap<String, &RawValue> = serde_json::from_str(text)?;
                let each = |(name, raw)| Ok((name, inner(raw)?));
                Self::Members(members.into_iter().map(each).collect::<Result<_, Error>>()?)
            }
            Some(b'[') => {
                let items: Vec<&RawValue> = serde_json::from_str(text)?;
                Self::List(items.into_iter().map(inner).collect::<Result<_, _>>()?)
            }
            Some(b'"') => Self::Text(serde_json::from_str(text)?),
            Some(b't' | b'f') => Self::Bool(text == "true"),
            Some(b'n') => Self::Null,
            _ => Self::Number(text.to_owned()),
        })
    }

    /// What an object has under this name.
    pub fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Members(members) => members.get(name),
            _ => None,
        }
    }

    /// What a list has there.
    pub fn at(&self, index: usize) -> Option<&Self> {
        match self {
            Self::List(items) => items.get(index),
            _ => None,
        }
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, into: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => into.serialize_unit(),
            Self::Bool(value) => into.serialize_bool(*value),
            Self::Number(text) => serde_json::from_str::<&RawValue>(text)
                .map_err(serde::ser::Error::custom)?
                .serialize(into),
            Self::Text(text) => into.serialize_str(text),
            Self::List(items) => into.collect_seq(items),
            Self::Members(members) => into.collect_map(members),
        }
    }
}

/// As JSON on one line.
impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| fmt::Error)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_written_as_it_was() {
        let text = r#"{"a":[1e20,-0.0,1E+2,123456789012345678901234567890,0.10],"b":{"c":"é\n","d":null},"e":[true,false,{},[]]}"#;
        let json = Json::read(text.as_bytes()).unwrap();
        assert_eq!(serde_json::to_string(&json).unwrap(), text);
        let e = json.get("e").unwrap();
        assert_eq!((e.at(0), e.at(4), e.get("a")), (Some(&Json::Bool(true)), None, None));
    }

    #[test]
    fn what_is_no_document_is_refused() {
        for text in ["", "{", "[1,]", "01", "nul", "{\"a\":+1}", "1 2", "\"\\ud800\""] {
            assert!(Json::read(text.as_bytes()).is_err(), "{text}");
        }
        let deep = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(Json::read(deep(DEEPEST).as_bytes()).is_ok());
        assert!(Json::read(deep(10_000).as_bytes()).is_err());
    }
}
