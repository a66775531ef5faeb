//! How long a client may keep us waiting for what only it can do.

use std::time::Duration;

#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// From the beginning of a connection to the end of its first request's head.
    pub first: Duration,
    /// From one request to the end of the next one's head. Longer than what load balancers keep connections for, so
    /// that they end them, and not we just when a request is on its way.
    pub next: Duration,
    /// So long may pass in which nothing of a request's body comes.
    pub coming: Duration,
    /// So long may pass in which nothing of an answer is taken. What goes over a slow line the system tells in lots.
    pub going: Duration,
    /// So long may be waited for a body altogether, be it a request's or an answer's, however little of it moves.
    pub grace: Duration,
    /// Beyond that, so many bytes must have moved for each second of waiting.
    pub bytes_a_second: u64,
    /// How long we still listen to who was answered before the end of the request: hanging up at once would take the
    /// answer away from whoever is still sending.
    pub lingering: Duration,
    /// Whoever keeps us waiting for longer makes room for others where all places are taken.
    pub room: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(10),
            next: Duration::from_mins(2),
            coming: Duration::from_secs(30),
            going: Duration::from_mins(2),
            grace: Duration::from_mins(1),
            bytes_a_second: 4 << 10,
            lingering: Duration::from_secs(30),
            room: Duration::from_secs(5),
        }
    }
}
