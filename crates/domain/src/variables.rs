//! The variables of a workspace: for the engine itself, and for its environment.

use std::fmt;

use db::{
    entity::{
        variable::{self, Category},
        workspace,
    },
    id::{VariableId, WorkspaceId},
    order_by_text,
    sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, sea_query::SimpleExpr},
};
use secrecy::ExposeSecret;
pub use secrecy::SecretString;
use serde_json::json;

use crate::{
    Ctx, Error, Found, Granted, In, Order, Result, Subject, can,
    error::taken,
    row::{Variable, Workspace},
    workspaces,
};

/// Where values are sealed; part of what authenticates them.
const SEALED: &str = "variables.value";
/// Characters (API documents, "Workspace Variables": limits).
const KEY_LIMIT: usize = 128;
const DESCRIPTION_LIMIT: usize = 512;
/// Bytes.
const VALUE_LIMIT: usize = 256 << 10;
const COUNT_LIMIT: u64 = 1_000;

/// What can be given on create and changed later; absent fields keep their value.
#[derive(Clone, Default)]
pub struct Change {
    pub key: Option<String>,
    pub value: Option<SecretString>,
    pub category: Option<Category>,
    pub hcl: Option<bool>,
    pub sensitive: Option<bool>,
    pub description: Option<Option<String>>,
}

/// A variable with its value in the clear, unless it is a secret: those are never told.
pub struct Shown {
    pub row: Variable,
    value: Option<SecretString>,
}

impl Shown {
    /// Absent for a secret.
    pub fn value(&self) -> Option<&str> {
        self.value.as_ref().map(ExposeSecret::expose_secret)
    }
}

/// A variable for a run, with its value in the clear, which is therefore not printed.
pub struct RunVariable {
    pub key: String,
    /// For `hcl` an expression, otherwise the plain string.
    pub value: String,
    pub category: Category,
    pub hcl: bool,
    pub sensitive: bool,
}

impl fmt::Debug for RunVariable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunVariable").field("key", &self.key).finish_non_exhaustive()
    }
}

/// The variable, with its workspace.
pub async fn find(cx: &Ctx, id: &VariableId) -> Result<Found<In<Variable>>> {
    let row =
        variable::Entity::find_by_id(id.clone()).one(cx.read()).await?.ok_or(Error::NotFound)?;
    let of = workspaces::by_id(cx, &row.workspace_id).await?.ok_or(Error::NotFound)?;
    Ok(Found::new(In { row, of }))
}

/// The variable, if it is one of this workspace.
pub async fn find_in(
    cx: &Ctx,
    workspace: &WorkspaceId,
    id: &VariableId,
) -> Result<Found<In<Variable>>> {
    let found = find(cx, id).await?.into_unchecked();
    if found.of.id == *workspace { Ok(Found::new(found)) } else { Err(Error::NotFound) }
}

/// All of a workspace, by key: clients never ask for a second page (CLI protocol, gotcha 20).
pub async fn list(cx: &Ctx, workspace: &Granted<can::ReadVariables>) -> Result<Vec<Shown>> {
    let rows = in_order(cx, variable::Column::WorkspaceId.eq(&workspace.id)).await?;
    rows.into_iter().map(|row| shown(cx, row)).collect()
}

/// For includes: those of these workspaces, as far as the caller may see them.
pub async fn load_of(cx: &Ctx, workspaces: &[WorkspaceId]) -> Result<Vec<Shown>> {
    let visible: Vec<WorkspaceId> = workspace::Entity::find()
        .filter(workspace::Column::Id.is_in(workspaces))
        .all(cx.read())
        .await?
        .into_iter()
        .filter(|row| cx.may::<can::ReadVariables>(row))
        .map(|row| row.id)
        .collect();
    let rows = in_order(cx, variable::Column::WorkspaceId.is_in(visible)).await?;
    rows.into_iter().map(|row| shown(cx, row)).collect()
}

/// With its value, unless that is a secret.
pub fn show(cx: &Ctx, variable: Granted<can::ReadVariables, In<Variable>>) -> Result<Shown> {
    shown(cx, variable.into_inner().row)
}

