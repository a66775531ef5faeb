//! Calls, of functions of the policy and of ours.

use super::Interp;
use super::stmt::Flow;
use crate::ast::Expr;
use crate::source::{Eval, Fault};
use crate::std::{Args, Native};
use crate::value::{Closure, Object, Scope, Value};

impl<'a> Interp<'a> {
    pub(super) fn call_expr(
        &mut self,
        of: &'a Expr,
        arguments: &'a [Expr],
        scope: &'a Scope<'a>,
    ) -> Eval<Value<'a>> {
        let function = self.callee(of, scope)?;
        let mut values = Vec::with_capacity(arguments.len());
        for argument in arguments {
            values.push(self.eval(argument, scope)?);
        }
        let result = self.call(function, &values).map_err(|fault| fault.or_at(of.pos))?;
        Ok(result.or_arose_at(of.pos))
    }

    /// Calls what can be called. Calling undefined gives undefined.
    pub fn call(&mut self, function: Value<'a>, values: &[Value<'a>]) -> Eval<Value<'a>> {
        match function {
            Value::Undefined(_) => Ok(function),
            Value::Func(closure) => self.closure(closure, values),
            Value::Native(native, receiver) => self.native(native, receiver, values),
            _ => Err(Fault::new(format!(
                "only functions can be called, got {:?}",
                function.type_name()
            ))),
        }
    }

    fn closure(&mut self, closure: &'a Closure<'a>, values: &[Value<'a>]) -> Eval<Value<'a>> {
        let function = closure.function;
        let (wanted, got) = (function.params.len(), values.len());
        if wanted != got {
            return Err(Fault::new(format!("the function takes {wanted} arguments, got {got}")));
        }
        if self.calls >= self.limits.calls {
            let text = format!("more than {} calls within each other", self.limits.calls);
            return Err(Fault::limit(text));
        }
        let scope = self.heap.scope(function.slots, Some(closure.scope), closure.scope.file);
        for (slot, value) in scope.slots.iter().zip(values) {
            slot.set(Some(*value));
        }
        self.calls += 1;
        let flow = self.run(&function.body, scope)?;
        self.calls -= 1;
        Ok(if let Flow::Return(value) = flow { value } else { Value::UNDEFINED })
    }

    fn native(
        &mut self,
        native: &'static Native,
        receiver: Option<&'a Object>,
        values: &[Value<'a>],
    ) -> Eval<Value<'a>> {
        let got = values.len();
        if got < native.least || got > native.most {
            let wanted = match (native.least, native.most) {
                (least, usize::MAX) => format!("at least {least}"),
                (least, most) if least == most => least.to_string(),
                (least, most) => format!("{least} to {most}"),
            };
            return Err(Fault::new(format!("{} takes {wanted} arguments, got {got}", native.name)));
        }
        let mut forced = Vec::with_capacity(got);
        for value in values {
            forced.push(self.force(*value)?);
        }
        if !native.takes_undefined
            && let Some(undefined) = forced.iter().find(|value| value.is_undefined())
        {
            return Ok(*undefined);
        }
        // Whatever it does with strings, it reads them.
        let read =
            forced.iter().map(|value| if let Value::Text(text) = value { text.len() } else { 0 });
        let read: usize = read.sum();
        self.spend(1 + read / 64)?;
        let result = (native.run)(self, Args { native, receiver, values: &forced })?;
        if native.shares { Ok(result) } else { self.fresh(result, 0) }
    }
}
