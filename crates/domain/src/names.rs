//! What names may look like, whatever is named: one line that shows what it is, and does not look like another name.

use unicode_normalization::{is_nfc, is_nfkc};
use unicode_security::{MixedScript, skeleton};

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
    if let Some(why) = unclear(name, limit) {
        return Some(why);
    }
    if looks_like_another(name) {
        return Some("mixes letters of scripts that look alike".to_owned());
    }
    None
}

/// The same for a line that need not be a name: a description, or the value of a tag.
pub(crate) fn unclear(text: &str, limit: usize) -> Option<String> {
    // Bytes are counted at once, and most texts are short.
    if text.len() > limit && text.chars().count() > limit {
        return Some(format!("has at most {limit} characters"));
    }
    if text.is_ascii() {
        let strange = text.bytes().any(|byte| byte.is_ascii_control());
        return strange.then(|| "can't contain line breaks or control characters".to_owned());
    }
    let any = |which: fn(char) -> bool| text.chars().any(which);
    let why = if any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')) {
        "can't contain line breaks or control characters"
    } else if any(is_invisible) {
        "can't contain characters that are invisible or change the direction of writing"
    } else if any(|c| c.is_whitespace() && c != ' ') {
        "can't contain other spaces than the usual one"
    } else if any(has_no_meaning) {
        "can't contain characters without a meaning of their own"
    } else if !is_nfc(text) {
        "must be composed (Unicode's normal form NFC)"
    } else {
        return None;
    };
    Some(why.to_owned())
}

/// Unicode's Default_Ignorable_Code_Point, which has the zero-width and direction characters, and what else draws
/// nothing.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
        | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Private use, the sign for what could not be read, and what is no character at all.
fn has_no_meaning(c: char) -> bool {
    matches!(c, '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..='\u{10ffff}' | '\u{fffc}' | '\u{fffd}' | '\u{fdd0}'..='\u{fdef}')
        || u32::from(c) & 0xfffe == 0xfffe
}

/// Words of more than one script, and names that are drawn as Latin ones without being Latin (Unicode Technical
/// Standard 39).
fn looks_like_another(name: &str) -> bool {
    if name.is_ascii() {
        return false;
    }
    let mut words = name.split(|c: char| !c.is_alphanumeric());
    if words.any(|word| !word.is_single_script()) {
        return true;
    }
    // Together with a Latin letter, only what is Latin or of every script is still of one.
    let is_latin = |word: &str| format!("{word}a").is_single_script();
    let has_disguise =
        name.split(|c: char| !c.is_alphanumeric()).any(|word| !is_latin(word) || !is_nfkc(word));
    has_disguise && skeleton(name).all(|c| c.is_ascii())
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
            "Yazılım",
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
            ("cafe\u{301}", "composed"),
            ("\u{43e}wners", "look alike"),
            ("own\u{435}rs", "look alike"),
            ("\u{3bf}wners", "look alike"),
            ("\u{430}\u{441}\u{435}", "look alike"),
            ("\u{ff4f}\u{ff57}\u{ff4e}", "look alike"),
            ("\u{1d428}\u{1d430}\u{1d427}", "look alike"),
            (&"a".repeat(91), "at most 90"),
        ] {
            let why = wrong(name, 90).unwrap_or_else(|| panic!("{name:?} is no name"));
            assert!(why.contains(word), "{name:?}: {why}");
        }
    }
}
