//! `statehouse migrate`: brings the database's schema up to date, where `serve` would do so as well; a new installation
//! gets its key, too.

use anyhow::Result;
use courier::Courier;

use crate::config::{Store, StoreFlags};
use crate::open::{self, Absent};
use crate::{admin, private_file};

pub fn run(flags: &StoreFlags) -> Result<()> {
    let store = Store::load(flags)?;
    private_file::directory(&store.data_dir)?;
    tokio::runtime::Runtime::new()?.block_on(async {
        let courier = Courier::new(courier::Settings::default())?;
        open::open(&store, admin::offline(), courier, Absent::Create).await?.close().await;
        let (db, _) = open::connect(&store, Absent::Refuse).await?;
        for migration in db.migrations().await? {
            println!("{}\t{}", migration.version, migration.description);
        }
        db.close().await;
        Ok(())
    })
}
