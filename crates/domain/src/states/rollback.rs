//! Going back to an earlier state: its content once more, under the next serial.

use blobs::Kind;
use bytes::Bytes;
use db::entity::state_version::Status;
use futures::{Stream, TryStreamExt};

use super::{
    blob, by_id, content,
    create::may_write,
    record::{self, Arrived, Bringer, Draft, Recorded},
    succession::Relation,
};
use crate::{
    Ctx, Error, Granted, Result, can,
    context::to_its_end,
    id::StateVersionId,
    row::{StateVersion, Workspace},
};

/// Makes a copy of an earlier version the current one. Its serial is the next, inside the content too, as the
/// command line refuses to go back.
///
/// # Errors
/// Conflict unless the caller holds the lock; NotFound for a version of another workspace; Invalid for one that
/// has no content.
pub async fn rollback(
    cx: &Ctx,
    workspace: &Granted<can::CreateStateVersion>,
    to: &StateVersionId,
) -> Result<StateVersion> {
    may_write(cx, workspace)?;
    let old = by_id(cx, to)
        .await?
        .filter(|row| row.workspace_id == workspace.id)
        .ok_or(Error::NotFound)?;
    if old.status != Status::Finalized {
        return Err(Error::invalid_relation(
            "rollback-state-version",
            "This state version has no content to go back to.",
        ));
    }
    if super::is_encrypted(&old) {
        // Its serial is sealed into it: with another one nobody could decrypt it any more.
        return Err(Error::invalid_relation(
            "rollback-state-version",
            "This state version is encrypted, so that the server cannot give it the next serial: download it, and \
             push it with OpenTofu.",
        ));
    }
    let current = match &workspace.current_state_version_id {
        Some(id) => by_id(cx, id).await?,
        None => None,
    };
    let serial = current.map_or(old.serial, |current| current.serial) + 1;
    let (cx, workspace) = (cx.clone(), Workspace::clone(workspace));
    to_its_end(async move {
        let id = StateVersionId::fresh();
        let copied = Box::pin(copy(&cx, &workspace, &old, &id, serial)).await;
        let is_new = |copied: &Recorded| matches!(copied, Recorded::New(_));
        record::drop_unless_recorded(&cx, &id, &copied, is_new).await;
        match copied? {
            Recorded::New(row) | Recorded::Current(row) => Ok(row),
        }
    })
    .await
}

async fn copy(
    cx: &Ctx,
    workspace: &Workspace,
    old: &StateVersion,
    id: &StateVersionId,
    serial: i64,
) -> Result<Recorded> {
    let (_, source) = cx.blobs().get_stream(&blob(Kind::State, &old.id)?).await?;
    let name = blob(Kind::State, id)?;
    let written = cx.blobs().put_stream(&name, renumbered(source, serial), u64::MAX).await?;
    let content = content::of_blob(cx, &name).await?;
    if content.serial != Some(serial) {
        let why = format!("the serial of state version {} could not be found in it", old.id);
        return Err(Error::Internal(anyhow::anyhow!(why)));
    }
    let draft = Draft {
        id: id.clone(),
        serial,
        lineage: old.lineage.clone(),
        md5: written.md5_hex,
        content: Some(Arrived::new(cx, id, content, written.size)),
        intermediate: false,
        has_json_state: false,
        run_id: None,
        created_by_id: cx.actor().user_id(),
        rollback_of_id: Some(old.id.clone()),
    };
    let take = |relation, _: Option<&StateVersion>| match relation {
        // Going back to before a forced upload changes the lineage, on purpose.
        Relation::Next | Relation::Foreign => Ok(true),
        _ => Err(Error::conflict("The workspace has got a newer state meanwhile.")),
    };
    Box::pin(record::record(cx, &workspace.id, draft, &Bringer::Caller, take)).await
}

fn renumbered<E>(
    content: impl Stream<Item = Result<Bytes, E>> + Send,
    serial: i64,
) -> impl Stream<Item = Result<Bytes, E>> + Send {
    let mut scanner = Scanner::new(serial);
    content.map_ok(move |piece| Bytes::from(scanner.push(&piece)))
}

/// Replaces the number of the member `serial` of the outermost object, and no other byte.
struct Scanner {
    serial: i64,
    depth: u32,
    in_string: bool,
    escaped: bool,
    /// The latest string of the outermost object.
    key: Vec<u8>,
    place: Place,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Elsewhere,
    /// Behind the colon.
    Value,
    /// Within the old number.
    Number,
    /// Behind the old number; there is nothing more to do.
    Done,
}

impl Scanner {
    fn new(serial: i64) -> Self {
        let place = Place::Elsewhere;
        Self { serial, depth: 0, in_string: false, escaped: false, key: Vec::new(), place }
    }

    fn push(&mut self, piece: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(piece.len() + 20);
        for (index, &byte) in piece.iter().enumerate() {
            match self.place {
                Place::Done => {
                    out.extend_from_slice(&piece[index..]);
                    break;
                }
                Place::Value if byte.is_ascii_digit() => {
                    out.extend_from_slice(self.serial.to_string().as_bytes());
                    self.place = Place::Number;
                    continue;
                }
                Place::Value if byte.is_ascii_whitespace() => {}
                Place::Number if byte.is_ascii_digit() => continue,
                Place::Value | Place::Number => self.place = Place::Done,
                Place::Elsewhere => self.step(byte),
            }
            out.push(byte);
        }
        out
    }

    fn step(&mut self, byte: u8) {
        if self.in_string {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => self.in_string = false,
                // Longer than the key that is looked for, but no longer than needed.
                _ if self.depth == 1 && self.key.len() < 8 => self.key.push(byte),
                _ => {}
            }
            return;
        }
        match byte {
            b'"' => {
                self.in_string = true;
                self.key.clear();
            }
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => self.depth = self.depth.saturating_sub(1),
            b':' if self.depth == 1 && self.key == b"serial" => self.place = Place::Value,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_outermost_serial_changes_wherever_the_pieces_are_cut() {
        let state = "{\n \"a\": {\"serial\": 7, \"x\": \"serial\"}, \"b\": \"\\\"serial\\\": 1\",\n \
                     \"serial\" : 41 ,\n \"n\": [{\"serial\": 41}], \"big\": 1.10000000000000000001}";
        let expected = state.replacen("41", "1000", 1);
        for size in 1..=state.len() {
            let mut scanner = Scanner::new(1000);
            let out: Vec<u8> =
                state.as_bytes().chunks(size).flat_map(|piece| scanner.push(piece)).collect();
            assert_eq!(String::from_utf8(out).unwrap(), expected, "pieces of {size}");
        }
    }
}
