//! The official releases that this binary knows by itself.
//!
//! Nobody can tell from a list whether this machine reaches what is listed, and a run with an engine that cannot be had
//! fails. So what is only listed is dormant: it is shown to administrators and can be used by nobody until one of them
//! enables it, an agent has it at hand, or a synchronisation has found it.

use std::collections::HashSet;

use db::{
    Json,
    entity::tool_version::{self, Kind},
    id::ToolVersionId,
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter},
};

use super::{
    catalogue::is_default,
    releases::{PLATFORMS, Project, Release, Sources, Sum, checksum},
};
use crate::{Ctx, Result, context::Tx, row::ToolVersion};

/// One archive a line: program, version, OS, architecture, SHA-256. Terraform's checksums are those of HashiCorp's own
/// Homebrew tap; OpenTofu's are those that two packagers independent of each other have.
const LIST: &str = include_str!("official.tsv");

pub(super) fn releases() -> Vec<Release> {
    let mut releases: Vec<Release> = Vec::new();
    for line in LIST.lines() {
        let Some((project, version, sum)) = archive(line) else { continue };
        match releases.last_mut() {
            Some(last) if last.project == project && last.version == version => last.sums.push(sum),
            _ => {
                let version = version.to_owned();
                releases.push(Release { project, version, sums: vec![sum] });
            }
        }
    }
    releases
}

fn archive(line: &str) -> Option<(Project, &str, Sum)> {
    let [program, version, os, arch, sha] = line.split('\t').collect::<Vec<_>>()[..] else {
        return None;
    };
    let project = Project::ALL.into_iter().find(|project| project.program() == program)?;
    let platform = PLATFORMS.into_iter().find(|platform| *platform == (os, arch))?;
    Some((project, version, Sum { platform, sha: checksum(sha)? }))
}

/// Makes the built-in releases known. Safe to repeat.
pub async fn know_official(cx: &Ctx) -> Result<()> {
    let known: HashSet<_> = tool_version::Entity::find()
        .all(cx.read())
        .await?
        .into_iter()
        .map(|row| (row.kind.as_str(), row.version))
        .collect();
    let sources = &cx.settings().releases;
    let tx = cx.write().await?;
    let new: Vec<_> = releases()
        .into_iter()
        .filter(|release| {
            !known.contains(&(release.project.kind().as_str(), release.version.clone()))
        })
        .map(|release| ToolVersion { enabled: false, dormant: true, ..row(&release, sources, &tx) })
        .collect();
    if new.is_empty() {
        return Ok(());
    }
    match db::insert_many::<_, tool_version::ActiveModel>(&tx, new).await {
        Ok(()) => tx.commit().await,
        // Another server was started at the same moment and is making them known.
        Err(db::Error::Taken(_)) => Ok(()),
        Err(other) => Err(other.into()),
    }
}

/// An official version that may be used.
pub(super) fn row(release: &Release, sources: &Sources, tx: &Tx) -> ToolVersion {
    let archives = release.archives(sources);
    let default = archives.iter().find(|archive| is_default(archive));
    ToolVersion {
        id: ToolVersionId::fresh(),
        kind: release.project.kind(),
        version: release.version.clone(),
        url: default.map(|archive| archive.url.clone()),
        sha: default.map(|archive| archive.sha.clone()),
        official: true,
        enabled: true,
        beta: release.version.contains('-'),
        deprecated: false,
        deprecated_reason: None,
        created_at: tx.now(),
        archs: Json(archives),
        dormant: false,
    }
}

/// What is only listed gives way to what an agent has at hand or an administrator makes. Nobody can be using it.
pub(super) async fn give_way(tx: &Tx, kind: Kind, version: &str) -> Result<()> {
    let dormant = tool_version::Entity::find()
        .filter(tool_version::Column::Kind.eq(kind))
        .filter(tool_version::Column::Version.eq(version))
        .filter(tool_version::Column::Dormant.eq(true))
        .one(tx.db())
        .await?;
    if let Some(row) = dormant
        && let Some(row) = tx.lock::<tool_version::Entity>(row.id).await?
    {
        tx.delete(row).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_list_is_an_archive_of_another_release_or_platform() {
        let lines: Vec<_> = LIST.lines().map(|line| archive(line).expect(line)).collect();
        let mut named = HashSet::new();
        let mut sums = HashSet::new();
        for (project, version, sum) in &lines {
            assert!(named.insert((project.program(), *version, sum.platform)), "{version}");
            assert!(sums.insert(sum.sha.clone()), "{version} has the checksum of another");
            let version = semver::Version::parse(version).expect(version);
            assert!(version.pre.is_empty() && version.major >= 1, "{version}");
        }
        let releases = releases();
        assert_eq!(releases.iter().map(|release| release.sums.len()).sum::<usize>(), lines.len());
        for release in releases {
            assert_eq!(release.sums[0].platform, PLATFORMS[0], "{}", release.version);
        }
    }

    #[test]
    fn archives_are_where_the_projects_put_them() {
        let sources = Sources::default();
        let url = |project: Project, version: &str| {
            let all = releases();
            let mut all = all.iter().filter(|release| release.project == project);
            let release = all.find(|release| release.version == version).expect(version);
            release.archives(&sources)[0].url.clone()
        };
        assert_eq!(
            url(Project::Terraform, "1.9.8"),
            "https://releases.hashicorp.com/terraform/1.9.8/terraform_1.9.8_linux_amd64.zip",
        );
        assert_eq!(
            url(Project::OpenTofu, "1.9.1"),
            "https://github.com/opentofu/opentofu/releases/download/v1.9.1/tofu_1.9.1_linux_amd64.zip",
        );
    }
}
