//! Who gets in: so many connections at once, each with limits on how long it may keep a place without using it.

use std::future::{Ready, ready};
use std::io;
use std::sync::Arc;

use axum::Extension;
use axum::middleware::AddExtension;
use axum_server::accept::Accept;
use tokio::net::TcpStream;
use tower::Layer;

use super::activity::Activity;
use super::limits::Limits;
use super::places::Places;
use super::stream::Guarded;
use super::tongue::{Ear, Tongue};

/// Gives each connection a place, or refuses it where nobody makes room.
#[derive(Debug, Clone)]
pub struct Door {
    places: Arc<Places>,
    limits: Limits,
    ear: Ear,
}

impl Door {
    pub fn with_places(limit: usize, limits: Limits, spoken: Tongue) -> Self {
        let places = Arc::new(Places::new(limit, limits.room));
        Self { places, limits, ear: Ear::of(spoken) }
    }
}

impl<S> Accept<TcpStream, S> for Door {
    type Stream = Guarded;
    type Service = AddExtension<S, Arc<Activity>>;
    type Future = Ready<io::Result<(Self::Stream, Self::Service)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let peer = match stream.peer_addr() {
            Ok(peer) => peer.ip(),
            Err(error) => return ready(Err(error)),
        };
        let activity = Arc::new(Activity::within(self.limits));
        let Some(place) = self.places.take(peer, &activity) else {
            return ready(Err(io::Error::other("all places are taken")));
        };
        // Answers are small and somebody waits for each: Nagle's algorithm only delays them.
        if let Err(error) = stream.set_nodelay(true) {
            return ready(Err(error));
        }
        let service = Extension(activity.clone()).layer(service);
        ready(Ok((Guarded::new(stream, activity, self.ear.clone(), place), service)))
    }
}

/// Lets this process open as many files as the system allows it; answers how many those are.
pub fn raise_file_limit() -> u64 {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let now = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: now.maximum, maximum: now.maximum };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!("the limit of open files stays as it is: {error}");
    }
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}
