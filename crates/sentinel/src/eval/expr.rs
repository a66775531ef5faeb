//! Expressions.

use super::Interp;
use crate::ast::{Binary, Expr, ExprKind, Name, Slice, Unary};
use crate::builtin;
use crate::source::{Eval, Fault, Pos};
use crate::std::Native;
use crate::value::{Closure, Imported, Key, Object, Rule, RuleState, Scope, Value, integral};

impl<'a> Interp<'a> {
    /// The value of an expression; a rule stays one.
    pub fn eval(&mut self, expr: &'a Expr, scope: &'a Scope<'a>) -> Eval<Value<'a>> {
        if let Err(fault) = self.spend(1) {
            return Err(fault.or_at(expr.pos));
        }
        self.deeper(|interp| interp.eval_kind(expr, scope)).map_err(|fault| fault.or_at(expr.pos))
    }

    /// The value of an expression; of a rule what it says.
    pub fn operand(&mut self, expr: &'a Expr, scope: &'a Scope<'a>) -> Eval<Value<'a>> {
        let value = self.eval(expr, scope)?;
        self.force(value)
    }

    fn eval_kind(&mut self, expr: &'a Expr, scope: &'a Scope<'a>) -> Eval<Value<'a>> {
        match &expr.kind {
            ExprKind::Undefined => Ok(Value::Undefined(Some(expr.pos))),
            ExprKind::Null => Ok(Value::Null),
            ExprKind::Bool(value) => Ok(Value::Bool(*value)),
            ExprKind::Int(value) => Ok(Value::Int(*value)),
            ExprKind::Float(value) => Ok(Value::Float(*value)),
            ExprKind::Text(text) => Ok(Value::Text(text)),
            ExprKind::Name(name) => self.name(name, expr.pos, scope),
            ExprKind::List(items) => {
                let mut values = Vec::with_capacity(items.len());
                for item in items {
                    values.push(self.eval(item, scope)?);
                }
                Ok(self.heap.list(values))
            }
            ExprKind::Map(entries) => self.map_literal(entries, scope),
            ExprKind::Func(function) => Ok(self.heap.closure(Closure { function, scope })),
            ExprKind::Rule(body) => {
                let state = RuleState::Pending.into();
                Ok(Value::Rule(self.heap.rule(Rule { body, pos: expr.pos, scope, state })))
            }
            ExprKind::Quant(quant) => self.quantifier(quant, expr.pos, scope),
            ExprKind::Unary(op, operand) => self.unary(*op, operand, scope),
            ExprKind::Binary(op, both) => self.binary(*op, &both.0, &both.1, scope),
            ExprKind::Select(of, at, member) => match self.select(of, *at, member, scope)? {
                Member::Value(value) => Ok(value),
                Member::Function(native, _) => {
                    Err(Fault::at(of.pos, format!("{} can only be called", native.name)))
                }
            },
            ExprKind::Index(both) => {
                let of = self.operand(&both.0, scope)?;
                let index = self.operand(&both.1, scope)?;
                self.index(of, index, both.1.pos).map_err(|fault| fault.or_at(both.0.pos))
            }
            ExprKind::Slice(slice) => self.slice(slice, scope),
            ExprKind::Call(of, arguments) => self.call_expr(of, arguments, scope),
            ExprKind::IsEmpty(of, negated) => {
                let value = self.operand(of, scope)?;
                Ok(match value.length() {
                    Some(length) => Value::Bool((length == 0) != *negated),
                    None if value.is_undefined() => value,
                    None => {
                        let name = value.type_name();
                        let text =
                            format!("only strings, lists and maps can be empty, got {name:?}");
                        return Err(Fault::at(of.pos, text));
                    }
                })
            }
            ExprKind::IsDefined(of, negated) => {
                let defined = !self.operand(of, scope)?.is_undefined();
                Ok(Value::Bool(defined != *negated))
            }
        }
    }

    fn name(&mut self, name: &'a Name, pos: Pos, scope: &'a Scope<'a>) -> Eval<Value<'a>> {
        if let Some(value) = variable(name, scope) {
            return Ok(value);
        }
        if let Some(imported) = import(name, scope) {
            return match imported {
                Imported::Data(data, _) => Ok(self.heap.view(data)),
                Imported::Space(_) | Imported::Module(_) => {
                    Err(Fault::at(pos, "an import is no value"))
                }
            };
        }
        if let Some(value) = self.world.globals.get(&*name.text) {
            return Ok(self.heap.view(value));
        }
        match builtin::find(&name.text) {
            Some(native) => Ok(Value::Native(native, None)),
            None => Err(Fault::at(pos, format!("unknown identifier {:?}", name.text))),
        }
    }

    fn map_literal(
        &mut self,
        entries: &'a [(Expr, Expr)],
        scope: &'a Scope<'a>,
    ) -> Eval<Value<'a>> {
        let mut values = Vec::with_capacity(entries.len());
        for (key, value) in entries {
            let found = self.operand(key, scope)?;
            let Some(found) = Key::of(found) else {
                let text = format!("a key of a map cannot be {:?}", found.type_name());
                return Err(Fault::at(key.pos, text));
            };
            values.push((found, self.eval(value, scope)?));
        }
        Ok(self.heap.map(values))
    }

    fn unary(&mut self, op: Unary, of: &'a Expr, scope: &'a Scope<'a>) -> Eval<Value<'a>> {
        match (op, self.operand(of, scope)?) {
            (_, value @ Value::Undefined(_))
            | (Unary::Plus, value @ (Value::Int(_) | Value::Float(_))) => Ok(value),
            (Unary::Not, Value::Bool(value)) => Ok(Value::Bool(!value)),
            (Unary::Minus, Value::Int(value)) => Ok(Value::Int(value.wrapping_neg())),
            (Unary::Minus, Value::Float(value)) => Ok(Value::Float(-value)),
            (Unary::Not, other) => {
                let text = format!("not wants a boolean, got {:?}", other.type_name());
                Err(Fault::at(of.pos, text))
            }
            (Unary::Minus | Unary::Plus, other) => {
                let text = format!("a sign wants a number, got {:?}", other.type_name());
                Err(Fault::at(of.pos, text))
            }
        }
    }

    fn binary(
        &mut self,
        op: Binary,
        left: &'a Expr,
        right: &'a Expr,
        scope: &'a Scope<'a>,
    ) -> Eval<Value<'a>> {
        if op == Binary::Add {
            let first = self.eval(left, scope)?;
            let first = self.look(first)?;
            let second = self.eval(right, scope)?;
            let second = self.look(second)?;
            return self.operated(op, first, second, left.pos);
        }
        let first = self.operand(left, scope)?;
        match op {
            Binary::Else if first.is_undefined() => return self.eval(right, scope),
            Binary::Else => return Ok(first),
            Binary::And | Binary::Or => return self.logic(op, first, left, right, scope),
            _ => {}
        }
        let second = self.operand(right, scope)?;
        self.operated(op, first, second, left.pos)
    }

    /// An operator's result; what goes wrong or is undefined has arisen there, unless it knows better.
    fn operated(
        &mut self,
        op: Binary,
        first: Value<'a>,
        second: Value<'a>,
        at: Pos,
    ) -> Eval<Value<'a>> {
        let result = self.operate(op, first, second).map_err(|fault| fault.or_at(at))?;
        Ok(result.or_arose_at(at))
    }

    /// `and` and `or`: from the left, and no further than needed.
    fn logic(
        &mut self,
        op: Binary,
        first: Value<'a>,
        left: &'a Expr,
        right: &'a Expr,
        scope: &'a Scope<'a>,
    ) -> Eval<Value<'a>> {
        let decisive = op == Binary::Or;
        match first {
            Value::Bool(value) if value == decisive => Ok(first),
            Value::Bool(_) => {
                let second = self.operand(right, scope)?;
                boolean(op, second, right)
            }
            Value::Undefined(_) if op == Binary::And => Ok(first),
            Value::Undefined(_) => {
                let second = self.operand(right, scope)?;
                match boolean(op, second, right)? {
                    Value::Bool(true) => Ok(second),
                    _ => Ok(first),
                }
            }
            _ => boolean(op, first, left),
        }
    }

    /// What a call calls. Only here a function of an import or of an object may stand.
    pub(super) fn callee(&mut self, of: &'a Expr, scope: &'a Scope<'a>) -> Eval<Value<'a>> {
        let ExprKind::Select(object, at, member) = &of.kind else { return self.operand(of, scope) };
        self.spend(1).map_err(|fault| fault.or_at(of.pos))?;
        let member = self.deeper(|interp| interp.select(object, *at, member, scope));
        match member.map_err(|fault| fault.or_at(of.pos))? {
            Member::Value(value) => self.force(value),
            Member::Function(native, receiver) => Ok(Value::Native(native, receiver)),
        }
    }

    fn select(
        &mut self,
        of: &'a Expr,
        at: Pos,
        member: &'a str,
        scope: &'a Scope<'a>,
    ) -> Eval<Member<'a>> {
        if let ExprKind::Name(name) = &of.kind
            && variable(name, scope).is_none()
            && let Some(imported) = import(name, scope)
            && let Some(found) = self.of_import(imported, at, member)?
        {
            return Ok(found);
        }
        let value = self.operand(of, scope)?;
        let found = match value {
            Value::Undefined(_) => return Ok(Member::Value(value)),
            Value::Null => None,
            Value::Map(map) => map.get(Key::Text(member.as_bytes()), self.heap),
            Value::Object(object) => match object.method(member) {
                Some(native) => return Ok(Member::Function(native, Some(object))),
                None => object.member(self, member)?,
            },
            _ => {
                let text = format!("cannot select .{member} from {:?}", value.type_name());
                return Err(Fault::at(of.pos, text));
            }
        };
        Ok(Member::Value(found.unwrap_or(Value::Undefined(None)).or_arose_at(at)))
    }

    /// A member of an import; nothing where the import is data and has no function of that name beside it.
    fn of_import(
        &mut self,
        imported: Imported<'a>,
        at: Pos,
        member: &'a str,
    ) -> Eval<Option<Member<'a>>> {
        let value = match imported {
            Imported::Data(_, natives) => {
                let native = natives.iter().find(|native| native.is(member));
                return Ok(native.map(|native| Member::Function(native, None)));
            }
            Imported::Space(space) => {
                if let Some(native) = space.function(member) {
                    return Ok(Some(Member::Function(native, None)));
                }
                let value = space.value(self, member)?;
                if value.is_none() {
                    let text = || format!("the import {} has no {member:?}", space.name);
                    self.warn(at, text);
                }
                value
            }
            Imported::Module(module) => match module.get(member) {
                Some(value) => Some(self.fresh(value, 0)?),
                None => None,
            },
        };
        Ok(Some(Member::Value(value.unwrap_or(Value::Undefined(None)).or_arose_at(at))))
    }

