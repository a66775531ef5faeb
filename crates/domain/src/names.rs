//! What names may look like, whatever is named: one line that shows what it is, and does not look like another name.
//! What lines are made of is said by the crate `text`; this adds limits, and words for refusals.

use crate::{Error, Result};

/// Refuses a name, by the attribute as it is called on the wire.
pub(crate) fn check(attribute: &str, name: &str, limit: usize) -> Result<()> {
    wrong(name, limit).map_or(Ok(()), |why| Err(Error::invalid(attribute, why)))
}

/// The same for a name that may be what it was before, as names that were given before there was a rule.
pub(crate) fn check_change(attribute: &str, name: &str, before: &str, limit: usize) -> Result<()> {
    if !before.is_empty() && name == before {
        return Ok(());
    }
    check(attribute, name, limit)
}

/// Why this is no name, as a predicate for people.
pub(crate) fn wrong(name: &str, limit: usize) -> Option<String> {
    if name.trim().is_empty() {
        return Some("can't be blank".to_owned());
    }
    if name.trim() != name {
        return Some("can't begin or end with a space".to_owned());
    }
    // Pages show them as one, and two names alike.
    if name.contains("  ") {
        return Some("can't have several spaces in a row".to_owned());
    }
    if let Some(why) = unclear(name, limit) {
        return Some(why);
    }
    if text::looks_like_another(name) {
        return Some(
            "has letters or signs that look like others, or that nobody writes today".to_owned(),
        );
    }
    None
}

/// The same for a line that need not be a name: a description, or the value of a tag.
pub(crate) fn unclear(text: &str, limit: usize) -> Option<String> {
    // Bytes are counted at once, and most texts are short.
    if text.len() > limit && text.chars().count() > limit {
        return Some(format!("has at most {limit} characters"));
    }
    text::line(text).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_many_languages_are_names() {
        for name in [
            "network",
            "Platform team, 2nd floor (EU)",
            "Überblick",
            "l’équipe réseau",
            "Команда EU",
            "東京チーム",
            "네트워크",
            "קבוצה",
            "مجموعة",
            "नेटवर्क",
            "Müdürlük",
            "prod – blue",
            "🚀 launch",
        ] {
            assert_eq!(wrong(name, 90), None, "{name}");
        }
    }

    #[test]
    fn what_hides_or_disguises_is_no_name() {
        for (name, word) in [
            ("", "blank"),
            (" \t", "blank"),
            ("\u{a0}", "blank"),
            (" network", "begin"),
            ("network ", "begin"),
            ("network\u{a0}", "begin"),
            ("net  work", "in a row"),
            ("net   work", "in a row"),
            ("net\nwork", "line breaks"),
            ("net\rwork", "line breaks"),
            ("net\u{85}work", "line breaks"),
            ("net\u{2028}work", "line breaks"),
            ("net\u{1b}[31mwork", "control"),
            ("net\u{7f}work", "control"),
            ("net\0work", "control"),
            ("net\u{200b}work", "invisible"),
            ("net\u{200d}work", "invisible"),
            ("net\u{feff}work", "invisible"),
            ("net\u{ad}work", "invisible"),
            ("net\u{fe0f}work", "invisible"),
            ("net\u{e0041}work", "invisible"),
            ("net\u{3164}work", "invisible"),
            ("net\u{2800}work", "invisible"),
            ("net\u{202e}work", "direction"),
            ("net\u{2066}work", "direction"),
            ("net\u{200f}work", "direction"),
            ("net\u{61c}work", "direction"),
            ("net\u{a0}work", "spaces"),
            ("net\u{3000}work", "spaces"),
            ("net\u{e000}work", "meaning"),
            ("net\u{fffd}work", "meaning"),
            ("net\u{ffff}work", "meaning"),
            ("net\u{1d159}work", "invisible"),
            ("net\u{378}work", "meaning"),
            ("cafe\u{301}", "composed"),
            (&format!("caf\u{e9}{}", "\u{300}".repeat(60)), "four marks"),
            ("admi\u{307}n", "look like"),
            ("adm\u{338}in", "look like"),
            ("net\u{1c3}work", "look like"),
            ("x\u{207b}y", "look like"),
            ("adm\u{131}n", "look like"),
            ("\u{43e}wners", "look like"),
            ("own\u{435}rs", "look like"),
            ("net\u{2010}work", "look like"),
            ("net\u{2212}work", "look like"),
            ("\u{3bf}wners", "look like"),
            ("\u{430}\u{441}\u{435}", "look like"),
            ("\u{ff4f}\u{ff57}\u{ff4e}", "look like"),
            ("\u{1d428}\u{1d430}\u{1d427}", "look like"),
            (&"a".repeat(91), "at most 90"),
        ] {
            let why = wrong(name, 90).unwrap_or_else(|| panic!("{name:?} is no name"));
            assert!(why.contains(word), "{name:?}: {why}");
        }
    }
}
