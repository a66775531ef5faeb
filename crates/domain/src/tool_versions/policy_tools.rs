//! The tools that evaluate policies: OPA and Sentinel, which are parts of this server, each in one version.

use ::policy::{OPA_VERSION, sentinel::SENTINEL_VERSION};
use db::{
    entity::{
        policy,
        tool_version::{self, Kind},
    },
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter},
};

use super::{LATEST, learn};
use crate::{Ctx, Error, Result, row::ToolVersion};

/// What this server is itself.
const BUILT_IN: [(Kind, &str); 2] = [(Kind::Opa, OPA_VERSION), (Kind::Sentinel, SENTINEL_VERSION)];

/// Makes known which OPA and which Sentinel this server is. Safe to repeat.
pub async fn learn_own(cx: &Ctx) -> Result<()> {
    learn(cx, &BUILT_IN.map(|(kind, version)| (kind, version.to_owned()))).await
}

/// Whether this server is the tool.
pub(super) fn is_built_in(row: &ToolVersion) -> bool {
    BUILT_IN.contains(&(row.kind, row.version.as_str()))
}

fn tool_of(policies: policy::Kind) -> Kind {
    match policies {
        policy::Kind::Opa => Kind::Opa,
        policy::Kind::Sentinel => Kind::Sentinel,
    }
}

/// The policies that a tool evaluates, if it does.
pub(super) fn policies_of(tool: Kind) -> Option<policy::Kind> {
    policy::Kind::ALL.iter().copied().find(|policies| tool_of(*policies) == tool)
}

/// Refuses a version that policies of this kind cannot ask for.
pub(crate) async fn check(cx: &Ctx, policies: policy::Kind, wish: &str) -> Result<()> {
    if wish == LATEST {
        return Ok(());
    }
    let known = tool_version::Entity::find()
        .filter(tool_version::Column::Kind.eq(tool_of(policies)))
        .filter(tool_version::Column::Version.eq(wish))
        .filter(tool_version::Column::Enabled.eq(true))
        .one(cx.read())
        .await?;
    known.map(drop).ok_or_else(|| {
        let message = format!("must be latest, or a version that the site has enabled, not {wish}");
        Error::invalid("policy-tool-version", message)
    })
}
