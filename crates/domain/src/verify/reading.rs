//! Reading of what rows name: whole, and compared with what the rows say of it.

use blobs::{Kind, LogId, Name};
use db::dump::{Row, Table};
use futures::StreamExt;
use md5::{Digest, Md5};
use serde::Deserialize;

use super::{Looking, Weight};
use crate::{Result, backup::Step, states};

/// Bytes of a log that are read at once.
const LOG_PIECE: usize = 256 * 1024;

/// What a state says of itself; the rest is passed over.
#[derive(Deserialize)]
struct Head {
    serial: Option<i64>,
    lineage: Option<String>,
}

impl Looking {
    pub(super) async fn blob(
        &mut self,
        table: &Table,
        row: &Row,
        kind: Kind,
        name: &Name,
    ) -> Result<()> {
        self.report.blobs += 1;
        let done = self.report.blobs;
        (self.progress)(Step { what: "blobs", done, bytes: 0 });
        match self.read(name).await {
            Ok((size, md5)) => {
                let said = table.value(row, "size").as_i64();
                match kind {
                    Kind::State => self.state(table, row, name, size, &md5).await?,
                    Kind::Configuration if said.is_some_and(|said| said != size) => {
                        let why = format!("has {size} bytes, and its row says {}", shown(said));
                        self.damage(table, row, name, why).await?;
                    }
                    _ => {}
                }
            }
            Err(blobs::Error::NotFound(_)) => {
                let why = "is not there, and a row names it".to_owned();
                let finding = self.finding(table, row, name, Weight::Damage, why).await?;
                self.missing.push((name.to_string(), finding));
            }
            Err(error) => self.damage(table, row, name, chain(&error)).await?,
        }
        Ok(())
    }

    /// Opens all of a blob; its bytes and their digest.
    async fn read(&self, name: &Name) -> blobs::Result<(i64, String)> {
        let (_, mut content) = self.cx.blobs().get_stream(name).await?;
        let (mut size, mut md5) = (0, Md5::new());
        while let Some(piece) = content.next().await {
            let piece = piece?;
            size += i64::try_from(piece.len()).unwrap_or(i64::MAX);
            md5.update(&piece);
        }
        Ok((size, hex::encode(md5.finalize())))
    }

    async fn state(
        &mut self,
        table: &Table,
        row: &Row,
        name: &Name,
        size: i64,
        md5: &str,
    ) -> Result<()> {
        self.report.states += 1;
        if table.text(row, "md5") != Some(md5) {
            let why = "its content has another digest than its row".to_owned();
            return self.damage(table, row, name, why).await;
        }
        if table.value(row, "size").as_i64() != Some(size) {
            let why = format!("has {size} bytes, and its row says {}", table.value(row, "size"));
            return self.damage(table, row, name, why).await;
        }
        let head: Head = match states::read_blob(&self.cx, name).await {
            Ok(head) => head,
            Err(crate::Error::Invalid { .. }) => {
                let why = "its content is not JSON that could be read".to_owned();
                return self.damage(table, row, name, why).await;
            }
            Err(error) if self.cx.blobs().exists(name).await? => return Err(error),
            Err(_) => {
                let why = "was there, and was not a moment later".to_owned();
                let finding = self.finding(table, row, name, Weight::Damage, why).await?;
                self.missing.push((name.to_string(), finding));
                return Ok(());
            }
        };
        let serial = table.value(row, "serial").as_i64();
        let lineage = table.text(row, "lineage");
        let mut differs = Vec::new();
        if head.serial.is_some() && head.serial != serial {
            differs.push(format!("serial {}, its row {}", shown(head.serial), shown(serial)));
        }
        if head.lineage.is_some() && head.lineage.as_deref() != lineage {
            differs.push(format!(
                "lineage {}, its row {}",
                shown(head.lineage.as_deref()),
                shown(lineage)
            ));
        }
        if differs.is_empty() {
            return Ok(());
        }
        // Those of a run come from the state itself; what a client announces is taken at its word.
        let from_run = !table.value(row, "run_id").is_null();
        let weight = if from_run { Weight::Damage } else { Weight::Note };
        let why = format!("its content has {}", differs.join(" and "));
        let finding = self.finding(table, row, name, weight, why).await?;
        self.report.findings.push(finding);
        Ok(())
    }

    pub(super) async fn log(&mut self, table: &Table, row: &Row, id: &str) -> Result<()> {
        self.report.logs += 1;
        (self.progress)(Step { what: "logs", done: self.report.logs, bytes: 0 });
        let log = LogId::new(id)?;
        let why = match self.read_log(&log).await {
            Ok(None) => return Ok(()),
            Ok(Some(lost)) => format!("has lost what was before byte {lost}"),
            Err(error) => chain(&error),
        };
        self.damage(table, row, &log, why).await
    }

    /// Reads all of a log; tells where it goes on behind a hole.
    async fn read_log(&self, log: &LogId) -> blobs::Result<Option<u64>> {
        // Parts are named by their first byte. Looked at first: a log only grows.
        let parts = self.cx.blobs().parts_of(log).await?;
        let length = self.cx.blobs().log_length(log).await?;
        let mut at = 0;
        while at < length {
            let piece = self.cx.blobs().read_log(log, at, LOG_PIECE).await?;
            if piece.is_empty() {
                break;
            }
            at += piece.len() as u64;
        }
        let starts = parts.iter().filter_map(|part| part.as_str().rsplit('/').next()?.parse().ok());
        Ok(starts.filter(|start: &u64| *start > length).min())
    }
}

/// An error with what is behind it.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut behind = error.source();
    while let Some(error) = behind {
        text = format!("{text}: {error}");
        behind = error.source();
    }
    text
}

/// For people.
fn shown<T: std::fmt::Display>(value: Option<T>) -> String {
    value.map_or_else(|| "none".to_owned(), |value| value.to_string())
}
