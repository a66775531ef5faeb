//! Some of what is sealed, opened to see whether the keys and the blobs are the right ones.

use blobs::{Blobs, Kind, Name};
use crypto::Keyring;
use db::{
    Db,
    sea_orm::{ConnectionTrait, Statement},
};

use super::{Refusal, sealed};

/// Of each column, and of the states.
const SAMPLES: u64 = 5;

/// What came of the samples.
#[derive(Debug, Default)]
pub struct Samples {
    /// Values of the database and blobs that could be opened.
    pub rows: usize,
    pub blobs: usize,
    /// What could not, and why; without contents.
    pub closed: Vec<String>,
    /// Blobs that are not there.
    pub missing: Vec<String>,
    unknown_key: Option<String>,
}

/// Opens some values of each sealed column, and the latest states.
pub async fn samples(db: &Db, blobs: &Blobs, keyring: &Keyring) -> Result<Samples, Refusal> {
    let mut samples = Samples::default();
    for column in sealed::COLUMNS {
        for value in column.values(db, "", SAMPLES).await? {
            match keyring.open(column.purpose, &value.id, &value.sealed) {
                Ok(_) => samples.rows += 1,
                Err(error) => {
                    samples.fail(format!("{} of {}: {error}", column.purpose, value.id), &error);
                }
            }
        }
    }
    for id in latest_states(db).await? {
        let name = Name::new(Kind::State, &id)?;
        match blobs.read_range(&name, 0, 1).await {
            Ok(_) => samples.blobs += 1,
            Err(blobs::Error::NotFound(name)) => samples.missing.push(name.to_string()),
            Err(blobs::Error::Sealed { name, source }) => {
                samples.fail(format!("blob {name}: {source}"), &source);
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(samples)
}

/// By no entity, as the schema may be an older one.
async fn latest_states(db: &Db) -> Result<Vec<String>, Refusal> {
    let sql = format!(
        "SELECT id FROM state_versions WHERE status = 'finalized' \
         ORDER BY created_at DESC, id LIMIT {SAMPLES}"
    );
    let connection = db.read();
    let statement = Statement::from_string(connection.get_database_backend(), sql);
    let rows = connection.query_all_raw(statement).await?;
    Ok(rows.iter().map(|row| row.try_get("", "id")).collect::<Result<_, _>>()?)
}

impl Samples {
    fn fail(&mut self, what: String, error: &crypto::Error) {
        if let crypto::Error::UnknownKey(id) = error {
            self.unknown_key.get_or_insert_with(|| id.clone());
        }
        self.closed.push(what);
    }

    /// Whether the keys and blobs are those of this data. A single broken value is damage, which
    /// `statehouse verify` finds; what speaks against the key is that nothing opens.
    pub fn prove(&self) -> Result<(), Refusal> {
        if let Some(id) = &self.unknown_key {
            return Err(Refusal::Keys(format!(
                "this data was sealed with the key {id:?}, which the key file does not have: put its \
                 line, or the key file that belongs to this data, back from the backup"
            )));
        }
        if self.rows + self.blobs == 0
            && let Some(first) = self.closed.first()
        {
            return Err(Refusal::Keys(format!(
                "nothing of this data can be opened with the key file ({first}): put the key file \
                 back that belongs to this data"
            )));
        }
        if self.blobs == 0
            && let Some(first) = self.missing.first()
        {
            return Err(Refusal::Blobs(format!(
                "none of the latest states is here ({first}): is it the right folder, is its file \
                 system mounted?"
            )));
        }
        Ok(())
    }
}
