//! What texts are made of, whoever sends them: one rule for lines, one for prose, one for names that look like others.
//!
//! Each gives the end of a sentence that begins with what was refused: `can't contain …`. Limits of length are those of
//! whoever asks. And JSON whose numbers stay what they were.

pub mod json;

use std::{borrow::Cow, fmt::Write as _};

use unicode_normalization::{UnicodeNormalization as _, is_nfc, is_nfkc};
use unicode_security::{MixedScript, skeleton};

const CONTROL: &str = "can't contain line breaks or control characters";
const CONTROL_IN_PROSE: &str = "can't contain control characters";
const BARE_RETURN: &str = "can't contain carriage returns without a line feed behind them";
const INVISIBLE: &str =
    "can't contain characters that are invisible or change the direction of writing";
const SPACES: &str = "can't contain other spaces than the usual one";
const MEANING: &str = "can't contain characters without a meaning of their own";
/// Signs of good typesetting. They are wider than those of ASCII, or bent, and people write them in names.
const TYPOGRAPHIC: [char; 6] = ['–', '—', '‘', '’', '“', '”'];

/// Why this is no line that shows what it is: a name, a path, a title, the value of a tag.
pub fn line(text: &str) -> Option<&'static str> {
    if text.is_ascii() {
        return text.bytes().any(|byte| byte.is_ascii_control()).then_some(CONTROL);
    }
    let any = |which: fn(char) -> bool| text.chars().any(which);
    if any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')) {
        Some(CONTROL)
    } else if any(is_invisible) {
        Some(INVISIBLE)
    } else if any(|c| c.is_whitespace() && c != ' ') {
        Some(SPACES)
    } else if any(has_no_meaning) {
        Some(MEANING)
    } else if !is_nfc(text) {
        Some("must be composed (Unicode's normal form NFC)")
    } else {
        None
    }
}

/// Why this is nothing that people write to each other: a description, a message, a comment. It may have several lines,
/// and what emoji and the writing of Persian or Hebrew need.
pub fn prose(text: &str) -> Option<&'static str> {
    let is_break = |c: char| matches!(c, '\n' | '\r' | '\t');
    let joins = |c: char| matches!(c, '\u{ad}' | '\u{200c}'..='\u{200f}' | '\u{61c}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0020}'..='\u{e007f}');
    if text.chars().any(|c| c.is_control() && !is_break(c)) {
        Some(CONTROL_IN_PROSE)
    } else if text.split('\r').skip(1).any(|rest| !rest.starts_with('\n')) {
        // A terminal writes what follows over what stands before it.
        Some(BARE_RETURN)
    } else if text.is_ascii() {
        None
    } else if text.chars().any(|c| is_invisible(c) && !joins(c)) {
        Some(INVISIBLE)
    } else if text.chars().any(has_no_meaning) {
        Some(MEANING)
    } else {
        None
    }
}

/// Why PostgreSQL would not keep this, whatever it is.
pub fn anything(text: &str) -> Option<&'static str> {
    text.contains('\0').then_some("must not contain a null character")
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

