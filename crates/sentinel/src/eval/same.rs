//! Whether two values are the same.

use std::cmp::Ordering;

use super::{Interp, compare_numbers};
use crate::source::Eval;
use crate::value::{Key, Value};

impl<'a> Interp<'a> {
    /// `None` where something undefined leaves it open. Unlike types differ, and so do functions.
    pub fn same(
        &mut self,
        left: Value<'a>,
        right: Value<'a>,
        nesting: usize,
    ) -> Eval<Option<bool>> {
        self.spend(1)?;
        self.nested(nesting, "compare", |interp| interp.same_inside(left, right, nesting))
    }

    fn same_inside(
        &mut self,
        left: Value<'a>,
        right: Value<'a>,
        nesting: usize,
    ) -> Eval<Option<bool>> {
        let (left, right) = (self.force(left)?, self.force(right)?);
        Ok(match (left, right) {
            (Value::Undefined(_), _) | (_, Value::Undefined(_)) => None,
            (Value::Null, Value::Null) => Some(true),
            (Value::Bool(left), Value::Bool(right)) => Some(left == right),
            (Value::Int(_) | Value::Float(_), Value::Int(_) | Value::Float(_)) => {
                Some(compare_numbers(left, right) == Some(Ordering::Equal))
            }
            (Value::Text(left), Value::Text(right)) => {
                self.spend(left.len().min(right.len()) / 64)?;
                Some(left == right)
            }
            (Value::List(left), Value::List(right)) => {
                if left.len() != right.len() {
                    return Ok(Some(false));
                }
                self.spend(left.len() / 64)?;
                let pairs = left.items(self.heap).into_iter().zip(right.items(self.heap));
                self.all_same(pairs.collect(), nesting)?
            }
            (Value::Map(left), Value::Map(right)) => {
                if left.len() != right.len() {
                    return Ok(Some(false));
                }
                self.spend(left.len() / 64)?;
                let mut pairs: Vec<(Value<'a>, Value<'a>)> = Vec::with_capacity(left.len());
                for (key, value) in left.entries(self.heap) {
                    let Some(other) = right.get(key, self.heap) else { return Ok(Some(false)) };
                    pairs.push((value, other));
                }
                self.all_same(pairs, nesting)?
            }
            (Value::Object(left), Value::Object(right)) => Some(std::ptr::eq(left, right)),
            _ => Some(false),
        })
    }

    /// A difference decides; else something undefined leaves it open.
    fn all_same(
        &mut self,
        pairs: Vec<(Value<'a>, Value<'a>)>,
        nesting: usize,
    ) -> Eval<Option<bool>> {
        let mut same = Some(true);
        for (left, right) in pairs {
            match self.same(left, right, nesting + 1)? {
                Some(true) => {}
                Some(false) => return Ok(Some(false)),
                None => same = None,
            }
        }
        Ok(same)
    }

    /// Whether `value` has everything that the map `part` has, deeply.
    pub fn includes(&mut self, value: Value<'a>, part: Value<'a>, nesting: usize) -> Eval<bool> {
        self.nested(nesting, "compare", |interp| interp.includes_inside(value, part, nesting))
    }

    fn includes_inside(&mut self, value: Value<'a>, part: Value<'a>, nesting: usize) -> Eval<bool> {
        let (value, part) = (self.force(value)?, self.force(part)?);
        let (Value::Map(value), Value::Map(part)) = (value, part) else {
            return Ok(self.same(value, part, nesting)? == Some(true));
        };
        for (key, wanted) in part.entries(self.heap) {
            let key: Key<'a> = key;
            let Some(found) = value.get(key, self.heap) else { return Ok(false) };
            if !self.includes(found, wanted, nesting + 1)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
