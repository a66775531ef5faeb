//! A block of a configuration, whichever form it was written in.

use std::collections::BTreeMap;

use super::{Invalid, Location, invalid};
use crate::frozen::Frozen;

pub(super) struct Block {
    pub kind: String,
    pub labels: Vec<String>,
    /// The byte of the file at which it begins.
    pub at: usize,
    pub attributes: BTreeMap<String, Attribute>,
    pub blocks: Vec<Block>,
}

pub(super) struct Attribute {
    pub at: usize,
    pub value: Frozen,
}

impl Block {
    pub fn new(kind: &str, labels: &[&str], at: usize) -> Self {
        Self {
            kind: kind.to_owned(),
            labels: labels.iter().map(|label| (*label).to_owned()).collect(),
            at,
            attributes: BTreeMap::new(),
            blocks: Vec::new(),
        }
    }

    /// How messages name it.
    pub fn title(&self) -> String {
        let labels = self.labels.iter().map(|label| format!(" {label:?}"));
        format!("{}{}", self.kind, labels.collect::<String>())
    }

    /// Sets an attribute that is not there yet.
    pub fn set(&mut self, key: &str, at: usize, value: Frozen) -> Result<(), Invalid> {
        match self.attributes.insert(key.to_owned(), Attribute { at, value }) {
            None => Ok(()),
            Some(_) => invalid(format!("the attribute {key:?} is there twice")).or_at(at),
        }
    }

    pub fn take(&mut self, key: &str) -> Option<Frozen> {
        self.attributes.remove(key).map(|attribute| attribute.value)
    }

    /// Where an attribute or a block within this one begins.
    pub fn place(&self, key: &str) -> usize {
        let block = || self.blocks.iter().find(|block| block.kind == key).map(|block| block.at);
        let attribute = self.attributes.get(key).map(|attribute| attribute.at);
        attribute.or_else(block).unwrap_or(self.at)
    }

    pub fn value(&mut self, key: &str) -> Result<Frozen, Invalid> {
        match self.take(key) {
            Some(value) => Ok(value),
            None => invalid(format!("{}: {key} is missing", self.title())),
        }
    }

    pub fn text(&mut self, key: &str) -> Result<Option<String>, Invalid> {
        let at = self.place(key);
        match self.take(key) {
            None | Some(Frozen::Null) => Ok(None),
            Some(value) => match value.as_str() {
                Some(text) => Ok(Some(text.to_owned())),
                None => invalid(format!("{}: {key} must be a string", self.title())).or_at(at),
            },
        }
    }

    /// An attribute that is a map, or a block of that name without labels; empty if there is none.
    pub fn map(&mut self, key: &str) -> Result<BTreeMap<String, Frozen>, Invalid> {
        let at = self.place(key);
        if let Some(block) = self.child(key)? {
            block.has_no_blocks()?;
            let attributes = block.attributes.into_iter();
            return Ok(attributes.map(|(key, attribute)| (key, attribute.value)).collect());
        }
        match self.take(key) {
            None | Some(Frozen::Null) => Ok(BTreeMap::new()),
            Some(map @ Frozen::Map(_)) => {
                let entries = map.entries().iter();
                let entries = entries
                    .map(|(key, value)| (String::from_utf8_lossy(key).into_owned(), value.clone()));
                Ok(entries.collect())
            }
            Some(_) => invalid(format!("{}: {key} must be a map", self.title())).or_at(at),
        }
    }

    pub fn child(&mut self, kind: &str) -> Result<Option<Self>, Invalid> {
        let Some(index) = self.blocks.iter().position(|block| block.kind == kind) else {
            return Ok(None);
        };
        let child = self.blocks.remove(index);
        if child.labels.is_empty() {
            return Ok(Some(child));
        }
        invalid(format!("{}: {kind} takes no labels", self.title())).or_at(child.at)
    }

    pub fn location(&mut self) -> Result<Location, Invalid> {
        let at = self.place("source");
        match self.text("source")? {
            Some(source) => Location::parse(&source).or_at(at),
            None => invalid(format!("{}: source is missing", self.title())),
        }
    }

    fn has_no_blocks(&self) -> Result<(), Invalid> {
        match self.blocks.first() {
            None => Ok(()),
            Some(block) => {
                let text = format!("{}: unknown block {:?}", self.title(), block.kind);
                invalid(text).or_at(block.at)
            }
        }
    }

    /// Nothing may be left that nobody asked for.
    pub fn finish(self) -> Result<(), Invalid> {
        if let Some((key, attribute)) = self.attributes.iter().next() {
            let text = format!("{}: unknown attribute {key:?}", self.title());
            return invalid(text).or_at(attribute.at);
        }
        self.has_no_blocks()
    }
}

/// Adds to what is wrong where it is, unless that is known more exactly.
pub(super) trait OrAt {
    fn or_at(self, at: usize) -> Self;
}

impl<T> OrAt for Result<T, Invalid> {
    fn or_at(self, at: usize) -> Self {
        self.map_err(|wrong| Invalid { at: wrong.at.or(Some(at)), ..wrong })
    }
}
