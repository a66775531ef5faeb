//! Operators on two values.

use super::Interp;
use super::number::{compare_numbers, float, floats, ints};
use crate::ast::Binary;
use crate::source::{Eval, Fault};
use crate::value::{Key, Rope, Value};

impl<'a> Interp<'a> {
    /// An operator that looks at both of its operands.
    pub fn operate(&mut self, op: Binary, left: Value<'a>, right: Value<'a>) -> Eval<Value<'a>> {
        if let Some(undefined) = [left, right].into_iter().find(|value| value.is_undefined()) {
            return Ok(undefined);
        }
        match op {
            Binary::Is | Binary::IsNot => {
                let same = self.same(left, right, 0)?;
                Ok(same
                    .map_or(Value::Undefined(None), |same| Value::Bool(same == (op == Binary::Is))))
            }
            Binary::Less | Binary::LessEq | Binary::Greater | Binary::GreaterEq => {
                Ok(ordered(op, left, right))
            }
            Binary::Contains => self.contains(left, right),
            Binary::In => self.contains(right, left),
            Binary::NotContains => self.contains(left, right).map(negated),
            Binary::NotIn => self.contains(right, left).map(negated),
            Binary::Matches => self.matches(left, right).map(Value::Bool),
            Binary::NotMatches => self.matches(left, right).map(|found| Value::Bool(!found)),
            Binary::Xor => match (left, right) {
                (Value::Bool(left), Value::Bool(right)) => Ok(Value::Bool(left != right)),
                _ => Err(unfit(op, left, right)),
            },
            _ => self.arithmetic(op, left, right),
        }
    }

    fn arithmetic(&mut self, op: Binary, left: Value<'a>, right: Value<'a>) -> Eval<Value<'a>> {
        match (left, right) {
            (Value::Int(left), Value::Int(right)) => ints(op, left, right),
            (Value::Float(left), Value::Float(right)) => Ok(floats(op, left, right)),
            (Value::Int(left), Value::Float(right)) => Ok(floats(op, float(left), right)),
            (Value::Float(left), Value::Int(right)) => Ok(floats(op, left, float(right))),
            (Value::Text(_) | Value::Rope(_), Value::Text(_) | Value::Rope(_))
                if op == Binary::Add =>
            {
                self.joined(left, right)
            }
            (Value::List(left), Value::List(right)) if op == Binary::Add => {
                let more = right.items(self.heap);
                self.spend(more.len())?;
                self.room((left.len() + more.len()) * size_of::<Value<'_>>())?;
                Ok(self.heap.longer(left, more))
            }
            _ => Err(unfit(op, left, right)),
        }
    }

    /// One string behind the other.
    fn joined(&mut self, left: Value<'a>, right: Value<'a>) -> Eval<Value<'a>> {
        let lengths = [left, right].map(|value| value.length().unwrap_or(0));
        let length = lengths[0].saturating_add(lengths[1]);
        match (left, right) {
            (Value::Text(left), Value::Text(right)) if length < Rope::LEAST => {
                self.text([left, right].concat())
            }
            _ => Ok(self.heap.rope(left, right, length)),
        }
    }

    /// Whether a list has an element, a map a key, a string a string in it.
    pub fn contains(&mut self, of: Value<'a>, element: Value<'a>) -> Eval<Value<'a>> {
        match (of, element) {
            (Value::List(list), _) => {
                let mut undefined = None;
                self.spend(list.len() / 64)?;
                let items = list.items(self.heap);
                for item in items {
                    self.spend(1)?;
                    let item = self.force(item)?;
                    match self.same(item, element, 0)? {
                        Some(true) => return Ok(Value::Bool(true)),
                        Some(false) => {}
                        None => {
                            let arose =
                                if item.is_undefined() { item } else { Value::Undefined(None) };
                            undefined.get_or_insert(arose);
                        }
                    }
                }
                Ok(undefined.unwrap_or(Value::Bool(false)))
            }
            (Value::Map(map), _) => {
                Ok(Value::Bool(Key::of(element).is_some_and(|key| map.has(key))))
            }
            (Value::Text(text), Value::Text(part)) => {
                self.spend(text.len() / 16)?;
                Ok(Value::Bool(memchr::memmem::find(text, part).is_some()))
            }
            (Value::Text(_), _) => {
                let name = element.type_name();
                Err(Fault::new(format!("a string can only contain strings, not {name:?}")))
            }
            _ => {
                let name = of.type_name();
                let text =
                    format!("only lists, maps and strings can contain something, not {name:?}");
                Err(Fault::new(text))
            }
        }
    }
}

fn negated(value: Value<'_>) -> Value<'_> {
    if let Value::Bool(value) = value { Value::Bool(!value) } else { value }
}

/// `<` and its kin on numbers or strings; what has no order gives undefined.
fn ordered<'a>(op: Binary, left: Value<'a>, right: Value<'a>) -> Value<'a> {
    let order = match (left, right) {
        (Value::Text(left), Value::Text(right)) => Some(left.cmp(right)),
        (Value::Int(_) | Value::Float(_), Value::Int(_) | Value::Float(_)) => {
            match compare_numbers(left, right) {
                None => return Value::Bool(false),
                some => some,
            }
        }
        _ => None,
    };
    order.map_or(Value::Undefined(None), |order| {
        Value::Bool(match op {
            Binary::Less => order.is_lt(),
            Binary::LessEq => order.is_le(),
            Binary::Greater => order.is_gt(),
            _ => order.is_ge(),
        })
    })
}

fn unfit(op: Binary, left: Value<'_>, right: Value<'_>) -> Fault {
    let (left, right) = (left.type_name(), right.type_name());
    Fault::new(format!("{} cannot take {left:?} and {right:?}", op.text()))
}
