//! `tags-regex`: which tags start a run.

use regex::{Regex, RegexBuilder};

use super::Invalid;

/// Bytes of the text, and of what it is compiled to.
const TEXT_LIMIT: usize = 1024;
const COMPILED_LIMIT: usize = 1 << 20;

/// Searched anywhere in the tag's name, as Ruby does it, in time that grows with the name only.
#[derive(Clone, Debug)]
pub struct TagRule(Regex);

impl TagRule {
    /// # Errors
    /// [`Invalid`] for what is no such expression: look-around and back-references are none here.
    pub fn new(text: &str) -> Result<Self, Invalid> {
        let refuse = |detail: String| Invalid::new("tags-regex", detail);
        if text.len() > TEXT_LIMIT {
            return Err(refuse(format!("is longer than {TEXT_LIMIT} bytes")));
        }
        let built = RegexBuilder::new(text).size_limit(COMPILED_LIMIT).build();
        built.map(Self).map_err(|error| refuse(format!("is not a usable expression: {error}")))
    }

    /// The name without `refs/tags/`.
    pub fn matches(&self, tag: &str) -> bool {
        self.0.is_match(tag)
    }

    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_samples_of_the_documentation_match_as_they_say() {
        let rows = [
            (r"^\d+.\d+.\d+$", "1.2.3", true),
            (r"^\d+.\d+.\d+$", "v1.2.3", false),
            (r"^\d+.\d+.\d+$", "1.2.3-rc1", false),
            (r"\d+.\d+.\d+$", "v1.2.3", true),
            (r"\d+.\d+.\d+$", "release/1.2.3", true),
            (r"^\d+.\d+.\d+", "1.2.3-rc1", true),
            (r"^\d+.\d+.\d+", "v1.2.3", false),
        ];
        for (text, tag, expected) in rows {
            assert_eq!(TagRule::new(text).unwrap().matches(tag), expected, "{text} {tag}");
        }
    }

    #[test]
    fn what_cannot_be_kept_is_refused() {
        for text in ["(", r"(?=x)", r"(a)\1", r"\w{1000}{1000}", &"a".repeat(2000)] {
            let refused = TagRule::new(text).unwrap_err();
            assert_eq!(refused.attribute, "tags-regex", "{text}");
        }
    }
}
