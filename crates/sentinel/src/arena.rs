//! Memory that grows and is freed at once: what a policy makes lives until its end, so values are plain references.
//!
//! Nothing is counted by references, so closures that hold the scope that holds them are no leak,
//! and dropping a million nested lists is no recursion.

use std::cell::{Cell, OnceCell};

const FIRST: usize = 64;
const CHUNKS: usize = 32;

/// Things of one type. Each chunk is twice as large as the one before and never moves.
pub(crate) struct Arena<T> {
    chunks: [OnceCell<Box<[OnceCell<T>]>>; CHUNKS],
    len: Cell<usize>,
}

impl<T> Default for Arena<T> {
    fn default() -> Self {
        Self { chunks: [const { OnceCell::new() }; CHUNKS], len: Cell::new(0) }
    }
}

impl<T> Arena<T> {
    pub fn alloc(&self, value: T) -> &T {
        let index = self.len.get();
        self.len.set(index + 1);
        // Chunk n holds FIRST << n things, after FIRST * (2^n - 1) others.
        let chunk = ((index / FIRST) + 1).ilog2() as usize;
        let size = FIRST << chunk;
        let within = index + FIRST - size;
        let cells = self.chunks[chunk].get_or_init(|| (0..size).map(|_| OnceCell::new()).collect());
        cells[within].get_or_init(|| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_stays_where_it_was_put() {
        let arena = Arena::default();
        let all: Vec<&usize> = (0..10_000).map(|n| arena.alloc(n)).collect();
        assert!(all.iter().enumerate().all(|(n, kept)| n == **kept));
    }
}