/// A text with what hides or disguises something drawn as `\u{202e}`; line breaks and tabs stay.
pub fn visible(text: &str) -> Cow<'_, str> {
    let hides = |c: char| !matches!(c, '\n' | '\t') && (c.is_control() || is_invisible(c));
    if !text.chars().any(hides) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if hides(c) {
            write!(shown, "{}", c.escape_unicode()).expect("a String takes everything");
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

/// Private use, the sign for what could not be read, and what is no character at all.
fn has_no_meaning(c: char) -> bool {
    matches!(c, '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..='\u{10ffff}' | '\u{fffc}' | '\u{fffd}' | '\u{fdd0}'..='\u{fdef}')
        || u32::from(c) & 0xfffe == 0xfffe
}

/// Whether a name has words of more than one script, or letters or signs that are drawn as others (Unicode Technical
/// Standard 39): people choose between names by looking at them.
pub fn looks_like_another(name: &str) -> bool {
    if name.is_ascii() {
        return false;
    }
    let words = || name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    if words().any(|word| !word.is_single_script() || !is_nfkc(word)) {
        return true;
    }
    // Together with a Latin letter, only what is Latin or of every script is still of one.
    let (latin, other): (Vec<&str>, Vec<&str>) =
        words().partition(|word| format!("{word}a").is_single_script());
    // Such as the Turkish letter that is drawn as an i, but not those that are a Latin letter with a mark.
    if latin.iter().any(|word| word.chars().any(is_drawn_as_another)) {
        return true;
    }
    let is_disguised = |c: char| is_drawn_as_ascii(c) && (other.is_empty() || !is_of_others(c));
    if name.chars().any(is_disguised) {
        return true;
    }
    let is_drawn_as_latin = |word: &&str| skeleton(word).all(|c| c.is_ascii());
    if latin.is_empty() {
        !other.is_empty() && other.iter().all(is_drawn_as_latin)
    } else {
        other.iter().any(is_drawn_as_latin)
    }
}

/// A letter whose place a letter of ASCII could take without anybody seeing it.
fn is_drawn_as_another(c: char) -> bool {
    let mut buffer = [0; 4];
    let mut drawn = skeleton(c.encode_utf8(&mut buffer));
    !c.is_ascii()
        && matches!((drawn.next(), drawn.next()), (Some(one), None) if one.is_ascii_alphanumeric())
}

/// A sign, such as one of the many hyphens, whose place one of ASCII could take without anybody seeing it.
fn is_drawn_as_ascii(c: char) -> bool {
    if c.is_ascii() || c.is_alphanumeric() || TYPOGRAPHIC.contains(&c) {
        return false;
    }
    let drawn = |c: char| skeleton(c.encode_utf8(&mut [0; 4])).collect::<String>();
    let it = drawn(c);
    (!is_nfkc(&c.to_string()) && c.to_string().nfkc().all(|c| c.is_ascii()))
        || ('!'..='~').any(|ascii| drawn(ascii) == it)
}

/// A sign of another script than Latin, or as wide as the letters of East Asia: at home beside those.
fn is_of_others(c: char) -> bool {
    matches!(c, '\u{ff00}'..='\u{ff60}') || !format!("{c}a").is_single_script()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prose_has_lines_emoji_and_languages_that_join_their_letters() {
        for text in [
            "one\ntwo\r\n\tthree",
            "⚠\u{fe0f} fix",
            "👩\u{200d}🚀",
            "می\u{200c}خواهم",
            "שלום\u{200f}!",
            "10\u{a0}km",
        ] {
            assert_eq!(prose(text), None, "{text:?}");
        }
        for text in [
            "a\0b",
            "a\u{1b}[31mb",
            "a\u{7f}b",
            "a\u{85}b",
            "a\rb",
            "a\r",
            "a\r\r\nb",
            "a\u{202e}b",
            "a\u{2066}b",
            "a\u{200b}b",
            "a\u{feff}b",
            "a\u{2060}b",
            "a\u{e000}b",
            "a\u{ffff}b",
        ] {
            assert!(prose(text).is_some(), "{text:?}");
            assert!(line(text).is_some(), "{text:?}");
        }
    }

    #[test]
    fn what_hides_something_is_drawn() {
        assert_eq!(visible("a\u{202e}b\u{1b}\tc\né"), "a\\u{202e}b\\u{1b}\tc\né");
    }

    #[test]
    fn letters_that_are_drawn_as_others_do_not_pass_for_them() {
        for name in ["Überblick", "équipe", "Yazar", "Łódź", "Kære", "Ærø", "groß", "đồng", "Œuvre"]
        {
            assert!(!looks_like_another(name), "{name}");
        }
        for name in ["Команда EU", "Команда ЕС", "東京 net", "قسم IT", "prod – blue", "l’équipe"]
        {
            assert!(!looks_like_another(name), "{name}");
        }
        for name in [
            "adm\u{131}n",
            "\u{131}dea",
            "pro\u{501}",
            "\u{251}dmin",
            "\u{261}rid",
            "own\u{435}rs",
            "\u{43e}\u{440}\u{435}-prod",
            "prod \u{430}\u{441}\u{435}",
            "wörk \u{430}\u{441}\u{435}",
            "\u{ff4f}ne",
        ] {
            assert!(looks_like_another(name), "{name}");
        }
    }

    #[test]
    fn signs_that_are_drawn_as_others_do_not_pass_for_them() {
        for name in [
            "prod – blue",
            "l’équipe",
            "“prod”",
            "10 €",
            "a → b",
            "⚠ 🚀",
            "a · b",
            "§ 5",
            "چین\u{6d4} ایران",
            "ועדת מו\u{5f4}מ",
            "チーム\u{ff08}東京\u{ff09}",
            "東京\u{3001}大阪",
        ] {
            assert!(!looks_like_another(name), "{name}");
        }
        for sign in [
            '\u{2010}', '\u{2011}', '\u{2012}', '\u{2212}', '\u{2796}', '\u{2d7}', '\u{ff0d}',
            '\u{fe63}', '\u{2024}', '\u{2026}', '\u{2044}', '\u{2215}', '\u{2236}', '\u{a789}',
            '\u{2217}', '\u{201a}', '\u{2039}', '\u{b4}', '\u{2032}', '\u{223c}', '\u{2223}',
            '\u{37e}', '\u{6d4}', '\u{ff08}', '\u{d7}',
        ] {
            for name in [format!("prod{sign}blue"), format!("prod {sign} blau")] {
                assert!(looks_like_another(&name), "{name} {}", sign.escape_unicode());
            }
        }
    }
}
