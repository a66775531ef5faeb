//! Copies of values: fresh ones inside the evaluation, frozen ones for outside.

use super::Interp;
use crate::frozen::{Frozen, Text};
use crate::source::Eval;
use crate::value::{Key, Value};

impl<'a> Interp<'a> {
    /// A copy that shares no list and no map with the original. Functions and rules stay what they are.
    pub fn fresh(&mut self, value: Value<'a>, nesting: usize) -> Eval<Value<'a>> {
        self.nested(nesting, "copy", |interp| interp.fresh_inside(value, nesting))
    }

    fn fresh_inside(&mut self, value: Value<'a>, nesting: usize) -> Eval<Value<'a>> {
        match value {
            Value::List(list) => {
                if let Some(data) = list.untouched() {
                    return Ok(self.heap.list_view(data));
                }
                let mut items = list.items(self.heap);
                self.spend(items.len())?;
                for item in &mut items {
                    *item = self.fresh(*item, nesting + 1)?;
                }
                Ok(self.heap.list(items))
            }
            Value::Map(map) => {
                if let Some(data) = map.untouched() {
                    return Ok(self.heap.map_view(data));
                }
                let mut entries = map.entries(self.heap);
                self.spend(entries.len())?;
                for (_, item) in &mut entries {
                    *item = self.fresh(*item, nesting + 1)?;
                }
                Ok(self.heap.map(entries))
            }
            _ => Ok(value),
        }
    }

    /// The value as data. Functions become undefined, keys strings.
    pub fn freeze(&mut self, value: Value<'a>, nesting: usize) -> Eval<Frozen> {
        self.spend(1)?;
        self.nested(nesting, "copy", |interp| interp.freeze_inside(value, nesting))
    }

    fn freeze_inside(&mut self, value: Value<'a>, nesting: usize) -> Eval<Frozen> {
        Ok(match self.force(value)? {
            Value::Null => Frozen::Null,
            Value::Bool(value) => Frozen::Bool(value),
            Value::Int(value) => Frozen::Int(value),
            Value::Float(value) => Frozen::Float(value),
            Value::Text(text) => {
                self.room(text.len())?;
                self.heap.charge(text.len());
                Frozen::Text(text.into())
            }
            Value::List(list) => {
                let mut items = Vec::new();
                for item in list.items(self.heap) {
                    items.push(self.freeze(item, nesting + 1)?);
                }
                self.heap.charge(items.len() * size_of::<Frozen>());
                Frozen::List(items.into())
            }
            Value::Map(map) => {
                let mut entries: Vec<(Text, Frozen)> = Vec::new();
                for (key, item) in map.entries(self.heap) {
                    let key: Text = match key {
                        Key::Text(text) => text.into(),
                        other => self.line(&[other.value()])?.into(),
                    };
                    entries.push((key, self.freeze(item, nesting + 1)?));
                }
                self.heap.charge(entries.len() * size_of::<(Text, Frozen)>());
                Frozen::map(entries)
            }
            Value::Object(object) => Frozen::text(&object.to_string()),
            Value::Undefined(_)
            | Value::Rope(_)
            | Value::Func(_)
            | Value::Native(..)
            | Value::Rule(_) => Frozen::Undefined,
        })
    }
}
