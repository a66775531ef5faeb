//! Opens what the operator has: keys, blobs and database, put together as the domain's [`App`].

use anyhow::{Context, Result, ensure};
use blobs::Blobs;
use courier::Courier;
use crypto::{ExposeSecret, Keyring};
use domain::{App, Settings};

use crate::config::{Database, Store};
use crate::private_file;

/// Opens the data, making it on the first start, and brings the schema up to date.
pub async fn open(store: &Store, settings: Settings, courier: Courier) -> Result<App> {
    let keyring = keys(store)?;
    private_file::directory(&store.blobs).context("blob_url")?;
    let blobs = Blobs::directory(&store.blobs, keyring.clone()).context("blob_url")?;
    let db = database(store).await?;
    Ok(App::new(db, blobs, courier, keyring, settings))
}

pub async fn database(store: &Store) -> Result<db::Db> {
    let url = match &store.database {
        Database::Sqlite(path) => format!("sqlite://{}", path.display()),
        Database::Postgres(url) => url.expose_secret().to_owned(),
    };
    let settings = db::Settings { url, connections: store.connections, limits: store.limits };
    db::Db::open(&settings).await.context("database_url")
}

/// Data without its key is lost; a new key would hide that until the first read.
fn keys(store: &Store) -> Result<Keyring> {
    let path = &store.key_file;
    if !path.exists() {
        let has_data = match &store.database {
            Database::Sqlite(database) => database.exists(),
            Database::Postgres(_) => store.blobs.exists(),
        };
        ensure!(
            !has_data,
            "key_file: {} is missing, but there is data sealed with it: restore it from the backup",
            path.display()
        );
    }
    Keyring::load_or_create(path).with_context(|| format!("key_file {}", path.display()))
}