    /// `of[index]`.
    pub fn index(&mut self, of: Value<'a>, index: Value<'a>, at: Pos) -> Eval<Value<'a>> {
        let found = match (of, index) {
            (Value::List(_) | Value::Map(_) | Value::Text(_), Value::Undefined(_)) => {
                return Ok(index);
            }
            (Value::List(list), _) => {
                position(index, list.len(), at)?.and_then(|index| list.get(index, self.heap))
            }
            (Value::Text(text), _) => {
                position(index, text.len(), at)?.map(|index| Value::Text(&text[index..=index]))
            }
            // What cannot be a key is the key of nothing.
            (Value::Map(map), _) => Key::of(index).and_then(|key| map.get(key, self.heap)),
            (Value::Null, _) => None,
            _ => {
                let name = of.type_name();
                return Err(Fault::new(format!("only a list or map can be indexed, got {name}")));
            }
        };
        Ok(found.unwrap_or(Value::Undefined(None)).or_arose_at(at))
    }

    fn slice(&mut self, slice: &'a Slice, scope: &'a Scope<'a>) -> Eval<Value<'a>> {
        let of = self.operand(&slice.of, scope)?;
        let length = match of {
            Value::List(list) => list.len(),
            Value::Text(text) => text.len(),
            Value::Null => return Ok(Value::Undefined(Some(slice.of.pos))),
            _ => {
                let text = format!("only a list or string can be sliced, got {}", of.type_name());
                return Err(Fault::at(slice.of.pos, text));
            }
        };
        let mut bounds = [0, length];
        for (bound, expr) in bounds.iter_mut().zip([&slice.low, &slice.high]) {
            let Some(expr) = expr else { continue };
            match self.operand(expr, scope)? {
                undefined @ Value::Undefined(_) => return Ok(undefined),
                value => match usize::try_from(whole(value, expr.pos)?) {
                    Ok(value) => *bound = value,
                    Err(_) => return Ok(Value::Undefined(Some(expr.pos))),
                },
            }
        }
        let [low, high] = bounds;
        if low > high || high > length {
            return Ok(Value::Undefined(Some(slice.of.pos)));
        }
        self.spend(high - low)?;
        Ok(match of {
            Value::Text(text) => Value::Text(&text[low..high]),
            Value::List(list) => {
                self.room((high - low) * size_of::<Value<'_>>())?;
                let items = (low..high).filter_map(|index| list.get(index, self.heap)).collect();
                self.heap.list(items)
            }
            _ => of,
        })
    }
}

/// What stands behind a dot.
enum Member<'a> {
    Value(Value<'a>),
    /// Of an import, or of an object.
    Function(&'static Native, Option<&'a Object>),
}

/// The variable that a name means now.
pub(super) fn variable<'a>(name: &'a Name, scope: &'a Scope<'a>) -> Option<Value<'a>> {
    place(name, scope)?.get()
}

