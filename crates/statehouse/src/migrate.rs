//! `statehouse migrate`: brings the database's schema up to date, and nothing else.

use anyhow::Result;

use crate::config::{Store, StoreFlags};
use crate::open;
use crate::private_file;

pub fn run(flags: &StoreFlags) -> Result<()> {
    let store = Store::load(flags)?;
    private_file::directory(&store.data_dir)?;
    tokio::runtime::Runtime::new()?.block_on(async {
        let db = open::database(&store).await?;
        for migration in db.migrations().await? {
            println!("{}\t{}", migration.version, migration.description);
        }
        db.close().await;
        Ok(())
    })
}
