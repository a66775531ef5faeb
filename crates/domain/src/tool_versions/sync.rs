//! Brings the official releases up to date: from the projects' indexes, or from the built-in list without the network.
//!
//! What administrators have made or decided stays: a version with an address of theirs, and one that they have
//! disabled. A checksum that is known is never replaced by another one.

mod index;

use db::{
    Json,
    entity::tool_version::{self, Archive},
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter},
};
use serde_json::json;

use super::{
    catalogue::{is_default, subject},
    official,
    releases::{PLATFORMS, Project, Release, Sources, Sum},
    usage::archives_of,
};
use crate::{Ctx, Granted, Happened, Result, can, context::Tx, row::ToolVersion};

/// What a synchronisation has come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// `Terraform 1.2.3`: nobody knew of it before.
    pub added: Vec<String>,
    /// Known before; now it can be used, or has another address.
    pub changed: Vec<String>,
    /// Sentences about what could not be read. The rest is up to date all the same.
    pub problems: Vec<String>,
}

/// Reads the indexes of releases and takes over what they have.
pub async fn synchronise(cx: &Ctx, _site: &Granted<can::ManageSite>) -> Result<Outcome> {
    let known = tool_version::Entity::find().all(cx.read()).await?;
    let mut outcome = Outcome::default();
    let mut found = Vec::new();
    for project in Project::ALL {
        match index::read(cx, project).await {
            Ok(listed) => {
                for version in listed {
                    match release(cx, project, version, &known).await {
                        Ok(release) => found.extend(release),
                        Err(problem) => outcome.problems.push(problem),
                    }
                }
            }
            Err(problem) => outcome.problems.push(problem),
        }
    }
    record(cx, &found, &mut outcome).await?;
    Ok(outcome)
}

/// Takes over what the binary knows by itself, for a machine that reaches a mirror with these archives but no index.
pub async fn take_built_in(cx: &Ctx, _site: &Granted<can::ManageSite>) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    record(cx, &official::releases(), &mut outcome).await?;
    Ok(outcome)
}

/// The version with its checksums: those that are known, or else those that the project publishes beside it. `None` for
/// a version that is an administrator's own.
async fn release(
    cx: &Ctx,
    project: Project,
    version: String,
    known: &[ToolVersion],
) -> Result<Option<Release>, String> {
    let row = known.iter().find(|row| row.kind == project.kind() && row.version == version);
    if row.is_some_and(is_own) {
        return Ok(None);
    }
    let sums = row.map(sums_of).unwrap_or_default();
    let is_enough = sums.iter().any(|sum| sum.platform == PLATFORMS[0]);
    let sums = if is_enough { sums } else { index::checksums(cx, project, &version).await? };
    Ok(Some(Release { project, version, sums }))
}

/// Whether an administrator has said where it is.
fn is_own(row: &ToolVersion) -> bool {
    row.url.is_some() && !row.official
}

fn sums_of(row: &ToolVersion) -> Vec<Sum> {
    let archives = archives_of(row);
    let of = |platform| {
        let is_for = |archive: &&Archive| (&*archive.os, &*archive.arch) == platform;
        let sha = archives.iter().find(is_for)?.sha.clone();
        Some(Sum { platform, sha })
    };
    PLATFORMS.into_iter().filter_map(of).collect()
}

async fn record(cx: &Ctx, releases: &[Release], outcome: &mut Outcome) -> Result<()> {
    let sources = &cx.settings().releases;
    let tx = cx.write().await?;
    for release in releases {
        let name = format!("{} {}", release.project.title(), release.version);
        match put(&tx, release, sources).await? {
            Put::Added => outcome.added.push(name),
            Put::Changed => outcome.changed.push(name),
            Put::AsBefore => {}
        }
    }
    tx.commit().await
}

enum Put {
    Added,
    Changed,
    AsBefore,
}

async fn put(tx: &Tx, release: &Release, sources: &Sources) -> Result<Put> {
    let wanted = official::row(release, sources, tx);
    let known = tool_version::Entity::find()
        .filter(tool_version::Column::Kind.eq(wanted.kind))
        .filter(tool_version::Column::Version.eq(&wanted.version))
        .one(tx.db())
        .await?;
    let detail = json!({ "version": wanted.version });
    let Some(known) = known else {
        let row = tx.insert(wanted).await?;
        tx.emit(Happened::ToolVersionCreated, subject(&row), detail).await?;
        return Ok(Put::Added);
    };
    let Some(mut row) = tx.lock::<tool_version::Entity>(known.id).await? else {
        return Ok(Put::AsBefore);
    };
    let before = ToolVersion::clone(&row);
    take_over(&mut row, wanted);
    if *row == before {
        return Ok(Put::AsBefore);
    }
    let row = tx.update(row).await?;
    tx.emit(Happened::ToolVersionUpdated, subject(&row), detail).await?;
    Ok(Put::Changed)
}

/// What a row that is already there takes from the official release.
fn take_over(row: &mut ToolVersion, official: ToolVersion) {
    if is_own(row) {
        return;
    }
    let known = archives_of(row);
    let mut archives = official.archs.0;
    for archive in &mut archives {
        let same = |known: &&Archive| known.os == archive.os && known.arch == archive.arch;
        if let Some(known) = known.iter().find(same) {
            archive.sha.clone_from(&known.sha);
        }
    }
    let default = archives.iter().find(|archive| is_default(archive));
    row.url = default.map(|archive| archive.url.clone());
    row.sha = default.map(|archive| archive.sha.clone());
    row.archs = Json(archives);
    row.official = true;
    if row.dormant {
        row.dormant = false;
        row.enabled = true;
    }
}
