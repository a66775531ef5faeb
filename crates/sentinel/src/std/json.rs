//! `import "json"`.

use super::{Args, Native, Space};
use crate::eval::{Interp, float_text};
use crate::frozen::Frozen;
use crate::source::{Eval, Fault};
use crate::value::Value;

pub(super) const SPACE: Space = Space {
    name: "json",
    natives: &[
        Native::new("json.marshal", 1, 1, marshal),
        Native::new("json.unmarshal", 1, 1, unmarshal),
        Native::new("json.valid", 1, 1, valid),
    ],
    values: &[],
};

fn read(interp: &mut Interp<'_>, text: &[u8]) -> Eval<Result<Frozen, String>> {
    // A tree takes more memory than its text.
    interp.room(text.len().saturating_mul(16))?;
    interp.heap.charge(text.len().saturating_mul(8));
    interp.spend(text.len() / 4)?;
    Ok(Frozen::from_json(text))
}

fn unmarshal<'a>(interp: &mut Interp<'a>, args: Args<'_, 'a>) -> Eval<Value<'a>> {
    match read(interp, args.text(0)?)? {
        Ok(data) => Ok(interp.heap.view(interp.heap.keep(data))),
        Err(error) => Err(Fault::new(format!("json.unmarshal: {error}"))),
    }
}

fn valid<'a>(interp: &mut Interp<'a>, args: Args<'_, 'a>) -> Eval<Value<'a>> {
    Ok(Value::Bool(match args.value(0) {
        Value::Text(text) => read(interp, text)?.is_ok(),
        _ => false,
    }))
}

fn marshal<'a>(interp: &mut Interp<'a>, args: Args<'_, 'a>) -> Eval<Value<'a>> {
    let data = interp.freeze(args.value(0), 0)?;
    if data.is_undefined() {
        return Ok(Value::UNDEFINED);
    }
    let mut out = Vec::new();
    write(interp, &data, &mut out)?;
    interp.text(out)
}

/// Compact JSON as Go writes it: keys sorted, `<`, `>` and `&` escaped, undefined members and functions left out.
fn write(interp: &mut Interp<'_>, data: &Frozen, out: &mut Vec<u8>) -> Eval<()> {
    interp.spend(1)?;
    interp.room(out.len())?;
    match data {
        Frozen::Undefined | Frozen::Null => out.extend_from_slice(b"null"),
        Frozen::Bool(value) => out.extend_from_slice(value.to_string().as_bytes()),
        Frozen::Int(value) => out.extend_from_slice(value.to_string().as_bytes()),
        Frozen::Float(value) if value.is_finite() => {
            out.extend_from_slice(float_text(*value).as_bytes());
        }
        Frozen::Float(_) => return Err(Fault::new("json.marshal: JSON has no such number")),
        Frozen::Text(text) => string(text, out),
        Frozen::List(items) => {
            out.push(b'[');
            let defined = items.iter().filter(|item| !item.is_undefined());
            for (n, item) in defined.enumerate() {
                if n > 0 {
                    out.push(b',');
                }
                write(interp, item, out)?;
            }
            out.push(b']');
        }
        Frozen::Map(entries) => {
            out.push(b'{');
            let defined = entries.iter().filter(|(_, value)| !value.is_undefined());
            for (n, (key, value)) in defined.enumerate() {
                if n > 0 {
                    out.push(b',');
                }
                string(key, out);
                out.push(b':');
                write(interp, value, out)?;
            }
            out.push(b'}');
        }
    }
    Ok(())
}

pub(crate) fn string(text: &[u8], out: &mut Vec<u8>) {
    use std::io::Write as _;
    out.push(b'"');
    for c in String::from_utf8_lossy(text).chars() {
        match c {
            '"' => out.extend_from_slice(b"\\\""),
            '\\' => out.extend_from_slice(b"\\\\"),
            '\n' => out.extend_from_slice(b"\\n"),
            '\r' => out.extend_from_slice(b"\\r"),
            '\t' => out.extend_from_slice(b"\\t"),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '\0'..='\u{1f}' => {
                // Writing to memory does not fail.
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            _ => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    out.push(b'"');
}
