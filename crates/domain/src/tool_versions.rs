//! The versions of Terraform and OpenTofu that workspaces may use, and how a wish becomes one of them; beside them
//! those of the tools that evaluate policies.

mod catalogue;
mod official;
mod policy_tools;
mod releases;
mod sync;
mod usage;

use std::collections::BTreeSet;

use db::{
    Json,
    entity::tool_version::{self, Engine, Kind},
    id::ToolVersionId,
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, Select},
};
use semver::{Comparator, Op, Version};

pub use catalogue::{Change, Filter, create, delete, find, list, update, used};
pub use official::know_official;
pub(crate) use policy_tools::check as check_policy_tool;
pub use policy_tools::learn_own;
pub use releases::Sources;
pub use sync::{Outcome, synchronise, take_built_in};
pub(crate) use usage::source_of;
pub use usage::{Source, Used};

use crate::{
    Ctx, Error, Result, agent_pools,
    row::{ToolVersion, Workspace},
    workspaces::{self, Executor},
};

/// The word for the newest release.
pub const LATEST: &str = "latest";

/// What carries out runs; the other tools evaluate policies.
const ENGINES: [Kind; 2] = [Kind::Terraform, Kind::Tofu];

/// Which engine somebody wants to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wish<'a> {
    /// An exact version, a constraint such as `~> 1.5.0`, or `latest`.
    pub version: &'a str,
    /// Of this engine; without it of any, where a number that both have means Terraform's.
    pub engine: Option<Engine>,
}

impl Wish<'_> {
    fn is_of(self, kind: Kind) -> bool {
        self.engine.is_none_or(|engine| Kind::from(engine) == kind)
    }
}

/// Reads as `OpenTofu 1.9.1`.
impl std::fmt::Display for Wish<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(engine) = self.engine {
            write!(f, "{} ", engine.title())?;
        }
        f.write_str(self.version)
    }
}

fn engines() -> Select<tool_version::Entity> {
    tool_version::Entity::find().filter(tool_version::Column::Kind.is_in(ENGINES))
}

/// Makes versions known that are at hand. Safe to repeat, and for several servers at once.
pub async fn learn(cx: &Ctx, found: &[(Kind, String)]) -> Result<()> {
    let known = tool_version::Entity::find().all(cx.read()).await?;
    // The same one may be found in several places.
    for (kind, version) in found.iter().collect::<BTreeSet<_>>() {
        let here = |row: &ToolVersion| row.kind == *kind && row.version == *version;
        if !known.iter().any(|row| here(row) && !row.dormant) {
            learn_one(cx, *kind, version).await?;
        }
    }
    Ok(())
}

async fn learn_one(cx: &Ctx, kind: Kind, version: &str) -> Result<()> {
    let tx = cx.write().await?;
    official::give_way(&tx, kind, version).await?;
    let beta = Version::parse(version).is_ok_and(|version| !version.pre.is_empty());
    let row = ToolVersion {
        id: ToolVersionId::fresh(),
        kind,
        version: version.to_owned(),
        url: None,
        sha: None,
        official: false,
        enabled: true,
        beta,
        deprecated: false,
        deprecated_reason: None,
        created_at: tx.now(),
        archs: Json::default(),
        dormant: false,
    };
    match tx.insert(row).await {
        Ok(_) => tx.commit().await,
        // Another server has learned it at the same moment. A transaction that was refused something keeps nothing.
        Err(db::Error::Taken(_)) => {
            tx.roll_back().await;
            Ok(())
        }
        Err(other) => Err(other.into()),
    }
}

/// The versions that may be used, newest first; Terraform before OpenTofu of the same number.
async fn usable(cx: &Ctx) -> Result<Vec<(Version, ToolVersion)>> {
    let rows = engines().filter(tool_version::Column::Enabled.eq(true)).all(cx.read()).await?;
    Ok(newest_first(rows))
}

