//! Lists: shared by reference, views of unchanging data until somebody writes.

use std::cell::RefCell;

use super::{Heap, Value};
use crate::frozen::Frozen;

/// Elements, of which several lists may have the first ones: whoever ends where they end may add more.
pub(super) type Storage<'a> = RefCell<Vec<Value<'a>>>;

pub(crate) struct List<'a>(RefCell<Items<'a>>);

enum Items<'a> {
    Own {
        storage: &'a Storage<'a>,
        len: usize,
        /// Whether other lists use the storage too, so that no element may be changed in it.
        shared: bool,
    },
    View {
        data: &'a [Frozen],
        /// The elements that were handed out and can be changed by whoever got them; empty at first.
        seen: Vec<Option<Value<'a>>>,
    },
}

impl<'a> List<'a> {
    pub(super) fn new(storage: &'a Storage<'a>) -> Self {
        let len = storage.borrow().len();
        Self(RefCell::new(Items::Own { storage, len, shared: false }))
    }

    pub fn view(data: &'a [Frozen]) -> Self {
        Self(RefCell::new(Items::View { data, seen: Vec::new() }))
    }

    pub fn len(&self) -> usize {
        match &*self.0.borrow() {
            Items::Own { len, .. } => *len,
            Items::View { data, .. } => data.len(),
        }
    }

    pub fn get(&self, index: usize, heap: &'a Heap<'a>) -> Option<Value<'a>> {
        match &mut *self.0.borrow_mut() {
            Items::Own { storage, len, .. } => storage.borrow()[..*len].get(index).copied(),
            Items::View { data, seen } => {
                Some(see(heap, data.get(index)?, seen, index, data.len()))
            }
        }
    }

    /// The elements as they are now.
    pub fn items(&self, heap: &'a Heap<'a>) -> Vec<Value<'a>> {
        if let Items::Own { storage, len, .. } = &*self.0.borrow() {
            return storage.borrow()[..*len].to_vec();
        }
        (0..self.len()).filter_map(|index| self.get(index, heap)).collect()
    }

    /// Sets an element that is there.
    pub fn set(&self, index: usize, value: Value<'a>, heap: &'a Heap<'a>) {
        self.own(heap, |_, _, shared| !shared);
        if let Items::Own { storage, .. } = &*self.0.borrow() {
            storage.borrow_mut()[index] = value;
        }
    }

    pub fn push(&self, value: Value<'a>, heap: &'a Heap<'a>) {
        self.own(heap, |storage, len, _| storage.borrow().len() == len);
        heap.charge(2 * size_of::<Value<'_>>());
        if let Items::Own { storage, len, .. } = &mut *self.0.borrow_mut() {
            storage.borrow_mut().push(value);
            *len += 1;
        }
    }

    /// A new list with more elements at the end. It shares those of this one if nobody has added others.
    pub(super) fn longer(&self, more: Vec<Value<'a>>, heap: &'a Heap<'a>) -> Self {
        heap.charge(2 * more.len() * size_of::<Value<'_>>());
        if let Items::Own { storage, len, shared } = &mut *self.0.borrow_mut()
            && storage.borrow().len() == *len
        {
            *shared = true;
            let len = *len + more.len();
            storage.borrow_mut().extend(more);
            return Self(RefCell::new(Items::Own { storage, len, shared: true }));
        }
        let mut items = self.items(heap);
        items.extend(more);
        Self::new(heap.storage(items))
    }

    /// The data behind a list that nobody can have changed.
    pub fn untouched(&self) -> Option<&'a [Frozen]> {
        match &*self.0.borrow() {
            Items::View { data, seen } if seen.is_empty() => Some(data),
            _ => None,
        }
    }

    /// Takes a storage of its own, unless it has one that is good enough.
    fn own(&self, heap: &'a Heap<'a>, good: impl FnOnce(&'a Storage<'a>, usize, bool) -> bool) {
        if let Items::Own { storage, len, shared } = &*self.0.borrow()
            && good(storage, *len, *shared)
        {
            return;
        }
        let items = self.items(heap);
        let len = items.len();
        *self.0.borrow_mut() = Items::Own { storage: heap.storage(items), len, shared: false };
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
