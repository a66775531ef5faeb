//! The way to providers: by the courier, who knows which networks may be reached.

use std::{net::IpAddr, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use courier::Courier;
use http::{Request, Response};
use vcs::{git::Reach, provider::Http};

use crate::App;

/// For requests, and for `git`.
#[derive(Clone, Debug)]
pub struct Way(Courier);

pub fn way(app: &App) -> Arc<Way> {
    way_by(app.courier())
}

/// The same for who is still being put together.
pub(crate) fn way_by(courier: &Courier) -> Arc<Way> {
    Arc::new(Way(courier.clone()))
}

#[async_trait]
impl Http for Way {
    async fn send(&self, request: Request<Bytes>, limit: usize) -> Result<Response<Bytes>, String> {
        self.0.carry(request, limit).await.map_err(|error| error.to_string())
    }
}

#[async_trait]
impl Reach for Way {
    async fn addresses(&self, host: &str, port: u16) -> Result<Vec<IpAddr>, String> {
        self.0.addresses(host, port).await.map_err(|error| error.to_string())
    }
}
