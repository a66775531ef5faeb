//! A block of a configuration, whichever form it was written in.

use std::collections::BTreeMap;

use super::{Invalid, Location, invalid};
use crate::frozen::Frozen;

pub(super) struct Block {
    pub kind: String,
    pub labels: Vec<String>,
    pub attributes: BTreeMap<String, Frozen>,
    pub blocks: Vec<Block>,
}

impl Block {
    pub fn new(kind: &str, labels: &[&str]) -> Self {
        Self {
            kind: kind.to_owned(),
            labels: labels.iter().map(|label| (*label).to_owned()).collect(),
            attributes: BTreeMap::new(),
            blocks: Vec::new(),
        }
    }

    /// How messages name it.
    fn title(&self) -> String {
        let labels = self.labels.iter().map(|label| format!(" {label:?}"));
        format!("{}{}", self.kind, labels.collect::<String>())
    }

    pub fn take(&mut self, key: &str) -> Option<Frozen> {
        self.attributes.remove(key)
    }

    pub fn value(&mut self, key: &str) -> Result<Frozen, Invalid> {
        match self.take(key) {
            Some(value) => Ok(value),
            None => invalid(format!("{}: {key} is missing", self.title())),
        }
    }

    pub fn text(&mut self, key: &str) -> Result<Option<String>, Invalid> {
        match self.take(key) {
            None | Some(Frozen::Null) => Ok(None),
            Some(value) => match value.as_str() {
                Some(text) => Ok(Some(text.to_owned())),
                None => invalid(format!("{}: {key} must be a string", self.title())),
            },
        }
    }

    /// An attribute that is a map, or a block of that name without labels; empty if there is none.
    pub fn map(&mut self, key: &str) -> Result<BTreeMap<String, Frozen>, Invalid> {
        if let Some(block) = self.child(key) {
            return Ok(block.attributes);
        }
        match self.take(key) {
            None | Some(Frozen::Null) => Ok(BTreeMap::new()),
            Some(map @ Frozen::Map(_)) => {
                let entries = map.entries().iter();
                let entries = entries
                    .map(|(key, value)| (String::from_utf8_lossy(key).into_owned(), value.clone()));
                Ok(entries.collect())
            }
            Some(_) => invalid(format!("{}: {key} must be a map", self.title())),
        }
    }

    pub fn child(&mut self, kind: &str) -> Option<Self> {
        let index = self.blocks.iter().position(|block| block.kind == kind)?;
        Some(self.blocks.remove(index))
    }

    pub fn location(&mut self) -> Result<Location, Invalid> {
        match self.text("source")? {
            Some(source) => Location::parse(&source),
            None => invalid(format!("{}: source is missing", self.title())),
        }
    }

    /// Nothing may be left that nobody asked for.
    pub fn finish(self) -> Result<(), Invalid> {
        if let Some(key) = self.attributes.keys().next() {
            return invalid(format!("{}: unknown attribute {key:?}", self.title()));
        }
        match self.blocks.first() {
            Some(block) => invalid(format!("{}: unknown block {:?}", self.title(), block.kind)),
            None => Ok(()),
        }
    }
}