/// Where the variable lives that a name means now.
pub(super) fn place<'a>(
    name: &'a Name,
    scope: &'a Scope<'a>,
) -> Option<&'a std::cell::Cell<Option<Value<'a>>>> {
    name.slots.iter().find_map(|slot| {
        let mut found = scope;
        for _ in 0..slot.up {
            found = found.parent?;
        }
        let cell = found.slots.get(usize::from(slot.index))?;
        cell.get().is_some().then_some(cell)
    })
}

fn import<'a>(name: &'a Name, scope: &'a Scope<'a>) -> Option<Imported<'a>> {
    let imports = scope.file.imports.borrow();
    imports.iter().find(|(known, _)| *known == &*name.text).map(|(_, imported)| *imported)
}

fn boolean<'a>(op: Binary, value: Value<'a>, expr: &Expr) -> Eval<Value<'a>> {
    match value {
        Value::Bool(_) | Value::Undefined(_) => Ok(value),
        _ => {
            let text = format!("{} wants booleans, got {:?}", op.text(), value.type_name());
            Err(Fault::at(expr.pos, text))
        }
    }
}

/// An integer, or a float that is one: numbers of JSON may be either.
fn whole(value: Value<'_>, at: Pos) -> Eval<i64> {
    match value {
        Value::Int(value) => Ok(value),
        Value::Float(value) if integral(value).is_some() => Ok(integral(value).unwrap_or(0)),
        _ => Err(Fault::at(at, format!("an index must be an int, got {:?}", value.type_name()))),
    }
}

/// The index that a value means in something of that length; negative ones count from the end.
pub(super) fn position(index: Value<'_>, length: usize, at: Pos) -> Eval<Option<usize>> {
    let index = whole(index, at)?;
    let length = i64::try_from(length).unwrap_or(i64::MAX);
    let index = if index < 0 { index.saturating_add(length) } else { index };
    Ok(usize::try_from(index).ok().filter(|_| index < length))
}
