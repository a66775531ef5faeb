//! How far a long work is.

use std::cell::RefCell;

/// What is being done, and how much of it is done.
#[derive(Clone, Debug, Default)]
pub struct Step {
    pub what: &'static str,
    pub done: usize,
    pub total: usize,
    /// Bytes of states, so far.
    pub bytes: u64,
}

/// Counts steps and tells somebody.
pub struct Steps<'t> {
    tell: Box<dyn Fn(&Step) + 't>,
    step: RefCell<Step>,
}

impl std::fmt::Debug for Steps<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.step.borrow().fmt(f)
    }
}

impl<'t> Steps<'t> {
    pub fn new(tell: impl Fn(&Step) + 't) -> Self {
        Self { tell: Box::new(tell), step: RefCell::default() }
    }

    pub(crate) fn begin(&self, what: &'static str, total: usize) {
        *self.step.borrow_mut() = Step { what, total, ..Step::default() };
    }

    pub(crate) fn step(&self) {
        self.step.borrow_mut().done += 1;
        (self.tell)(&self.step.borrow());
    }

    pub(crate) fn bytes(&self, count: usize) {
        self.step.borrow_mut().bytes += count as u64;
    }
}
