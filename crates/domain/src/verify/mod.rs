//! Whether all that is stored is whole: every state version, the blobs that rows name, and what is sealed in columns.
//! Reads only, and may be done while a server serves.

mod reading;
mod strays;

use std::{
    collections::{HashMap, HashSet},
    hash::{BuildHasher, RandomState},
    sync::Arc,
};

use blobs::{LogId, Name};
use db::{
    Snapshot,
    dump::{Row, Table},
    entity::run,
    id::RunId,
    sea_orm::{ConnectionTrait, EntityTrait, Statement},
};
use futures::TryStreamExt;

use crate::{
    App, Ctx, Result,
    backup::{Progress, Step},
    installation::{
        named::{self, Named},
        sealed,
    },
};

/// Values of a column that are read at once.
const VALUES: u64 = 500;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// Worth knowing.
    Note,
    /// Something is lost or wrong.
    Damage,
}

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub weight: Weight,
    /// Organization and workspace, as far as it belongs to one.
    pub place: String,
    /// What it is, by its id.
    pub what: String,
    pub why: String,
}

/// What was looked at, and what was found.
#[derive(Debug, Default)]
pub struct Report {
    pub states: u64,
    pub blobs: u64,
    pub logs: u64,
    pub values: u64,
    /// Blobs that no row names yet: of uploads under way, or left by those that were broken off.
    pub unfinished: u64,
    pub findings: Vec<Finding>,
}

impl Report {
    pub fn damaged(&self) -> usize {
        self.findings.iter().filter(|finding| finding.weight == Weight::Damage).count()
    }
}

/// Looks at everything.
///
/// # Errors
/// Only for what keeps it from looking; what is damaged is in the report.
pub async fn verify(app: &App, database: &db::Settings, progress: Arc<Progress>) -> Result<Report> {
    let mut snapshot = Snapshot::take_as_it_is(database).await?;
    let whole = snapshot.prove().await;
    let mut looking = Looking {
        cx: app.system("verify"),
        places: HashMap::new(),
        known: Known::default(),
        missing: Vec::new(),
        report: Report::default(),
        progress,
    };
    // What nobody reads row by row, an index for one, would not be noticed below.
    if let Err(error) = whole {
        looking.report.findings.push(Finding {
            weight: Weight::Damage,
            place: String::new(),
            what: "the database".to_owned(),
            why: error.to_string(),
        });
    }
    let tables = snapshot.tables().await?;
    for table in tables.iter().filter(|table| table.name == "workspaces") {
        let mut rows = snapshot.rows(table);
        while let Some(row) = rows.try_next().await? {
            let text = |column| table.text(&row, column).unwrap_or_default();
            let place = format!("{}/{}", text("organization_name"), text("name"));
            looking.places.insert(text("id").to_owned(), place);
        }
    }
    for table in &tables {
        let mut rows = snapshot.rows(table);
        while let Some(row) = rows.try_next().await? {
            looking.row(table, &row).await?;
        }
    }
    snapshot.close().await;
    looking.columns().await?;
    looking.current_states().await?;
    looking.strays(database).await?;
    looking.decide_missing(database).await?;
    Ok(looking.report)
}

/// Names that rows have given, by their hashes: a million of them must not fill the memory.
#[derive(Default)]
struct Known {
    hasher: RandomState,
    hashes: HashSet<u64>,
}

impl Known {
    fn add(&mut self, name: &str) {
        self.hashes.insert(self.hasher.hash_one(name));
    }

    fn has(&self, name: &str) -> bool {
        self.hashes.contains(&self.hasher.hash_one(name))
    }
}

struct Looking {
    cx: Ctx,
    /// Organization and workspace, by the workspace's id.
    places: HashMap<String, String>,
    known: Known,
    /// Blobs that were not there, by their names.
    missing: Vec<(String, Finding)>,
    report: Report,
    progress: Arc<Progress>,
}

impl Looking {
    async fn row(&mut self, table: &Table, row: &Row) -> Result<()> {
        for named in named::of(table, row) {
            match named {
                Named::Log(id) => {
                    self.known.add(&LogId::new(&id)?.to_string());
                    self.log(table, row, &id).await?;
                }
                Named::Blob(kind, id) => {
                    let name = Name::new(kind, &id)?;
                    self.known.add(name.as_str());
                    self.blob(table, row, kind, &name).await?;
                }
            }
        }
        Ok(())
    }

