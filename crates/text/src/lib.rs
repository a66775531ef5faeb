//! What texts are made of, whoever sends them: one rule for lines, one for prose, one for names that look like others.
//!
//! Each gives the end of a sentence that begins with what was refused: `can't contain …`. Limits of length are those of
//! whoever asks. And JSON whose numbers stay what they were.

mod address;
pub mod json;
mod likeness;

use std::{borrow::Cow, fmt::Write as _};

use unicode_normalization::is_nfc;
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory as _};

pub use address::without_credentials;
pub use likeness::looks_like_another;

const CONTROL: &str = "can't contain line breaks or control characters";
const CONTROL_IN_PROSE: &str = "can't contain control characters";
const BARE_RETURN: &str = "can't contain carriage returns without a line feed behind them";
const INVISIBLE: &str =
    "can't contain characters that are invisible or change the direction of writing";
const SPACES: &str = "can't contain other spaces than the usual one";
const MEANING: &str = "can't contain characters without a meaning of their own";
const HEAPED: &str = "can't contain more than four marks on one letter";
/// Unicode Technical Standard 39, 5.4: no language heaps more.
const MARKS: usize = 4;

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
    } else if any(|c| has_no_meaning(c) || is_unassigned(c)) {
        Some(MEANING)
    } else if is_heaped(text) {
        Some(HEAPED)
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

/// What emoji, and the writing of Persian or Hebrew, need between their letters.
fn joins(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200c}'..='\u{200f}' | '\u{61c}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0020}'..='\u{e007f}')
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
        | '\u{13430}'..='\u{13442}' | '\u{16fe4}' | '\u{1d159}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Prose of what a program says, which cannot be asked to write something else: without the colours of a terminal, and
/// with what [`prose`] refuses drawn as `\u{202e}`.
pub fn plain(text: &str) -> Cow<'_, str> {
    if prose(text).is_none() {
        return Cow::Borrowed(text);
    }
    let mut pieces = text.split("\u{1b}[");
    let mut uncoloured = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        // Numbers, then the letter that says what to do with them.
        let rest = piece.trim_start_matches(|c: char| matches!(c, ' '..='?'));
        uncoloured.push_str(rest.strip_prefix(|c: char| c.is_ascii()).unwrap_or(rest));
    }
    let broken = uncoloured.replace("\r\n", "\n").replace('\r', "\n");
    let mut plain = String::with_capacity(broken.len() + 8);
    for c in broken.chars() {
        let is_break = matches!(c, '\n' | '\t');
        if !is_break && (c.is_control() || is_invisible(c) && !joins(c) || has_no_meaning(c)) {
            write!(plain, "{}", c.escape_unicode()).expect("a String takes everything");
        } else {
            plain.push(c);
        }
    }
    Cow::Owned(plain)
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

/// Nothing but a box, or what a later Unicode makes of it. People may still write it to each other: emoji are newer
/// than servers.
fn is_unassigned(c: char) -> bool {
    c.general_category() == GeneralCategory::Unassigned
}

/// A mark on another character, without a place of its own.
fn is_mark(c: char) -> bool {
    matches!(c.general_category(), GeneralCategory::NonspacingMark | GeneralCategory::EnclosingMark)
}

/// Drawn over the lines above and below.
fn is_heaped(text: &str) -> bool {
    text.split(|c| !is_mark(c)).any(|marks| marks.chars().count() > MARKS)
}

/// Whether engines take this for the name of something: what Unicode calls an identifier, which may have hyphens.
/// One that begins with a digit is none to them, and is to clients.
pub fn is_identifier(text: &str) -> bool {
    let goes_on = |c: char| unicode_ident::is_xid_continue(c) || c == '-';
    text.chars().all(goes_on)
        && text.starts_with(|c: char| unicode_ident::is_xid_start(c) || c.is_numeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_programs_say_is_shown_without_their_colours_and_with_what_would_hide() {
        for (said, shown) in [
            ("two open ports ⚠\u{fe0f}\nsee below", "two open ports ⚠\u{fe0f}\nsee below"),
            ("\u{1b}[31;1mfailed\u{1b}[0m: x", "failed: x"),
            ("\u{feff}a\u{200b}b", "\\u{feff}a\\u{200b}b"),
            ("10 %\r20 %\r\ndone\u{7}", "10 %\n20 %\ndone\\u{7}"),
            ("\u{1b}]0;title\u{7}", "\\u{1b}]0;title\\u{7}"),
            ("cut off \u{1b}[", "cut off "),
            ("a\u{202e}b", "a\\u{202e}b"),
        ] {
            assert_eq!(plain(said), shown, "{said:?}");
            assert_eq!(prose(&plain(said)), None, "{said:?}");
        }
    }

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
}
