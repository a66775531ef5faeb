//! `import "strings"`.

use super::{Args, Native, Space};
use crate::eval::Interp;
use crate::source::{Eval, Fault};
use crate::value::Value;

pub(super) const SPACE: Space = Space {
    name: "strings",
    natives: &[
        Native::new("strings.has_prefix", 2, 2, has_prefix),
        Native::new("strings.has_suffix", 2, 2, has_suffix),
        Native::new("strings.join", 2, 2, join),
        Native::new("strings.replace", 3, 4, replace),
        Native::new("strings.split", 2, 2, split),
        Native::new("strings.to_lower", 1, 1, to_lower),
        Native::new("strings.to_upper", 1, 1, to_upper),
        Native::new("strings.trim", 2, 2, trim),
        Native::new("strings.trim_left", 2, 2, trim_left),
        Native::new("strings.trim_prefix", 2, 2, trim_prefix),
        Native::new("strings.trim_right", 2, 2, trim_right),
        Native::new("strings.trim_space", 1, 1, trim_space),
        Native::new("strings.trim_suffix", 2, 2, trim_suffix),
    ],
    values: &[],
};

fn has_prefix<'a>(_: &mut Interp<'a>, args: Args<'_, 'a>) -> Eval<Value<'a>> {
    Ok(Value::Bool(args.text(0)?.starts_with(args.text(1)?)))
}

fn has_suffix<'a>(_: &mut Interp<'a>, args: Args<'_, 'a>) -> Eval<Value<'a>> {
    Ok(Value::Bool(args.text(0)?.ends_with(args.text(1)?)))
}

fn trim_prefix<'a>(_: &mut Interp<'a>, args: Args<'_, 'a>) -> Eval<Value<'a>> {
    let text = args.text(0)?;
    Ok(Value::Text(text.strip_prefix(args.text(1)?).unwrap_or(text)))
}

fn trim_suffix<'a>(_: &mut Interp<'a>, args: Args<'_, 'a>) -> Eval<Value<'a>> {
    let text = args.text(0)?;
    Ok(Value::Text(text.strip_suffix(args.text(1)?).unwrap_or(text)))
}

fn join<'a>(interp: &mut Interp<'a>, args: Args<'_, 'a>) -> Eval<Value<'a>> {
    let separator = args.text(1)?;
    let list = args.list(0)?;
    let mut parts = Vec::new();
    // Nested lists are flattened, in order.
    let mut left = list.items(interp.heap);
    left.reverse();
    let mut size = 0_usize;
    while let Some(item) = left.pop() {
        interp.spend(1)?;
        match interp.force(item)? {
            Value::List(inner) => {
                let start = left.len();
                left.extend(inner.items(interp.heap));
                left[start..].reverse();
                interp.room(left.len() * size_of::<Value<'_>>())?;
            }
            undefined @ Value::Undefined(_) => return Ok(undefined),
            value @ (Value::Text(_) | Value::Int(_) | Value::Float(_) | Value::Bool(_)) => {
                let part = if let Value::Text(text) = value {
                    text
                } else {
                    let line = interp.line(&[value])?;
                    interp.heap.bytes(line)
                };
                size += part.len() + separator.len() + size_of::<&[u8]>();
                interp.room(size)?;
                parts.push(part);
            }
            other => {
                let name = other.type_name();
                return Err(Fault::new(format!("strings.join cannot join {name:?}")));
            }
        }
    }
    interp.text(parts.join(separator))
}

