//! The versions of Terraform as site administrators keep them (Admin Terraform Versions reference).

use std::collections::HashMap;

use db::{
    Json,
    entity::{
        run,
        tool_version::{self, Archive, Kind},
        workspace,
    },
    id::ToolVersionId,
    sea_orm::{
        ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect,
    },
};
use semver::Version;
use serde_json::json;

use super::{newest_first, pick};
use crate::{
    Ctx, Error, Found, Granted, In, Page, Paging, Result, Site, Subject, can, error::taken,
    row::ToolVersion,
};

/// The platform of the archive at the top of a version: "64-bit Linux".
const OS: &str = "linux";
const ARCH: &str = "amd64";

/// What can be given on create and changed later; absent fields keep their value.
#[derive(Debug, Default)]
pub struct Change {
    pub version: Option<String>,
    pub url: Option<String>,
    pub sha: Option<String>,
    pub archs: Option<Vec<Archive>>,
    pub official: Option<bool>,
    pub enabled: Option<bool>,
    pub beta: Option<bool>,
    pub deprecated: Option<bool>,
    pub deprecated_reason: Option<Option<String>>,
}

impl Change {
    fn apply(self, to: &mut ToolVersion) -> Result<()> {
        if let Some(version) = self.version {
            check_version(&version)?;
            to.version = version;
        }
        if let Some(archs) = self.archs {
            for archive in &archs {
                check_archive("archs", &archive.url, &archive.sha)?;
                if !is_platform_word(&archive.os) || !is_platform_word(&archive.arch) {
                    let message = "must each have an os and an arch, such as linux and amd64";
                    return Err(Error::invalid("archs", message));
                }
            }
            if let Some(archive) = archs.iter().find(|archive| is_default(archive)) {
                to.url = Some(archive.url.clone());
                to.sha = Some(archive.sha.clone());
            }
            to.archs = Json(archs);
        } else if let Some(archive) = to.archs.iter_mut().find(|archive| is_default(archive)) {
            // Two addresses of one platform must not tell different things.
            archive.url = self.url.clone().unwrap_or_else(|| archive.url.clone());
            archive.sha = self.sha.clone().unwrap_or_else(|| archive.sha.clone());
        }
        to.url = self.url.or(to.url.take());
        to.sha = self.sha.or(to.sha.take());
        macro_rules! set {
            ($($field:ident),+) => { $(if let Some(value) = self.$field { to.$field = value; })+ };
        }
        set!(official, enabled, beta, deprecated, deprecated_reason);
        if !to.deprecated {
            to.deprecated_reason = None;
        }
        Ok(())
    }
}

fn is_default(archive: &Archive) -> bool {
    archive.os == OS && archive.arch == ARCH
}

fn is_platform_word(text: &str) -> bool {
    (1..=32).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// `N.N.N`, or `N.N.N-name`.
fn check_version(text: &str) -> Result<()> {
    match Version::parse(text) {
        Ok(version) if version.build.is_empty() => Ok(()),
        _ => Err(Error::invalid("version", "must have the form N.N.N or N.N.N-name")),
    }
}

/// Whatever goes wrong here would otherwise go wrong in every run.
fn check_archive(attribute: &'static str, url: &str, sha: &str) -> Result<()> {
    let of = |own: &'static str| if attribute.is_empty() { own } else { attribute };
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let has_host = rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'));
    if !has_host || url.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(Error::invalid(
            of("url"),
            "must be an address that begins with https:// or http://",
        ));
    }
    if sha.len() != 64 || !sha.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(Error::invalid(of("sha"), "must be a SHA-256 checksum: 64 hexadecimal digits"));
    }
    Ok(())
}

/// A version with the number of workspaces that use it.
#[derive(Clone, Debug)]
pub struct Used {
    pub row: ToolVersion,
    pub workspaces: u64,
}

impl Used {
    /// Those that were named, or the one at the top.
    pub fn archs(&self) -> Vec<Archive> {
        match (&self.row.url, &self.row.sha) {
            (Some(url), Some(sha)) if self.row.archs.is_empty() => vec![Archive {
                url: url.clone(),
                sha: sha.clone(),
                os: OS.into(),
                arch: ARCH.into(),
            }],
            _ => self.row.archs.0.clone(),
        }
    }
}

