//! A server as it was at one moment, for tests that spoil what took long to make.

use std::collections::HashMap;

use crypto::Keyring;
use domain::Settings;
use object_store::memory::InMemory;

use crate::{
    Options, Server,
    database::Frozen,
    people::{Identity, People, Who},
    server::Kept,
};

/// What a server has stored, and the people that it knows.
#[derive(Debug)]
pub struct Snapshot {
    database: Frozen,
    blobs: InMemory,
    keyring: Keyring,
    people: HashMap<Who, Identity>,
    settings: Settings,
}

impl Server {
    /// Nobody may be using the server any more.
    pub async fn snapshot(self) -> Snapshot {
        let Self { app, db, keyring, store, people, database, .. } = self;
        let settings = app.settings().clone();
        drop(app);
        db.close().await;
        let (blobs, people) = (store.fork(), people.into_known());
        Snapshot { database: database.frozen().await, blobs, keyring, people, settings }
    }
}

impl Snapshot {
    /// A server of its own with all that was there.
    pub async fn server(&self) -> Server {
        let options = Options {
            settings: self.settings.clone(),
            courier: courier::Settings::default(),
            router: api::router,
        };
        let kept = Kept { blobs: self.blobs.fork(), keyring: self.keyring.clone() };
        let people = People::knowing(self.people.clone());
        Server::with(self.database.copy().await, options, kept, people).await
    }
}
