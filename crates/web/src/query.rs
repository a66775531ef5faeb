//! What addresses ask for: the page of a list, and addresses with a query.

use serde::{Deserialize, Deserializer};
use url::form_urlencoded;

/// `?page=3`; what is no number is the first page.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct PageNumber {
    #[serde(default = "first", deserialize_with = "number")]
    pub page: u64,
}

pub fn first() -> u64 {
    1
}

/// From 1, and never so far on that counting would not work.
pub fn number<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    let text = String::deserialize(from)?;
    Ok(text.parse().unwrap_or(1).clamp(1, 1 << 32))
}

/// An address with those of these that are not empty.
pub fn address(path: &str, asked: &[(&str, &str)]) -> String {
    let given = asked.iter().filter(|(_, value)| !value.is_empty());
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(given).finish();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}
