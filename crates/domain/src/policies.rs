//! Policies: rules in code that sets bring to workspaces. The code is a blob of its own with every upload, so that
//! nobody ever reads half of an old one and half of a new one.

use std::collections::HashMap;

use blobs::{Kind as BlobKind, Name};
use bytes::Bytes;
use db::{
    Locked, Order,
    entity::{
        policy::{self, Enforcement, Kind},
        policy_set_member::{self as member, Role},
    },
    id::{PolicyCodeId, PolicyId, PolicySetId},
    page,
    sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect},
};
use futures::Stream;
use serde_json::json;

use crate::{
    Ctx, Error, Found, Granted, Happened, In, Page, Paging, Result, Subject, Tx, accounts, can,
    cleanup::{self, Orphan},
    error::taken,
    free_text, names, organizations,
    row::{Organization, Policy},
    uploads::if_welcome,
};

/// Characters.
const NAME_LIMIT: usize = 255;
const TEXT_LIMIT: usize = 4096;
/// Bytes of a policy's code (API documents, "Upload a Policy").
const CODE_LIMIT: u64 = 10 << 20;

/// What can be given on create and, but for the name and the kind, changed later.
#[derive(Debug, Default)]
pub struct Change {
    pub name: Option<String>,
    pub description: Option<Option<String>>,
    pub kind: Option<Kind>,
    pub query: Option<Option<String>>,
    pub enforcement_level: Option<Enforcement>,
    /// The older way to say it: by the path of the code's file.
    pub enforce: Option<Vec<Enforce>>,
}

#[derive(Clone, Debug)]
pub struct Enforce {
    pub path: String,
    pub mode: Enforcement,
}

/// The words that a kind knows.
pub(crate) fn check_enforcement(kind: Kind, level: Enforcement) -> Result<(), String> {
    if kind == Kind::Sentinel && level == Enforcement::Mandatory {
        return Err("must be one of: advisory, soft-mandatory, hard-mandatory".into());
    }
    Ok(())
}

/// Letters, numbers, `-` and `_` (API documents, "Create a Policy").
pub(crate) fn check_name(name: &str) -> Result<()> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    names::check("name", name, NAME_LIMIT)?;
    if name.len() > NAME_LIMIT || !name.chars().all(allowed) {
        let message = format!(
            "is invalid: it can include letters, numbers, - and _, at most {NAME_LIMIT} of them"
        );
        return Err(Error::invalid("name", message));
    }
    Ok(())
}

/// Free text that is stored.
pub(crate) fn check_prose(attribute: &str, text: &str) -> Result<()> {
    free_text::prose(attribute, text, TEXT_LIMIT)
}

pub(crate) fn check_line(attribute: &str, text: &str) -> Result<()> {
    free_text::line(attribute, text, TEXT_LIMIT)
}

impl Change {
    fn apply(self, to: &mut Policy) -> Result<()> {
        if let Some(description) = self.description {
            check_prose("description", description.as_deref().unwrap_or_default())?;
            to.description = description;
        }
        // HashiCorp's suite has it so: a change may name the query of a policy that has none.
        if let Some(query) = self.query
            && to.kind == Kind::Opa
        {
            to.query = query.filter(|text| !text.trim().is_empty());
        }
        if to.kind == Kind::Opa {
            let query = to.query.as_deref();
            let query = query.ok_or_else(|| Error::invalid("query", "can't be blank"))?;
            check_prose("query", query)?;
        }
        if let Some(level) = self.enforcement_level {
            check_enforcement(to.kind, level)
                .map_err(|message| Error::invalid("enforcement-level", message))?;
            to.enforcement_level = level;
        }
        if let Some(mode) = enforced(&to.path, self.enforce.as_deref().unwrap_or_default())? {
            check_enforcement(to.kind, mode)
                .map_err(|message| Error::invalid("enforce", message))?;
            if self.enforcement_level.is_some_and(|level| level != mode) {
                let message = "says something else than enforcement-level";
                return Err(Error::invalid("enforce", message));
            }
            to.enforcement_level = mode;
        }
        Ok(())
    }
}

/// What is said of the one file that a policy has.
fn enforced(path: &str, files: &[Enforce]) -> Result<Option<Enforcement>> {
    match files {
        [only] if only.path.is_empty() || only.path == path => Ok(Some(only.mode)),
        // HashiCorp's suite has it so: another file is no concern of a policy.
        [] | [_] => Ok(None),
        _ => {
            let message =
                format!("a policy has one file, this one {path}: say how that is enforced");
            Err(Error::invalid("enforce", message))
        }
    }
}

