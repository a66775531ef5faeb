//! Who uses which version: workspaces and runs use engines, policy sets use the others.

use std::collections::HashMap;

use db::{
    entity::{
        policy_set, run,
        tool_version::{self, Archive, Engine, Kind},
        workspace,
    },
    id::ToolVersionId,
    sea_orm::{
        ColumnTrait, Condition, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter,
        QuerySelect,
    },
};

use super::{
    ENGINES, LATEST, Wish,
    catalogue::{ARCH, OS, is_default},
    newest_first, official, pick,
    policy_tools::{is_built_in, policies_of},
    releases::Release,
};
use crate::{Ctx, Result, row::ToolVersion};

/// A version with the number of those that use it: workspaces, or policy sets.
#[derive(Clone, Debug)]
pub struct Used {
    pub row: ToolVersion,
    pub usage: u64,
    /// Those that were named, or the one at the top; where agents have the binary themselves, those of the official
    /// release, if it is one that is known here.
    pub archs: Vec<Archive>,
}

impl Used {
    /// The one at the top: its own, or that of the official release.
    pub fn archive(&self) -> Option<&Archive> {
        self.archs.iter().find(|archive| is_default(archive))
    }
}

/// Where a tool is fetched from; what has no checksum is refused by whoever fetches it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    pub url: String,
    pub sha: Option<String>,
}

/// The archive for one platform, if there is one.
pub(crate) fn source_of(row: &ToolVersion, os: &str, arch: &str) -> Option<Source> {
    let is_it = |archive: &&Archive| archive.os == os && archive.arch == arch;
    let named = row.archs.iter().find(is_it);
    let named = named.map(|it| Source { url: it.url.clone(), sha: Some(it.sha.clone()) });
    // The one at the top.
    let own = || Some(Source { url: row.url.clone()?, sha: row.sha.clone() });
    named.or_else(|| own().filter(|_| (os, arch) == (OS, ARCH)))
}

pub(super) fn archives_of(row: &ToolVersion) -> Vec<Archive> {
    match (&row.url, &row.sha) {
        (Some(url), Some(sha)) if row.archs.is_empty() => {
            let (os, arch) = (OS.into(), ARCH.into());
            vec![Archive { url: url.clone(), sha: sha.clone(), os, arch }]
        }
        _ => row.archs.0.clone(),
    }
}

pub(super) async fn one(cx: &Ctx, row: ToolVersion) -> Result<Used> {
    let mut all = with_usage(cx, vec![row]).await?;
    Ok(all.swap_remove(0))
}

/// All of one kind, or all of engines.
pub(super) async fn with_usage(cx: &Ctx, rows: Vec<ToolVersion>) -> Result<Vec<Used>> {
    let Some(kind) = rows.first().map(|row| row.kind) else { return Ok(Vec::new()) };
    let usage = usage(cx.read(), kind, &wishes(cx.read(), kind).await?).await?;
    let releases = official::releases();
    let sources = &cx.settings().releases;
    let archives = |row: &ToolVersion| {
        let own = archives_of(row);
        let is_it = |release: &&Release| {
            release.project.kind() == row.kind && release.version == row.version
        };
        let official = || releases.iter().find(is_it).map(|release| release.archives(sources));
        if own.is_empty() { official().unwrap_or_default() } else { own }
    };
    Ok(rows
        .into_iter()
        .map(|row| Used {
            usage: usage.get(&row.id).copied().unwrap_or_default(),
            archs: archives(&row),
            row,
        })
        .collect())
}

/// Counts by the version that a wish comes down to.
async fn usage(
    db: &impl ConnectionTrait,
    kind: Kind,
    wishes: &[(String, Option<Engine>, i64)],
) -> Result<HashMap<ToolVersionId, u64>> {
    // A wish for an engine can come down to one of the other kind.
    let kinds = if ENGINES.contains(&kind) { ENGINES.to_vec() } else { vec![kind] };
    let of_kinds = tool_version::Entity::find().filter(tool_version::Column::Kind.is_in(kinds));
    let known = newest_first(of_kinds.all(db).await?);
    let usable: Vec<_> = known.iter().filter(|(_, row)| row.enabled).cloned().collect();
    let mut usage: HashMap<ToolVersionId, u64> = HashMap::new();
    for (version, engine, count) in wishes {
        let wish = Wish { version, engine: *engine };
        // An exact version is used, even if it cannot be had any more.
        let is_exact = |row: &ToolVersion| row.version == *version && wish.is_of(row.kind);
        let exact = || known.iter().find(|(_, row)| is_exact(row)).map(|(_, row)| row);
        let own = || known.iter().find(|(_, row)| is_built_in(row)).map(|(_, row)| row);
        let found = own().filter(|_| version == LATEST);
        if let Some(row) = found.or_else(|| pick(&usable, wish)).or_else(exact) {
            *usage.entry(row.id.clone()).or_default() += u64::try_from(*count).unwrap_or_default();
        }
    }
    Ok(usage)
}

/// How many want which version of a tool: workspaces want engines, policy sets the others.
async fn wishes(
    db: &impl ConnectionTrait,
    kind: Kind,
) -> Result<Vec<(String, Option<Engine>, i64)>> {
    Ok(match policies_of(kind) {
        None => {
            workspace::Entity::find()
                .select_only()
                .columns([workspace::Column::TerraformVersion, workspace::Column::Engine])
                .column_as(workspace::Column::Id.count(), "wishes")
                .group_by(workspace::Column::TerraformVersion)
                .group_by(workspace::Column::Engine)
                .into_tuple()
                .all(db)
                .await?
        }
        Some(policies) => {
            let wishes: Vec<(String, i64)> = policy_set::Entity::find()
                .select_only()
                .column(policy_set::Column::PolicyToolVersion)
                .column_as(policy_set::Column::Id.count(), "wishes")
                .filter(policy_set::Column::Kind.eq(policies))
                .filter(policy_set::Column::PolicyToolVersion.is_not_null())
                .group_by(policy_set::Column::PolicyToolVersion)
                .into_tuple()
                .all(db)
                .await?;
            wishes.into_iter().map(|(version, count)| (version, None, count)).collect()
        }
    })
}

/// Whether somebody wants this very version; to whom the newest one is good, another one is as well.
pub(super) async fn is_used(db: &impl ConnectionTrait, row: &ToolVersion) -> Result<bool> {
    let mut wishes = wishes(db, row.kind).await?;
    wishes.retain(|(version, ..)| version != LATEST);
    if usage(db, row.kind, &wishes).await?.contains_key(&row.id) {
        return Ok(true);
    }
    let Some(engine) = row.kind.engine() else { return Ok(false) };
    let given =
        Condition::any().add(run::Column::Engine.eq(engine)).add(run::Column::Engine.is_null());
    let unfinished = run::Entity::find()
        .filter(run::Column::IsFinal.eq(false))
        .filter(run::Column::TerraformVersion.eq(&row.version))
        .filter(given)
        .count(db)
        .await?;
    Ok(unfinished > 0)
}
