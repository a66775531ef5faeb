//! Parameters of policy sets: values for policies, kept like variables, all of them sealed.

use std::collections::BTreeMap;

use ::policy::sentinel::Parameter;
use db::{
    entity::{policy_set, policy_set_parameter as parameter},
    id::{PolicySetId, VariableId},
    page,
    sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder},
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::subject;
use crate::{
    Ctx, Error, Found, Granted, Happened, In, Page, Paging, Result, can,
    error::taken,
    names,
    policies::check_prose,
    row::{Organization, PolicySet, PolicySetParameter},
};

/// Where values are sealed; part of what authenticates them.
const SEALED: &str = "policy_set_parameters.value";
/// As of variables: characters, and bytes of the value.
const KEY_LIMIT: usize = 128;
const VALUE_LIMIT: usize = 256 << 10;
const COUNT_LIMIT: u64 = 1_000;

/// What can be given on create and changed later.
#[derive(Default)]
pub struct Change {
    pub key: Option<String>,
    pub value: Option<SecretString>,
    pub sensitive: Option<bool>,
    pub description: Option<Option<String>>,
}

/// A parameter with its value in the clear, unless it is a secret: those are never told.
pub struct Shown {
    pub row: PolicySetParameter,
    value: Option<SecretString>,
}

impl Shown {
    /// Absent for a secret.
    pub fn value(&self) -> Option<&str> {
        self.value.as_ref().map(ExposeSecret::expose_secret)
    }
}

/// The parameter of this set, with the set's organization.
pub async fn find(
    cx: &Ctx,
    set: &PolicySetId,
    id: &VariableId,
) -> Result<Found<In<PolicySetParameter, Organization>>> {
    let row = parameter::Entity::find_by_id(id.clone()).one(cx.read()).await?;
    let row = row.filter(|row| row.policy_set_id == *set).ok_or(Error::NotFound)?;
    let of = super::find(cx, set).await?.into_unchecked().of;
    Ok(Found::new(In { row, of }))
}

/// Those of a set, by key.
pub async fn list(
    cx: &Ctx,
    set: &Granted<can::ReadPolicies, In<PolicySet, Organization>>,
    paging: Paging,
) -> Result<Page<Shown>> {
    let query = parameter::Entity::find().filter(parameter::Column::PolicySetId.eq(&set.row.id));
    let query = query.order_by_asc(parameter::Column::Name);
    let page = page(cx.read(), query, paging).await?;
    let items: Result<Vec<_>> = page.items.into_iter().map(|row| shown(cx, row)).collect();
    Ok(Page { items: items?, total: page.total })
}

/// With its value, unless that is a secret.
pub fn show(
    cx: &Ctx,
    parameter: Granted<can::ReadPolicies, In<PolicySetParameter, Organization>>,
) -> Result<Shown> {
    shown(cx, parameter.into_inner().row)
}

fn shown(cx: &Ctx, row: PolicySetParameter) -> Result<Shown> {
    let value = if row.sensitive { None } else { Some(clear(cx, &row)?) };
    Ok(Shown { row, value })
}

fn clear(cx: &Ctx, row: &PolicySetParameter) -> Result<SecretString> {
    Ok(cx.keyring().open_text(SEALED, row.id.as_str(), &row.value)?)
}

/// For the set's policies: all of them in the clear, secrets too.
pub(crate) async fn for_policies(
    cx: &Ctx,
    set: &PolicySetId,
) -> Result<BTreeMap<String, Parameter>> {
    let query = parameter::Entity::find().filter(parameter::Column::PolicySetId.eq(set));
    let mut all = BTreeMap::new();
    for row in query.all(cx.read()).await? {
        let value = clear(cx, &row)?;
        let value = Parameter::read(value.expose_secret(), row.sensitive);
        all.insert(row.name, value);
    }
    Ok(all)
}

pub async fn create(
    cx: &Ctx,
    set: &Granted<can::ManagePolicies, In<PolicySet, Organization>>,
    change: Change,
) -> Result<Shown> {
    let tx = cx.write().await?;
    // Held, so that the count is still true when the row is in.
    let of = tx.lock::<policy_set::Entity>(set.row.id.clone()).await?.ok_or(Error::NotFound)?;
    let count = parameter::Entity::find()
        .filter(parameter::Column::PolicySetId.eq(&of.id))
        .count(tx.db())
        .await?;
    if count >= COUNT_LIMIT {
        return Err(Error::invalid("key", format!("is one too many: {COUNT_LIMIT} are allowed")));
    }
    let mut new = PolicySetParameter {
        id: VariableId::fresh(),
        policy_set_id: of.id.clone(),
        name: String::new(),
        value: String::new(),
        sensitive: false,
        description: None,
        version_id: String::new(),
        created_at: tx.now(),
    };
    apply(cx, change, &mut new)?;
    let row = tx.insert(new).await.map_err(taken("key"))?;
    tx.emit(Happened::PolicySetParameterCreated, subject(&of), json!({ "key": row.name })).await?;
    tx.commit().await?;
    shown(cx, row)
}

pub async fn update(
    cx: &Ctx,
    granted: &Granted<can::ManagePolicies, In<PolicySetParameter, Organization>>,
    change: Change,
) -> Result<Shown> {
    let tx = cx.write().await?;
    let (of, mut row) = locked(&tx, granted).await?;
    apply(cx, change, &mut row)?;
    let row = tx.update(row).await.map_err(taken("key"))?;
    tx.emit(Happened::PolicySetParameterUpdated, subject(&of), json!({ "key": row.name })).await?;
    tx.commit().await?;
    shown(cx, row)
}

pub async fn delete(
    cx: &Ctx,
    granted: &Granted<can::ManagePolicies, In<PolicySetParameter, Organization>>,
) -> Result<()> {
    let tx = cx.write().await?;
    let (of, row) = locked(&tx, granted).await?;
    tx.emit(Happened::PolicySetParameterDeleted, subject(&of), json!({ "key": row.name })).await?;
    tx.delete(row).await?;
    tx.commit().await
}

async fn locked(
    tx: &crate::Tx,
    of: &PolicySetParameter,
) -> Result<(db::Locked<policy_set::Entity>, db::Locked<parameter::Entity>)> {
    let set = super::lock(tx, &of.policy_set_id).await?;
    let row = tx.lock::<parameter::Entity>(of.id.clone()).await?.ok_or(Error::NotFound)?;
    Ok((set, row))
}

fn apply(cx: &Ctx, change: Change, to: &mut PolicySetParameter) -> Result<()> {
    if let Some(key) = change.key {
        to.name = key;
    }
    names::check("key", &to.name, KEY_LIMIT)?;
    if let Some(description) = change.description {
        check_prose("description", description.as_deref().unwrap_or_default())?;
        to.description = description;
    }
    if to.sensitive && change.sensitive == Some(false) {
        // Else whoever manages policies could read the secret.
        let message = "can't be turned off: delete the parameter and create it anew";
        return Err(Error::invalid("sensitive", message));
    }
    to.sensitive |= change.sensitive == Some(true);
    let value = match change.value {
        Some(value) => value,
        None if to.version_id.is_empty() => SecretString::default(),
        None => clear(cx, to)?,
    };
    if value.expose_secret().len() > VALUE_LIMIT {
        return Err(Error::invalid("value", format!("has at most {VALUE_LIMIT} bytes")));
    }
    to.value = cx.keyring().seal(SEALED, to.id.as_str(), value.expose_secret().as_bytes());
    to.version_id = hex::encode(rand::random::<[u8; 32]>());
    Ok(())
}
