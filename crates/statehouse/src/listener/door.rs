//! Who gets in: so many connections at once, each with limits on how long it may keep a place without using it.

use std::future::{Ready, ready};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::middleware::AddExtension;
use axum_server::accept::Accept;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tower::Layer;

use super::activity::Activity;
use super::limits::Limits;
use super::rarely::Rarely;
use super::stream::Guarded;
use super::tongue::{Ear, Tongue};

/// Refusals are told of in the log this often: whoever floods us should not flood the log.
const TOLD_EVERY: Duration = Duration::from_secs(1);

/// Gives each connection a place, or refuses it where there is none.
#[derive(Debug, Clone)]
pub struct Door {
    places: Arc<Semaphore>,
    limit: usize,
    limits: Limits,
    refusals: Arc<Rarely>,
    ear: Ear,
}

impl Door {
    pub fn with_places(limit: usize, limits: Limits, spoken: Tongue) -> Self {
        let limit = limit.min(Semaphore::MAX_PERMITS);
        Self {
            places: Arc::new(Semaphore::new(limit)),
            limit,
            limits,
            refusals: Arc::new(Rarely::every(TOLD_EVERY)),
            ear: Ear::of(spoken),
        }
    }

    fn refuse(&self) -> io::Error {
        metrics::counter!("statehouse_connections_refused_total").increment(1);
        let limit = self.limit;
        if let Some(refused) = self.refusals.happened() {
            tracing::warn!(
                refused,
                limit,
                "connections were refused ({refused}), as all {limit} places (max_connections) are taken"
            );
        }
        io::Error::other("all places are taken")
    }
}

impl<S> Accept<TcpStream, S> for Door {
    type Stream = Guarded;
    type Service = AddExtension<S, Arc<Activity>>;
    type Future = Ready<io::Result<(Self::Stream, Self::Service)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let Ok(place) = self.places.clone().try_acquire_owned() else {
            return ready(Err(self.refuse()));
        };
        // Answers are small and somebody waits for each: Nagle's algorithm only delays them.
        if let Err(error) = stream.set_nodelay(true) {
            return ready(Err(error));
        }
        let activity = Arc::new(Activity::within(self.limits));
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
