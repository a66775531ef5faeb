//! How long what people write may be: rows are read in lists, and shown.

use crate::{Error, Result};

/// Refuses an attribute, named as on the wire, with more characters than this.
pub(crate) fn at_most(attribute: &str, text: &str, limit: usize) -> Result<()> {
    // Bytes are counted at once, and most texts are short.
    if text.len() <= limit || text.chars().count() <= limit {
        return Ok(());
    }
    Err(Error::invalid(attribute, format!("has at most {limit} characters")))
}

/// The same for a list of texts, and for its length.
pub(crate) fn all_at_most(
    attribute: &str,
    texts: &[String],
    limit: usize,
    count: usize,
) -> Result<()> {
    if texts.len() > count {
        return Err(Error::invalid(attribute, format!("has at most {count} elements")));
    }
    texts.iter().try_for_each(|text| at_most(attribute, text, limit))
}
