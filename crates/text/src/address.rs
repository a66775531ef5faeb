//! Addresses as they may be shown to people: without what lets somebody in.

use std::borrow::Cow;

/// A text with what may be a user and a password, or the query of an address, drawn as `…`. It may be any text, as
/// what should be an address need not be one: `user:word@host` loses its beginning as well.
pub fn without_credentials(text: &str) -> Cow<'_, str> {
    let is_of_schemes = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    // None is left where a list of paths was cut at its colons.
    let is_scheme = |end: &usize| text[..*end].trim_end_matches(':').chars().all(is_of_schemes);
    let scheme = text.find("//").filter(is_scheme);
    let (scheme, rest) = text.split_at(scheme.map_or(0, |end| end + "//".len()));
    // What lies in a folder may have an @ in its name.
    let is_path = |user: &str| {
        scheme.is_empty() && user.starts_with(['/', '.']) && !user.contains([':', '?'])
    };
    // A password may have any sign in it, even an @.
    let (user, rest) = match rest.rsplit_once('@') {
        Some((user, rest)) if !is_path(user) => (Some("…@"), rest),
        _ => (None, rest),
    };
    let (rest, query) = match rest.find(['?', '#']) {
        Some(end) if !scheme.is_empty() => (&rest[..end], Some("?…")),
        _ => (rest, None),
    };
    if user.is_none() && query.is_none() {
        return Cow::Borrowed(text);
    }
    Cow::Owned([scheme, user.unwrap_or_default(), rest, query.unwrap_or_default()].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lets_somebody_in_is_not_shown_however_badly_it_is_written() {
        for (text, shown) in [
            ("https://user:SECRET@host/path", "https://…@host/path"),
            ("https://SECRET@host:x", "https://…@host:x"),
            ("https://user:S/E?C#R@ET@host", "https://…@host"),
            ("https:/user:SECRET@host", "…@host"),
            ("user:SECRET@host:8080", "…@host:8080"),
            ("user:SECRET@host://x", "…@host://x"),
            ("//host?x=SECRET", "//host?…"),
            ("10.0.0.0/8,http://user:SECRET@host", "…@host"),
            ("http://user:SECRET@host is no network", "http://…@host is no network"),
            ("SECRET@host/path", "…@host/path"),
            ("/user:SECRET@host", "…@host"),
            ("//SECRET@host", "//…@host"),
            ("s3://bucket/folder?secret=SECRET", "s3://bucket/folder?…"),
            ("https://host/#SECRET", "https://host/?…"),
        ] {
            assert_eq!(without_credentials(text), shown);
        }
        for text in ["", "127.0.0.1:80", "https://host:80/path", "/opt/terraform@1.15/bin", "what?"]
        {
            assert_eq!(without_credentials(text), text);
        }
    }
}
