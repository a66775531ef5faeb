//! Reads structs from JSON and from query parameters: names in any spelling, errors with a path.
//!
//! A struct knows its fields, so the keys of what it is read from are matched to them however
//! they are spelled. Free-form maps are left as they are. `#[serde(flatten)]` and tagged enums
//! hide the fields from the reader and are read by the letter.

use crate::{spelling::same, texts::Rule};
use serde::{
    Deserializer,
    de::{
        DeserializeOwned, DeserializeSeed, Error as _, Expected, IntoDeserializer, MapAccess,
        SeqAccess, Unexpected, Visitor,
    },
    forward_to_deserialize_any,
};
use serde_json::{Map, Value};
use std::{fmt, vec};

/// Reads a value out of a JSON document.
pub(crate) fn from_json<T: DeserializeOwned>(value: Value) -> Result<T, Fault> {
    T::deserialize(Lenient { value, form: Form::Json, rule: Rule::Line })
}

/// Reads a value out of a tree of query parameters; see [`crate::parameters`].
pub(crate) fn from_parameters<T: DeserializeOwned>(tree: Value) -> Result<T, Fault> {
    T::deserialize(Lenient { value: tree, form: Form::Text, rule: Rule::Verbatim })
}

/// What was wrong, and where. Never repeats the value itself: it may be a secret.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// From the innermost name outwards.
    path: Vec<String>,
    /// Continues a sentence that begins with the name: `is required`.
    message: String,
}

impl Fault {
    fn says(message: impl Into<String>) -> Self {
        Self { path: Vec::new(), message: message.into() }
    }

    fn within(mut self, name: String) -> Self {
        self.path.push(name);
        self
    }

    /// The names from the outermost inwards.
    pub(crate) fn path(&self) -> impl Iterator<Item = &str> + Clone {
        self.path.iter().rev().map(String::as_str)
    }

    pub(crate) fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path().try_for_each(|name| write!(f, "{name} "))?;
        f.write_str(&self.message)
    }
}

impl std::error::Error for Fault {}

impl serde::de::Error for Fault {
    fn custom<M: fmt::Display>(message: M) -> Self {
        Self::says(format!("is invalid: {message}"))
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::says(format!("must be {}, not {}", wanted(expected), kind_of(&found)))
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::says(format!("must be {}", wanted(expected)))
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Self::says(format!("must be one of {}", expected.join(", ")))
    }

    fn unknown_field(_: &str, known: &'static [&'static str]) -> Self {
        Self::says(format!("has only {}", known.join(", ")))
    }

    fn missing_field(field: &'static str) -> Self {
        Self::says("is required").within(field.to_owned())
    }
}

/// What was expected, in the words of JSON instead of Rust.
fn wanted(expected: &dyn Expected) -> String {
    let text = expected.to_string();
    match text.as_str() {
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number that is not negative".into(),
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number".into(),
        "f32" | "f64" => "a number".into(),
        "a map" => "an object".into(),
        _ if text.starts_with("struct ") => "an object".into(),
        _ if text.starts_with("a sequence") || text.starts_with("a tuple") => "an array".into(),
        _ => text,
    }
}

fn kind_of(found: &Unexpected<'_>) -> &'static str {
    match found {
        Unexpected::Bool(_) => "a boolean",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) | Unexpected::Float(_) => "a number",
        Unexpected::Str(_) | Unexpected::Char(_) => "a string",
        Unexpected::Unit | Unexpected::Option => "null",
        Unexpected::Seq => "an array",
        Unexpected::Map => "an object",
        _ => "something else",
    }
}

/// Whether a value says itself what it is, or is text that takes the type asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Json,
    Text,
}

struct Lenient {
    value: Value,
    form: Form,
    rule: Rule,
}

impl Lenient {
    /// The text of a parameter. `q` beside `q[name]` is kept in the branch under an empty name.
    fn leaf(self) -> Self {
        let Self { value, form, rule } = self;
        let value = match (form, value) {
            (Form::Text, Value::Object(mut members)) if members.contains_key("") => {
                members.remove("").unwrap_or_default()
            }
            (_, value) => value,
        };
        Self { value, form, rule }
    }

    fn number<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let Self { value, form, rule } = self.leaf();
        let value = match (form, value) {
            (Form::Text, Value::String(text)) => {
                Value::Number(text.trim().parse().map_err(|_| Fault::says("must be a number"))?)
            }
            (_, value) => value,
        };
        Self { value, form, rule }.deserialize_any(visitor)
    }
}

macro_rules! numbers {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            self.number(visitor)
        })*
    };
}

