//! A server as it was at one moment, for tests that spoil what took long to make.

use std::collections::HashMap;

use axum::Router;
use crypto::Keyring;
use domain::{App, Settings};
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
    router: fn(App) -> Router,
}

impl Server {
    /// Nobody may be using the server any more.
    pub async fn snapshot(self) -> Snapshot {
        let Self { app, db, keyring, store, people, database, .. } = self;
        let settings = app.settings().clone();
        drop(app);
        db.close().await;
        let (blobs, people) = (store.fork(), people.into_known());
        let database = database.frozen().await;
        Snapshot { database, blobs, keyring, people, settings, router: api::router }
    }
}

impl Snapshot {
    /// The same with these services instead of the API alone.
    pub fn serving(mut self, router: fn(App) -> Router) -> Self {
        self.router = router;
        self
    }

    /// A server of its own with all that was there.
    pub async fn server(&self) -> Server {
        let options = Options {
            settings: self.settings.clone(),
            courier: courier::Settings::default(),
            router: self.router,
        };
        let kept = Kept { blobs: self.blobs.fork(), keyring: self.keyring.clone() };
        let people = People::knowing(self.people.clone());
        Server::with(self.database.copy().await, options, kept, people).await
    }
}
