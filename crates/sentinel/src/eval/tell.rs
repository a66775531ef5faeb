//! Values as they are told to people: the beginning of what is long, so that it costs no more than what is told.

use super::Interp;
use crate::frozen::{Frozen, Text};
use crate::mask::CUT;
use crate::source::Eval;
use crate::value::{Key, Value};

/// Bytes of JSON of one value; of what is longer the beginning is told.
pub(crate) const MAX_VALUE: usize = 64 << 10;

/// Values within each other that are told; who reads JSON seldom takes more than 128.
const DEPTH: usize = 32;

impl<'a> Interp<'a> {
    /// The value as data, or, as JSON longer than [`MAX_VALUE`], the beginning of it.
    /// With how much of it there is, in bytes.
    pub fn tell(&mut self, value: Value<'a>) -> Eval<(Frozen, usize)> {
        let mut left = MAX_VALUE + 1;
        let told = self.part(value, 0, &mut left)?;
        Ok((told, MAX_VALUE + 1 - left))
    }

    /// `left` is how much may still be told, which its JSON is never shorter than.
    fn part(&mut self, value: Value<'a>, nesting: usize, left: &mut usize) -> Eval<Frozen> {
        self.spend(1)?;
        self.nested(nesting, "copy", |interp| interp.part_inside(value, nesting, left))
    }

    fn part_inside(&mut self, value: Value<'a>, nesting: usize, left: &mut usize) -> Eval<Frozen> {
        let value = self.force(value)?;
        if nesting == DEPTH && matches!(value, Value::List(_) | Value::Map(_)) {
            // What has no end is not told to have one.
            let inside = self.members(value, nesting, &mut { MAX_VALUE })?;
            if inside.items().is_empty() && inside.entries().is_empty() {
                return Ok(inside);
            }
            return Ok(text(b"(nested too deeply to be told)", left));
        }
        self.members(value, nesting, left)
    }

    fn members(&mut self, value: Value<'a>, nesting: usize, left: &mut usize) -> Eval<Frozen> {
        Ok(match value {
            Value::List(list) => {
                take(2, left);
                let mut items = Vec::new();
                for index in 0..list.len() {
                    let Some(item) = list.get(index, self.heap).filter(|_| *left > 0) else {
                        break;
                    };
                    take(usize::from(index > 0), left);
                    items.push(self.part(item, nesting + 1, left)?);
                }
                Frozen::List(items.into())
            }
            Value::Map(map) => {
                take(2, left);
                let mut entries: Vec<(Text, Frozen)> = Vec::new();
                for index in 0..map.len() {
                    let Some((key, item)) = map.at(index, self.heap).filter(|_| *left > 0) else {
                        break;
                    };
                    let key: Text = match key {
                        Key::Text(text) => start(text, *left),
                        other => self.line(&[other.value()])?.into(),
                    };
                    let before = *left;
                    take(key.len() + 3, left);
                    match self.part(item, nesting + 1, left)? {
                        // It is not told, and takes nothing of what is.
                        Frozen::Undefined => *left = before,
                        item => entries.push((key, item)),
                    }
                }
                Frozen::map(entries)
            }
            Value::Text(bytes) => text(bytes, left),
            Value::Object(object) => text(object.to_string().as_bytes(), left),
            other => {
                take(1, left);
                self.freeze(other, nesting)?
            }
        })
    }
}

fn text(bytes: &[u8], left: &mut usize) -> Frozen {
    let told = start(bytes, *left);
    take(told.len() + 2, left);
    Frozen::Text(told)
}

/// Of a text that is longer, so many bytes, and that there are more.
fn start(bytes: &[u8], most: usize) -> Text {
    match bytes.get(..most) {
        Some(start) if most < bytes.len() => [start, CUT.as_bytes()].concat().into(),
        _ => bytes.into(),
    }
}

fn take(bytes: usize, left: &mut usize) {
    *left = left.saturating_sub(bytes);
}