pub async fn find(cx: &Ctx, id: &ToolVersionId) -> Result<Found<In<ToolVersion, Site>>> {
    let row = tool_version::Entity::find_by_id(id.clone())
        .filter(tool_version::Column::Kind.eq(Kind::Terraform))
        .one(cx.read())
        .await?
        .ok_or(Error::NotFound)?;
    Ok(Found::new(In { row, of: Site }))
}

#[derive(Debug, Default)]
pub struct Filter {
    /// Exactly this one; goes before the search.
    pub version: Option<String>,
    /// Part of the number.
    pub search: Option<String>,
}

/// Newest first.
pub async fn list(
    cx: &Ctx,
    _site: &Granted<can::ManageSite>,
    filter: Filter,
    paging: Paging,
) -> Result<Page<Used>> {
    let mut query =
        tool_version::Entity::find().filter(tool_version::Column::Kind.eq(Kind::Terraform));
    if let Some(version) = filter.version {
        query = query.filter(tool_version::Column::Version.eq(version));
    } else if let Some(text) = filter.search {
        query = query.filter(db::contains(tool_version::Column::Version, &text));
    }
    // A database does not know the order of versions; there are some hundreds.
    let rows = newest_first(query.all(cx.read()).await?);
    let total = rows.len() as u64;
    let skip = usize::try_from(paging.number.saturating_sub(1).saturating_mul(paging.size));
    let size = usize::try_from(paging.size).unwrap_or(usize::MAX);
    let rows = rows.into_iter().map(|(_, row)| row);
    let items = rows.skip(skip.unwrap_or(usize::MAX)).take(size).collect();
    Ok(Page { items: with_usage(cx.read(), items).await?, total })
}

/// With the number of workspaces that use it.
pub async fn used(
    cx: &Ctx,
    version: Granted<can::ManageSite, In<ToolVersion, Site>>,
) -> Result<Used> {
    one(cx, version.into_inner().row).await
}

async fn one(cx: &Ctx, row: ToolVersion) -> Result<Used> {
    let mut all = with_usage(cx.read(), vec![row]).await?;
    Ok(all.swap_remove(0))
}

/// Counts workspaces by the version that their setting comes down to.
async fn with_usage(db: &impl ConnectionTrait, rows: Vec<ToolVersion>) -> Result<Vec<Used>> {
    let wishes: Vec<(String, i64)> = workspace::Entity::find()
        .select_only()
        .column(workspace::Column::TerraformVersion)
        .column_as(workspace::Column::Id.count(), "workspaces")
        .group_by(workspace::Column::TerraformVersion)
        .into_tuple()
        .all(db)
        .await?;
    let known = newest_first(tool_version::Entity::find().all(db).await?);
    let usable: Vec<_> = known.iter().filter(|(_, row)| row.enabled).cloned().collect();
    let mut usage: HashMap<ToolVersionId, u64> = HashMap::new();
    for (wish, count) in wishes {
        // An exact version is used, even if it cannot be had any more.
        let exact = || known.iter().find(|(_, row)| row.version == wish).map(|(_, row)| row);
        if let Some(row) = pick(&usable, &wish).or_else(exact) {
            *usage.entry(row.id.clone()).or_default() += u64::try_from(count).unwrap_or_default();
        }
    }
    Ok(rows
        .into_iter()
        .map(|row| Used { workspaces: usage.get(&row.id).copied().unwrap_or_default(), row })
        .collect())
}

pub async fn create(cx: &Ctx, _site: &Granted<can::ManageSite>, change: Change) -> Result<Used> {
    let tx = cx.write().await?;
    let mut new = ToolVersion {
        id: ToolVersionId::fresh(),
        kind: Kind::Terraform,
        version: String::new(),
        url: None,
        sha: None,
        official: false,
        enabled: true,
        beta: false,
        deprecated: false,
        deprecated_reason: None,
        created_at: tx.now(),
        archs: Json::default(),
    };
    change.apply(&mut new)?;
    if new.version.is_empty() {
        return Err(Error::invalid("version", "can't be blank"));
    }
    check_source(&new)?;
    let row = tx.insert(new).await.map_err(taken("version"))?;
    tx.emit("tool_version_created", subject(&row), json!({ "version": row.version })).await?;
    tx.commit().await?;
    one(cx, row).await
}