fn newest_first(rows: Vec<ToolVersion>) -> Vec<(Version, ToolVersion)> {
    let mut versions: Vec<_> = rows
        .into_iter()
        .filter_map(|row| Version::parse(&row.version).ok().map(|version| (version, row)))
        .collect();
    versions.sort_by(|(a, x), (b, y)| b.cmp(a).then(x.kind.cmp(&y.kind)));
    versions
}

/// What a new workspace gets: the newest release, or `latest` while none is known.
pub(crate) async fn default_version(cx: &Ctx, engine: Option<Engine>) -> Result<String> {
    let newest = resolve(cx, Wish { version: LATEST, engine }).await?;
    Ok(newest.map_or_else(|| LATEST.to_owned(), |found| found.version))
}

/// The newest known version that fulfils the wish.
pub(crate) async fn resolve(cx: &Ctx, wish: Wish<'_>) -> Result<Option<ToolVersion>> {
    Ok(pick(&usable(cx).await?, wish).cloned())
}

/// The version that a run was given, even if it has been disabled since.
pub(crate) async fn given(cx: &Ctx, wish: Wish<'_>) -> Result<Option<ToolVersion>> {
    let kinds = ENGINES.into_iter().filter(|kind| wish.is_of(*kind));
    let query = engines()
        .filter(tool_version::Column::Version.eq(wish.version))
        .filter(tool_version::Column::Kind.is_in(kinds))
        .order_by_asc(tool_version::Column::Kind);
    let mut rows = query.all(cx.read()).await?;
    rows.sort_by_key(|row| !row.enabled);
    Ok(rows.into_iter().next())
}

fn pick<'v>(versions: &'v [(Version, ToolVersion)], wish: Wish<'_>) -> Option<&'v ToolVersion> {
    let versions = || versions.iter().filter(|(_, row)| wish.is_of(row.kind));
    if wish.version == LATEST {
        // Of several that are first, it is the newest: Terraform's if there is one. Where there is no release at all,
        // something that is not yet one is better than nothing.
        let first = versions().min_by_key(|(version, row)| (!version.pre.is_empty(), row.kind));
        return first.map(|(_, row)| row);
    }
    if let Some((_, exact)) = versions().find(|(_, row)| row.version == wish.version) {
        return Some(exact);
    }
    let constraint = Constraint::parse(wish.version)?;
    versions().find(|(version, _)| constraint.allows(version)).map(|(_, row)| row)
}

/// Whether an agent or an administrator has named a version yet. Until then none is refused: at the first start of
/// a server, its agent needs a moment to find its engines.
pub(crate) async fn any(cx: &Ctx) -> Result<bool> {
    let awake = engines().filter(tool_version::Column::Dormant.eq(false));
    Ok(awake.one(cx.read()).await?.is_some())
}

/// Whether there is an engine that agents may fetch.
pub async fn can_be_fetched(cx: &Ctx) -> Result<bool> {
    Ok(usable(cx).await?.iter().any(|(_, row)| row.url.is_some() || !row.archs.is_empty()))
}

/// Whether it is this very version that somebody does not want to be used. What is only listed was disabled by nobody.
pub(crate) async fn is_disabled(cx: &Ctx, wish: Wish<'_>) -> Result<bool> {
    let found = given(cx, wish).await?;
    Ok(found.is_some_and(|row| !row.enabled && !row.dormant))
}