/// The policy whose code this is.
pub(crate) async fn find_by_code(cx: &Ctx, code: &str) -> Result<Found<In<Policy, Organization>>> {
    let row = policy::Entity::find().filter(policy::Column::CodeId.eq(code)).one(cx.read()).await?;
    find(cx, &row.ok_or(Error::NotFound)?.id).await
}

pub async fn find(cx: &Ctx, id: &PolicyId) -> Result<Found<In<Policy, Organization>>> {
    organizations::find_in::<policy::Entity>(cx, id, |row| &row.organization_name).await
}

#[derive(Debug, Default)]
pub struct Filter {
    pub kind: Option<Kind>,
    /// Part of the name.
    pub search: Option<String>,
}

/// Those of an organization, by name.
pub async fn list(
    cx: &Ctx,
    organization: &Granted<can::ReadPolicies>,
    filter: Filter,
    order: Order,
    paging: Paging,
) -> Result<Page<Policy>> {
    let name = filter.search.map(|text| db::contains(policy::Column::Name, &text));
    let condition = Condition::all()
        .add(policy::Column::OrganizationName.eq(&organization.name))
        .add_option(filter.kind.map(|kind| policy::Column::Kind.eq(kind)))
        .add_option(name);
    let query = policy::Entity::find().filter(condition);
    let query = query.order_by(policy::Column::Name, order.into());
    Ok(page(cx.read(), query, paging).await?)
}

/// For includes: those of these whose organization lets the caller see them.
pub async fn load(cx: &Ctx, ids: &[PolicyId]) -> Result<Vec<Policy>> {
    let rows = policy::Entity::find().filter(policy::Column::Id.is_in(ids)).all(cx.read()).await?;
    crate::policy_sets::readable(cx, rows, |row| &row.organization_name).await
}

/// The sets that each of these policies is in.
pub async fn sets_of(cx: &Ctx, rows: &[Policy]) -> Result<HashMap<PolicyId, Vec<PolicySetId>>> {
    let pairs: Vec<(PolicyId, PolicySetId)> = member::Entity::find()
        .select_only()
        .columns([member::Column::PolicyId, member::Column::PolicySetId])
        .filter(member::Column::Role.eq(Role::Policy))
        .filter(member::Column::PolicyId.is_in(rows.iter().map(|row| &row.id)))
        .into_tuple()
        .all(cx.read())
        .await?;
    let mut sets: HashMap<PolicyId, Vec<PolicySetId>> = HashMap::new();
    for (policy, set) in pairs {
        sets.entry(policy).or_default().push(set);
    }
    Ok(sets)
}

pub async fn create(
    cx: &Ctx,
    organization: &Granted<can::ManagePolicies>,
    change: Change,
) -> Result<Policy> {
    let name = change.name.clone().unwrap_or_default();
    check_name(&name)?;
    let kind = change.kind.unwrap_or(Kind::Sentinel);
    if kind != Kind::Opa && change.query.iter().flatten().any(|query| !query.trim().is_empty()) {
        return Err(Error::invalid("query", "is only for policies of the kind opa"));
    }
    let (extension, level) = match kind {
        Kind::Sentinel => ("sentinel", Enforcement::SoftMandatory),
        Kind::Opa => ("rego", Enforcement::Advisory),
    };
    let first = change.enforce.as_ref().and_then(|all| all.first());
    let path = first.map(|enforce| enforce.path.clone());
    let path = path.filter(|path| !path.is_empty());
    let path = path.unwrap_or_else(|| format!("{name}.{extension}"));
    check_line("enforce", &path)?;
    let tx = cx.write().await?;
    let mut new = Policy {
        id: PolicyId::fresh(),
        organization_name: organization.name.clone(),
        name,
        description: None,
        kind,
        query: None,
        enforcement_level: level,
        path,
        code_id: None,
        code_updated_at: None,
        created_at: tx.now(),
    };
    change.apply(&mut new)?;
    let row = tx.insert(new).await.map_err(taken("name"))?;
    tx.emit(Happened::PolicyCreated, subject(&row), json!({ "name": row.name })).await?;
    tx.commit().await?;
    Ok(row)
}