    /// Opens every sealed value of the database.
    async fn columns(&mut self) -> Result<()> {
        for column in sealed::COLUMNS {
            let mut after = String::new();
            loop {
                let values = column.values(self.cx.db(), &after, VALUES).await?;
                let Some(last) = values.last() else { break };
                after.clone_from(&last.id);
                for value in values {
                    self.report.values += 1;
                    let opened = self.cx.keyring().open(column.purpose, &value.id, &value.sealed);
                    if let Err(error) = opened {
                        self.report.findings.push(Finding {
                            weight: Weight::Damage,
                            place: String::new(),
                            what: format!("{} of {}", column.purpose, value.id),
                            why: error.to_string(),
                        });
                    }
                }
                (self.progress)(Step { what: "values", done: self.report.values, bytes: 0 });
            }
        }
        Ok(())
    }

    /// The current state of a workspace is a finalized version of its own, and one with versions has a current one.
    async fn current_states(&mut self) -> Result<()> {
        let sql = "SELECT w.id AS id, w.current_state_version_id AS version FROM workspaces w \
            LEFT JOIN state_versions s \
                ON s.id = w.current_state_version_id AND s.workspace_id = w.id \
                AND s.status = 'finalized' \
            WHERE s.id IS NULL AND (w.current_state_version_id IS NOT NULL OR EXISTS \
                (SELECT 1 FROM state_versions o WHERE o.workspace_id = w.id AND o.status = 'finalized'))";
        let connection = self.cx.read();
        let statement = Statement::from_string(connection.get_database_backend(), sql);
        for row in connection.query_all_raw(statement).await? {
            let id: String = row.try_get("", "id")?;
            let version: Option<String> = row.try_get("", "version")?;
            let why = match version {
                Some(version) => format!("its current state {version} is no state of its own"),
                None => "has states, and none of them is current".to_owned(),
            };
            let place = self.places.get(&id).cloned().unwrap_or_default();
            let what = format!("workspace {id}");
            self.report.findings.push(Finding { weight: Weight::Damage, place, what, why });
        }
        Ok(())
    }

    /// What was not there may have been deleted since the snapshot, with its row.
    async fn decide_missing(&mut self, database: &db::Settings) -> Result<()> {
        if self.missing.is_empty() {
            return Ok(());
        }
        let mut snapshot = Snapshot::take_as_it_is(database).await?;
        let mut still = Known::default();
        for table in snapshot.tables().await? {
            let mut rows = snapshot.rows(&table);
            while let Some(row) = rows.try_next().await? {
                for named in named::of(&table, &row) {
                    if let Named::Blob(kind, id) = named {
                        still.add(Name::new(kind, &id)?.as_str());
                    }
                }
            }
        }
        snapshot.close().await;
        for (name, finding) in std::mem::take(&mut self.missing) {
            if still.has(&name) && !self.cx.blobs().exists(&name.parse()?).await? {
                self.report.findings.push(finding);
            }
        }
        Ok(())
    }

    async fn damage(
        &mut self,
        table: &Table,
        row: &Row,
        what: &impl std::fmt::Display,
        why: String,
    ) -> Result<()> {
        let finding = self.finding(table, row, what, Weight::Damage, why).await?;
        self.report.findings.push(finding);
        Ok(())
    }

    async fn finding(
        &self,
        table: &Table,
        row: &Row,
        what: &impl std::fmt::Display,
        weight: Weight,
        why: String,
    ) -> Result<Finding> {
        let mut what = format!("blob {what}");
        if let Some(serial) = table.value(row, "serial").as_i64() {
            what = format!("{what} (serial {serial})");
        }
        Ok(Finding { weight, place: self.place(table, row).await?, what, why })
    }

    async fn place(&self, table: &Table, row: &Row) -> Result<String> {
        let mut workspace = table.text(row, "workspace_id").map(str::to_owned);
        if workspace.is_none()
            && let Some(id) = table.text(row, "run_id")
            && let Ok(id) = id.parse::<RunId>()
        {
            let found = run::Entity::find_by_id(id).one(self.cx.read()).await?;
            workspace = found.map(|run| run.workspace_id.to_string());
        }
        Ok(match workspace {
            Some(id) => self.places.get(&id).cloned().unwrap_or(id),
            None => table.text(row, "organization_name").unwrap_or_default().to_owned(),
        })
    }
}