/// Refuses a wish that cannot come true: what is no version, is disabled, or what the site's own agent, who is there
/// for the workspace's runs, does not have. Other agents may bring a version of their own, and are waited for. Command
/// lines wish for their own version with each new workspace, and make do with another where that is refused.
pub(crate) async fn check(cx: &Ctx, wish: Wish<'_>, of: &Workspace) -> Result<()> {
    // Asked first: an agent may make its versions known at this very moment.
    let is_too_early = !any(cx).await?;
    let is_any = wish.version == LATEST && wish.engine.is_none();
    if is_any || resolve(cx, wish).await?.is_some() {
        return Ok(());
    }
    let refused = |why: &str| Err(Error::invalid("terraform-version", format!("{wish} {why}")));
    let version = wish.version;
    let possible = version == LATEST
        || Version::parse(version).is_ok()
        || Constraint::parse(version).is_some();
    if !possible {
        return refused("is neither a version nor a constraint");
    }
    if is_disabled(cx, wish).await? {
        return refused("is disabled on this server");
    }
    if is_too_early || workspaces::executor(cx.read(), of).await? != Executor::Site {
        return Ok(());
    }
    if !agent_pools::present(cx).await?.contains_key(&None) {
        return Ok(());
    }
    let usable = usable(cx).await?;
    let newest: Vec<_> = usable.iter().take(NAMED).map(|(_, row)| named(row)).collect();
    refused(&format!("is not available on this server, which has {}", newest.join(", ")))
}

/// Versions that a refusal names.
const NAMED: usize = 5;

fn named(row: &ToolVersion) -> String {
    Wish { version: &row.version, engine: row.kind.engine() }.to_string()
}

/// A version constraint in Terraform's own language: comparisons joined by commas.
#[derive(Debug)]
struct Constraint(Vec<Term>);

#[derive(Debug)]
enum Term {
    Not(Version),
    Compare(Comparator),
}

impl Constraint {
    fn parse(text: &str) -> Option<Self> {
        text.split(',').map(|term| Term::parse(term.trim())).collect::<Option<_>>().map(Self)
    }

    /// A pre-release only fulfils a constraint that names it, as in Terraform.
    fn allows(&self, version: &Version) -> bool {
        self.0.iter().all(|term| match term {
            Term::Not(other) => version != other,
            Term::Compare(comparator) => comparator.matches(version),
        })
    }
}

impl Term {
    fn parse(text: &str) -> Option<Self> {
        let digits = text.find(|c: char| c.is_ascii_digit())?;
        let (operator, version) = text.split_at(digits);
        let written = version.trim().split('.').count();
        let full = match written {
            1 => format!("{version}.0.0"),
            2 => format!("{version}.0"),
            3 => version.to_owned(),
            _ => return None,
        };
        let version = Version::parse(full.trim()).ok()?;
        let op = match operator.trim() {
            "" | "=" => Op::Exact,
            ">" => Op::Greater,
            ">=" => Op::GreaterEq,
            "<" => Op::Less,
            "<=" => Op::LessEq,
            // The last part written may grow: `~> 1.2.3` stays in 1.2, `~> 1.2` stays in 1.
            "~>" if written >= 3 => Op::Tilde,
            "~>" => Op::Caret,
            "!=" => return Some(Self::Not(version)),
            _ => return None,
        };
        Some(Self::Compare(Comparator {
            op,
            major: version.major,
            minor: Some(version.minor),
            patch: Some(version.patch),
            pre: version.pre,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(constraint: &str, version: &str) -> bool {
        Constraint::parse(constraint).unwrap().allows(&Version::parse(version).unwrap())
    }

    #[test]
    fn constraints_mean_what_terraform_says() {
        assert!(allows("~> 1.2.3", "1.2.9"));
        assert!(!allows("~> 1.2.3", "1.3.0"));
        assert!(allows("~> 1.2", "1.9.0"));
        assert!(!allows("~> 1.2", "2.0.0"));
        assert!(allows(">= 1.2, < 2.0.0", "1.15.5"));
        assert!(!allows(">= 1.2, != 1.15.5", "1.15.5"));
        assert!(allows("1.5", "1.5.0"));
        assert!(!allows(">= 1.2", "1.15.0-beta1"));
    }

    #[test]
    fn nonsense_is_no_constraint() {
        for text in ["", "nonexisting", "~>", "1.2.3.4", ">> 1", "1.x"] {
            assert!(Constraint::parse(text).is_none(), "{text}");
        }
    }
}
