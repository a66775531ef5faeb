//! What belongs together: a database, the keys that have sealed something in it, and its blobs. A server that was
//! given the wrong one of them must not start: it would seal new states with a key that is no use to the old ones,
//! or take blobs that others live on for blobs without rows.
//!
//! The database keeps the marks of its keys and an id of its own, which also stands in a mark beside the blobs. Data
//! from before there were marks is marked once a sample of what is sealed in it has been opened.

pub mod holds;
pub(crate) mod named;
mod sample;
pub mod sealed;

use blobs::{Blobs, Mark};
use crypto::{KeyMark, Keyring};
use db::{
    Db, Schema, Timestamp,
    entity::{installation, sealing_key},
    sea_orm::{ConnectionTrait, EntityTrait, Statement, Value},
};

pub use sample::{Samples, samples};

/// Why data, keys and blobs are not used together.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// Of the keys.
    #[error("{0}")]
    Keys(String),
    /// Of the blobs.
    #[error("{0}")]
    Blobs(String),
    /// It could not be found out.
    #[error(transparent)]
    Failed(#[from] crate::Error),
}

impl From<db::Error> for Refusal {
    fn from(error: db::Error) -> Self {
        Self::Failed(error.into())
    }
}

impl From<db::sea_orm::DbErr> for Refusal {
    fn from(error: db::sea_orm::DbErr) -> Self {
        Self::Failed(error.into())
    }
}

impl From<blobs::Error> for Refusal {
    fn from(error: blobs::Error) -> Self {
        Self::Failed(error.into())
    }
}

/// What a database tells of its installation. Reading it changes nothing, whatever its schema.
#[derive(Debug)]
pub struct Known {
    pub schema: Schema,
    keys: Vec<KeyMark>,
    row: Option<installation::Model>,
    has_organizations: bool,
}

impl Known {
    /// Of a database that is yet to be made.
    pub fn nothing() -> Self {
        Self { schema: Schema::Absent, keys: Vec::new(), row: None, has_organizations: false }
    }

    pub async fn read(db: &Db) -> Result<Self, db::Error> {
        let schema = db.schema().await?;
        let mut known = Self { schema, ..Self::nothing() };
        if schema == Schema::Absent {
            return Ok(known);
        }
        if db.has_table("sealing_keys").await? {
            let rows = sealing_key::Entity::find().all(db.read()).await?;
            let mark =
                |row: sealing_key::Model| KeyMark { id: row.id, fingerprint: row.fingerprint };
            known.keys = rows.into_iter().map(mark).collect();
        }
        if db.has_table("installations").await? {
            known.row = installation::Entity::find_by_id(installation::ONE).one(db.read()).await?;
        }
        // A schema may be one that was broken off.
        if !db.has_table("organizations").await? {
            return Ok(known);
        }
        let any = "SELECT name FROM organizations LIMIT 1";
        let any = Statement::from_string(db.read().get_database_backend(), any);
        known.has_organizations = db.read().query_one_raw(any).await?.is_some();
        Ok(known)
    }

    /// Whether nothing was ever sealed or stored: everything of that kind belongs to an organization.
    pub fn is_new(&self) -> bool {
        self.keys.is_empty() && self.row.is_none() && !self.has_organizations
    }

    /// Whether blobs must be there already.
    pub fn expects_blobs(&self) -> bool {
        self.row.as_ref().map_or(self.has_organizations, |row| row.blobs_marked)
    }

    /// The id of the installation, once it has one.
    pub fn id(&self) -> Option<&str> {
        self.row.as_ref().map(|row| row.id.as_str())
    }

    /// The marks of the keys that have sealed something.
    pub fn keys(&self) -> &[KeyMark] {
        &self.keys
    }

    /// Whether no restore into this place was broken off: its rows come when all else is there.
    pub fn check_restored(&self, mark: Option<&Mark>) -> Result<(), Refusal> {
        if self.row.is_none() && matches!(mark, Some(Mark::Restoring(_))) {
            let why = "a restore into this place was broken off, and not all of it is here: run `statehouse restore` \
                       again with a backup of the same installation, or, to begin anew, empty the folder and the \
                       database";
            return Err(Refusal::Blobs(why.to_owned()));
        }
        Ok(())
    }

    /// Whether these keys and blobs are those of this database.
    pub async fn check(&self, db: &Db, blobs: &Blobs, keyring: &Keyring) -> Result<(), Refusal> {
        check_keys(&self.keys, keyring)?;
        self.check_blobs(blobs).await?;
        if self.row.is_none() && self.has_organizations {
            samples(db, blobs, keyring).await?.prove()?;
        }
        Ok(())
    }

    /// The same of a database that is yet to be made.
    pub async fn check_without_database(blobs: &Blobs) -> Result<(), Refusal> {
        Self::nothing().check_blobs(blobs).await
    }

