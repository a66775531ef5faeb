//! Maps: shared by reference, ordered by insertion, views of unchanging data until somebody writes.

use std::cell::RefCell;

use indexmap::IndexMap;

use super::list::see;
use super::{Heap, Value};
use crate::frozen::{Frozen, Text};

/// What can be a key. 1 and 1.0 are the same one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Key<'a> {
    Bool(bool),
    Int(i64),
    /// The bits of a float that is no integer.
    Float(u64),
    Text(&'a [u8]),
}

impl<'a> Key<'a> {
    /// The key that a value is, if it can be one.
    pub fn of(value: Value<'a>) -> Option<Self> {
        match value {
            Value::Bool(value) => Some(Self::Bool(value)),
            Value::Int(value) => Some(Self::Int(value)),
            Value::Float(value) => {
                Some(integral(value).map_or(Self::Float(value.to_bits()), Self::Int))
            }
            Value::Text(text) => Some(Self::Text(text)),
            _ => None,
        }
    }

    pub fn value(self) -> Value<'a> {
        match self {
            Self::Bool(value) => Value::Bool(value),
            Self::Int(value) => Value::Int(value),
            Self::Float(bits) => Value::Float(f64::from_bits(bits)),
            Self::Text(text) => Value::Text(text),
        }
    }
}

/// The integer that a float is exactly.
#[expect(clippy::cast_possible_truncation, reason = "the bounds are checked")]
pub(crate) fn integral(value: f64) -> Option<i64> {
    const EDGE: f64 = 9_223_372_036_854_775_808.0;
    (value.fract().abs() <= 0.0 && (-EDGE..EDGE).contains(&value)).then_some(value as i64)
}

pub(crate) struct Map<'a>(RefCell<Entries<'a>>);

enum Entries<'a> {
    Own(IndexMap<Key<'a>, Value<'a>>),
    View {
        data: &'a [(Text, Frozen)],
        /// The values that were handed out and can be changed by whoever got them; empty at first.
        seen: Vec<Option<Value<'a>>>,
    },
}

impl<'a> Map<'a> {
    /// What an entry costs, in bytes.
    pub const ENTRY: usize = size_of::<Key<'_>>() + size_of::<Value<'_>>() + 24;

    pub fn new(entries: IndexMap<Key<'a>, Value<'a>>) -> Self {
        Self(RefCell::new(Entries::Own(entries)))
    }

    pub fn view(data: &'a [(Text, Frozen)]) -> Self {
        Self(RefCell::new(Entries::View { data, seen: Vec::new() }))
    }

    pub fn len(&self) -> usize {
        match &*self.0.borrow() {
            Entries::Own(entries) => entries.len(),
            Entries::View { data, .. } => data.len(),
        }
    }

    pub fn get(&self, key: Key<'a>, heap: &'a Heap<'a>) -> Option<Value<'a>> {
        match &mut *self.0.borrow_mut() {
            Entries::Own(entries) => entries.get(&key).copied(),
            Entries::View { data, seen } => {
                let Key::Text(text) = key else { return None };
                let index = data.binary_search_by(|(known, _)| (**known).cmp(text)).ok()?;
                Some(see(heap, &data[index].1, seen, index, data.len()))
            }
        }
    }

    /// The entry at that place of the order.
    pub fn at(&self, index: usize, heap: &'a Heap<'a>) -> Option<(Key<'a>, Value<'a>)> {
        match &mut *self.0.borrow_mut() {
            Entries::Own(entries) => entries.get_index(index).map(|(key, value)| (*key, *value)),
            Entries::View { data, seen } => {
                let (key, child) = data.get(index)?;
                Some((Key::Text(key), see(heap, child, seen, index, data.len())))
            }
        }
    }

    pub fn has(&self, key: Key<'a>) -> bool {
        match &*self.0.borrow() {
            Entries::Own(entries) => entries.contains_key(&key),
            Entries::View { data, .. } => {
                matches!(key, Key::Text(text) if crate::frozen::find(data, text).is_some())
            }
        }
    }

    pub fn keys(&self) -> Vec<Key<'a>> {
        match &*self.0.borrow() {
            Entries::Own(entries) => entries.keys().copied().collect(),
            Entries::View { data, .. } => data.iter().map(|(key, _)| Key::Text(key)).collect(),
        }
    }

    /// The entries as they are now.
    pub fn entries(&self, heap: &'a Heap<'a>) -> Vec<(Key<'a>, Value<'a>)> {
        match &mut *self.0.borrow_mut() {
            Entries::Own(entries) => entries.iter().map(|(key, value)| (*key, *value)).collect(),
            Entries::View { data, seen } => {
                let entry = |(index, (key, child)): (usize, &'a (Text, Frozen))| {
                    (Key::Text(key), see(heap, child, seen, index, data.len()))
                };
                data.iter().enumerate().map(entry).collect()
            }
        }
    }

    pub fn set(&self, key: Key<'a>, value: Value<'a>, heap: &'a Heap<'a>) {
        self.own(heap);
        if let Entries::Own(entries) = &mut *self.0.borrow_mut()
            && entries.insert(key, value).is_none()
        {
            heap.charge(Self::ENTRY);
        }
    }

    /// Takes an entry out; the others keep their order, which costs time for each of them.
    pub fn remove(&self, key: Key<'a>, heap: &'a Heap<'a>) {
        if self.has(key) {
            self.own(heap);
            if let Entries::Own(entries) = &mut *self.0.borrow_mut() {
                entries.shift_remove(&key);
            }
        }
    }

    /// The data behind a map that nobody can have changed.
    pub fn untouched(&self) -> Option<&'a [(Text, Frozen)]> {
        match &*self.0.borrow() {
            Entries::View { data, seen } if seen.is_empty() => Some(data),
            _ => None,
        }
    }

    fn own(&self, heap: &'a Heap<'a>) {
        if matches!(&*self.0.borrow(), Entries::View { .. }) {
            let entries: IndexMap<_, _> = self.entries(heap).into_iter().collect();
            heap.charge(entries.len() * Self::ENTRY);
            *self.0.borrow_mut() = Entries::Own(entries);
        }
    }
}
