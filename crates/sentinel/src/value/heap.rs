//! The memory of one evaluation, and how much of it is used.

use std::cell::{Cell, RefCell};

use super::list::Storage;
use super::{Closure, File, Key, List, Map, Module, Object, Rope, Rule, Scope, Value};
use crate::arena::Arena;
use crate::ast::Program;
use crate::frozen::{Frozen, Text};

/// Everything that a policy makes. It only grows, and is freed when the policy ends.
#[derive(Default)]
pub(crate) struct Heap<'a> {
    used: Cell<usize>,
    texts: Arena<Box<[u8]>>,
    ropes: Arena<Rope<'a>>,
    storages: Arena<Storage<'a>>,
    lists: Arena<List<'a>>,
    maps: Arena<Map<'a>>,
    closures: Arena<Closure<'a>>,
    rules: Arena<Rule<'a>>,
    scopes: Arena<Scope<'a>>,
    objects: Arena<Object>,
    programs: Arena<Program>,
    files: Arena<File<'a>>,
    modules: Arena<Module<'a>>,
    data: Arena<Frozen>,
}

/// The size of a thing, with what its place in the memory costs.
const fn size<T>() -> usize {
    size_of::<T>() + 8
}

impl<'a> Heap<'a> {
    /// How many bytes are used, more or less.
    pub fn used(&self) -> usize {
        self.used.get()
    }

    /// Counts bytes that were or will be used.
    pub fn charge(&self, bytes: usize) {
        self.used.set(self.used.get().saturating_add(bytes));
    }

    pub fn bytes(&'a self, bytes: impl Into<Box<[u8]>>) -> &'a [u8] {
        let bytes = bytes.into();
        self.charge(size::<Box<[u8]>>() + bytes.len());
        self.texts.alloc(bytes)
    }

    pub fn text(&'a self, bytes: impl Into<Box<[u8]>>) -> Value<'a> {
        Value::Text(self.bytes(bytes))
    }

    pub fn str(&'a self, text: &str) -> Value<'a> {
        self.text(text.as_bytes())
    }

    /// Two strings as one of that length.
    pub fn rope(&'a self, left: Value<'a>, right: Value<'a>, len: usize) -> Value<'a> {
        self.charge(size::<Rope<'_>>());
        Value::Rope(self.ropes.alloc(Rope::new(left, right, len)))
    }

    pub(super) fn storage(&'a self, items: Vec<Value<'a>>) -> &'a Storage<'a> {
        self.charge(size::<Storage<'_>>() + items.capacity() * size_of::<Value<'_>>());
        self.storages.alloc(RefCell::new(items))
    }

    pub fn list(&'a self, items: Vec<Value<'a>>) -> Value<'a> {
        self.charge(size::<List<'_>>());
        Value::List(self.lists.alloc(List::new(self.storage(items))))
    }

    /// A list with the elements of another one and more at the end.
    pub fn longer(&'a self, list: &'a List<'a>, more: Vec<Value<'a>>) -> Value<'a> {
        self.charge(size::<List<'_>>());
        Value::List(self.lists.alloc(list.longer(more, self)))
    }

    pub fn map(&'a self, entries: impl IntoIterator<Item = (Key<'a>, Value<'a>)>) -> Value<'a> {
        let map = Map::new(entries.into_iter().collect());
        self.charge(size::<Map<'_>>() + map.len() * Map::ENTRY);
        Value::Map(self.maps.alloc(map))
    }

    /// A view of data that never changes; it becomes a copy where it is written to.
    pub fn view(&'a self, data: &'a Frozen) -> Value<'a> {
        match data {
            Frozen::Undefined => Value::Undefined(None),
            Frozen::Null => Value::Null,
            Frozen::Bool(value) => Value::Bool(*value),
            Frozen::Int(value) => Value::Int(*value),
            Frozen::Float(value) => Value::Float(*value),
            Frozen::Text(text) => Value::Text(text),
            Frozen::List(items) => self.list_view(items),
            Frozen::Map(entries) => self.map_view(entries),
        }
    }

    pub fn list_view(&'a self, items: &'a [Frozen]) -> Value<'a> {
        self.charge(size::<List<'_>>());
        Value::List(self.lists.alloc(List::view(items)))
    }

    pub fn map_view(&'a self, entries: &'a [(Text, Frozen)]) -> Value<'a> {
        self.charge(size::<Map<'_>>());
        Value::Map(self.maps.alloc(Map::view(entries)))
    }

    /// Keeps data until the end of the evaluation.
    pub fn keep(&'a self, data: Frozen) -> &'a Frozen {
        self.charge(size::<Frozen>());
        self.data.alloc(data)
    }

    pub fn closure(&'a self, closure: Closure<'a>) -> Value<'a> {
        self.charge(size::<Closure<'_>>());
        Value::Func(self.closures.alloc(closure))
    }

    pub fn rule(&'a self, rule: Rule<'a>) -> &'a Rule<'a> {
        self.charge(size::<Rule<'_>>());
        self.rules.alloc(rule)
    }

    pub fn object(&'a self, object: Object) -> Value<'a> {
        self.charge(size::<Object>() + 64);
        Value::Object(self.objects.alloc(object))
    }

    pub fn scope(
        &'a self,
        slots: usize,
        parent: Option<&'a Scope<'a>>,
        file: &'a File<'a>,
    ) -> &'a Scope<'a> {
        self.charge(size::<Scope<'_>>() + slots * size_of::<Option<Value<'_>>>());
        let slots = (0..slots).map(|_| Cell::new(None)).collect();
        self.scopes.alloc(Scope { slots, parent, file })
    }

    pub fn program(&'a self, program: Program) -> &'a Program {
        self.programs.alloc(program)
    }

    pub fn file(&'a self) -> &'a File<'a> {
        self.files.alloc(File { imports: RefCell::default() })
    }

    pub fn module(&'a self, module: Module<'a>) -> &'a Module<'a> {
        self.modules.alloc(module)
    }
}