/// What a run gets, in the clear.
pub(crate) async fn for_run(cx: &Ctx, workspace: &Workspace) -> Result<Vec<RunVariable>> {
    let rows = in_order(cx, variable::Column::WorkspaceId.eq(&workspace.id)).await?;
    rows.into_iter()
        .map(|row| {
            Ok(RunVariable {
                value: clear(cx, &row)?.expose_secret().to_owned(),
                key: row.name,
                category: row.category,
                hcl: row.hcl,
                sensitive: row.sensitive,
            })
        })
        .collect()
}

pub async fn create(
    cx: &Ctx,
    workspace: &Granted<can::UpdateVariables>,
    change: Change,
) -> Result<Shown> {
    if change.key.is_none() {
        return Err(Error::invalid("key", "can't be blank"));
    }
    if change.category.is_none() {
        return Err(Error::invalid("category", "must be one of: terraform, env"));
    }
    let tx = cx.write().await?;
    // Held, so that the count is still true when the row is in.
    tx.lock::<workspace::Entity>(workspace.id.clone()).await?.ok_or(Error::NotFound)?;
    let count = variable::Entity::find()
        .filter(variable::Column::WorkspaceId.eq(&workspace.id))
        .count(tx.db())
        .await?;
    if count >= COUNT_LIMIT {
        return Err(Error::invalid("key", format!("is one too many: {COUNT_LIMIT} are allowed")));
    }
    let mut new = Variable {
        id: VariableId::fresh(),
        workspace_id: workspace.id.clone(),
        name: String::new(),
        value: String::new(),
        is_sealed: false,
        category: Category::Terraform,
        hcl: false,
        sensitive: false,
        description: None,
        version_id: String::new(),
        created_at: tx.now(),
    };
    change.apply(cx, &mut new)?;
    let row = tx.insert(new).await.map_err(taken("key"))?;
    tx.emit("variable_created", subject(workspace, &row), told(&row)).await?;
    tx.commit().await?;
    shown(cx, row)
}

pub async fn update(
    cx: &Ctx,
    variable: &Granted<can::UpdateVariables, In<Variable>>,
    change: Change,
) -> Result<Shown> {
    let tx = cx.write().await?;
    let mut row = tx.lock::<variable::Entity>(variable.id.clone()).await?.ok_or(Error::NotFound)?;
    change.apply(cx, &mut row)?;
    let row = tx.update(row).await.map_err(taken("key"))?;
    tx.emit("variable_updated", subject(&variable.of, &row), told(&row)).await?;
    tx.commit().await?;
    shown(cx, row)
}

pub async fn delete(
    cx: &Ctx,
    variable: &Granted<can::UpdateVariables, In<Variable>>,
) -> Result<()> {
    let tx = cx.write().await?;
    let row = tx.lock::<variable::Entity>(variable.id.clone()).await?.ok_or(Error::NotFound)?;
    tx.emit("variable_deleted", subject(&variable.of, &row), told(&row)).await?;
    tx.delete(row).await?;
    tx.commit().await
}

async fn in_order(cx: &Ctx, condition: SimpleExpr) -> Result<Vec<Variable>> {
    let query = variable::Entity::find().filter(condition);
    let query = order_by_text(cx.read(), query, variable::Column::Name, Order::Ascending);
    let query = order_by_text(cx.read(), query, variable::Column::Category, Order::Descending);
    Ok(query.all(cx.read()).await?)
}

impl Change {
    fn apply(self, cx: &Ctx, to: &mut Variable) -> Result<()> {
        if let Some(key) = self.key {
            key.trim().clone_into(&mut to.name);
        }
        if let Some(category) = self.category {
            to.category = category;
        }
        if let Some(hcl) = self.hcl {
            to.hcl = hcl;
        }
        if to.sensitive && self.sensitive == Some(false) {
            // Else whoever may write variables could read the secret.
            return Err(Error::invalid(
                "sensitive",
                "can't be turned off: delete the variable and create it anew",
            ));
        }
        if let Some(description) = self.description {
            to.description = description;
        }
        check_key(to.category, &to.name)?;
        if to.hcl && to.category == Category::Environment {
            return Err(Error::invalid("hcl", "can only be true for the category terraform"));
        }
        if to.description.as_ref().is_some_and(|text| text.chars().count() > DESCRIPTION_LIMIT) {
            let message = format!("has at most {DESCRIPTION_LIMIT} characters");
            return Err(Error::invalid("description", message));
        }
        if to.description.as_ref().is_some_and(|text| text.contains('\0')) {
            return Err(Error::invalid("description", "can't have null characters"));
        }
        let value = match self.value {
            Some(value) => value,
            None if to.version_id.is_empty() => SecretString::default(),
            None => clear(cx, to)?,
        };
        check_value(value.expose_secret())?;
        to.sensitive |= self.sensitive == Some(true);
        // Sealed whether or not it is called sensitive: many secrets are not.
        to.value = cx.keyring().seal(SEALED, to.id.as_str(), value.expose_secret().as_bytes());
        to.is_sealed = true;
        to.version_id = hex::encode(rand::random::<[u8; 32]>());
        Ok(())
    }
}

