//! Providers for tests: a fake of each over a real repository that `git http-backend` serves, with as little as it may
//! answer, in its own words, pages, errors and ways to sign in.

#![expect(clippy::unwrap_used, clippy::missing_panics_doc, reason = "only tests are made of this")]

mod azure;
mod bitbucket_cloud;
mod bitbucket_data_center;
mod deliveries;
mod github;
mod gitlab;
mod origin;
mod provider;
mod server;

pub use deliveries::{Asked, Delivery, News, Proposal, pull_request, push, tag};
pub use origin::Origin;
pub use provider::{Call, Fake, INSTALLATION_TOKEN, LIMITED_UNTIL, Mood, Shared, TOKEN};
pub use server::{Server, backend};
