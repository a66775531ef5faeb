//! The functions that every policy has without an import.

use crate::eval::{Interp, compare_numbers, float_text, quoted};
use crate::mask::CUT;
use crate::source::{Eval, Fault};
use crate::std::{Args, Native};
use crate::value::{Key, Value, integral};

pub(crate) const BUILTINS: &[Native] = &[
    Native::new("append", 2, 2, append).takes_undefined().shares(),
    Native::new("bool", 1, 1, |_, args| Ok(bool(args.value(0)))).shares(),
    Native::new("compare", 2, 2, compare).shares(),
    Native::new("delete", 2, 2, delete).takes_undefined().shares(),
    Native::new("error", 1, usize::MAX, error).takes_undefined().shares(),
    Native::new("float", 1, 1, |_, args| Ok(float(args.value(0)))).shares(),
    Native::new("int", 1, 1, |_, args| Ok(int(args.value(0)))).shares(),
    Native::new("keys", 1, 1, keys).shares(),
    Native::new("length", 1, 1, length).shares(),
    Native::new("print", 0, usize::MAX, print).takes_undefined().shares(),
    Native::new("range", 1, 3, range).shares(),
    Native::new("string", 1, 1, |interp, args| Ok(string(interp, args.value(0)))).shares(),
    Native::new("values", 1, 1, values).shares(),
];

pub(crate) fn find(name: &str) -> Option<&'static Native> {
    BUILTINS.iter().find(|native| native.name == name)
}

fn append<'a>(interp: &mut Interp<'a>, args: Args<'_, 'a>) -> Eval<Value<'a>> {
    args.list(0)?.push(args.value(1), interp.heap);
    interp.spend(1)?;
    Ok(Value::UNDEFINED)
}

fn delete<'a>(interp: &mut Interp<'a>, args: Args<'_, 'a>) -> Eval<Value<'a>> {
    let map = args.map(0)?;
    if args.value(1).is_undefined() {
        return Err(args.unfit(1, "booleans, numbers and strings"));
    }
    let key =
        Key::of(args.value(1)).ok_or_else(|| args.unfit(1, "booleans, numbers and strings"))?;
    // The entries after it move.
    interp.spend(map.len() / 8)?;
    map.remove(key, interp.heap);
    Ok(Value::UNDEFINED)
}

fn keys<'a>(interp: &mut Interp<'a>, args: Args<'_, 'a>) -> Eval<Value<'a>> {
    let keys: Vec<_> = args.map(0)?.keys().into_iter().map(Key::value).collect();
    interp.spend(keys.len())?;
    Ok(interp.heap.list(keys))
}

fn values<'a>(interp: &mut Interp<'a>, args: Args<'_, 'a>) -> Eval<Value<'a>> {
    let entries = args.map(0)?.entries(interp.heap);
    interp.spend(entries.len())?;
    Ok(interp.heap.list(entries.into_iter().map(|(_, value)| value).collect()))
}

fn length<'a>(_: &mut Interp<'a>, args: Args<'_, 'a>) -> Eval<Value<'a>> {
    match args.value(0).length() {
        Some(length) => Ok(Value::Int(i64::try_from(length).unwrap_or(i64::MAX))),
        None => Err(args.unfit(0, "strings, lists and maps")),
    }
}

fn range<'a>(interp: &mut Interp<'a>, args: Args<'_, 'a>) -> Eval<Value<'a>> {
    let (start, end) = match args.get(1) {
        None => (0, args.int(0)?),
        Some(_) => (args.int(0)?, args.int(1)?),
    };
    let step = if args.get(2).is_some() { args.int(2)? } else { 1 };
    if step == 0 {
        return Err(Fault::new("range cannot go on in steps of 0"));
    }
    let distance = i128::from(end) - i128::from(start);
    let step = i128::from(step);
    // Rounded up, so that the last step that stays before the end counts.
    let count = if distance.signum() == step.signum() {
        (distance.abs() + step.abs() - 1) / step.abs()
    } else {
        0
    };
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    interp.room(count.saturating_mul(size_of::<Value<'_>>()))?;
    interp.spend(count)?;
    let number = |n: usize| {
        // All of them lie between start and end.
        Value::Int(i64::try_from(i128::from(start) + step * n as i128).unwrap_or(i64::MAX))
    };
    Ok(interp.heap.list((0..count).map(number).collect()))
}

fn print<'a>(interp: &mut Interp<'a>, args: Args<'_, 'a>) -> Eval<Value<'a>> {
    let line = interp.line(args.values)?;
    interp.print(&line);
    Ok(Value::Bool(true))
}