pub async fn update(
    cx: &Ctx,
    policy: &Granted<can::ManagePolicies, In<Policy, Organization>>,
    change: Change,
) -> Result<Policy> {
    let tx = cx.write().await?;
    let mut row = lock(&tx, &policy.id).await?;
    Error::unless_same("name", change.name.as_ref(), &row.name)?;
    Error::unless_same("kind", change.kind.as_ref(), &row.kind)?;
    change.apply(&mut row)?;
    let row = tx.update(row).await?;
    tx.emit(Happened::PolicyUpdated, subject(&row), json!({ "name": row.name })).await?;
    tx.commit().await?;
    Ok(row)
}

/// Sets that had it have it no more.
pub async fn delete(
    cx: &Ctx,
    policy: &Granted<can::ManagePolicies, In<Policy, Organization>>,
) -> Result<()> {
    let tx = cx.write().await?;
    let row = lock(&tx, &policy.id).await?;
    cleanup::later(&tx, code_of(&row)?).await?;
    tx.emit(Happened::PolicyDeleted, subject(&row), json!({ "name": row.name })).await?;
    tx.delete(row).await?;
    tx.commit().await
}

async fn lock(tx: &Tx, id: &PolicyId) -> Result<Locked<policy::Entity>> {
    tx.lock::<policy::Entity>(id.clone()).await?.ok_or(Error::NotFound)
}

/// Takes the code; what there was before is gone. Whoever may not do it any more when all of it has come is told so.
///
/// # Errors
/// TooLarge beyond 10 MiB; BadRequest if the upload breaks off.
pub async fn receive<S, E>(
    cx: &Ctx,
    policy: &Granted<can::ManagePolicies, In<Policy, Organization>>,
    code: S,
) -> Result<Policy>
where
    S: Stream<Item = Result<Bytes, E>> + Send,
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let id = PolicyCodeId::fresh();
    let welcome = async {
        let found = find(cx, &policy.id).await?;
        accounts::refreshed(cx).await?.check::<can::ManagePolicies, _>(found).map(drop)
    };
    let code = if_welcome(code, welcome);
    let written = cx.blobs().put_stream(&blob(&id)?, code, CODE_LIMIT).await?;
    let kept = keep(cx, &policy.id, &id, written.size).await;
    if !matches!(kept, Ok(_) | Err(Error::InDoubt(_)))
        && let Err(error) = cx.blobs().delete(&blob(&id)?).await
    {
        tracing::warn!(code = %id, %error, "the code {id} is left over");
    }
    kept
}

async fn keep(cx: &Ctx, policy: &PolicyId, code: &PolicyCodeId, size: u64) -> Result<Policy> {
    let tx = cx.write().await?;
    let mut row = lock(&tx, policy).await?;
    cleanup::later(&tx, code_of(&row)?).await?;
    row.code_id = Some(code.clone());
    row.code_updated_at = Some(tx.now());
    let row = tx.update(row).await?;
    tx.emit(Happened::PolicyUploaded, subject(&row), json!({ "size": size })).await?;
    tx.commit().await?;
    Ok(row)
}

/// What there is of the code outside the database.
fn code_of(row: &Policy) -> Result<Vec<Orphan>> {
    row.code_id.iter().map(|id| Orphan::blob(BlobKind::PolicyCode, id)).collect()
}

fn blob(id: &PolicyCodeId) -> Result<Name> {
    Ok(Name::new(BlobKind::PolicyCode, id.as_str())?)
}

/// The code as text.
pub(crate) async fn code(cx: &Ctx, id: &PolicyCodeId) -> Result<String> {
    let bytes = cx.blobs().get(&blob(id)?).await?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The blobs of an organization that is about to go.
pub(crate) async fn orphans_of(tx: &Tx, organization: &str) -> Result<Vec<Orphan>> {
    let rows = policy::Entity::find()
        .filter(policy::Column::OrganizationName.eq(organization))
        .all(tx.db())
        .await?;
    let each: Result<Vec<_>> = rows.iter().map(code_of).collect();
    Ok(each?.into_iter().flatten().collect())
}

fn subject(row: &Policy) -> Subject<'_> {
    Subject {
        kind: "policies",
        id: row.id.as_str(),
        organization: Some(&row.organization_name),
        ..Subject::default()
    }
}
