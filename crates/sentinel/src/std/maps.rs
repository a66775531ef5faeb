//! `import "collection/maps"`.

use super::path::{self, steps};
use super::{Args, Native, Space};
use crate::eval::Interp;
use crate::source::Eval;
use crate::value::Value;

pub(super) const SPACE: Space = Space {
    name: "collection/maps",
    natives: &[
        Native::new("maps.get", 2, 3, get).takes_undefined(),
        Native::new("maps.has", 2, 2, has),
        Native::new("maps.omit", 2, 2, omit),
        Native::new("maps.pick", 2, 2, pick),
        Native::new("maps.set", 3, 3, set),
        Native::new("maps.unset", 2, 2, unset),
    ],
    values: &[],
};

fn get<'a>(interp: &mut Interp<'a>, args: Args<'_, 'a>) -> Eval<Value<'a>> {
    // The default may be undefined; what it is looked up in may not.
    if let Some(undefined) = args.values[..2].iter().find(|value| value.is_undefined()) {
        return Ok(*undefined);
    }
    let steps = steps(args.text(1)?)?;
    let found = match args.value(0) {
        value @ Value::Map(_) => path::get(interp, value, &steps)?,
        Value::List(_) | Value::Null => None,
        _ => return Err(args.unfit(0, "maps")),
    };
    Ok(found.or(args.get(2)).unwrap_or(Value::UNDEFINED))
}

fn has<'a>(interp: &mut Interp<'a>, args: Args<'_, 'a>) -> Eval<Value<'a>> {
    let map = args.map(0)?;
    let steps = steps(args.text(1)?)?;
    path::has(interp, Value::Map(map), &steps).map(Value::Bool)
}

fn set<'a>(interp: &mut Interp<'a>, args: Args<'_, 'a>) -> Eval<Value<'a>> {
    let map = args.map(0)?;
    let steps = steps(args.text(1)?)?;
    path::set(interp, Value::Map(map), &steps, args.value(2))
}

fn unset<'a>(interp: &mut Interp<'a>, args: Args<'_, 'a>) -> Eval<Value<'a>> {
    let map = args.map(0)?;
    let steps = steps(args.text(1)?)?;
    path::unset(interp, Value::Map(map), &steps)
}

fn omit<'a>(interp: &mut Interp<'a>, args: Args<'_, 'a>) -> Eval<Value<'a>> {
    let mut value = Value::Map(args.map(0)?);
    for path in paths(interp, &args)? {
        value = path::unset(interp, value, &path)?;
    }
    Ok(value)
}

fn pick<'a>(interp: &mut Interp<'a>, args: Args<'_, 'a>) -> Eval<Value<'a>> {
    let map = args.map(0)?;
    let paths = paths(interp, &args)?;
    let paths: Vec<&[&[u8]]> = paths.iter().map(Vec::as_slice).collect();
    let picked = path::pick(interp, Value::Map(map), &paths)?;
    Ok(picked.unwrap_or_else(|| interp.heap.map([])))
}

fn paths<'a>(interp: &mut Interp<'a>, args: &Args<'_, 'a>) -> Eval<Vec<Vec<&'a [u8]>>> {
    let mut paths = Vec::new();
    for item in args.list(1)?.items(interp.heap) {
        match interp.force(item)? {
            Value::Text(text) => paths.push(steps(text)?),
            _ => return Err(args.unfit(1, "lists of strings")),
        }
    }
    Ok(paths)
}
