//! The named parts of a request's path.

use std::collections::HashMap;

use axum::extract::{FromRequestParts, RawPathParams};
use domain::{Error, Found, Result, access::Placed};
use http::request::Parts;

pub struct Path(HashMap<String, String>);

impl Path {
    pub async fn of(parts: &mut Parts) -> Result<Self> {
        let params = RawPathParams::from_request_parts(parts, &()).await;
        let params: HashMap<_, _> = params.map_or_else(
            |_| HashMap::new(),
            |params| params.iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect(),
        );
        // Nothing is called so, and PostgreSQL would not even look.
        if params.values().any(|value| value.contains('\0')) {
            return Err(Error::NotFound);
        }
        Ok(Self(params))
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// A part by name; absent is like not found.
    pub fn text(&self, name: &str) -> Result<&str> {
        self.get(name).ok_or(Error::NotFound)
    }

    /// An id by name; one of a wrong form is like one that nobody has.
    pub fn id<T: std::str::FromStr>(&self, name: &str) -> Result<T> {
        self.text(name)?.parse().map_err(|_| Error::NotFound)
    }

    /// What an id led to, if it is in the organization and the workspace that the path names beside it.
    pub fn holds<T: Placed>(&self, found: Found<T>) -> Result<Found<T>> {
        found.placed_in(self.get("organization_name"), self.get("workspace_name"))
    }
}
