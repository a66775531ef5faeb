//! The form in which a list is kept: a line with the head, then the changes, a line for each. So a page reads the head
//! and the pieces that it shows, and nothing else.

use std::collections::BTreeMap;

use blobs::Name;

use super::{Change, Changes, Group, Head, PIECE, Part, Piece, boil::Boiled};
use crate::{Ctx, Error, Result};

/// Bytes that are read at once where the length of the head is not known; as many as most heads have.
const FIRST: usize = 64 << 10;
/// Modules that are groups of their own; of more only the outermost, or none.
const MOST_GROUPS: usize = 200;

pub(super) fn written(boiled: &Boiled) -> Vec<u8> {
    let mut head = Head { state: boiled.state, groups: Vec::new() };
    let mut body = Vec::new();
    for ((part, module), changes) in grouped(&boiled.changes) {
        let mut group =
            Group { part, module, total: 0, counts: BTreeMap::new(), pieces: Vec::new() };
        for piece in changes.chunks(usize::try_from(PIECE).expect("a piece is small")) {
            let at = body.len() as u64;
            for change in piece {
                group.total += 1;
                for action in [Some(change.action), change.then].into_iter().flatten() {
                    *group.counts.entry(action).or_default() += 1;
                }
                write(&mut body, change);
            }
            group.pieces.push(Piece { at, len: body.len() as u64 - at });
        }
        head.groups.push(group);
    }
    let mut list = Vec::new();
    write(&mut list, &head);
    list.append(&mut body);
    list
}

fn write(to: &mut Vec<u8>, line: &impl serde::Serialize) {
    serde_json::to_writer(&mut *to, line).expect("these types have names for members");
    to.push(b'\n');
}

/// By part and module, the top of the configuration first.
fn grouped(changes: &[(Part, Change)]) -> BTreeMap<(Part, String), Vec<&Change>> {
    let by = |module: fn(&str) -> String| {
        let mut groups: BTreeMap<(Part, String), Vec<&Change>> = BTreeMap::new();
        for (part, change) in changes {
            groups.entry((*part, module(&change.module))).or_default().push(change);
        }
        groups
    };
    let ways: [fn(&str) -> String; 2] = [str::to_owned, outermost];
    ways.into_iter()
        .map(by)
        .find(|groups| groups.len() <= MOST_GROUPS)
        .unwrap_or_else(|| by(|_| String::new()))
}

/// `module.a["x"].module.b` is in `module.a`.
fn outermost(module: &str) -> String {
    let end = module.match_indices(['.', '[']).nth(1).map_or(module.len(), |(at, _)| at);
    module[..end].to_owned()
}

pub(super) async fn head(cx: &Ctx, name: Name) -> Result<Changes> {
    let mut read = cx.blobs().read_range(&name, 0, FIRST).await?;
    let mut end = read.iter().position(|byte| *byte == b'\n');
    if end.is_none() {
        read = cx.blobs().get(&name).await?;
        end = read.iter().position(|byte| *byte == b'\n');
    }
    let end = end.ok_or_else(|| broken(&name, "it has no head"))?;
    let head = serde_json::from_slice(&read[..end]).map_err(|error| broken(&name, error))?;
    Ok(Changes { head, name, start: end as u64 + 1 })
}

pub(super) async fn piece(cx: &Ctx, list: &Changes, piece: Piece) -> Result<Vec<Change>> {
    let len = usize::try_from(piece.len).map_err(|error| broken(&list.name, error))?;
    let read = cx.blobs().read_range(&list.name, list.start + piece.at, len).await?;
    let lines = read.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let change = |line| serde_json::from_slice(line).map_err(|error| broken(&list.name, error));
    lines.map(change).collect()
}

fn broken(name: &Name, why: impl std::fmt::Display) -> Error {
    Error::Internal(anyhow::anyhow!("the list of changes {name} cannot be read: {why}"))
}
