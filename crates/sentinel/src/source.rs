//! Files of Sentinel code, places in them, and errors that name a place.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// One file, as messages name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    pub name: String,
    #[serde(with = "crate::wire::bytes")]
    pub text: Arc<[u8]>,
}

impl Source {
    pub fn new(name: impl Into<String>, text: impl Into<Vec<u8>>) -> Self {
        Self { name: name.into(), text: text.into().into() }
    }
}

/// A byte of a file. The file is an index into the files that one evaluation has read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Pos {
    pub file: u16,
    pub at: u32,
}

/// A place as people read it. Lines and columns count from 1, columns and `offset` in bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    pub file: String,
    pub offset: usize,
    pub line: usize,
    pub column: usize,
}

impl Place {
    pub(crate) fn of(source: &Source, at: usize) -> Self {
        let before = &source.text[..at.min(source.text.len())];
        let start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
        let newlines = before.iter().fold(0, |count, byte| count + usize::from(*byte == b'\n'));
        Self {
            file: source.name.clone(),
            offset: at,
            line: newlines + 1,
            column: before.len() - start + 1,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// What kind of mistake ended a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Class {
    /// The text is not Sentinel.
    Syntax,
    /// The text is, but can never run.
    Semantic,
    /// Something went wrong while it ran.
    Runtime,
    /// It used more than the limits allow.
    Limit,
}

/// Why a policy ended without an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Error {
    pub class: Class,
    pub place: Option<Place>,
    pub text: String,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Some(place) => write!(f, "{place}: {}", self.text),
            None => f.write_str(&self.text),
        }
    }
}

impl std::error::Error for Error {}

/// An error on its way out; a pointer, so that results stay small.
#[derive(Debug, Clone)]
pub(crate) struct Fault(Box<Why>);

#[derive(Debug, Clone)]
pub(crate) struct Why {
    pub class: Class,
    pub pos: Option<Pos>,
    pub text: String,
}

/// The result of everything that can end a policy.
pub(crate) type Eval<T> = Result<T, Fault>;

impl Fault {
    fn of(class: Class, pos: Option<Pos>, text: impl Into<String>) -> Self {
        Self(Box::new(Why { class, pos, text: text.into() }))
    }

    pub fn new(text: impl Into<String>) -> Self {
        Self::of(Class::Runtime, None, text)
    }

    pub fn at(pos: Pos, text: impl Into<String>) -> Self {
        Self::of(Class::Runtime, Some(pos), text)
    }

    pub fn syntax(pos: Pos, text: impl Into<String>) -> Self {
        Self::of(Class::Syntax, Some(pos), text)
    }

    pub fn semantic(pos: Pos, text: impl Into<String>) -> Self {
        Self::of(Class::Semantic, Some(pos), text)
    }

    pub fn limit(text: impl Into<String>) -> Self {
        Self::of(Class::Limit, None, text)
    }

    /// The same with a place. Whoever knows one adds it; the first counts.
    pub fn or_at(mut self, pos: Pos) -> Self {
        self.0.pos.get_or_insert(pos);
        self
    }

    pub fn into_why(self) -> Why {
        *self.0
    }
}
