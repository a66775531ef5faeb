//! Values of the language. They are references into the evaluation's memory, so copying one is free.

mod heap;
mod list;
mod map;
mod object;
mod rope;

use std::cell::{Cell, RefCell};

pub(crate) use heap::Heap;
pub(crate) use list::List;
pub(crate) use map::{Key, Map, integral};
pub(crate) use object::Object;
pub(crate) use rope::Rope;

use crate::ast::{Function, RuleBody};
use crate::frozen::Frozen;
use crate::source::{Fault, Pos};
use crate::std::{Native, Space};

/// Any value. The lifetime is that of one evaluation.
#[derive(Clone, Copy)]
pub(crate) enum Value<'a> {
    /// With the place where it arose, once that is known.
    Undefined(Option<Pos>),
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    /// Bytes; mostly UTF-8.
    Text(&'a [u8]),
    /// A long string that nobody has looked at yet.
    Rope(&'a Rope<'a>),
    List(&'a List<'a>),
    Map(&'a Map<'a>),
    Func(&'a Closure<'a>),
    Rule(&'a Rule<'a>),
    /// A function of ours, perhaps of an object.
    Native(&'static Native, Option<&'a Object>),
    /// A time, a decimal number, a version, something of http.
    Object(&'a Object),
}

impl Value<'_> {
    /// What arises where nothing says where.
    pub const UNDEFINED: Self = Self::Undefined(None);

    /// The name of the type, as `types.type_of` gives it for a value that is no rule.
    pub fn type_name(self) -> &'static str {
        match self {
            Self::Undefined(_) => "undefined",
            Self::Null => "null",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Float(_) => "float",
            Self::Text(_) | Self::Rope(_) => "string",
            Self::List(_) => "list",
            Self::Map(_) | Self::Object(_) => "map",
            Self::Func(_) | Self::Native(..) => "func",
            Self::Rule(_) => "rule",
        }
    }

    /// The length of what has one.
    pub fn length(self) -> Option<usize> {
        match self {
            Self::Text(text) => Some(text.len()),
            Self::Rope(rope) => Some(rope.len()),
            Self::List(list) => Some(list.len()),
            Self::Map(map) => Some(map.len()),
            _ => None,
        }
    }

    pub fn is_undefined(self) -> bool {
        matches!(self, Self::Undefined(_))
    }

    /// This, having arisen at `pos` if it is undefined and nobody knows better.
    pub fn or_arose_at(self, pos: Pos) -> Self {
        match self {
            Self::Undefined(None) => Self::Undefined(Some(pos)),
            _ => self,
        }
    }
}

/// A function together with the scope it was written in.
pub(crate) struct Closure<'a> {
    pub function: &'a Function,
    pub scope: &'a Scope<'a>,
}

/// The variables of a file, a call or one round of a loop.
pub(crate) struct Scope<'a> {
    pub slots: Box<[Cell<Option<Value<'a>>>]>,
    pub parent: Option<&'a Scope<'a>>,
    /// The imports that can be named here.
    pub file: &'a File<'a>,
}

/// What a running file knows beside its variables.
pub(crate) struct File<'a> {
    pub imports: RefCell<Vec<(&'a str, Imported<'a>)>>,
}

/// What the name of an import stands for. Only data is a value; all else stands before a dot.
#[derive(Clone, Copy)]
pub(crate) enum Imported<'a> {
    Space(&'static Space),
    Module(&'a Module<'a>),
    /// Data, of which everybody who names it gets a copy, and functions beside it.
    Data(&'a Frozen, &'static [Native]),
}

/// A rule, which is evaluated at most once.
pub(crate) struct Rule<'a> {
    pub body: &'a RuleBody,
    pub pos: Pos,
    pub scope: &'a Scope<'a>,
    pub state: RefCell<RuleState<'a>>,
}

pub(crate) enum RuleState<'a> {
    Pending,
    Running,
    Done(Value<'a>),
    /// With the error, which is given again to whoever asks again.
    Failed(Fault),
}

/// A file that was imported, with the names of its slots.
pub(crate) struct Module<'a> {
    pub names: &'a [Box<str>],
    pub scope: &'a Scope<'a>,
}

impl<'a> Module<'a> {
    pub fn get(&self, name: &str) -> Option<Value<'a>> {
        let index = self.names.iter().position(|known| &**known == name)?;
        self.scope.slots[index].get()
    }
}
