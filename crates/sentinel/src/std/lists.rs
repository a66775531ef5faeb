//! `import "collection/lists"`.

use std::cmp::Ordering;

use super::{Args, Native, Space};
use crate::eval::{Interp, float};
use crate::source::{Eval, Fault};
use crate::value::Value;

pub(super) const SPACE: Space = Space {
    name: "collection/lists",
    natives: &[
        Native::new("lists.concat", 2, usize::MAX, concat),
        Native::new("lists.difference", 2, usize::MAX, difference).also(&["diff"]),
        Native::new("lists.intersection", 2, usize::MAX, intersection),
        Native::new("lists.sort", 2, 2, sort),
        Native::new("lists.sum", 1, 1, sum),
        Native::new("lists.union", 2, usize::MAX, union),
    ],
    values: &[],
};

fn all<'a>(interp: &mut Interp<'a>, args: &Args<'_, 'a>, from: usize) -> Eval<Vec<Value<'a>>> {
    let mut items = Vec::new();
    for index in from..args.values.len() {
        let list = args.list(index)?;
        interp.spend(list.len())?;
        interp.room((items.len() + list.len()) * size_of::<Value<'_>>())?;
        items.extend(list.items(interp.heap));
    }
    Ok(items)
}

fn is_in<'a>(interp: &mut Interp<'a>, item: Value<'a>, items: &[Value<'a>]) -> Eval<bool> {
    for other in items {
        if interp.same(item, *other, 0)? == Some(true) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn concat<'a>(interp: &mut Interp<'a>, args: Args<'_, 'a>) -> Eval<Value<'a>> {
    let items = all(interp, &args, 0)?;
    Ok(interp.heap.list(items))
}

fn difference<'a>(interp: &mut Interp<'a>, args: Args<'_, 'a>) -> Eval<Value<'a>> {
    let others = all(interp, &args, 1)?;
    let list = args.list(0)?;
    interp.spend(list.len())?;
    let mut kept = Vec::new();
    for item in list.items(interp.heap) {
        if !is_in(interp, item, &others)? {
            kept.push(item);
        }
    }
    Ok(interp.heap.list(kept))
}

fn intersection<'a>(interp: &mut Interp<'a>, args: Args<'_, 'a>) -> Eval<Value<'a>> {
    let mut kept = args.list(0)?.items(interp.heap);
    for index in 1..args.values.len() {
        let others = args.list(index)?;
        interp.spend(kept.len() + others.len())?;
        let others = others.items(interp.heap);
        let mut both = Vec::new();
        for item in kept {
            if is_in(interp, item, &others)? && !is_in(interp, item, &both)? {
                both.push(item);
            }
        }
        kept = both;
    }
    Ok(interp.heap.list(kept))
}

fn union<'a>(interp: &mut Interp<'a>, args: Args<'_, 'a>) -> Eval<Value<'a>> {
    let mut kept = Vec::new();
    for item in all(interp, &args, 0)? {
        if !is_in(interp, item, &kept)? {
            kept.push(item);
        }
    }
    Ok(interp.heap.list(kept))
}

fn sum<'a>(interp: &mut Interp<'a>, args: Args<'_, 'a>) -> Eval<Value<'a>> {
    let mut sum = 0.0;
    for item in all(interp, &args, 0)? {
        match interp.force(item)? {
            Value::Int(value) => sum += float(value),
            Value::Float(value) => sum += value,
            undefined @ Value::Undefined(_) => return Ok(undefined),
            other => {
                let name = other.type_name();
                return Err(Fault::new(format!("lists.sum can only add numbers, got {name:?}")));
            }
        }
    }
    Ok(Value::Float(sum))
}

/// A merge sort, since the comparison is the policy's: it may fail, and need not make sense.
fn sort<'a>(interp: &mut Interp<'a>, args: Args<'_, 'a>) -> Eval<Value<'a>> {
    let compare = args.function(1)?;
    let mut items = args.list(0)?.items(interp.heap);
    let mut width = 1;
    while width < items.len() {
        let mut merged = Vec::with_capacity(items.len());
        for pair in items.chunks(width * 2) {
            let (mut left, mut right) = pair.split_at(width.min(pair.len()));
            while let ([first, left_rest @ ..], [second, right_rest @ ..]) = (left, right) {
                if order(interp, compare, *second, *first)?.is_lt() {
                    merged.push(*second);
                    right = right_rest;
                } else {
                    merged.push(*first);
                    left = left_rest;
                }
            }
            merged.extend_from_slice(left);
            merged.extend_from_slice(right);
        }
        items = merged;
        width *= 2;
    }
    Ok(interp.heap.list(items))
}

fn order<'a>(
    interp: &mut Interp<'a>,
    compare: Value<'a>,
    left: Value<'a>,
    right: Value<'a>,
) -> Eval<Ordering> {
    let answer = interp.call(compare, &[left, right])?;
    match interp.force(answer)? {
        Value::Int(answer) => Ok(answer.cmp(&0)),
        other => {
            let name = other.type_name();
            Err(Fault::new(format!("sort comparison must return an int, got {name}")))
        }
    }
}