/// The engine takes identifiers, a shell the names of environment variables.
fn check_key(category: Category, key: &str) -> Result<()> {
    let mut letters = key.chars();
    let Some(first) = letters.next() else {
        return Err(Error::invalid("key", "can't be blank"));
    };
    if key.chars().count() > KEY_LIMIT {
        return Err(Error::invalid("key", format!("has at most {KEY_LIMIT} characters")));
    }
    let (valid, rule) = match category {
        Category::Terraform => (
            (first.is_alphabetic() || first == '_')
                && letters.all(|c| c.is_alphanumeric() || matches!(c, '_' | '-')),
            "must begin with a letter or _, followed by letters, digits, _ and -",
        ),
        Category::Environment => (
            (first.is_ascii_alphabetic() || first == '_')
                && letters.all(|c| c.is_ascii_alphanumeric() || c == '_'),
            "must begin with a letter or _, followed by letters, digits and _, all of them ASCII",
        ),
    };
    if valid { Ok(()) } else { Err(Error::invalid("key", rule)) }
}

fn check_value(value: &str) -> Result<()> {
    if value.len() > VALUE_LIMIT {
        return Err(Error::invalid("value", format!("has at most {VALUE_LIMIT} bytes")));
    }
    if value.contains('\0') {
        return Err(Error::invalid("value", "can't have null characters"));
    }
    Ok(())
}

fn clear(cx: &Ctx, row: &Variable) -> Result<SecretString> {
    if row.is_sealed {
        Ok(cx.keyring().open_text(SEALED, row.id.as_str(), &row.value)?)
    } else {
        Ok(SecretString::from(row.value.clone()))
    }
}

fn shown(cx: &Ctx, row: Variable) -> Result<Shown> {
    let value = if row.sensitive { None } else { Some(clear(cx, &row)?) };
    Ok(Shown { row, value })
}

/// What an event may say: never the value.
fn told(row: &Variable) -> serde_json::Value {
    json!({ "key": row.name, "category": row.category, "sensitive": row.sensitive })
}

fn subject<'a>(workspace: &'a Workspace, row: &'a Variable) -> Subject<'a> {
    Subject { kind: "vars", id: row.id.as_str(), ..workspaces::subject(workspace) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_what_the_engine_and_a_shell_take() {
        for key in ["region", "_x", "web-server", "größe", "a1"] {
            assert!(check_key(Category::Terraform, key).is_ok(), "{key}");
        }
        for key in ["", "1a", "-a", "a b", "a.b", "a=b", "a\0", "a\n"] {
            assert!(check_key(Category::Terraform, key).is_err(), "{key:?}");
            assert!(check_key(Category::Environment, key).is_err(), "{key:?}");
        }
        for key in ["AWS_REGION", "_x", "tf_var_a1"] {
            assert!(check_key(Category::Environment, key).is_ok(), "{key}");
        }
        for key in ["web-server", "größe"] {
            assert!(check_key(Category::Environment, key).is_err(), "{key}");
        }
        assert!(check_key(Category::Terraform, &"k".repeat(KEY_LIMIT)).is_ok());
        assert!(check_key(Category::Terraform, &"k".repeat(KEY_LIMIT + 1)).is_err());
    }

    #[test]
    fn values_are_bounded() {
        assert!(check_value(&"v".repeat(VALUE_LIMIT)).is_ok());
        assert!(check_value(&"v".repeat(VALUE_LIMIT + 1)).is_err());
        assert!(check_value("a\0b").is_err());
    }
}
