//! What lies in the store and is named by no row: most of it is on its way to a row, or to be deleted.

use std::{collections::HashMap, time::SystemTime};

use db::{
    Snapshot,
    dump::{Row, Table},
};
use futures::TryStreamExt;

use super::{Finding, Looking, Weight};
use crate::{Result, cleanup, installation::named};

/// By their names, of logs that of their folder, with the time at which they were written last.
type Strays = HashMap<String, SystemTime>;

impl Looking {
    pub(super) async fn strays(&mut self, database: &db::Settings) -> Result<()> {
        let mut strays = self.unnamed().await?;
        if strays.is_empty() {
            return Ok(());
        }
        // Rows may have come since the snapshot that was read.
        let mut snapshot = Snapshot::take_as_it_is(database).await?;
        for table in snapshot.tables().await? {
            let mut rows = snapshot.rows(&table);
            while let Some(row) = rows.try_next().await? {
                self.explain(&mut strays, &table, &row)?;
            }
        }
        snapshot.close().await;
        for (name, written_at) in strays {
            if written_at.elapsed().is_ok_and(|age| age >= cleanup::SETTLED) {
                self.report.findings.push(Finding {
                    weight: Weight::Note,
                    place: String::new(),
                    what: format!("blob {name}"),
                    why: "is named by no row, and no upload is under way: it only takes up room"
                        .into(),
                });
            } else {
                self.report.unfinished += 1;
            }
        }
        Ok(())
    }

    async fn unnamed(&self) -> Result<Strays> {
        let blobs = self.cx.blobs().clone();
        let mut all = blobs.everything();
        let mut strays = Strays::new();
        while let Some((place, written_at)) = all.try_next().await? {
            let mut parts = place.splitn(3, '/');
            let name = match (parts.next(), parts.next()) {
                (Some(folder), Some(id)) => format!("{folder}/{id}"),
                _ => place.clone(),
            };
            if !self.known.has(&name) {
                let last = strays.entry(name).or_insert(written_at);
                *last = written_at.max(*last);
            }
        }
        Ok(strays)
    }

    /// Takes out those of which a row tells what becomes of them.
    fn explain(&mut self, strays: &mut Strays, table: &Table, row: &Row) -> Result<()> {
        for named in named::of(table, row) {
            strays.remove(&named.name()?);
        }
        for name in cleanup::doomed_by(table, row) {
            strays.remove(&name);
        }
        for named in named::awaited_by(table, row) {
            if strays.remove(&named.name()?).is_some() {
                self.report.unfinished += 1;
            }
        }
        Ok(())
    }
}
