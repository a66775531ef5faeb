//! `statehouse migrate`: brings the database's schema up to date; a new installation gets its key as well.

use anyhow::Result;

use crate::config::{Store, StoreFlags};
use crate::open;
use crate::private_file;

pub fn run(flags: &StoreFlags) -> Result<()> {
    let store = Store::load(flags)?;
    private_file::directory(&store.data_dir)?;
    tokio::runtime::Runtime::new()?.block_on(async {
        let db = open::migrate(&store).await?;
        for migration in db.migrations().await? {
            println!("{}\t{}", migration.version, migration.description);
        }
        db.close().await;
        Ok(())
    })
}
