//! `import "collection"`.

use super::{Args, Native, Space};
use crate::eval::Interp;
use crate::source::{Eval, Fault};
use crate::value::Value;

pub(super) const SPACE: Space = Space {
    name: "collection",
    natives: &[
        Native::new("collection.filter", 2, 2, |interp, args| select(interp, args, true)),
        Native::new("collection.find", 2, 2, find),
        Native::new("collection.matches", 2, 2, matches),
        Native::new("collection.reject", 2, 2, |interp, args| select(interp, args, false)),
    ],
    values: &[],
};

/// The elements of a list with their indexes, or the values of a map with their keys.
fn elements<'a>(interp: &mut Interp<'a>, args: &Args<'_, 'a>) -> Eval<Vec<(Value<'a>, Value<'a>)>> {
    let elements: Vec<_> = match args.value(0) {
        Value::List(list) => (0_i64..).map(Value::Int).zip(list.items(interp.heap)).collect(),
        Value::Map(map) => {
            let entries = map.entries(interp.heap).into_iter();
            entries.map(|(key, value)| (key.value(), value)).collect()
        }
        _ => return Err(args.unfit(0, "lists and maps")),
    };
    interp.spend(elements.len())?;
    Ok(elements)
}

/// Asks the predicate about an element. With two parameters it gets the key or index too.
fn holds<'a>(
    interp: &mut Interp<'a>,
    args: &Args<'_, 'a>,
    (key, value): (Value<'a>, Value<'a>),
) -> Eval<bool> {
    let predicate = args.function(1)?;
    let two = matches!(predicate, Value::Func(closure) if closure.function.params.len() == 2);
    let answer = if two {
        interp.call(predicate, &[value, key])?
    } else {
        interp.call(predicate, &[value])?
    };
    match interp.force(answer)? {
        Value::Bool(holds) => Ok(holds),
        other => {
            let name = args.native.name.trim_start_matches("collection.");
            let got = other.type_name();
            Err(Fault::new(format!("{name} predicate must return boolean value, got {got}")))
        }
    }
}

fn select<'a>(interp: &mut Interp<'a>, args: Args<'_, 'a>, wanted: bool) -> Eval<Value<'a>> {
    args.function(1)?;
    let mut kept = Vec::new();
    for element in elements(interp, &args)? {
        if holds(interp, &args, element)? == wanted {
            kept.push(element.1);
        }
    }
    Ok(interp.heap.list(kept))
}

fn find<'a>(interp: &mut Interp<'a>, args: Args<'_, 'a>) -> Eval<Value<'a>> {
    args.function(1)?;
    for element in elements(interp, &args)? {
        if holds(interp, &args, element)? {
            return Ok(element.1);
        }
    }
    Ok(Value::UNDEFINED)
}

fn matches<'a>(interp: &mut Interp<'a>, args: Args<'_, 'a>) -> Eval<Value<'a>> {
    let part = args.map(1)?;
    let mut kept = Vec::new();
    for (_, value) in elements(interp, &args)? {
        let value = interp.force(value)?;
        if interp.includes(value, Value::Map(part), 0)? {
            kept.push(value);
        }
    }
    Ok(interp.heap.list(kept))
}
