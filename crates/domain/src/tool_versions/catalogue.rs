//! The versions of Terraform, OPA and Sentinel as site administrators keep them (Admin Terraform Versions, Admin OPA
//! Versions and Admin Sentinel Versions reference).

use db::{
    Json,
    entity::tool_version::{self, Archive, Kind},
    id::ToolVersionId,
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter},
};
use semver::Version;
use serde_json::json;

use super::{
    ENGINES, newest_first, official,
    policy_tools::is_built_in,
    usage::{Used, is_used, one, with_usage},
};
use crate::{
    Ctx, Error, Found, Granted, Happened, In, Page, Paging, Result, Site, Subject, can,
    error::taken, row::ToolVersion,
};

/// The platform of the archive at the top of a version: "64-bit Linux".
pub(super) const OS: &str = "linux";
pub(super) const ARCH: &str = "amd64";

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
        self.url.as_deref().map_or(Ok(()), |url| check_url("url", url))?;
        self.sha.as_deref().map_or(Ok(()), |sha| check_sha("sha", sha))?;
        if let Some(archs) = self.archs {
            for archive in &archs {
                check_url("archs", &archive.url)?;
                check_sha("archs", &archive.sha)?;
                if !is_platform_word(&archive.os) || !is_platform_word(&archive.arch) {
                    let message = "must each have an os and an arch, such as linux and amd64";
                    return Err(Error::invalid("archs", message));
                }
            }
            let same = |a: &Archive, b: &Archive| a.os == b.os && a.arch == b.arch && a != b;
            if let Some(one) = archs.iter().find(|one| archs.iter().any(|other| same(one, other))) {
                let message = format!("names two archives for {} and {}", one.os, one.arch);
                return Err(Error::invalid("archs", message));
            }
            // Two addresses of one platform must not tell different things.
            (to.url, to.sha) = match archs.iter().find(|archive| is_default(archive)) {
                Some(archive) => (Some(archive.url.clone()), Some(archive.sha.clone())),
                None => (self.url, self.sha),
            };
            to.archs = Json(archs);
        } else if self.url.is_some() || self.sha.is_some() {
            // Whoever names one archive means that there are no others.
            to.archs = Json::default();
            to.url = self.url.or(to.url.take());
            to.sha = self.sha.or(to.sha.take());
        }
        if self.enabled.is_some() {
            to.dormant = false;
        }
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

pub(super) fn is_default(archive: &Archive) -> bool {
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
fn check_url(attribute: &'static str, url: &str) -> Result<()> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let has_host = rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'));
    if !has_host || url.chars().any(|c| c.is_whitespace() || c.is_control()) {
        let message = "must be an address that begins with https:// or http://";
        return Err(Error::invalid(attribute, message));
    }
    Ok(())
}

fn check_sha(attribute: &'static str, sha: &str) -> Result<()> {
    if sha.len() != 64 || !sha.bytes().all(|b| b.is_ascii_hexdigit()) {
        let message = "must be a SHA-256 checksum: 64 hexadecimal digits";
        return Err(Error::invalid(attribute, message));
    }
    Ok(())
}

/// The versions of all engines are kept under one address.
fn together_with(kind: Kind) -> Vec<Kind> {
    if ENGINES.contains(&kind) { ENGINES.to_vec() } else { vec![kind] }
}

