//! Taking connections, with or without TLS, until told to stop.

mod activity;
mod answer;
pub mod bodies;
mod door;
mod limits;
mod pace;
mod places;
mod rarely;
mod stream;
#[cfg(test)]
mod tests;
mod tongue;

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use axum::Router;
use axum_server::Handle;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use rustls::ServerConfig;
use tokio::task::JoinHandle;

use door::Door;
pub use door::raise_file_limit;
use limits::Limits;
use tongue::Tongue;

/// How long open requests may still go on once nobody depends on us any more.
const LAST_ANSWERS: Duration = Duration::from_secs(5);

/// An address of ours, taken but not yet answering.
pub fn bind(setting: &str, address: SocketAddr) -> Result<TcpListener> {
    let listener = TcpListener::bind(address).with_context(|| format!("{setting} = {address}"))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// A listener that answers.
#[derive(Debug)]
pub struct Listener {
    handle: Handle<SocketAddr>,
    tls: Option<RustlsConfig>,
    task: JoinHandle<std::io::Result<()>>,
}

impl Listener {
    pub fn start(
        listener: TcpListener,
        tls: Option<Arc<ServerConfig>>,
        router: Router,
        places: usize,
    ) -> Result<Self> {
        Self::start_within(Limits::default(), listener, tls, router, places)
    }

    fn start_within(
        limits: Limits,
        listener: TcpListener,
        tls: Option<Arc<ServerConfig>>,
        router: Router,
        places: usize,
    ) -> Result<Self> {
        let spoken = if tls.is_some() { Tongue::Https } else { Tongue::Http };
        let door = Door::with_places(places, limits, spoken);
        let router = router.layer(axum::middleware::from_fn(bodies::read_to_the_end));
        let handle = Handle::new();
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        let server = axum_server::from_tcp(listener)?.handle(handle.clone());
        let tls = tls.map(RustlsConfig::from_config);
        let task = match tls.clone() {
            Some(tls) => {
                let acceptor = RustlsAcceptor::new(tls).acceptor(door);
                tokio::spawn(server.acceptor(acceptor).serve(service))
            }
            None => tokio::spawn(server.acceptor(door).serve(service)),
        };
        Ok(Self { handle, tls, task })
    }

    /// New connections get the new certificate; open ones go on.
    pub fn change_certificate(&self, config: Arc<ServerConfig>) {
        if let Some(tls) = &self.tls {
            tls.reload_from_config(config);
        }
    }

    /// As [`Listener::failed`], of one that may not be there.
    pub async fn one_failed(listener: Option<&mut Self>) -> anyhow::Error {
        match listener {
            Some(listener) => listener.failed().await,
            None => std::future::pending().await,
        }
    }

    /// Ends only if the listener failed.
    pub async fn failed(&mut self) -> anyhow::Error {
        match (&mut self.task).await {
            Ok(Ok(())) => anyhow::anyhow!("a listener ended by itself"),
            Ok(Err(e)) => anyhow::Error::new(e).context("a listener failed"),
            Err(e) => anyhow::Error::new(e).context("a listener failed"),
        }
    }

    /// Takes no more connections, and gives open requests a moment to end.
    pub async fn stop(self) {
        self.handle.graceful_shutdown(Some(LAST_ANSWERS));
        if let Err(e) = self.task.await {
            tracing::warn!(error = %e, "a listener did not stop well: {e}");
        }
    }
}
