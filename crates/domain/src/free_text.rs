//! What people write that is no name: how long it may be, and of what. Rows are read in lists, and shown.

use crate::{Error, Result};

/// Refuses an attribute, named as on the wire, that has more characters than this or is no prose.
pub(crate) fn prose(attribute: &str, text: &str, limit: usize) -> Result<()> {
    is_short(attribute, text, limit)?;
    text::prose(text).map_or(Ok(()), |why| Err(Error::invalid(attribute, why)))
}

/// The same for what stands in one line.
pub(crate) fn line(attribute: &str, text: &str, limit: usize) -> Result<()> {
    is_short(attribute, text, limit)?;
    text::line(text).map_or(Ok(()), |why| Err(Error::invalid(attribute, why)))
}

/// The same for a list of lines, and for its length.
pub(crate) fn lines(attribute: &str, texts: &[String], limit: usize, count: usize) -> Result<()> {
    are_few(attribute, texts, count)?;
    texts.iter().try_for_each(|text| line(attribute, text, limit))
}

/// The same for addresses of resources, which have keys of any letters in them but control characters, which Terraform
/// writes in others.
pub(crate) fn addresses(
    attribute: &str,
    texts: &[String],
    limit: usize,
    count: usize,
) -> Result<()> {
    are_few(attribute, texts, count)?;
    texts.iter().try_for_each(|text| {
        is_short(attribute, text, limit)?;
        if text.contains(char::is_control) {
            return Err(Error::invalid(attribute, "can't contain control characters"));
        }
        Ok(())
    })
}

fn are_few(attribute: &str, texts: &[String], count: usize) -> Result<()> {
    if texts.len() <= count {
        return Ok(());
    }
    Err(Error::invalid(attribute, format!("has at most {count} elements")))
}

/// The same for values, which may be of anything.
pub(crate) fn is_short(attribute: &str, text: &str, limit: usize) -> Result<()> {
    // Bytes are counted at once, and most texts are short.
    if text.len() <= limit || text.chars().count() <= limit {
        return Ok(());
    }
    Err(Error::invalid(attribute, format!("has at most {limit} characters")))
}