pub async fn find(
    cx: &Ctx,
    kind: Kind,
    id: &ToolVersionId,
) -> Result<Found<In<ToolVersion, Site>>> {
    let row = tool_version::Entity::find_by_id(id.clone())
        .filter(tool_version::Column::Kind.is_in(together_with(kind)))
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

/// Of all these kinds together, newest first.
pub async fn list(
    cx: &Ctx,
    _site: &Granted<can::ManageSite>,
    kinds: &[Kind],
    filter: Filter,
    paging: Paging,
) -> Result<Page<Used>> {
    let mut query = tool_version::Entity::find()
        .filter(tool_version::Column::Kind.is_in(kinds.iter().copied()));
    if let Some(version) = filter.version {
        query = query.filter(tool_version::Column::Version.eq(version));
    } else if let Some(text) = filter.search {
        query = query.filter(db::contains(tool_version::Column::Version, &text));
    }
    // A database does not know the order of versions; there are some hundreds.
    let rows = newest_first(query.all(cx.read()).await?);
    let page = Page::of(rows, paging).map(|(_, row)| row);
    Ok(Page { items: with_usage(cx, page.items).await?, total: page.total })
}

/// With the number of those that use it.
pub async fn used(
    cx: &Ctx,
    version: Granted<can::ManageSite, In<ToolVersion, Site>>,
) -> Result<Used> {
    one(cx, version.into_inner().row).await
}

pub async fn create(
    cx: &Ctx,
    _site: &Granted<can::ManageSite>,
    kind: Kind,
    change: Change,
) -> Result<Used> {
    let tx = cx.write().await?;
    let mut new = ToolVersion {
        id: ToolVersionId::fresh(),
        kind,
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
        dormant: false,
    };
    change.apply(&mut new)?;
    if new.version.is_empty() {
        return Err(Error::invalid("version", "can't be blank"));
    }
    check_source(&new)?;
    official::give_way(&tx, new.kind, &new.version).await?;
    let row = tx.insert(new).await.map_err(taken("version"))?;
    tx.emit(Happened::ToolVersionCreated, subject(&row), json!({ "version": row.version })).await?;
    tx.commit().await?;
    one(cx, row).await
}

/// A tool that agents are to download needs both an address and a checksum.
fn check_source(row: &ToolVersion) -> Result<()> {
    match (&row.url, &row.sha) {
        (Some(_), Some(_)) => Ok(()),
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
    let tx = cx.write().await?;
    let mut row =
        tx.lock::<tool_version::Entity>(version.id.clone()).await?.ok_or(Error::NotFound)?;
    let before = row.version.clone();
    let has_source = |row: &ToolVersion| row.url.is_some() || row.sha.is_some();
    let had_source = has_source(&row) || !row.archs.is_empty();
    change.apply(&mut row)?;
    // What agents have at hand needs no address, and neither does what is for other platforms only.
    let is_elsewhere = !has_source(&row) && !row.archs.is_empty();
    if !is_elsewhere && (had_source || has_source(&row)) {
        check_source(&row)?;
    }
    let is_needed = is_built_in(&version.row) || is_used(tx.db(), &version.row).await?;
    if row.version != before && is_needed {
        return Err(Error::invalid("version", "can't be changed while it is used"));
    }
    let row = tx.update(row).await.map_err(taken("version"))?;
    tx.emit(Happened::ToolVersionUpdated, subject(&row), json!({ "version": row.version })).await?;
    tx.commit().await?;
    one(cx, row).await
}

/// What policy sets want may go: the server itself evaluates them, so that they only lose a name. Clients count on it
/// (acceptance suite of the API's Go client).
///
/// # Errors
/// Invalid for an official version, for one that workspaces or unfinished runs use, and for what the server is itself.
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
        return refused("An official version cannot be removed.");
    }
    if is_built_in(&row) {
        return refused(
            "This server evaluates policies with this version, so it cannot be removed.",
        );
    }
    if ENGINES.contains(&row.kind) && is_used(tx.db(), &row).await? {
        return refused("The version is in use by workspaces and cannot be removed.");
    }
    tx.emit(Happened::ToolVersionDeleted, subject(&row), json!({ "version": row.version })).await?;
    tx.delete(row).await?;
    tx.commit().await
}

pub(super) fn subject(row: &ToolVersion) -> Subject<'_> {
    let kind = match row.kind {
        Kind::Terraform | Kind::Tofu => "terraform-versions",
        Kind::Opa => "opa-versions",
        Kind::Sentinel => "sentinel-versions",
    };
    Subject { kind, id: row.id.as_str(), ..Subject::default() }
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
        assert!(check_url("url", "https://example.com/t.zip").is_ok());
        assert!(check_sha("sha", sha).is_ok());
        for url in ["", "example.com", "ftp://example.com", "https://", "https:///x", "https://a b"]
        {
            assert!(check_url("url", url).is_err(), "{url}");
        }
        for sha in ["", "abc", &"g".repeat(64), &"a".repeat(63)] {
            assert!(check_sha("sha", sha).is_err(), "{sha}");
        }
    }
}
