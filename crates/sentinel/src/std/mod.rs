//! The standard imports, one file each, and the table that registers them.

mod base64;
mod collection;
pub(crate) mod decimal;
#[cfg(test)]
mod every;
pub(crate) mod http;
pub(crate) mod json;
mod lists;
mod maps;
mod native;
mod path;
mod runtime;
mod sockaddr;
mod strings;
pub(crate) mod time;
mod types;
mod units;
pub(crate) mod version;

pub(crate) use native::{Args, Native, Space};

/// Every standard import.
const SPACES: &[&Space] = &[
    &base64::SPACE,
    &collection::SPACE,
    &decimal::SPACE,
    &http::SPACE,
    &json::SPACE,
    &lists::SPACE,
    &maps::SPACE,
    &runtime::SPACE,
    &sockaddr::SPACE,
    &strings::SPACE,
    &time::SPACE,
    &types::SPACE,
    &units::SPACE,
    &version::SPACE,
];

/// The standard import of that name.
pub(crate) fn space(name: &str) -> Option<&'static Space> {
    SPACES.iter().find(|space| space.name == name).copied()
}
