//! Where a file of a configuration is: beside it, or on another server with a checksum.

use super::{Invalid, invalid};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// Relative to the file that names it.
    Local(String),
    /// To be fetched by whoever keeps the set, once, and checked.
    Remote { url: String, checksum: Option<Checksum> },
}

/// A digest of a remote file, in lower-case hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checksum {
    /// `md5`, `sha1`, `sha256` or `sha512`.
    pub algorithm: &'static str,
    pub digest: String,
}

/// The algorithms and how many hexadecimal digits they give.
const ALGORITHMS: [(&str, usize); 4] = [("md5", 32), ("sha1", 40), ("sha256", 64), ("sha512", 128)];

impl Location {
    pub fn parse(source: &str) -> Result<Self, Invalid> {
        if source.starts_with("http://") || source.starts_with("https://") {
            return remote(source);
        }
        if source.contains("::") || source.contains("://") {
            return invalid(format!(
                "the source {source:?}: only local files and https addresses are supported"
            ));
        }
        if source.is_empty() {
            return invalid("a source is empty");
        }
        Ok(Self::Local(source.to_owned()))
    }
}

fn remote(source: &str) -> Result<Location, Invalid> {
    let (address, query) = source.split_once('?').unwrap_or((source, ""));
    let (mut kept, mut checksum) = (Vec::new(), None);
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        match pair.strip_prefix("checksum=") {
            Some(given) => checksum = Some(digest(source, given)?),
            None => kept.push(pair),
        }
    }
    let mark = if kept.is_empty() { "" } else { "?" };
    Ok(Location::Remote { url: format!("{address}{mark}{}", kept.join("&")), checksum })
}

/// `sha256:…`, or the digits alone, whose number says which algorithm it is.
fn digest(source: &str, given: &str) -> Result<Checksum, Invalid> {
    let (name, digits) = match given.split_once(':') {
        Some((name, digits)) => (Some(name), digits),
        None => (None, given),
    };
    let known = ALGORITHMS.into_iter().find(|(algorithm, length)| {
        digits.len() == *length && name.is_none_or(|name| name == *algorithm)
    });
    match known {
        Some((algorithm, _)) if digits.bytes().all(|b| b.is_ascii_hexdigit()) => {
            Ok(Checksum { algorithm, digest: digits.to_ascii_lowercase() })
        }
        _ => invalid(format!("the source {source:?} has a checksum that is none")),
    }
}