fn error<'a>(interp: &mut Interp<'a>, args: Args<'_, 'a>) -> Eval<Value<'a>> {
    let mut text = interp.line(args.values)?;
    if text.len() > interp.limits.output {
        text.truncate(interp.limits.output);
        text.extend_from_slice(format!("{CUT}: the policy says too much").as_bytes());
    }
    Err(Fault::new(String::from_utf8_lossy(&text).into_owned()))
}

fn compare<'a>(_: &mut Interp<'a>, args: Args<'_, 'a>) -> Eval<Value<'a>> {
    let order = match (args.value(0), args.value(1)) {
        (Value::Text(left), Value::Text(right)) => Some(left.cmp(right)),
        (left, right) => compare_numbers(left, right),
    };
    let order = order.ok_or_else(|| {
        let (left, right) = (args.value(0).type_name(), args.value(1).type_name());
        Fault::new(format!("compare cannot compare {left:?} and {right:?}"))
    });
    order.map(|order| Value::Int(order as i64))
}

fn bool(value: Value<'_>) -> Value<'_> {
    match value {
        value @ Value::Bool(_) => value,
        Value::Int(value) => Value::Bool(value != 0),
        Value::Float(value) => Value::Bool(value != 0.0),
        Value::Text(b"1" | b"t" | b"T" | b"TRUE" | b"true" | b"True") => Value::Bool(true),
        Value::Text(b"0" | b"f" | b"F" | b"FALSE" | b"false" | b"False") => Value::Bool(false),
        _ => Value::UNDEFINED,
    }
}

fn int(value: Value<'_>) -> Value<'_> {
    match value {
        Value::Bool(value) => Value::Int(value.into()),
        value @ Value::Int(_) => value,
        Value::Float(value) => integral(value.trunc()).map_or(Value::UNDEFINED, Value::Int),
        Value::Text(text) => std::str::from_utf8(text)
            .ok()
            .and_then(|text| int_of(text).or_else(|| integral(float_of(text)?.trunc())))
            .map_or(Value::UNDEFINED, Value::Int),
        _ => Value::UNDEFINED,
    }
}

fn float(value: Value<'_>) -> Value<'_> {
    match value {
        Value::Bool(value) => Value::Float(f64::from(u8::from(value))),
        Value::Int(value) => Value::Float(crate::eval::float(value)),
        value @ Value::Float(_) => value,
        Value::Text(text) => {
            let value = std::str::from_utf8(text).ok().and_then(float_of);
            value.map_or(Value::UNDEFINED, Value::Float)
        }
        _ => Value::UNDEFINED,
    }
}

fn string<'a>(interp: &Interp<'a>, value: Value<'a>) -> Value<'a> {
    match value {
        Value::Bool(value) => Value::Text(if value { b"true" } else { b"false" }),
        Value::Int(value) => interp.heap.str(&value.to_string()),
        Value::Float(value) if value.is_finite() => interp.heap.str(&format!("{value:.6}")),
        Value::Float(value) => interp.heap.str(&float_text(value)),
        value @ Value::Text(_) => value,
        _ => Value::UNDEFINED,
    }
}

/// An integer as the language writes it, with a sign perhaps.
fn int_of(text: &str) -> Option<i64> {
    let (sign, digits) = match text.as_bytes().first()? {
        b'-' => ("-", &text[1..]),
        b'+' => ("", &text[1..]),
        _ => ("", text),
    };
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &digits[2..]),
        [b'0', _, ..] => (8, &digits[1..]),
        _ => (10, digits),
    };
    if digits.starts_with(['+', '-']) {
        return None;
    }
    i64::from_str_radix(&format!("{sign}{digits}"), radix).ok()
}

/// A float as the language writes it, with a sign perhaps.
fn float_of(text: &str) -> Option<f64> {
    let plain =
        text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-'));
    text.parse().ok().filter(|value: &f64| plain && value.is_finite())
}

impl Interp<'_> {
    /// Adds a line to what the policy printed, as long as there is room.
    pub fn print(&mut self, line: &[u8]) {
        if self.print_cut {
            return;
        }
        if self.printed.len() + line.len() < self.limits.output {
            self.printed.extend_from_slice(line);
            self.printed.push(b'\n');
        } else {
            self.print_cut = true;
            let end = format!("{CUT}: the policy prints too much\n");
            self.printed.extend_from_slice(end.as_bytes());
        }
    }

    /// A string in quotes, or as much of it as a message should have.
    pub fn quote(text: &[u8]) -> String {
        const SHOWN: usize = 200;
        let mut out = Vec::new();
        match text.get(..SHOWN) {
            Some(start) if SHOWN < text.len() => {
                quoted(&[start, CUT.as_bytes()].concat(), &mut out);
            }
            _ => quoted(text, &mut out),
        }
        String::from_utf8_lossy(&out).into_owned()
    }
}
