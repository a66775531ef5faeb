//! Any request with its answer, by the same rules as messages; and the addresses of a host for programs that make their own
//! way.

use std::{net::IpAddr, time::Duration};

use bytes::{Bytes, BytesMut};
use http::{Request, Response};

use crate::{Courier, Error, PATIENCE, Result, check_url, failure, reach::Forbidden};

impl Courier {
    /// The answer, whatever it says. Redirects are answers, too.
    ///
    /// # Errors
    /// [`Error::Answer`] for one with more than `limit` bytes.
    pub async fn carry(&self, request: Request<Bytes>, limit: usize) -> Result<Response<Bytes>> {
        self.carry_within(PATIENCE, request, limit).await
    }

    /// The same for somebody who has so much time to answer, in all.
    ///
    /// # Errors
    /// As [`Courier::carry`].
    pub async fn carry_within(
        &self,
        patience: Duration,
        request: Request<Bytes>,
        limit: usize,
    ) -> Result<Response<Bytes>> {
        let url = check_url(&request.uri().to_string())?;
        self.may_reach(&url)?;
        let mut request: reqwest::Request = request.try_into().map_err(failure)?;
        *request.timeout_mut() = Some(patience);
        let mut answer = self.http.execute(request).await.map_err(failure)?;
        let mut read = Response::new(Bytes::new());
        *read.status_mut() = answer.status();
        *read.headers_mut() = answer.headers().clone();
        let mut body = BytesMut::new();
        while let Some(chunk) = answer.chunk().await.map_err(failure)? {
            if body.len() + chunk.len() > limit {
                let what = format!("more than {limit} bytes");
                return Err(Error::Answer { url: url.origin().ascii_serialization(), what });
            }
            body.extend_from_slice(&chunk);
        }
        *read.body_mut() = body.freeze();
        Ok(read)
    }

    /// Where a host is, as far as it may be reached.
    ///
    /// # Errors
    /// [`Error::Forbidden`] where none of its addresses may be, and [`Error::Unreachable`] where it has none.
    pub async fn addresses(&self, host: &str, port: u16) -> Result<Vec<IpAddr>> {
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let found = tokio::net::lookup_host((host, port)).await;
        let found = found.map_err(|error| Error::Unreachable(error.to_string()))?;
        let mut found: Vec<IpAddr> = found.map(|address| address.ip()).collect();
        if found.is_empty() {
            return Err(Error::Unreachable("it has no address".into()));
        }
        found.retain(|address| self.reach.allows(*address));
        if found.is_empty() {
            return Err(Error::Forbidden(Forbidden.to_string()));
        }
        Ok(found)
    }
}
