//! Reads what the operator has named, such as the list of an engine's releases. Unlike the addresses that users give,
//! these may be neighbours, and are reached by the proxy that the environment names.

use std::time::Duration;

use reqwest::{Client, redirect};
use text::without_credentials;

use crate::{Courier, Error, Result, check_url, failure, tls};

/// What a whole answer may take.
const PATIENCE: Duration = Duration::from_mins(1);
const CONNECT_PATIENCE: Duration = Duration::from_secs(15);
const REDIRECTS: usize = 5;

pub fn client() -> Result<Client> {
    Client::builder()
        .tls_backend_preconfigured(tls::config()?)
        .redirect(redirect::Policy::custom(|attempt| {
            let is_weaker = attempt.url().scheme() == "http"
                && attempt.previous().iter().any(|url| url.scheme() == "https");
            if is_weaker {
                attempt.error("the answer leads from https to http")
            } else if attempt.previous().len() > REDIRECTS {
                attempt.error("the answer leads from address to address")
            } else {
                attempt.follow()
            }
        }))
        .timeout(PATIENCE)
        .connect_timeout(CONNECT_PATIENCE)
        .user_agent(concat!("Statehouse/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| Error::Setting(error.to_string()))
}

impl Courier {
    /// The whole of what is behind an address.
    ///
    /// # Errors
    /// [`Error::Unreachable`], and [`Error::Answer`] for any answer but 200 and for one with more than `limit` bytes.
    pub async fn read(&self, url: &str, limit: usize) -> Result<Vec<u8>> {
        let address = check_url(url)?;
        let url = without_credentials(url);
        let unreachable = |error| match failure(error) {
            Error::Unreachable(why) => Error::Unreachable(format!("{url}: {why}")),
            other => other,
        };
        let mut response = self.reading.get(address).send().await.map_err(unreachable)?;
        let status = response.status().as_u16();
        if status != 200 {
            return Err(Error::Answer { url: url.to_string(), what: format!("status {status}") });
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            if body.len() + chunk.len() > limit {
                let what = format!("more than {limit} bytes");
                return Err(Error::Answer { url: url.to_string(), what });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}
