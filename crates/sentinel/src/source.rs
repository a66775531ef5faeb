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
        Lines::of(&source.text).place(source, at)
    }
}

/// Where the lines of a text begin: for whoever looks for more than one place in it.
pub(crate) struct Lines(Vec<usize>);

impl Lines {
    pub fn of(text: &[u8]) -> Self {
        let newlines = memchr::memchr_iter(b'\n', text);
        Self(std::iter::once(0).chain(newlines.map(|newline| newline + 1)).collect())
    }

    /// The line of a byte and the column in it, counted from 1.
    pub fn find(&self, at: usize) -> (usize, usize) {
        let line = self.0.partition_point(|start| *start <= at);
        (line, at - self.0[line - 1] + 1)
    }

    /// What stands on a line.
    pub fn line<'t>(&self, text: &'t [u8], line: usize) -> &'t [u8] {
        let end = self.0.get(line).map_or(text.len(), |next| next - 1);
        &text[self.0[line - 1]..end]
    }

    pub fn place(&self, source: &Source, at: usize) -> Place {
        let (line, column) = self.find(at.min(source.text.len()));
        Place { file: source.name.clone(), offset: at, line, column }
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
