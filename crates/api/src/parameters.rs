//! Query parameters that many lists take.

use serde::Deserialize;

/// `filter[…]`, and nothing else.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Filtered<F> {
    pub filter: F,
}

/// `q=` for a part of a name, and `filter[…]`.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Searched<F> {
    pub q: Option<String>,
    pub filter: F,
}

/// `filter[workspace][id]` and its like.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct ById {
    pub id: Option<String>,
}

/// `filter[workspace][name]` and its like.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct ByName {
    pub name: Option<String>,
}
