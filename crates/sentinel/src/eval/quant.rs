//! `all`, `any`, `filter` and `map`.

use super::Interp;
use crate::ast::{Quant, Quantifier};
use crate::source::{Eval, Fault, Pos};
use crate::value::{Key, Scope, Value};

impl<'a> Interp<'a> {
    pub(super) fn quantifier(
        &mut self,
        quant: &'a Quant,
        pos: Pos,
        scope: &'a Scope<'a>,
    ) -> Eval<Value<'a>> {
        let names = quant.names.len();
        // The key goes into the map that `filter` makes, also where only it has a name.
        let over = self.operand(&quant.over, scope)?;
        let rounds = self.rounds(&quant.over, over, names)?;
        match quant.kind {
            Quantifier::All | Quantifier::Any => self.decide(quant, rounds, scope),
            Quantifier::Map => {
                let mut values = Vec::with_capacity(rounds.len());
                for round in rounds {
                    let inner = self.round(round, names, scope);
                    values.push(self.eval(&quant.body, inner)?);
                }
                Ok(self.heap.list(values))
            }
            Quantifier::Filter => {
                let mut kept = Vec::new();
                for (index, round) in rounds.into_iter().enumerate() {
                    let inner = self.round(round, names, scope);
                    match self.verdict(quant, inner)? {
                        Ok(true) => kept.push((index, round)),
                        Ok(false) => {}
                        Err(undefined) => return Ok(undefined.or_arose_at(pos)),
                    }
                }
                Ok(self.filtered(over, &kept))
            }
        }
    }

    /// The same list or map with only what was kept.
    fn filtered(&mut self, over: Value<'a>, kept: &[(usize, [Option<Value<'a>>; 2])]) -> Value<'a> {
        match over {
            Value::Map(map) => {
                let keys = kept.iter().filter_map(|(_, [key, _])| key.and_then(Key::of));
                let entries: Vec<_> = keys
                    .filter_map(|key| map.get(key, self.heap).map(|value| (key, value)))
                    .collect();
                self.heap.map(entries)
            }
            Value::List(list) => {
                let items = kept.iter().filter_map(|(index, _)| list.get(*index, self.heap));
                self.heap.list(items.collect())
            }
            _ => over,
        }
    }

    /// `all` and `any`: a chain of `and` or `or` from left to right.
    fn decide(
        &mut self,
        quant: &'a Quant,
        rounds: Vec<[Option<Value<'a>>; 2]>,
        scope: &'a Scope<'a>,
    ) -> Eval<Value<'a>> {
        let decisive = quant.kind == Quantifier::Any;
        let mut open = None;
        for round in rounds {
            let inner = self.round(round, quant.names.len(), scope);
            match self.verdict(quant, inner)? {
                Ok(value) if value == decisive => return Ok(Value::Bool(value)),
                Ok(_) => {}
                Err(undefined) if decisive => {
                    open.get_or_insert(undefined);
                }
                Err(undefined) => return Ok(undefined),
            }
        }
        Ok(open.unwrap_or(Value::Bool(!decisive)))
    }

    /// What the body says in one round, or the undefined value that it gives instead.
    fn verdict(&mut self, quant: &'a Quant, scope: &'a Scope<'a>) -> Eval<Result<bool, Value<'a>>> {
        match self.operand(&quant.body, scope)? {
            Value::Bool(value) => Ok(Ok(value)),
            undefined @ Value::Undefined(_) => Ok(Err(undefined)),
            other => {
                let name = other.type_name();
                let text = format!("the body of a quantifier must result in a boolean, got {name}");
                Err(Fault::at(quant.body.pos, text))
            }
        }
    }
}
