//! What a function of ours is, and how it reads its arguments.

use crate::eval::Interp;
use crate::source::{Eval, Fault};
use crate::value::{List, Map, Object, Value};

type Run = for<'a> fn(&mut Interp<'a>, Args<'_, 'a>) -> Eval<Value<'a>>;
type Make = for<'a> fn(&mut Interp<'a>) -> Eval<Value<'a>>;

/// A function of ours: a builtin, one of an import, or one of an object.
pub(crate) struct Native {
    /// As messages name it; what follows the last dot is how policies call it.
    pub name: &'static str,
    pub also: &'static [&'static str],
    pub least: usize,
    pub most: usize,
    /// Otherwise an undefined argument makes the result undefined.
    pub takes_undefined: bool,
    /// Whether the result may share lists and maps with the arguments.
    pub shares: bool,
    pub run: Run,
}

impl Native {
    pub const fn new(name: &'static str, least: usize, most: usize, run: Run) -> Self {
        Self { name, also: &[], least, most, takes_undefined: false, shares: false, run }
    }

    /// Other names for the same.
    pub const fn also(mut self, also: &'static [&'static str]) -> Self {
        self.also = also;
        self
    }

    pub const fn takes_undefined(mut self) -> Self {
        self.takes_undefined = true;
        self
    }

    pub const fn shares(mut self) -> Self {
        self.shares = true;
        self
    }

    pub fn is(&self, member: &str) -> bool {
        self.name.rsplit('.').next() == Some(member) || self.also.contains(&member)
    }
}

/// A standard import: functions and values.
pub(crate) struct Space {
    pub name: &'static str,
    pub natives: &'static [Native],
    pub values: &'static [(&'static str, Make)],
}

impl Space {
    /// A member that is a value.
    pub fn value<'a>(&self, interp: &mut Interp<'a>, name: &str) -> Eval<Option<Value<'a>>> {
        match self.values.iter().find(|(known, _)| *known == name) {
            Some((_, make)) => make(interp).map(Some),
            None => Ok(None),
        }
    }

    /// A member that is a function.
    pub fn function(&self, name: &str) -> Option<&'static Native> {
        self.natives.iter().find(|native| native.is(name))
    }
}

/// The arguments of one call; rules among them were asked already.
#[derive(Clone, Copy)]
pub(crate) struct Args<'n, 'a> {
    pub native: &'static Native,
    pub receiver: Option<&'a Object>,
    pub values: &'n [Value<'a>],
}

impl<'a> Args<'_, 'a> {
    pub fn get(&self, index: usize) -> Option<Value<'a>> {
        self.values.get(index).copied()
    }

    /// An argument that the table of functions says is there.
    pub fn value(&self, index: usize) -> Value<'a> {
        self.get(index).unwrap_or(Value::Undefined(None))
    }

    /// An argument has a type that it cannot have.
    pub fn unfit(&self, index: usize, kinds: &str) -> Fault {
        const ORDINALS: [&str; 4] = ["first", "second", "third", "fourth"];
        let ordinal = ORDINALS.get(index).copied().unwrap_or("last");
        let (name, got) = (self.native.name, self.value(index).type_name());
        Fault::new(format!(
            "{name} {ordinal} argument can only be called with {kinds}, got {got:?}"
        ))
    }

    pub fn text(&self, index: usize) -> Eval<&'a [u8]> {
        match self.value(index) {
            Value::Text(text) => Ok(text),
            _ => Err(self.unfit(index, "strings")),
        }
    }

    /// A string that has to be UTF-8.
    pub fn str(&self, index: usize) -> Eval<&'a str> {
        std::str::from_utf8(self.text(index)?)
            .map_err(|_| Fault::new(format!("{}: the string is not UTF-8", self.native.name)))
    }

    pub fn int(&self, index: usize) -> Eval<i64> {
        match self.value(index) {
            Value::Int(value) => Ok(value),
            Value::Float(value) => match crate::value::integral(value) {
                Some(value) => Ok(value),
                None => Err(self.unfit(index, "ints")),
            },
            _ => Err(self.unfit(index, "ints")),
        }
    }

    pub fn list(&self, index: usize) -> Eval<&'a List<'a>> {
        match self.value(index) {
            Value::List(list) => Ok(list),
            _ => Err(self.unfit(index, "lists")),
        }
    }

    pub fn map(&self, index: usize) -> Eval<&'a Map<'a>> {
        match self.value(index) {
            Value::Map(map) => Ok(map),
            _ => Err(self.unfit(index, "maps")),
        }
    }

    pub fn function(&self, index: usize) -> Eval<Value<'a>> {
        match self.value(index) {
            value @ (Value::Func(_) | Value::Native(..)) => Ok(value),
            _ => Err(self.unfit(index, "functions")),
        }
    }

    /// The object that the function belongs to.
    pub fn object(&self) -> Eval<&'a Object> {
        self.receiver.ok_or_else(|| Fault::new(format!("{} needs its object", self.native.name)))
    }
}
