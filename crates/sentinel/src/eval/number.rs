//! Numbers of both kinds: arithmetic and exact comparison.

use std::cmp::Ordering;

use crate::ast::Binary;
use crate::source::{Eval, Fault};
use crate::value::Value;

/// Arithmetic on ints, which wraps around.
pub(super) fn ints<'a>(op: Binary, left: i64, right: i64) -> Eval<Value<'a>> {
    Ok(Value::Int(match op {
        Binary::Add => left.wrapping_add(right),
        Binary::Sub => left.wrapping_sub(right),
        Binary::Mul => left.wrapping_mul(right),
        Binary::Div | Binary::Rem if right == 0 => {
            return Err(Fault::new("an integer cannot be divided by zero"));
        }
        Binary::Div => left.wrapping_div(right),
        _ => left.wrapping_rem(right),
    }))
}

/// Arithmetic on floats, as IEEE 754 has it.
pub(super) fn floats<'a>(op: Binary, left: f64, right: f64) -> Value<'a> {
    Value::Float(match op {
        Binary::Add => left + right,
        Binary::Sub => left - right,
        Binary::Mul => left * right,
        Binary::Div => left / right,
        _ => left % right,
    })
}

/// The nearest float.
#[expect(clippy::cast_precision_loss, reason = "the nearest float is what is meant")]
pub(crate) fn float(value: i64) -> f64 {
    value as f64
}

/// Which of two numbers is greater; `None` where one is NaN or no number.
pub(crate) fn compare_numbers(left: Value<'_>, right: Value<'_>) -> Option<Ordering> {
    match (left, right) {
        (Value::Int(left), Value::Int(right)) => Some(left.cmp(&right)),
        (Value::Float(left), Value::Float(right)) => left.partial_cmp(&right),
        (Value::Int(left), Value::Float(right)) => int_and_float(left, right),
        (Value::Float(left), Value::Int(right)) => {
            int_and_float(right, left).map(Ordering::reverse)
        }
        _ => None,
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the bounds are checked")]
fn int_and_float(left: i64, right: f64) -> Option<Ordering> {
    const EDGE: f64 = 9_223_372_036_854_775_808.0;
    if right.is_nan() {
        return None;
    }
    if right >= EDGE {
        return Some(Ordering::Less);
    }
    if right < -EDGE {
        return Some(Ordering::Greater);
    }
    let whole = right.trunc();
    Some(
        left.cmp(&(whole as i64))
            .then_with(|| 0.0.partial_cmp(&(right - whole)).unwrap_or(Ordering::Equal)),
    )
}