fn split<'a>(interp: &mut Interp<'a>, args: Args<'_, 'a>) -> Eval<Value<'a>> {
    if let value @ Value::List(_) = args.value(0) {
        return Ok(value);
    }
    let (text, separator) = (args.text(0)?, args.text(1)?);
    interp.spend(text.len())?;
    let most = if separator.is_empty() {
        text.len()
    } else {
        memchr::memmem::find_iter(text, separator).count() + 1
    };
    interp.room(most.saturating_mul(size_of::<Value<'_>>()))?;
    let mut parts = Vec::with_capacity(most);
    if separator.is_empty() {
        for chunk in text.utf8_chunks() {
            parts
                .extend(chunk.valid().split_inclusive(|_| true).map(|c| Value::Text(c.as_bytes())));
            parts.extend(chunk.invalid().chunks(1).map(Value::Text));
        }
    } else {
        let mut from = 0;
        for at in memchr::memmem::find_iter(text, separator) {
            parts.push(Value::Text(&text[from..at]));
            from = at + separator.len();
        }
        parts.push(Value::Text(&text[from..]));
    }
    Ok(interp.heap.list(parts))
}

fn replace<'a>(interp: &mut Interp<'a>, args: Args<'_, 'a>) -> Eval<Value<'a>> {
    let (text, old, new) = (args.text(0)?, args.text(1)?, args.text(2)?);
    let times = if args.get(3).is_some() { args.int(3)? } else { -1 };
    let times = usize::try_from(times).unwrap_or(usize::MAX);
    interp.spend(text.len())?;
    let places = || -> Box<dyn Iterator<Item = usize> + 'a> {
        if !old.is_empty() {
            return Box::new(memchr::memmem::find_iter(text, old).take(times));
        }
        // Nothing is found before each character and at the end.
        let starts = text.iter().enumerate().filter(|(_, byte)| **byte & 0xC0 != 0x80);
        Box::new(starts.map(|(at, _)| at).chain([text.len()]).take(times))
    };
    interp.room(text.len().saturating_add(places().count().saturating_mul(new.len())))?;
    let mut out = Vec::new();
    let mut from = 0;
    for at in places() {
        out.extend_from_slice(&text[from..at]);
        out.extend_from_slice(new);
        from = at + old.len();
    }
    out.extend_from_slice(&text[from..]);
    interp.spend(out.len() / 16)?;
    interp.text(out)
}

fn to_lower<'a>(interp: &mut Interp<'a>, args: Args<'_, 'a>) -> Eval<Value<'a>> {
    change_case(interp, args, |c| c.to_lowercase().next())
}

fn to_upper<'a>(interp: &mut Interp<'a>, args: Args<'_, 'a>) -> Eval<Value<'a>> {
    // Go maps characters one to one: what would become several stays as it is.
    change_case(interp, args, |c| {
        let mut upper = c.to_uppercase();
        if upper.len() == 1 { upper.next() } else { None }
    })
}

fn change_case<'a>(
    interp: &mut Interp<'a>,
    args: Args<'_, 'a>,
    change: impl Fn(char) -> Option<char>,
) -> Eval<Value<'a>> {
    let text = args.text(0)?;
    interp.spend(text.len() / 4)?;
    let mut out = Vec::with_capacity(text.len());
    for chunk in text.utf8_chunks() {
        for c in chunk.valid().chars() {
            out.extend_from_slice(change(c).unwrap_or(c).encode_utf8(&mut [0; 4]).as_bytes());
        }
        out.extend_from_slice(chunk.invalid());
    }
    interp.text(out)
}

fn trim<'a>(_: &mut Interp<'a>, args: Args<'_, 'a>) -> Eval<Value<'a>> {
    let set = args.str(1)?;
    Ok(Value::Text(args.str(0)?.trim_matches(|c| set.contains(c)).as_bytes()))
}

fn trim_left<'a>(_: &mut Interp<'a>, args: Args<'_, 'a>) -> Eval<Value<'a>> {
    let set = args.str(1)?;
    Ok(Value::Text(args.str(0)?.trim_start_matches(|c| set.contains(c)).as_bytes()))
}

fn trim_right<'a>(_: &mut Interp<'a>, args: Args<'_, 'a>) -> Eval<Value<'a>> {
    let set = args.str(1)?;
    Ok(Value::Text(args.str(0)?.trim_end_matches(|c| set.contains(c)).as_bytes()))
}

fn trim_space<'a>(_: &mut Interp<'a>, args: Args<'_, 'a>) -> Eval<Value<'a>> {
    Ok(Value::Text(args.str(0)?.trim().as_bytes()))
}
