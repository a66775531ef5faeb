//! What the projects publish: an index of their releases, and beside each release the checksums of its archives.

use std::collections::{BTreeMap, HashSet};

use semver::Version;
use serde::{Deserialize, de::DeserializeOwned};

use super::super::releases::{PLATFORMS, Platform, Project, Sum, archive_name, checksum};
use crate::Ctx;

/// Bytes; Terraform's index has about six million.
const INDEX_LIMIT: usize = 64 << 20;
const CHECKSUMS_LIMIT: usize = 1 << 20;

#[derive(Deserialize)]
struct TerraformIndex {
    versions: BTreeMap<String, TerraformVersion>,
}

#[derive(Deserialize)]
struct TerraformVersion {
    builds: Vec<Build>,
}

#[derive(Deserialize)]
struct Build {
    os: String,
    arch: String,
}

#[derive(Deserialize)]
struct TofuIndex {
    versions: Vec<TofuVersion>,
}

#[derive(Deserialize)]
struct TofuVersion {
    id: String,
    files: Vec<String>,
}

/// The versions that count here, newest first. The error is a sentence for people.
pub async fn read(cx: &Ctx, project: Project) -> Result<Vec<String>, String> {
    let url = project.index(&cx.settings().releases);
    let bytes = cx.courier().read(&url, INDEX_LIMIT).await.map_err(|error| {
        format!("the list of {}'s releases could not be read: {error}", project.title())
    })?;
    let listed: Vec<String> = match project {
        Project::Terraform => parse::<TerraformIndex>(&url, &bytes)?
            .versions
            .into_iter()
            .filter(|(_, version)| {
                version.builds.iter().any(|build| is_ours(&build.os, &build.arch))
            })
            .map(|(number, _)| number)
            .collect(),
        Project::OpenTofu => parse::<TofuIndex>(&url, &bytes)?
            .versions
            .into_iter()
            .filter(|version| {
                version.files.contains(&archive_name(project, &version.id, PLATFORMS[0]))
            })
            .map(|version| version.id)
            .collect(),
    };
    Ok(that_count(&listed))
}

fn is_ours(os: &str, arch: &str) -> bool {
    (os, arch) == PLATFORMS[0]
}

fn parse<T: DeserializeOwned>(url: &str, bytes: &[u8]) -> Result<T, String> {
    serde_json::from_slice(bytes).map_err(|error| format!("{url} is no list of releases: {error}"))
}

/// Releases from 1.0.0 on, and the pre-releases of what comes next.
fn that_count(listed: &[String]) -> Vec<String> {
    let mut versions: Vec<_> = listed
        .iter()
        .filter_map(|text| Version::parse(text).ok())
        // Editions of somebody's own, as `1.2.3+ent`.
        .filter(|version| version.major >= 1 && version.build.is_empty())
        .collect();
    versions.sort_by(|one, other| other.cmp(one));
    versions.dedup();
    let newest = versions.iter().find(|version| version.pre.is_empty()).cloned();
    versions
        .into_iter()
        .filter(|version| version.pre.is_empty() || Some(version) > newest.as_ref())
        .map(|version| version.to_string())
        .collect()
}

/// What `SHA256SUMS` says of the archives that count here.
pub async fn checksums(cx: &Ctx, project: Project, version: &str) -> Result<Vec<Sum>, String> {
    let file = format!("{}_{version}_SHA256SUMS", project.program());
    let url = project.address(&cx.settings().releases, version, &file);
    let bytes = cx.courier().read(&url, CHECKSUMS_LIMIT).await.map_err(|error| {
        format!("the checksums of {} {version} could not be read: {error}", project.title())
    })?;
    let text = String::from_utf8_lossy(&bytes);
    let sums: Vec<_> = PLATFORMS
        .into_iter()
        .filter_map(|platform| sum(&text, project, version, platform))
        .collect();
    let platforms: HashSet<_> = sums.iter().map(|sum| sum.platform).collect();
    if platforms.contains(&PLATFORMS[0]) {
        Ok(sums)
    } else {
        Err(format!("{url} has no checksum of {}", archive_name(project, version, PLATFORMS[0])))
    }
}

fn sum(text: &str, project: Project, version: &str, platform: Platform) -> Option<Sum> {
    let name = archive_name(project, version, platform);
    let mut lines = text.lines().filter_map(|line| line.split_once("  "));
    let (sha, _) = lines.find(|(_, file)| *file == name)?;
    Some(Sum { platform, sha: checksum(sha)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_versions_and_editions_and_old_pre_releases_do_not_count() {
        let listed = [
            "0.15.5",
            "1.0.0",
            "1.10.0",
            "1.9.0",
            "1.10.0-rc1",
            "1.11.0-alpha20250101",
            "1.9.0+ent",
            "nonsense",
        ];
        let counted = that_count(&listed.map(str::to_owned));
        assert_eq!(counted, ["1.11.0-alpha20250101", "1.10.0", "1.9.0", "1.0.0"]);
    }

    #[test]
    fn a_checksum_is_that_of_the_very_file() {
        let sha = "0123456789ABCDEF".repeat(4);
        let text = format!(
            "{}  terraform_1.2.3_linux_386.zip\n{sha}  terraform_1.2.3_linux_amd64.zip\n\
             short  terraform_1.2.3_linux_arm64.zip\n",
            "f".repeat(64),
        );
        let of = |platform| sum(&text, Project::Terraform, "1.2.3", platform).map(|sum| sum.sha);
        assert_eq!(of(PLATFORMS[0]), Some(sha.to_lowercase()));
        assert_eq!(of(PLATFORMS[1]), None);
    }
}
