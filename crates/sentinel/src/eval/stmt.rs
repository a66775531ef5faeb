//! Statements.

use super::Interp;
use crate::ast::{Clause, Expr, For, Stmt};
use crate::source::{Eval, Fault, Pos};
use crate::value::{Closure, Scope, Value};

/// Where to go on after a statement.
pub(super) enum Flow<'a> {
    Next,
    Break,
    Continue,
    Return(Value<'a>),
}

impl<'a> Interp<'a> {
    pub(super) fn run(&mut self, body: &'a [Stmt], scope: &'a Scope<'a>) -> Eval<Flow<'a>> {
        for stmt in body {
            match self.deeper(|interp| interp.statement(stmt, scope))? {
                Flow::Next => {}
                flow => return Ok(flow),
            }
        }
        Ok(Flow::Next)
    }

    fn statement(&mut self, stmt: &'a Stmt, scope: &'a Scope<'a>) -> Eval<Flow<'a>> {
        match stmt {
            Stmt::Expr(expr) => {
                self.eval(expr, scope)?;
                Ok(Flow::Next)
            }
            Stmt::Assign { pos, target, op, value } => {
                self.assign(*pos, target, *op, value, scope)?;
                Ok(Flow::Next)
            }
            Stmt::Return { value: None, .. } => Ok(Flow::Return(Value::UNDEFINED)),
            Stmt::Return { value: Some(value), .. } => Ok(Flow::Return(self.eval(value, scope)?)),
            Stmt::Break(pos) => self.spend(1).map(|()| Flow::Break).map_err(|f| f.or_at(*pos)),
            Stmt::Continue(pos) => {
                self.spend(1).map(|()| Flow::Continue).map_err(|f| f.or_at(*pos))
            }
            Stmt::If { cond, then, other } => match self.operand(cond, scope)? {
                Value::Bool(true) => self.run(then, scope),
                Value::Bool(false) => self.run(other.as_deref().unwrap_or_default(), scope),
                value => {
                    let name = value.type_name();
                    let text = format!("if condition must result in a boolean, got {name}");
                    Err(Fault::at(cond.pos, text))
                }
            },
            Stmt::For(each) => self.for_each(each, scope),
            Stmt::Case { pos, subject, clauses, other } => {
                let subject = match subject {
                    Some(subject) => self.operand(subject, scope)?,
                    None => Value::Bool(true),
                };
                match self.clause(subject, clauses, *pos, scope)? {
                    Some(clause) => self.run(&clause.body, scope),
                    None => self.run(other.as_deref().unwrap_or_default(), scope),
                }
            }
            Stmt::Block { body, slots } => {
                let scope = self.heap.scope(*slots, Some(scope), scope.file);
                self.run(body, scope)
            }
            Stmt::Func { pos, name, function } => {
                let closure = self.heap.closure(Closure { function, scope });
                match name.slots.first() {
                    Some(slot) => scope.slots[usize::from(slot.index)].set(Some(closure)),
                    None => return Err(Fault::at(*pos, "the function has no place")),
                }
                Ok(Flow::Next)
            }
        }
    }

    fn clause(
        &mut self,
        subject: Value<'a>,
        clauses: &'a [Clause],
        pos: Pos,
        scope: &'a Scope<'a>,
    ) -> Eval<Option<&'a Clause>> {
        for clause in clauses {
            for when in &clause.when {
                let value = self.operand(when, scope)?;
                let same = self.same(value, subject, 0).map_err(|fault| fault.or_at(pos))?;
                if same == Some(true) {
                    return Ok(Some(clause));
                }
            }
        }
        Ok(None)
    }

    fn for_each(&mut self, each: &'a For, scope: &'a Scope<'a>) -> Eval<Flow<'a>> {
        let over = self.operand(&each.over, scope)?;
        for item in self.rounds(&each.over, over, each.names.len())? {
            self.spend(1).map_err(|fault| fault.or_at(each.over.pos))?;
            let inner = self.round(item, each.slots, scope);
            match self.run(&each.body, inner)? {
                Flow::Next | Flow::Continue => {}
                Flow::Break => break,
                flow @ Flow::Return(_) => return Ok(flow),
            }
        }
        Ok(Flow::Next)
    }

    /// What a loop goes over: for each round one or two variables. Later changes do not count.
    pub(super) fn rounds(
        &mut self,
        expr: &'a Expr,
        over: Value<'a>,
        names: usize,
    ) -> Eval<Vec<[Option<Value<'a>>; 2]>> {
        let length = over.length().unwrap_or(0);
        self.room(length * size_of::<[Option<Value<'_>>; 2]>())?;
        self.heap.charge(length * size_of::<[Option<Value<'_>>; 2]>());
        let rounds = match over {
            Value::List(list) => {
                let items = list.items(self.heap).into_iter();
                if names == 1 {
                    items.map(|item| [Some(item), None]).collect()
                } else {
                    let index = (0_i64..).map(Value::Int);
                    index.zip(items).map(|(index, item)| [Some(index), Some(item)]).collect()
                }
            }
            Value::Map(map) if names == 1 => {
                map.keys().into_iter().map(|key| [Some(key.value()), None]).collect()
            }
            Value::Map(map) => {
                let entries = map.entries(self.heap).into_iter();
                entries.map(|(key, item)| [Some(key.value()), Some(item)]).collect()
            }
            value => {
                let text = format!("unsupported type for looping: {}", value.type_name());
                return Err(Fault::at(expr.pos, text));
            }
        };
        Ok(rounds)
    }

    /// The scope of one round.
    pub(super) fn round(
        &mut self,
        variables: [Option<Value<'a>>; 2],
        slots: usize,
        scope: &'a Scope<'a>,
    ) -> &'a Scope<'a> {
        let inner = self.heap.scope(slots, Some(scope), scope.file);
        // `for x as a, a` has one slot too few, and the last value counts.
        for (slot, value) in inner.slots.iter().zip(variables) {
            slot.set(value);
        }
        inner
    }
}
