//! The README of a workspace: that of its current configuration, read from the archive when somebody asks for it.

use std::{
    collections::HashMap,
    io::Read,
    path::{Component, Path},
};

use bytes::Bytes;
use db::{
    entity::configuration_version::{self, Status},
    id::WorkspaceId,
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter},
};
use flate2::read::GzDecoder;
use futures::{StreamExt, TryStreamExt};

use crate::{Ctx, Error, Result, can, configurations, row::Workspace, workspaces};

const FILE: &str = "readme.md";
/// Bytes of the beginning of an archive in which a README is looked for, compressed.
const LOOKED_AT: usize = 8 << 20;
/// Bytes of a beginning unpacked, and files in it.
const UNPACKED: u64 = 64 << 20;
const FILES: usize = 10_000;
/// Bytes of a README; the rest is not shown.
const SIZE_LIMIT: u64 = 512 << 10;
/// Workspaces of one request; each takes reading an archive.
const AT_ONCE: usize = 20;

/// For includes: the READMEs of those of these workspaces whose configuration the caller may read, and which have one.
pub async fn load(cx: &Ctx, ids: &[WorkspaceId]) -> Result<HashMap<WorkspaceId, String>> {
    let mut readmes = HashMap::new();
    for workspace in workspaces::load(cx, ids).await?.into_iter().take(AT_ONCE) {
        if cx.may::<can::ReadConfiguration>(&workspace)
            && let Some(text) = of(cx, &workspace).await?
        {
            readmes.insert(workspace.id, text);
        }
    }
    Ok(readmes)
}

async fn of(cx: &Ctx, workspace: &Workspace) -> Result<Option<String>> {
    let Some(id) = &workspace.current_configuration_id else { return Ok(None) };
    let uploaded = configuration_version::Entity::find_by_id(id.clone())
        .filter(configuration_version::Column::Status.eq(Status::Uploaded));
    if uploaded.one(cx.read()).await?.is_none() {
        return Ok(None);
    }
    let (_, archive) = cx.blobs().get_stream(&configurations::blob(id)?).await?;
    let mut beginning = Vec::new();
    let mut archive = archive.into_stream();
    while let Some(piece) = archive.next().await {
        beginning.extend_from_slice(&piece?);
        if beginning.len() >= LOOKED_AT {
            break;
        }
    }
    let folder = workspace.working_directory.clone();
    let found = tokio::task::spawn_blocking(move || find(&beginning.into(), &folder));
    found.await.map_err(|error| Error::Internal(error.into()))
}

/// The README in a folder of an archive. What cannot be read any further has none.
fn find(archive: &Bytes, folder: &str) -> Option<String> {
    let wanted = parts(Path::new(folder))?.into_iter().chain([FILE.to_owned()]).collect::<Vec<_>>();
    let unpacked = GzDecoder::new(archive.as_ref()).take(UNPACKED);
    let mut archive = tar::Archive::new(unpacked);
    for entry in archive.entries().ok()?.take(FILES) {
        let entry = entry.ok()?;
        let path = parts(&entry.path().ok()?)?;
        let is_it = path.len() == wanted.len()
            && path.iter().zip(&wanted).all(|(own, other)| own.eq_ignore_ascii_case(other));
        if is_it && entry.header().entry_type().is_file() {
            let mut text = Vec::new();
            entry.take(SIZE_LIMIT).read_to_end(&mut text).ok()?;
            return Some(String::from_utf8_lossy(&text).into_owned());
        }
    }
    None
}

/// The folders and the file of a path; `None` for one that leads outside.
fn parts(path: &Path) -> Option<Vec<String>> {
    let mut parts = Vec::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => parts.push(name.to_string_lossy().into_owned()),
            Component::CurDir | Component::RootDir => {}
            Component::ParentDir | Component::Prefix(_) => return None,
        }
    }
    Some(parts)
}