    async fn check_blobs(&self, blobs: &Blobs) -> Result<(), Refusal> {
        let refused = |why: String| Err(Refusal::Blobs(why));
        let mark = blobs.mark().await?;
        self.check_restored(mark.as_ref())?;
        match (&self.row, mark) {
            (Some(row), Some(Mark::Of(id) | Mark::Restoring(id))) if id == row.id => Ok(()),
            (Some(row), None) if !row.blobs_marked => Ok(()),
            (Some(row), None) => refused(format!(
                "the blobs of this database (installation {}) are not here: is their file system \
                 mounted, is it the right folder?",
                row.id
            )),
            (row, Some(Mark::Of(id) | Mark::Restoring(id))) if row.is_some() || self.is_new() => {
                let ours = row.as_ref().map_or("a new one".to_owned(), |row| row.id.clone());
                refused(format!(
                    "these blobs belong to installation {id}, the database to {ours}: give each \
                     database its own blobs"
                ))
            }
            (None, None) if self.is_new() && !blobs.is_empty().await? => refused(
                "there are blobs already, but the database is new: if they are to be used, give \
                 them their database, and if not, an empty folder"
                    .into(),
            ),
            // Older data, which a sample will prove.
            _ => Ok(()),
        }
    }
}

/// Whether all keys of these marks are there.
pub fn check_keys(known: &[KeyMark], keyring: &Keyring) -> Result<(), Refusal> {
    let here = keyring.marks();
    for mark in known {
        let KeyMark { id, fingerprint } = mark;
        match here.iter().find(|key| key.id == *id) {
            Some(key) if key == mark => {}
            Some(key) => {
                return Err(Refusal::Keys(format!(
                    "this data was sealed with another key {id:?} (fingerprint {fingerprint}) than \
                     the one in the key file ({}): put the key file back that belongs to this data",
                    key.fingerprint
                )));
            }
            None => {
                let has = here.iter().map(|key| format!("{:?}", key.id)).collect::<Vec<_>>();
                return Err(Refusal::Keys(format!(
                    "this data was sealed with the key {id:?} (fingerprint {fingerprint}), which the \
                     key file does not have (it has {}): put its line, or the key file that belongs \
                     to this data, back from the backup",
                    has.join(", ")
                )));
            }
        }
    }
    Ok(())
}

/// Writes down what belongs together, where it is not written down yet. The schema must be current, and
/// [`Known::check`] must have found nothing wrong.
pub async fn settle(
    known: &Known,
    db: &Db,
    blobs: &Blobs,
    keyring: &Keyring,
    now: Timestamp,
) -> Result<(), Refusal> {
    let marks = keyring.marks();
    // Of older data nobody knows which keys it needs: all that were kept.
    let adopted = known.row.is_none() && known.has_organizations;
    let used = if adopted { &marks[..] } else { &marks[..1] };
    if known.row.is_none() || used.iter().any(|mark| !known.keys.contains(mark)) {
        let id = match blobs.mark().await? {
            Some(Mark::Of(id)) => id,
            _ => fresh_id(),
        };
        let tx = db.write().await?;
        // Several servers may start at once: the first one decides, and the others see what it wrote.
        let values = [installation::ONE.into(), id.into(), false.into()];
        insert(&tx, "installations (one, id, blobs_marked) VALUES ($1, $2, $3)", values).await?;
        for mark in used {
            let values = [mark.id.clone().into(), mark.fingerprint.clone().into(), now.into()];
            let into = "sealing_keys (id, fingerprint, first_used_at) VALUES ($1, $2, $3)";
            insert(&tx, into, values).await?;
        }
        tx.commit().await?;
        let written = Known::read(db).await?;
        check_keys(&written.keys, keyring)?;
    }
    mark_blobs(db, blobs).await
}

async fn mark_blobs(db: &Db, blobs: &Blobs) -> Result<(), Refusal> {
    let gone = || Refusal::Failed(crate::Error::Internal(anyhow::anyhow!("no installation")));
    let row = installation::Entity::find_by_id(installation::ONE).one(db.read()).await?;
    let row = row.ok_or_else(gone)?;
    let ours = Mark::Of(row.id.clone());
    match blobs.claim(&ours).await? {
        mark if mark == ours => {}
        // The rows come last in a restore: it was complete.
        Mark::Restoring(id) if id == row.id => blobs.replace_mark(&ours).await?,
        Mark::Of(id) | Mark::Restoring(id) => {
            let ours = &row.id;
            let why = format!("these blobs belong to installation {id}, the database to {ours}");
            return Err(Refusal::Blobs(why));
        }
    }
    if !row.blobs_marked {
        let tx = db.write().await?;
        let row = tx.lock::<installation::Entity>(installation::ONE).await?;
        let mut row = row.ok_or_else(gone)?;
        row.blobs_marked = true;
        tx.update(row).await?;
        tx.commit().await?;
    }
    Ok(())
}

fn fresh_id() -> String {
    use secrecy::ExposeSecret;
    crypto::random_secret(16).expose_secret().to_owned()
}

async fn insert(
    tx: &db::Write,
    into: &str,
    values: impl IntoIterator<Item = Value>,
) -> Result<(), Refusal> {
    let sql = format!("INSERT INTO {into} ON CONFLICT DO NOTHING");
    tx.execute_raw(Statement::from_sql_and_values(tx.get_database_backend(), sql, values)).await?;
    Ok(())
}