impl<'de> Deserializer<'de> for Lenient {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(value),
            Value::Number(number) => {
                if let Some(number) = number.as_u64() {
                    visitor.visit_u64(number)
                } else if let Some(number) = number.as_i64() {
                    visitor.visit_i64(number)
                } else {
                    visitor.visit_f64(number.as_f64().unwrap_or(f64::NAN))
                }
            }
            Value::String(text) => match self.rule.wrong(&text) {
                Some(why) => Err(Fault::says(why)),
                None => visitor.visit_string(text),
            },
            Value::Array(items) => visitor.visit_seq(Items::new(items, self.form, self.rule)),
            Value::Object(members) => {
                visitor.visit_map(Members::new(members, self.form, self.rule))
            }
        }
    }

    numbers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
        deserialize_f32 deserialize_f64
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let Self { value, form, rule } = self.leaf();
        match (form, value) {
            (Form::Text, Value::String(text)) => match text.as_str() {
                "true" | "1" => visitor.visit_bool(true),
                "false" | "0" => visitor.visit_bool(false),
                _ => Err(Fault::says("must be true or false")),
            },
            (form, value) => Self { value, form, rule }.deserialize_any(visitor),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.leaf().deserialize_any(visitor)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.leaf().deserialize_any(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.value {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let rule = Rule::named(name).unwrap_or(self.rule);
        visitor.visit_newtype_struct(Self { rule, ..self })
    }

    /// In a query, a list is `a,b` or `[]=a` or `[0]=a`; gaps between the indexes do not matter.
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match (self.form, self.value) {
            (Form::Text, Value::String(text)) => {
                let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
                let rest = parts.map(Value::from).collect::<Vec<_>>().into_iter();
                visitor.visit_seq(Items { rest, next: None, form: self.form, rule: self.rule })
            }
            (Form::Text, Value::Object(members)) => {
                let mut items: Vec<_> =
                    members.into_iter().filter(|(index, _)| !index.is_empty()).collect();
                items.sort_by_key(|(index, _)| index.parse::<u64>().unwrap_or(u64::MAX));
                let items = items.into_iter().map(|(_, value)| value).collect();
                visitor.visit_seq(Items::new(items, self.form, self.rule))
            }
            (form, value) => Self { value, form, rule: self.rule }.deserialize_any(visitor),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let members = match (self.form, self.value) {
            (_, Value::Object(members)) => members,
            (Form::Text, text @ Value::String(_)) => Map::from_iter([(String::new(), text)]),
            // Not handed on: serde would take an array for the fields in their order.
            (_, other) => return Err(Fault::invalid_type(unexpected(&other), &visitor)),
        };
        visitor.visit_map(Members::new(named(members, fields), self.form, self.rule))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match self.leaf().value {
            Value::String(text) => visitor.visit_enum(text.into_deserializer()),
            other => Err(Fault::invalid_type(unexpected(&other), &"a string")),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        i128 u128 char bytes byte_buf tuple tuple_struct map identifier
    }
}

fn unexpected(value: &Value) -> Unexpected<'_> {
    match value {
        Value::Null => Unexpected::Unit,
        Value::Bool(value) => Unexpected::Bool(*value),
        Value::Number(_) => Unexpected::Float(0.0),
        Value::String(text) => Unexpected::Str(text),
        Value::Array(_) => Unexpected::Seq,
        Value::Object(_) => Unexpected::Map,
    }
}

/// Gives each member the name of the field that it spells. The exact spelling goes first.
fn named(members: Map<String, Value>, fields: &[&str]) -> Map<String, Value> {
    let (exact, other): (Vec<_>, Vec<_>) =
        members.into_iter().partition(|(key, _)| fields.contains(&key.as_str()));
    let mut named: Map<_, _> = exact.into_iter().collect();
    for (key, value) in other {
        let name = fields.iter().find(|field| same(field, &key)).map_or(key, |&f| f.to_owned());
        named.entry(name).or_insert(value);
    }
    named
}

struct Items {
    rest: vec::IntoIter<Value>,
    /// `None` where the items have no index of their own to be named by.
    next: Option<usize>,
    form: Form,
    rule: Rule,
}

impl Items {
    fn new(items: Vec<Value>, form: Form, rule: Rule) -> Self {
        Self { rest: items.into_iter(), next: Some(0), form, rule }
    }
}

impl<'de> SeqAccess<'de> for Items {
    type Error = Fault;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Fault> {
        let Some(value) = self.rest.next() else { return Ok(None) };
        let index = self.next;
        self.next = index.map(|index| index + 1);
        let item = Lenient { value, form: self.form, rule: self.rule };
        seed.deserialize(item).map(Some).map_err(|fault| match index {
            Some(index) => fault.within(index.to_string()),
            None => fault,
        })
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.rest.len())
    }
}

struct Members {
    rest: serde_json::map::IntoIter,
    current: Option<(String, Value)>,
    form: Form,
    rule: Rule,
}

impl Members {
    fn new(members: Map<String, Value>, form: Form, rule: Rule) -> Self {
        Self { rest: members.into_iter(), current: None, form, rule }
    }
}

impl<'de> MapAccess<'de> for Members {
    type Error = Fault;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Fault> {
        let Some((key, value)) = self.rest.next() else { return Ok(None) };
        text::anything(&key).map_or(Ok(()), |why| Err(Fault::says(why)))?;
        let name = seed.deserialize(key.as_str().into_deserializer())?;
        self.current = Some((key, value));
        Ok(Some(name))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Fault> {
        let (key, value) = self.current.take().ok_or_else(|| Fault::says("has no value"))?;
        let member = Lenient { value, form: self.form, rule: self.rule };
        seed.deserialize(member).map_err(|fault| fault.within(key))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.rest.len())
    }
}
