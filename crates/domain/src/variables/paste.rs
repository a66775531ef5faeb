//! Many variables at once, as they stand in a `.tfvars` or an `.env` file: first what would change, then all of it in
//! one transaction, or nothing.

mod text;

use std::collections::HashMap;

use db::{
    entity::{
        variable::{self, Category},
        workspace,
    },
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter},
};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::{Change, Owner, change::clear, check_count, in_order, subject, told};
use crate::{
    Ctx, Error, Granted, Happened, Result, can,
    error::taken,
    row::{Variable, Workspace},
};

/// Where a paste is sealed while somebody looks at what it would do.
const SEALED: &str = "variables.pasted";
/// Bytes: a value may have so many, and the form that carries it sealed has to hold it.
const LIMIT: usize = 256 << 10;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Format {
    /// Values for Terraform or OpenTofu.
    Tfvars,
    /// For the environment.
    Dotenv,
}

impl Format {
    fn category(self) -> Category {
        match self {
            Self::Tfvars => Category::Terraform,
            Self::Dotenv => Category::Environment,
        }
    }
}

/// What was pasted, and whether all of it is to be secret.
#[derive(Serialize, Deserialize)]
pub struct Pasted {
    pub format: Format,
    pub text: String,
    pub sensitive: bool,
}

/// A variable as the text has it.
struct Entry {
    /// From 1.
    line: usize,
    key: String,
    value: String,
    hcl: bool,
}

impl Pasted {
    fn entries(&self) -> Result<Vec<Entry>> {
        if self.text.len() > LIMIT {
            return Err(Error::invalid("text", format!("has at most {} KiB", LIMIT >> 10)));
        }
        let text = self.text.replace("\r\n", "\n");
        let entries = match self.format {
            Format::Tfvars => text::tfvars(&text),
            Format::Dotenv => text::dotenv(&text),
        };
        let entries = entries.map_err(|wrong| Error::invalid("text", wrong.to_string()))?;
        if entries.is_empty() {
            return Err(Error::invalid("text", "has no variable in it"));
        }
        let mut seen: HashMap<&str, usize> = HashMap::new();
        for entry in &entries {
            if let Some(before) = seen.insert(&entry.key, entry.line) {
                let why = format!(
                    "Line {}: {} has a value in line {before} already.",
                    entry.line, entry.key
                );
                return Err(Error::invalid("text", why));
            }
        }
        Ok(entries)
    }

    fn change(&self, entry: &Entry) -> Change {
        Change {
            key: Some(entry.key.clone()),
            value: Some(entry.value.clone().into()),
            category: Some(self.format.category()),
            hcl: Some(entry.hcl),
            sensitive: self.sensitive.then_some(true),
            description: None,
        }
    }
}

/// What becomes of a variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    New,
    /// From this value; absent for a secret.
    Changed(Option<String>),
    Same,
    /// Why it cannot be.
    Refused(String),
}

pub struct Line {
    pub key: String,
    /// Absent for what is secret, or is to be.
    pub value: Option<String>,
    pub hcl: bool,
    pub outcome: Outcome,
}

pub struct Preview {
    pub lines: Vec<Line>,
    /// What [`save`] is given, if no line is refused and there is something to do.
    pub sealed: Option<SecretString>,
}

/// What was seen: the text, and of which version each variable was that it would change.
#[derive(Serialize, Deserialize)]
struct Seen {
    pasted: Pasted,
    versions: HashMap<String, String>,
}

/// For whom it was sealed: for nobody else, and nowhere else.
fn place(cx: &Ctx, workspace: &Workspace) -> String {
    let person = cx.actor().user_id().map(|id| id.to_string()).unwrap_or_default();
    format!("{}/{person}", workspace.id)
}

async fn present(
    cx: &Ctx,
    workspace: &Workspace,
    category: Category,
) -> Result<HashMap<String, Variable>> {
    let rows = in_order(cx, variable::Column::WorkspaceId.eq(&workspace.id)).await?;
    let of = rows.into_iter().filter(|row| row.category == category);
    Ok(of.map(|row| (row.name.clone(), row)).collect())
}

