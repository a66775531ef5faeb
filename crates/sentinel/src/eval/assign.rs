//! Assignments to names and into lists and maps.

use super::Interp;
use super::expr::{place, position};
use crate::ast::{Binary, Expr, Target};
use crate::source::{Eval, Fault, Pos};
use crate::value::{Key, Rule, Scope, Value};

impl<'a> Interp<'a> {
    pub(super) fn assign(
        &mut self,
        pos: Pos,
        target: &'a Target,
        op: Option<Binary>,
        value: &'a Expr,
        scope: &'a Scope<'a>,
    ) -> Eval<()> {
        match target {
            Target::Name { name, create } => {
                let cell = place(name, scope);
                let value = match op {
                    None => self.eval(value, scope)?,
                    Some(op) => {
                        let Some(before) = cell.and_then(std::cell::Cell::get) else {
                            let text = format!("unknown identifier {:?}", name.text);
                            return Err(Fault::at(pos, text));
                        };
                        let before = self.look(before)?;
                        let value = self.eval(value, scope)?;
                        let value = self.look(value)?;
                        self.operate(op, before, value).map_err(|fault| fault.or_at(pos))?
                    }
                };
                if let (Value::Rule(rule), true) = (value, self.main_rule(scope, pos)) {
                    self.heap.charge(2 * size_of::<(&str, Pos, &Rule<'_>)>());
                    self.rules.push((&name.text, pos, rule));
                }
                // Evaluating may have made the name known in another place.
                let cell = place(name, scope).or_else(|| scope.slots.get(usize::from(*create)));
                if let Some(cell) = cell {
                    cell.set(Some(value));
                }
                Ok(())
            }
            Target::Index { of, index } => self.assign_into(of, index, op, value, scope),
        }
    }

    /// Whether an assignment there makes one of the policy's own rules.
    fn main_rule(&self, scope: &'a Scope<'a>, pos: Pos) -> bool {
        pos.file == 0 && self.main.is_some_and(|main| std::ptr::eq(main, scope))
    }

    fn assign_into(
        &mut self,
        of: &'a Expr,
        index: &'a Expr,
        op: Option<Binary>,
        value: &'a Expr,
        scope: &'a Scope<'a>,
    ) -> Eval<()> {
        let value_pos = value.pos;
        let value =
            if op.is_some() { self.operand(value, scope)? } else { self.eval(value, scope)? };
        let (index_pos, index) = (index.pos, self.operand(index, scope)?);
        let into = self.operand(of, scope)?;
        let value = match op {
            None => value,
            Some(op) => {
                let before = self.index(into, index, index_pos).map_err(|f| f.or_at(of.pos))?;
                self.operate(op, before, value).map_err(|fault| fault.or_at(value_pos))?
            }
        };
        match into {
            Value::List(list) => {
                let Some(index) = position(index, list.len(), index_pos)? else {
                    let text = format!("the list has no such element, it has {}", list.len());
                    return Err(Fault::at(index_pos, text));
                };
                list.set(index, value, self.heap);
            }
            Value::Map(map) => {
                let Some(key) = Key::of(index) else {
                    let text = format!("a key of a map cannot be {:?}", index.type_name());
                    return Err(Fault::at(index_pos, text));
                };
                map.set(key, value, self.heap);
            }
            _ => {
                let name = into.type_name();
                let text = format!("only a list or map can be indexed, got {name}");
                return Err(Fault::at(of.pos, text));
            }
        }
        Ok(())
    }
}