/// An engine that agents are to download needs both an address and a checksum.
fn check_source(row: &ToolVersion) -> Result<()> {
    match (&row.url, &row.sha) {
        (Some(url), Some(sha)) => check_archive("", url, sha),
        (None, _) => Err(Error::invalid(
            "url",
            "can't be blank, unless archs has an archive for linux and amd64",
        )),
        (_, None) => Err(Error::invalid(
            "sha",
            "can't be blank, unless archs has an archive for linux and amd64",
        )),
    }
}

pub async fn update(
    cx: &Ctx,
    version: &Granted<can::ManageSite, In<ToolVersion, Site>>,
    change: Change,
) -> Result<Used> {
    let mut tx = cx.write().await?;
    let mut row =
        tx.lock::<tool_version::Entity>(version.id.clone()).await?.ok_or(Error::NotFound)?;
    let before = row.version.clone();
    let had_source = row.url.is_some() || row.sha.is_some();
    change.apply(&mut row)?;
    // What agents have at hand needs no address.
    if had_source || row.url.is_some() || row.sha.is_some() {
        check_source(&row)?;
    }
    if row.version != before && is_used(tx.db(), &version.row).await? {
        return Err(Error::invalid("version", "can't be changed while workspaces use it"));
    }
    let row = tx.update(row).await.map_err(taken("version"))?;
    tx.emit("tool_version_updated", subject(&row), json!({ "version": row.version })).await?;
    tx.ring_for_work();
    tx.commit().await?;
    one(cx, row).await
}

/// # Errors
/// Invalid for an official version, and for one that workspaces or unfinished runs use.
pub async fn delete(
    cx: &Ctx,
    version: &Granted<can::ManageSite, In<ToolVersion, Site>>,
) -> Result<()> {
    let refused = |message: &str| {
        Err(Error::Invalid { pointer: "/data".into(), message: message.to_owned() })
    };
    let tx = cx.write().await?;
    let row = tx.lock::<tool_version::Entity>(version.id.clone()).await?.ok_or(Error::NotFound)?;
    if row.official {
        return refused("An official version of Terraform cannot be removed.");
    }
    if is_used(tx.db(), &row).await? {
        return refused("The version is in use by workspaces and cannot be removed.");
    }
    tx.emit("tool_version_deleted", subject(&row), json!({ "version": row.version })).await?;
    tx.delete(row).await?;
    tx.commit().await
}

async fn is_used(db: &impl ConnectionTrait, row: &ToolVersion) -> Result<bool> {
    let used = with_usage(db, vec![row.clone()]).await?;
    if used.iter().any(|used| used.workspaces > 0) {
        return Ok(true);
    }
    let unfinished = run::Entity::find()
        .filter(run::Column::IsFinal.eq(false))
        .filter(run::Column::TerraformVersion.eq(&row.version))
        .count(db)
        .await?;
    Ok(unfinished > 0)
}

fn subject(row: &ToolVersion) -> Subject<'_> {
    Subject { kind: "terraform-versions", id: row.id.as_str(), ..Subject::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_have_three_numbers_and_perhaps_a_name() {
        for right in ["0.11.0", "0.12.20-beta1", "1.15.5-acme.2"] {
            assert!(check_version(right).is_ok(), "{right}");
        }
        for wrong in
            ["", "1", "1.2", "1.2.3.4", "v1.2.3", "1.2.3+build", "1.2.3-", "1.2.x", "latest"]
        {
            assert!(check_version(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn archives_have_an_address_and_a_checksum() {
        let sha = "0123456789abcdefABCDEF0123456789abcdefABCDEF0123456789abcdef0000";
        assert!(check_archive("", "https://example.com/t.zip", sha).is_ok());
        for url in ["", "example.com", "ftp://example.com", "https://", "https:///x", "https://a b"]
        {
            assert!(check_archive("", url, sha).is_err(), "{url}");
        }
        for sha in ["", "abc", &"g".repeat(64), &"a".repeat(63)] {
            assert!(check_archive("", "https://example.com/t.zip", sha).is_err(), "{sha}");
        }
    }
}
