//! Values as text, for `print` and messages.

use super::Interp;
use crate::source::Eval;
use crate::value::{Object, Value};

impl<'a> Interp<'a> {
    /// Adds the text of a value: strings bare at the top, quoted inside of lists and maps.
    pub fn show(&mut self, value: Value<'a>, nesting: usize, out: &mut Vec<u8>) -> Eval<()> {
        self.spend(1)?;
        self.room(out.len())?;
        self.nested(nesting, "print", |interp| interp.show_inside(value, nesting, out))
    }

    fn show_inside(&mut self, value: Value<'a>, nesting: usize, out: &mut Vec<u8>) -> Eval<()> {
        match self.force(value)? {
            Value::Undefined(_) => out.extend_from_slice(b"undefined"),
            Value::Null => out.extend_from_slice(b"null"),
            Value::Bool(value) => out.extend_from_slice(value.to_string().as_bytes()),
            Value::Int(value) => out.extend_from_slice(value.to_string().as_bytes()),
            Value::Float(value) => out.extend_from_slice(float(value).as_bytes()),
            Value::Text(text) if nesting == 0 => out.extend_from_slice(text),
            Value::Text(text) => quoted(text, out),
            Value::List(list) => {
                out.push(b'[');
                for (n, item) in list.items(self.heap).into_iter().enumerate() {
                    if n > 0 {
                        out.extend_from_slice(b", ");
                    }
                    self.show(item, nesting + 1, out)?;
                }
                out.push(b']');
            }
            Value::Map(map) => {
                out.push(b'{');
                for (n, (key, item)) in map.entries(self.heap).into_iter().enumerate() {
                    if n > 0 {
                        out.extend_from_slice(b", ");
                    }
                    self.show(key.value(), nesting + 1, out)?;
                    out.extend_from_slice(b": ");
                    self.show(item, nesting + 1, out)?;
                }
                out.push(b'}');
            }
            Value::Object(object) => object_text(object, out),
            Value::Func(_) | Value::Native(..) => out.extend_from_slice(b"func"),
            // What is forced is neither.
            Value::Rope(_) | Value::Rule(_) => {}
        }
        Ok(())
    }

    /// Several values with spaces between them.
    pub fn line(&mut self, values: &[Value<'a>]) -> Eval<Vec<u8>> {
        let mut out = Vec::new();
        for (n, value) in values.iter().enumerate() {
            if n > 0 {
                out.push(b' ');
            }
            self.show(*value, 0, &mut out)?;
        }
        self.heap.charge(out.len());
        Ok(out)
    }
}

fn object_text(object: &Object, out: &mut Vec<u8>) {
    out.extend_from_slice(object.to_string().as_bytes());
}

/// A float in the shortest form that is read as the same again.
pub(crate) fn float(value: f64) -> String {
    if value.is_nan() {
        return "NaN".into();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf".into() } else { "-Inf".into() };
    }
    // As Go does it: the exponent is written where the number would be very long.
    let size = value.abs();
    if size != 0.0 && !(1e-4..1e21).contains(&size) {
        let text = format!("{value:e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, exponent) = match exponent.strip_prefix('-') {
            Some(exponent) => ('-', exponent),
            None => ('+', exponent),
        };
        return format!("{digits}e{sign}{exponent:0>2}");
    }
    value.to_string()
}

/// A string in quotes, with what would break them escaped.
pub(crate) fn quoted(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for byte in text {
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            _ => out.push(*byte),
        }
    }
    out.push(b'"');
}
