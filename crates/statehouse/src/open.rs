//! Opens what the operator has: keys, blobs and database, put together as the domain's [`App`]. Nothing is made or
//! changed before it is clear that the three belong together.

use std::path::Path;

use anyhow::{Context, Result, anyhow, bail, ensure};
use blobs::{Blobs, Mark};
use courier::Courier;
use crypto::{ExposeSecret, Keyring};
use db::{Db, Schema, Timestamp};
use domain::{
    App, Settings,
    installation::{self, Known, Refusal},
};

use crate::config::{Database, Store};
use crate::private_file;

/// What is done where there is no installation yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absent {
    /// Made: by the commands that are there to begin with.
    Create,
    /// Refused: most likely the directory is mistyped.
    Refuse,
}

/// Opens the data and brings the schema up to date.
pub async fn open(
    store: &Store,
    settings: Settings,
    courier: Courier,
    absent: Absent,
) -> Result<App> {
    let (db, known) = connect(store, absent).await?;
    let keyring = keys(store, &known, absent)?;
    if absent == Absent::Create && !known.expects_blobs() {
        private_file::directory(&store.blobs).context("blob_url")?;
    }
    let blobs = blobs(store, keyring.clone())?;
    known.check(&db, &blobs, &keyring).await.map_err(|refusal| explain(store, refusal))?;
    db.migrate().await.context("database_url")?;
    installation::settle(&known, &db, &blobs, &keyring, now())
        .await
        .map_err(|refusal| explain(store, refusal))?;
    Ok(App::new(db, blobs, courier, keyring, settings))
}

/// What there is and belongs together, as it is: nothing is made, and no schema changed.
pub async fn existing(store: &Store) -> Result<(Db, Blobs, Keyring, Known)> {
    let (db, known) = connect(store, Absent::Refuse).await?;
    if let Schema::Older(missing) = known.schema {
        bail!(
            "database_url: the schema is that of an older version ({missing} migrations are \
             missing): start the server, or run `statehouse migrate`, and come back"
        );
    }
    let keyring = keys(store, &known, Absent::Refuse)?;
    let blobs = blobs(store, keyring.clone())?;
    known.check(&db, &blobs, &keyring).await.map_err(|refusal| explain(store, refusal))?;
    Ok((db, blobs, keyring, known))
}

/// The database, and what it tells of its installation. Every command that opens data comes by here.
pub async fn connect(store: &Store, absent: Absent) -> Result<(Db, Known)> {
    let nothing = |place: String| {
        anyhow!(
            "there is no installation here: {place}. `statehouse serve` and `statehouse migrate` \
             make one; is --data-dir or --database-url mistyped?"
        )
    };
    if let Database::Sqlite(path) = &store.database
        && is_blank(path)
    {
        // Whoever connects to a file makes it.
        is_free(store).await?;
        if absent == Absent::Refuse {
            let what = if path.exists() { "is empty" } else { "does not exist" };
            return Err(nothing(format!("{} {what}", path.display())));
        }
    }
    let db = Db::connect(&database_settings(store)).await.context("database_url")?;
    let known = Known::read(&db).await.context("database_url")?;
    is_restored(store, &known)?;
    if absent == Absent::Refuse && known.schema == Schema::Absent {
        return Err(nothing("the database is empty".to_owned()));
    }
    Ok((db, known))
}

/// Refuses keys and blobs that belong to a database which is not here.
async fn is_free(store: &Store) -> Result<()> {
    let nothing = Known::nothing();
    is_restored(store, &nothing)?;
    if let Some(keyring) = find_keys(store, &nothing)?
        && store.blobs.exists()
    {
        let blobs = blobs(store, keyring)?;
        Known::check_without_database(&blobs).await.map_err(|why| explain(store, why))?;
    }
    Ok(())
}

/// Refuses what a restore has left that was broken off; needs no keys.
pub fn is_restored(store: &Store, known: &Known) -> Result<()> {
    let mark = Mark::of_folder(&store.blobs).context("blob_url")?;
    known.check_restored(mark.as_ref()).map_err(|refusal| explain(store, refusal))
}

/// A database file that is not there, or that nobody has written to.
pub fn is_blank(path: &Path) -> bool {
    std::fs::metadata(path).map_or(true, |found| found.len() == 0)
}

pub fn database_settings(store: &Store) -> db::Settings {
    let url = match &store.database {
        Database::Sqlite(path) => format!("sqlite://{}", path.display()),
        Database::Postgres(url) => url.expose_secret().to_owned(),
    };
    db::Settings { url, connections: store.connections, limits: store.limits }
}

/// The keys, or `None` if they may be made: only where nothing was ever sealed. Data without its key is lost, and a
/// new key would hide that until the first read.
pub fn find_keys(store: &Store, known: &Known) -> Result<Option<Keyring>> {
    let path = &store.key_file;
    if path.try_exists().with_context(|| format!("key_file {}", path.display()))? {
        return Keyring::load(path).map(Some).context("key_file");
    }
    ensure!(
        known.is_new() && is_empty_folder(&store.blobs),
        "key_file: {} is missing, but there is data sealed with {}: put it back from the backup",
        path.display(),
        named(known)
    );
    Ok(None)
}

fn keys(store: &Store, known: &Known, absent: Absent) -> Result<Keyring> {
    match (find_keys(store, known)?, absent) {
        (Some(keys), _) => Ok(keys),
        (None, Absent::Create) => Keyring::load_or_create(&store.key_file).context("key_file"),
        (None, Absent::Refuse) => bail!(
            "key_file: {} is missing; the first start of `statehouse serve` makes it",
            store.key_file.display()
        ),
    }
}

fn named(known: &Known) -> String {
    let names: Vec<_> = known.keys().iter().map(|key| format!("the key {:?}", key.id)).collect();
    if names.is_empty() { "it".to_owned() } else { names.join(" and ") }
}

fn is_empty_folder(path: &Path) -> bool {
    std::fs::read_dir(path).map_or(true, |mut entries| entries.next().is_none())
}

pub fn blobs(store: &Store, keyring: Keyring) -> Result<Blobs> {
    is_there(&store.blobs)?;
    Blobs::directory(&store.blobs, keyring).context("blob_url")
}

pub fn is_there(blobs: &Path) -> Result<()> {
    ensure!(
        blobs.is_dir(),
        "blob_url: the blobs of this installation are not in {}: is the folder mistyped, or its \
         file system not mounted?",
        blobs.display()
    );
    Ok(())
}

/// A refusal with the setting that it is about.
pub fn explain(store: &Store, refusal: Refusal) -> anyhow::Error {
    match refusal {
        Refusal::Keys(why) => anyhow!("key_file {}: {why}", store.key_file.display()),
        Refusal::Blobs(why) => anyhow!("blob_url {}: {why}", store.blobs.display()),
        Refusal::Failed(error) => anyhow::Error::new(error).context("looking at the data"),
    }
}

#[expect(clippy::disallowed_methods, reason = "there is no App yet whose clock could be asked")]
pub fn now() -> Timestamp {
    Timestamp(chrono::Utc::now().timestamp_millis())
}