/// What would change. Nothing is stored: what was pasted comes back sealed.
///
/// # Errors
/// Invalid for a text that cannot be read, naming the line.
pub async fn preview(
    cx: &Ctx,
    workspace: &Granted<can::UpdateVariables>,
    pasted: Pasted,
) -> Result<Preview> {
    let entries = pasted.entries()?;
    let present = present(cx, workspace, pasted.format.category()).await?;
    let mut lines = Vec::new();
    let mut versions = HashMap::new();
    for entry in &entries {
        let now = present.get(&entry.key);
        if let Some(row) = now {
            versions.insert(entry.key.clone(), row.version_id.clone());
        }
        let is_secret = pasted.sensitive || now.is_some_and(|row| row.sensitive);
        lines.push(Line {
            key: entry.key.clone(),
            value: (!is_secret).then(|| entry.value.clone()),
            hcl: entry.hcl,
            outcome: outcome(cx, workspace, &pasted, entry, now)?,
        });
    }
    let refused = lines.iter().any(|line| matches!(line.outcome, Outcome::Refused(_)));
    let changes = lines.iter().any(|line| line.outcome != Outcome::Same);
    let sealed = if refused || !changes {
        None
    } else {
        let seen = serde_json::to_vec(&Seen { pasted, versions })
            .map_err(|error| Error::Internal(error.into()))?;
        Some(cx.keyring().seal(SEALED, &place(cx, workspace), &seen).into())
    };
    Ok(Preview { lines, sealed })
}

fn outcome(
    cx: &Ctx,
    workspace: &Workspace,
    pasted: &Pasted,
    entry: &Entry,
    now: Option<&Variable>,
) -> Result<Outcome> {
    let change = pasted.change(entry);
    let tried = match now {
        Some(row) => change.apply(cx, &mut row.clone()),
        None => change.create(cx, Owner::Workspace(workspace.id.clone()), cx.now()).map(drop),
    };
    if let Err(error) = tried {
        return match error {
            Error::Invalid { pointer, message } => {
                Ok(Outcome::Refused(crate::about(&pointer, &message)))
            }
            other => Err(other),
        };
    }
    let Some(row) = now else { return Ok(Outcome::New) };
    if row.sensitive {
        return Ok(Outcome::Changed(None));
    }
    let before = clear(cx, row)?;
    Ok(if is_same(pasted, entry, row, &before) {
        Outcome::Same
    } else {
        Outcome::Changed(Some(before.expose_secret().to_owned()))
    })
}

fn is_same(pasted: &Pasted, entry: &Entry, row: &Variable, before: &SecretString) -> bool {
    !row.sensitive
        && !pasted.sensitive
        && row.hcl == entry.hcl
        && before.expose_secret() == entry.value
}

/// Does what the preview said, all of it in one transaction; how many variables were made or changed.
///
/// # Errors
/// Conflict if a variable has changed since; bad request for what was not sealed here for the caller.
pub async fn save(
    cx: &Ctx,
    workspace: &Granted<can::UpdateVariables>,
    sealed: &str,
) -> Result<usize> {
    let foreign = || Error::BadRequest("This was not looked at before. Paste it again.".into());
    let opened = cx.keyring().open(SEALED, &place(cx, workspace), sealed);
    let opened = opened.map_err(|_| foreign())?;
    let Seen { pasted, versions } = serde_json::from_slice(&opened).map_err(|_| foreign())?;
    let entries = pasted.entries()?;
    let tx = cx.write().await?;
    tx.lock::<workspace::Entity>(workspace.id.clone()).await?.ok_or(Error::NotFound)?;
    let mut many = 0;
    for entry in &entries {
        let named = variable::Entity::find()
            .filter(variable::Column::WorkspaceId.eq(&workspace.id))
            .filter(variable::Column::Category.eq(pasted.format.category()))
            .filter(variable::Column::Name.eq(&entry.key))
            .one(tx.db())
            .await?;
        if named.as_ref().map(|row| &row.version_id) != versions.get(&entry.key) {
            let why = format!("{} has changed meanwhile. Look at it again.", entry.key);
            tx.roll_back().await;
            return Err(Error::conflict(why));
        }
        let change = pasted.change(entry);
        let (happened, row) = match named {
            Some(row) if is_same(&pasted, entry, &row, &clear(cx, &row)?) => continue,
            Some(row) => {
                let row = tx.lock::<variable::Entity>(row.id).await?;
                let mut row = row.ok_or(Error::NotFound)?;
                change.apply(cx, &mut row)?;
                (Happened::VariableUpdated, tx.update(row).await.map_err(taken("key"))?)
            }
            None => {
                check_count(&tx, variable::Column::WorkspaceId.eq(&workspace.id)).await?;
                let owner = Owner::Workspace(workspace.id.clone());
                let new = change.create(cx, owner, tx.now())?;
                (Happened::VariableCreated, tx.insert(new).await.map_err(taken("key"))?)
            }
        };
        tx.emit(happened, subject(workspace, &row), told(&row)).await?;
        many += 1;
    }
    tx.commit().await?;
    Ok(many)
}
