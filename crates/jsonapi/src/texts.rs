//! What the texts of a document may be made of. Each is a line, unless its field is marked: `#[serde(deserialize_with =
//! "jsonapi::prose")]` or `"jsonapi::verbatim"`. So a new field is safe until somebody says otherwise.

use serde::{Deserialize, Deserializer, de::Visitor};
use std::{fmt, marker::PhantomData};

/// Which texts are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    Line,
    Prose,
    Verbatim,
}

impl Rule {
    pub(crate) fn wrong(self, text: &str) -> Option<&'static str> {
        text::anything(text).or_else(|| match self {
            Self::Line => text::line(text),
            Self::Prose => text::prose(text),
            Self::Verbatim => None,
        })
    }

    /// That of what is inside a value of a type with this name, if it is one of the marks.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            PROSE => Some(Self::Prose),
            VERBATIM => Some(Self::Verbatim),
            _ => None,
        }
    }
}

const PROSE: &str = "Prose";
const VERBATIM: &str = "Verbatim";

/// Reads what people write to each other, in as many lines as they like.
///
/// # Errors
/// Whatever `T` is not read from, and texts that hide or disguise something.
pub fn prose<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
    from.deserialize_newtype_struct(PROSE, Inside(PhantomData))
}

/// Reads what is a value to us: a secret, code, content.
///
/// # Errors
/// Whatever `T` is not read from, and texts that no database keeps.
pub fn verbatim<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
    from.deserialize_newtype_struct(VERBATIM, Inside(PhantomData))
}

struct Inside<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Inside<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, from: D) -> Result<T, D::Error> {
        T::deserialize(from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Field, lenient::from_json};
    use serde_json::{Value, json};

    #[derive(Debug, Default, Deserialize)]
    #[serde(default)]
    struct Given {
        name: Option<String>,
        paths: Vec<String>,
        anything: Value,
        #[serde(deserialize_with = "prose")]
        description: Field<String>,
        #[serde(deserialize_with = "verbatim")]
        value: Field<String>,
        #[serde(deserialize_with = "verbatim")]
        values: Vec<String>,
    }

    const LINES: &str = "one\ntwo";
    const HIDDEN: &str = "a\u{202e}b";
    const CONTROL: &str = "a\u{1b}b";

    #[test]
    fn a_text_is_a_line_unless_its_field_says_otherwise() {
        let takes = |field: &str, text: &str| {
            let value = match field {
                "paths" | "values" => json!([text]),
                "anything" => json!({ "deep": [text] }),
                _ => json!(text),
            };
            from_json::<Given>(json!({ field: value })).is_ok()
        };
        for field in ["name", "paths", "anything", "description", "value", "values"] {
            assert!(takes(field, "plain"), "{field}");
            assert!(!takes(field, "a\0b"), "{field}");
            let is_value = field.starts_with("value");
            assert_eq!(takes(field, LINES), is_value || field == "description", "{field}");
            assert_eq!(takes(field, HIDDEN), is_value, "{field}");
            assert_eq!(takes(field, CONTROL), is_value, "{field}");
        }
    }

    #[test]
    fn marks_change_nothing_else() {
        let read: Given = from_json(json!({ "description": null, "value": "x" })).unwrap();
        assert_eq!((read.description, read.value), (Field::Null, Field::Value("x".into())));
        let read: Given = from_json(json!({})).unwrap();
        assert_eq!((read.description, read.value), (Field::Absent, Field::Absent));
        assert!(from_json::<Given>(json!({ "value": 1 })).is_err());
    }
}
