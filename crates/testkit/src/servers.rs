//! Several servers on the database of one test, and what happens at them by itself.

use std::time::Duration;

use blobs::Blobs;
use courier::Courier;
use domain::App;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::Server;

impl Server {
    /// Another server on the same database, with the same blobs, keys and clock.
    pub async fn beside(&self) -> App {
        let keyring = self.keyring.clone();
        let blobs = Blobs::over(self.store.clone(), keyring.clone());
        let courier = Courier::new(self.courier.clone()).expect("the settings of a test");
        let settings = self.app.settings().clone();
        App::new(self.database.open().await, blobs, courier, keyring, settings)
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
