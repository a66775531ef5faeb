//! Several servers on the database of one test, and what happens at them by itself.

use std::time::Duration;

use blobs::Blobs;
use courier::Courier;
use db::Db;
use domain::App;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{Cable, Server};

impl Server {
    /// Another server on the same database, with the same blobs, keys and clock.
    pub async fn beside(&self) -> App {
        self.beside_with(Blobs::over(self.store.clone(), self.keyring.clone())).await
    }

    /// The same with a store of blobs that is away for good.
    pub async fn beside_without_blobs(&self) -> App {
        let folder = tempfile::tempdir().expect("a folder for a moment");
        let blobs = Blobs::directory(folder.path(), self.keyring.clone()).expect("it is there");
        drop(folder);
        self.beside_with(blobs).await
    }

    /// A cable to the database of this server; `None` where there is none, as to a file.
    pub async fn cable(&self) -> Option<Cable> {
        Cable::to(&self.database).await
    }

    /// Another server that has the database at the end of a cable.
    pub async fn beside_through(&self, cable: &Cable) -> App {
        let db = Db::open(&cable.leads_to(&self.database)).await;
        let blobs = Blobs::over(self.store.clone(), self.keyring.clone());
        self.beside_on(db.expect("the cable is whole"), blobs)
    }

    async fn beside_with(&self, blobs: Blobs) -> App {
        self.beside_on(self.database.open().await, blobs)
    }

    fn beside_on(&self, db: Db, blobs: Blobs) -> App {
        let courier = Courier::new(self.courier.clone()).expect("the settings of a test");
        let settings = self.app.settings().clone();
        let keyring = self.keyring.clone();
        App::new(db, blobs, courier, keyring, settings)
    }
}

/// All that happens at a server by itself.
#[derive(Debug)]
pub struct Working {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Working {
    /// With this between two looks at what nobody has told of.
    pub fn at(app: &App, tick: Duration) -> Self {
        let stop = CancellationToken::new();
        let task = tokio::spawn(worker::run_at(app.clone(), tick, stop.clone()));
        Self { stop, task }
    }

    /// Returns when it is over.
    pub async fn end(self) {
        self.stop.cancel();
        self.task.await.expect("a worker does not panic");
    }
}
