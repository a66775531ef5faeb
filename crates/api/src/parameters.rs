//! Query parameters that many lists take.

use std::{fmt::Display, str::FromStr};

use domain::Order;
use jsonapi::{Error, Query};
use serde::Deserialize;

use crate::Result;

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

/// An empty parameter is none.
pub fn text(value: Option<&str>) -> Option<String> {
    value.filter(|text| !text.is_empty()).map(str::to_owned)
}

/// What the parameter of this name says.
///
/// # Errors
/// 400 for what it cannot be.
pub fn parsed<T: FromStr<Err: Display>>(value: Option<&str>, name: &str) -> Result<Option<T>> {
    let refused = |why: T::Err| {
        Error::bad_request("invalid query parameter", why.to_string()).parameter(name)
    };
    Ok(value.filter(|text| !text.is_empty()).map(str::parse).transpose().map_err(refused)?)
}

/// The words of a list that mean something, if there are words.
pub fn words<T: FromStr>(list: Option<&[String]>) -> Option<Vec<T>> {
    let list = list.filter(|list| !list.is_empty())?;
    Some(list.iter().filter_map(|word| word.parse().ok()).collect())
}

/// What the words of a list mean, each of them.
///
/// # Errors
/// 400 for one that means nothing.
pub fn every<T: FromStr<Err: Display>>(list: &[String], name: &str) -> Result<Vec<T>> {
    let words = list.iter().filter(|word| !word.is_empty());
    let refused =
        |why: T::Err| Error::bad_request("invalid parameter", why.to_string()).parameter(name);
    Ok(words.map(|word| word.parse().map_err(refused)).collect::<Result<_, _>>()?)
}

/// What `sort` asks for first, if it is asked for.
///
/// # Errors
/// 400 for a key that the list is not sorted by.
pub fn sorted<T, K: Copy>(query: &Query<T>, keys: &[(&str, K)]) -> Result<Option<(K, Order)>> {
    let Some(asked) = query.sort.first() else { return Ok(None) };
    let Some((_, key)) = keys.iter().find(|(name, _)| *name == asked.name) else {
        let names: Vec<_> = keys.iter().map(|(name, _)| *name).collect();
        let why = format!("can be {}, with - in front for the reverse", names.join(" or "));
        return Err(Error::bad_request("invalid query parameter", why).parameter("sort").into());
    };
    Ok(Some((*key, if asked.descending { Order::Descending } else { Order::Ascending })))
}
