//! Lists: shared by reference, views of unchanging data until somebody writes.

use std::cell::RefCell;

use super::{Heap, Value};
use crate::frozen::Frozen;

pub(crate) struct List<'a>(RefCell<Items<'a>>);

enum Items<'a> {
    Own(Vec<Value<'a>>),
    View {
        data: &'a [Frozen],
        /// The elements that were handed out and can be changed by whoever got them; empty at first.
        seen: Vec<Option<Value<'a>>>,
    },
}

impl<'a> List<'a> {
    pub fn new(items: Vec<Value<'a>>) -> Self {
        Self(RefCell::new(Items::Own(items)))
    }

    pub fn view(data: &'a [Frozen]) -> Self {
        Self(RefCell::new(Items::View { data, seen: Vec::new() }))
    }

    pub fn len(&self) -> usize {
        match &*self.0.borrow() {
            Items::Own(items) => items.len(),
            Items::View { data, .. } => data.len(),
        }
    }

    pub fn get(&self, index: usize, heap: &'a Heap<'a>) -> Option<Value<'a>> {
        match &mut *self.0.borrow_mut() {
            Items::Own(items) => items.get(index).copied(),
            Items::View { data, seen } => {
                Some(see(heap, data.get(index)?, seen, index, data.len()))
            }
        }
    }

    /// The elements as they are now.
    pub fn items(&self, heap: &'a Heap<'a>) -> Vec<Value<'a>> {
        if let Items::Own(items) = &*self.0.borrow() {
            return items.clone();
        }
        (0..self.len()).filter_map(|index| self.get(index, heap)).collect()
    }

    /// Sets an element that is there.
    pub fn set(&self, index: usize, value: Value<'a>, heap: &'a Heap<'a>) {
        self.own(heap);
        if let Items::Own(items) = &mut *self.0.borrow_mut() {
            items[index] = value;
        }
    }

    pub fn push(&self, value: Value<'a>, heap: &'a Heap<'a>) {
        self.own(heap);
        heap.charge(2 * size_of::<Value<'_>>());
        if let Items::Own(items) = &mut *self.0.borrow_mut() {
            items.push(value);
        }
    }

    /// The data behind a list that nobody can have changed.
    pub fn untouched(&self) -> Option<&'a [Frozen]> {
        match &*self.0.borrow() {
            Items::View { data, seen } if seen.is_empty() => Some(data),
            _ => None,
        }
    }

    fn own(&self, heap: &'a Heap<'a>) {
        if matches!(&*self.0.borrow(), Items::View { .. }) {
            let items = self.items(heap);
            heap.charge(items.len() * size_of::<Value<'_>>());
            *self.0.borrow_mut() = Items::Own(items);
        }
    }
}

/// A child of unchanging data. Lists and maps are remembered: asking again gives the same one.
pub(super) fn see<'a>(
    heap: &'a Heap<'a>,
    child: &'a Frozen,
    seen: &mut Vec<Option<Value<'a>>>,
    index: usize,
    len: usize,
) -> Value<'a> {
    if !matches!(child, Frozen::List(_) | Frozen::Map(_)) {
        return heap.view(child);
    }
    if seen.is_empty() {
        heap.charge(len * size_of::<Option<Value<'_>>>());
        seen.resize(len, None);
    }
    *seen[index].get_or_insert_with(|| heap.view(child))
}
