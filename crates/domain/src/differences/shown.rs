//! One side of a row.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use text::json::Json;

/// Bytes of a value that are kept; of a longer one its size and digest are told.
const LONGEST: usize = 8 << 10;
/// Letters from which on a text of base64 is nothing to read.
const ENCODED: usize = 200;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shown {
    Missing,
    /// Set to nothing.
    Null,
    Sensitive,
    /// Known after the apply.
    Unknown,
    /// As JSON on one line.
    Value(String),
    /// What nobody would read.
    Long {
        bytes: u64,
        sha256: String,
    },
}

impl Shown {
    /// Of what hides nothing.
    pub(super) fn of(value: Option<&Json>) -> Self {
        match value {
            None => Self::Missing,
            Some(Json::Null) => Self::Null,
            Some(Json::Text(text)) if is_opaque(text) => Self::long(text),
            Some(value) => {
                let text = value.to_string();
                if text.len() > LONGEST { Self::long(&text) } else { Self::Value(text) }
            }
        }
    }

    fn long(text: &str) -> Self {
        let digest = hex::encode(Sha256::digest(text.as_bytes()));
        Self::Long { bytes: text.len() as u64, sha256: digest }
    }
}

/// Keys, certificates and other bytes that were made letters.
pub(super) fn is_opaque(text: &str) -> bool {
    let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=-_".contains(&byte);
    let has_both =
        || text.bytes().any(|b| b.is_ascii_uppercase()) && text.bytes().any(|b| b.is_ascii_digit());
    text.starts_with("-----BEGIN ")
        || text.len() > 64 << 10
        || (text.len() >= ENCODED && text.bytes().all(is_base64) && has_both())
}

/// A copy in which a word stands for all that the mask marks.
pub(super) fn masked(value: &Json, mask: Option<&Json>) -> Json {
    match (value, mask) {
        (_, Some(Json::Bool(true))) => Json::Text("(sensitive)".to_owned()),
        (Json::Members(members), Some(mask)) => Json::Members(
            members
                .iter()
                .map(|(key, value)| (key.clone(), masked(value, mask.get(key))))
                .collect(),
        ),
        (Json::List(items), Some(mask)) => Json::List(
            items.iter().enumerate().map(|(at, value)| masked(value, mask.at(at))).collect(),
        ),
        (value, _) => value.clone(),
    }
}
