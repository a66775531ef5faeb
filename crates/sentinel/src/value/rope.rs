//! Long strings that were put together from others: text is copied only when somebody looks at it.
//!
//! Policies build their reports by `report += line`; copying each time would be quadratic.

use std::cell::OnceCell;

use super::{Heap, Value};

/// Two strings, each a text or a rope.
pub(crate) struct Rope<'a> {
    left: Value<'a>,
    right: Value<'a>,
    len: usize,
    flat: OnceCell<&'a [u8]>,
}

impl<'a> Rope<'a> {
    /// Shorter strings are cheaper to copy.
    pub const LEAST: usize = 128;

    pub fn new(left: Value<'a>, right: Value<'a>, len: usize) -> Self {
        Self { left, right, len, flat: OnceCell::new() }
    }

    pub fn len(&self) -> usize {
        self.len
    }

    /// The whole text. There has to be room for it.
    pub fn flat(&self, heap: &'a Heap<'a>) -> &'a [u8] {
        self.flat.get_or_init(|| {
            let mut out = Vec::with_capacity(self.len);
            let mut left = vec![self.right, self.left];
            while let Some(part) = left.pop() {
                match part {
                    Value::Text(text) => out.extend_from_slice(text),
                    Value::Rope(rope) => match rope.flat.get() {
                        Some(text) => out.extend_from_slice(text),
                        None => left.extend([rope.right, rope.left]),
                    },
                    _ => {}
                }
            }
            heap.bytes(out)
        })
    }
}
