//! How long tokens live: two years where nobody says otherwise, and no longer than an organization allows that sets a
//! limit (`max-ttl-enabled`), with a policy for each type of token.
//!
//! A limit counts from when a token was made, whenever that was: one that is older ceases to work there, whatever its
//! own end says (tfe provider, `tfe_org_max_token_ttl_policy`). Tokens of people belong to no organization; too old
//! for one, they still work in the others.

use std::collections::{HashMap, HashSet};

use db::{
    Timestamp,
    entity::{
        organization,
        token::Kind,
        token_ttl_policy::{self as policy, TokenType},
    },
    sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter},
};
use serde_json::json;

use crate::{
    App, Ctx, Error, Granted, Happened, Result, Tx, can, organizations,
    row::{Organization, Token, TokenTtlPolicy},
};

/// Tokens live for two years where nobody says otherwise (resource dictionary, disagreements).
const YEARS: u32 = 2;
/// The limit where an organization sets limits, but none for this type: two average years, as on HCP.
const DEFAULT_MS: i64 = 63_113_904_000;
/// A century is as good as for ever.
const LONGEST_MS: i64 = 3_155_695_200_000;

/// When a token ends that a person makes.
pub(super) fn of_users(now: Timestamp, wanted: Option<Timestamp>) -> Timestamp {
    wanted.unwrap_or(now.plus_years(YEARS))
}

/// When a new token ends, other than one of a person.
///
/// # Errors
/// Invalid for what is later than the organization allows.
pub(super) async fn of_new(
    tx: &Tx,
    kind: Kind,
    organization: &str,
    wanted: Option<Timestamp>,
) -> Result<Option<Timestamp>> {
    // Nobody sits before an agent to renew its token.
    let Some(of) = type_of(kind) else { return Ok(wanted) };
    let latest = limit(tx.db(), organization, of).await?.map(|ms| tx.now().plus_milliseconds(ms));
    match (wanted, latest) {
        (Some(at), Some(latest)) if at > latest => Err(Error::invalid(
            "expired-at",
            format!("must not be after {}, says the organization", latest.iso8601()),
        )),
        (Some(at), _) => Ok(Some(at)),
        (None, latest) => {
            Ok([Some(tx.now().plus_years(YEARS)), latest].into_iter().flatten().min())
        }
    }
}

/// When a token ends: by its own date, or sooner by the limit of the organization that it belongs to.
pub(super) async fn end(app: &App, token: &Token) -> Result<Option<Timestamp>> {
    let (Some(of), Some(name)) = (type_of(token.kind), &token.organization_name) else {
        return Ok(token.expires_at);
    };
    let limit = limit(app.db().rights(), name, of).await?;
    let latest = limit.map(|ms| token.created_at.plus_milliseconds(ms));
    Ok([token.expires_at, latest].into_iter().flatten().min())
}

/// The names of those of these organizations for which a person's token of that time has become too old.
pub(super) async fn too_old_for<C: ConnectionTrait>(
    db: &C,
    made_at: Timestamp,
    organizations: &[Organization],
    now: Timestamp,
) -> Result<HashSet<String>> {
    let limits = limits(db, organizations, TokenType::User).await?;
    let too_old = |ms: i64| made_at.plus_milliseconds(ms) <= now;
    Ok(limits.into_iter().filter(|(_, ms)| too_old(*ms)).map(|(name, _)| name).collect())
}

fn type_of(kind: Kind) -> Option<TokenType> {
    match kind {
        Kind::User => Some(TokenType::User),
        Kind::Team => Some(TokenType::Team),
        Kind::Organization => Some(TokenType::Organization),
        Kind::AuditTrails => Some(TokenType::AuditTrails),
        Kind::Agent => None,
    }
}

/// Milliseconds; `None` where the organization sets no limit.
async fn limit<C: ConnectionTrait>(db: &C, name: &str, of: TokenType) -> Result<Option<i64>> {
    let organization = organization::Entity::find_by_id(name).one(db).await?;
    Ok(limits(db, organization.as_slice(), of).await?.remove(name))
}

/// The limits of those of these organizations that set any, by name.
async fn limits<C: ConnectionTrait>(
    db: &C,
    organizations: &[Organization],
    of: TokenType,
) -> Result<HashMap<String, i64>> {
    let limiting = organizations.iter().filter(|row| row.max_ttl_enabled);
    let mut limits: HashMap<_, _> = limiting.map(|row| (row.name.clone(), DEFAULT_MS)).collect();
    if limits.is_empty() {
        return Ok(limits);
    }
    let set = policy::Entity::find()
        .filter(policy::Column::OrganizationName.is_in(limits.keys()))
        .filter(policy::Column::TokenType.eq(of))
        .all(db)
        .await?;
    limits.extend(set.into_iter().map(|row| (row.organization_name, row.max_ttl_ms)));
    Ok(limits)
}

/// One for each type: as it was set, or as it is where it was not.
pub async fn ttl_policies(
    cx: &Ctx,
    organization: &Granted<can::ManageTokenTtl, Organization>,
) -> Result<Vec<TokenTtlPolicy>> {
    let set = policy::Entity::find()
        .filter(policy::Column::OrganizationName.eq(&organization.name))
        .all(cx.read())
        .await?;
    let of = |of: TokenType| TokenTtlPolicy {
        organization_name: organization.name.clone(),
        token_type: of,
        max_ttl_ms: DEFAULT_MS,
        created_at: organization.created_at,
        updated_at: organization.created_at,
    };
    let own = |of: TokenType| set.iter().find(|row| row.token_type == of).cloned();
    Ok(TokenType::ALL.iter().map(|each| own(*each).unwrap_or_else(|| of(*each))).collect())
}

/// Sets the limits of these types, in milliseconds; the others stay. Whether they count is a setting of its own.
pub async fn set_ttl_policies(
    cx: &Ctx,
    organization: &Granted<can::ManageTokenTtl, Organization>,
    limits: Vec<(TokenType, i64)>,
) -> Result<()> {
    if limits.is_empty() {
        return Err(Error::invalid("token-ttl-policies", "can't be blank"));
    }
    for (index, (of, ms)) in limits.iter().enumerate() {
        let refused = |attribute: &str, message: String| {
            Err(Error::invalid(format_args!("token-ttl-policies/{index}/{attribute}"), message))
        };
        if !(1..=LONGEST_MS).contains(ms) {
            return refused("max-ttl-ms", format!("must be between 1 and {LONGEST_MS}"));
        }
        if limits[..index].iter().any(|(other, _)| other == of) {
            return refused("token-type", format!("{of} has been given already"));
        }
    }
    let tx = cx.write().await?;
    // Whoever sets them at the same time waits here.
    let name = &organization.name;
    tx.lock::<organization::Entity>(name.clone()).await?.ok_or(Error::NotFound)?;
    for (of, ms) in &limits {
        if let Some(mut row) = tx.lock::<policy::Entity>((name.clone(), *of)).await? {
            row.max_ttl_ms = *ms;
            row.updated_at = tx.now();
            tx.update(row).await?;
        } else {
            tx.insert(TokenTtlPolicy {
                organization_name: name.clone(),
                token_type: *of,
                max_ttl_ms: *ms,
                created_at: tx.now(),
                updated_at: tx.now(),
            })
            .await?;
        }
    }
    let detail: HashMap<_, _> = limits.iter().map(|(of, ms)| (of.as_str(), ms)).collect();
    tx.emit(Happened::TokenTtlPoliciesSet, organizations::subject(organization), json!(detail))
        .await?;
    tx.commit().await
}
