//! The secrets within a secret: texts in HCL and JSON, passwords in addresses and settings, what is written in base64.
//! Engines, providers and scripts speak of them one by one.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use regex::Regex;
use serde_json::Value;
use unicode_normalization::UnicodeNormalization as _;

use crate::spellings::{SHORTEST, unpercent};

/// How often a member is looked into.
const DEEPEST: usize = 4;
/// Bytes of them all; what is longer is no set of secrets, and is looked for as a whole and line by line.
const ROOM: usize = 2 << 20;

/// A quoted text in HCL.
static QUOTED: LazyLock<Regex> = LazyLock::new(|| pattern(r#""((?:[^"\\\n]|\\.)*)""#));
static NUMBER: LazyLock<Regex> = LazyLock::new(|| pattern(r"\d[\d.]{5,}"));
/// In the CLI configuration of an operator.
static TOKEN: LazyLock<Regex> =
    LazyLock::new(|| pattern(r#""?(?:token|password|secret)\w*"?\s*[=:]\s*"((?:[^"\\\n]|\\.)*)""#));
/// In a list of settings, such as what connects to a database, and in the query of an address.
static SETTING: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r#"(?i)(?:password|passwd|pwd|token|secret|key|sig|signature)\s*[=:]\s*([^\s;&,"']+)"#)
});
/// The name and the password in an address, or the token that stands for both.
static ADDRESS: LazyLock<Regex> =
    LazyLock::new(|| pattern(r#"[A-Za-z][A-Za-z0-9+.-]*://([^\s"'<>]*)@"#));

/// Lines and alphabets, with signs at the end or without.
const ENCODED: [GeneralPurpose; 2] = [
    GeneralPurpose::new(&alphabet::STANDARD, INDIFFERENT),
    GeneralPurpose::new(&alphabet::URL_SAFE, INDIFFERENT),
];
const INDIFFERENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("the pattern is a constant and tested")
}

/// Secrets that were found so far.
#[derive(Default)]
pub(crate) struct Members(pub BTreeSet<String>);

impl Members {
    /// A secret, and those within.
    pub fn text(&mut self, text: &str) {
        let mut room = ROOM;
        self.insert(text);
        if let Some(number) = number(text) {
            self.add(&number, 0, &mut room);
        }
        self.within(text, DEEPEST, &mut room);
    }

    /// As it is, and as engines take each text: in one form of what looks the same.
    fn insert(&mut self, text: &str) {
        let composed: String = text.nfc().collect();
        if composed != text {
            self.0.insert(composed);
        }
        self.0.insert(text.to_owned());
    }

    /// Those within a value in HCL.
    pub fn expression(&mut self, text: &str) {
        let mut room = ROOM;
        for found in QUOTED.captures_iter(text) {
            self.add(&plain(&found[1]), DEEPEST, &mut room);
        }
        for found in NUMBER.find_iter(text) {
            self.add(found.as_str(), 0, &mut room);
            if let Some(number) = number(found.as_str()) {
                self.add(&number, 0, &mut room);
            }
        }
        for body in heredocs(text) {
            self.add(&body, DEEPEST, &mut room);
        }
    }

    fn add(&mut self, text: &str, depth: usize, room: &mut usize) {
        let Some(left) = room.checked_sub(text.len()) else { return };
        if text.trim().chars().count() >= SHORTEST {
            *room = left;
            self.insert(text);
            self.within(text, depth, room);
        }
    }

    fn within(&mut self, text: &str, depth: usize, room: &mut usize) {
        let Some(depth) = depth.checked_sub(1) else { return };
        if text.trim_start().starts_with(['{', '[', '"'])
            && let Ok(value) = serde_json::from_str(text)
        {
            self.leaves(&value, depth, room);
            return;
        }
        for found in SETTING.captures_iter(text) {
            self.add(&found[1], depth, room);
            self.add(&unpercent(&found[1]), depth, room);
        }
        for found in ADDRESS.captures_iter(text) {
            let secret = found[1].split_once(':').map_or(&found[1], |(_, password)| password);
            self.add(secret, depth, room);
            self.add(&unpercent(secret), depth, room);
        }
        if let Some(decoded) = decoded(text) {
            self.add(&decoded, depth, room);
        }
    }

    /// Names are not among them: each log has `password` and `project_id`.
    fn leaves(&mut self, value: &Value, depth: usize, room: &mut usize) {
        match value {
            Value::String(text) => self.add(text, depth, room),
            Value::Number(number) => self.add(&number.to_string(), 0, room),
            Value::Array(members) => members.iter().for_each(|it| self.leaves(it, depth, room)),
            Value::Object(members) => members.values().for_each(|it| self.leaves(it, depth, room)),
            Value::Bool(_) | Value::Null => {}
        }
    }
}

/// Texts behind what looks like the name of a secret.
pub(crate) fn tokens(text: &str) -> impl Iterator<Item = String> {
    TOKEN.captures_iter(text).map(|found| plain(&found[1]))
}

/// What stands in the quotes, without escapes.
fn plain(quoted: &str) -> String {
    let text = serde_json::from_str::<String>(&format!("\"{quoted}\""));
    untemplated(&text.unwrap_or_else(|_| unescaped(quoted)))
}

/// Templates are kept from being one by doubling their first sign.
fn untemplated(text: &str) -> String {
    text.replace("$${", "${").replace("%%{", "%{")
}

/// HCL escapes as JSON does, and knows letters by eight digits too.
fn unescaped(quoted: &str) -> String {
    let mut text = String::with_capacity(quoted.len());
    let mut rest = quoted.chars();
    while let Some(letter) = rest.next() {
        if letter != '\\' {
            text.push(letter);
            continue;
        }
        let digits = match rest.next() {
            Some('n') => {
                text.push('\n');
                continue;
            }
            Some('r') => {
                text.push('\r');
                continue;
            }
            Some('t') => {
                text.push('\t');
                continue;
            }
            Some('u') => 4,
            Some('U') => 8,
            Some(other) => {
                text.push(other);
                continue;
            }
            None => break,
        };
        let number: String = rest.by_ref().take(digits).collect();
        let letter = u32::from_str_radix(&number, 16).ok().and_then(char::from_u32);
        text.push(letter.unwrap_or(char::REPLACEMENT_CHARACTER));
    }
    text
}

/// Texts of several lines in HCL, as they are and without what indents them all.
fn heredocs(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some((_, mark)) = line.split_once("<<") else { continue };
        let mark = mark.trim_start_matches('-').trim();
        let is_name = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
        if mark.is_empty() || !mark.chars().all(is_name) {
            continue;
        }
        let body: Vec<&str> = lines.by_ref().take_while(|line| line.trim() != mark).collect();
        let indent = body.iter().filter(|line| !line.trim().is_empty());
        let indent = indent.map(|line| line.len() - line.trim_start().len()).min().unwrap_or(0);
        let flush: Vec<&str> = body.iter().map(|line| line.get(indent..).unwrap_or("")).collect();
        for body in [body.join("\n"), flush.join("\n")] {
            found.push(untemplated(&body));
        }
    }
    found
}

/// A number as engines print it, whatever it was written like.
fn number(text: &str) -> Option<String> {
    let text = text.trim();
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !is_number(whole) || !is_number(part) {
        return None;
    }
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    let part = part.trim_end_matches('0');
    Some(if part.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{part}") })
}

/// The text that is written in base64; a value that only looks so becomes no text.
fn decoded(text: &str) -> Option<String> {
    let bare: String = text.split_ascii_whitespace().collect();
    let bytes = ENCODED.iter().find_map(|engine| engine.decode(&bare).ok())?;
    let text = String::from_utf8(bytes).ok()?;
    let is_text = |c: char| !c.is_control() || c.is_ascii_whitespace();
    text.chars().all(is_text).then_some(text)
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

    use super::*;

    fn members(text: &str) -> Vec<String> {
        let mut all = Members::default();
        all.text(text);
        all.0.remove(text);
        all.0.into_iter().collect()
    }

    #[test]
    fn a_password_in_an_address_is_a_secret_of_its_own() {
        assert_eq!(members("postgres://app:s3cret%21pw@db/x"), ["s3cret!pw", "s3cret%21pw"]);
        assert_eq!(members("see https://ghp_0123456@github.com/a."), ["ghp_0123456"]);
        assert_eq!(members("amqp://u:with@and:it@h"), ["with@and:it"]);
        assert_eq!(members("https://x.blob/a?se=1&sig=Ab%2Bcdef"), ["Ab%2Bcdef", "Ab+cdef"]);
        assert_eq!(members("Server=a;Password=hunter2;Ssl=true"), ["hunter2"]);
        assert!(members("https://example.com/path ssh://git@h").is_empty());
    }

    #[test]
    fn values_are_known_as_engines_take_them() {
        assert_eq!(members("pa\u{308}ssword-e\u{301}"), ["pässword-é"]);
        assert_eq!(members("00918273645.50"), ["918273645.5"]);
        assert_eq!(members("-000123456.0"), ["-123456"]);
        let expression = |text: &str| {
            let mut all = Members::default();
            all.expression(text);
            all.0.into_iter().collect::<Vec<_>>()
        };
        assert_eq!(expression(r#"{ a = "Gz6\U0001F600kPqW9" }"#), ["Gz6😀kPqW9"]);
        assert_eq!(expression(r#"{ a = "tab\there \u00e9" }"#), ["tab\there é"]);
        let text = "{\n  a = <<-EOT\n    Gz5abcdef $${q}\n      second\n  EOT\n  b = 1\n}";
        let found = expression(text);
        assert!(found.contains(&"Gz5abcdef ${q}\n  second".to_owned()), "{found:?}");
        assert_eq!(expression("{ a = 00918273645.50 }"), ["00918273645.50", "918273645.5"]);
    }

    #[test]
    fn what_is_written_in_base64_is_known_as_it_is() {
        let json = r#"{"private_key": "-----BEGIN", "n": [1234567]}"#;
        for text in [STANDARD.encode(json), URL_SAFE_NO_PAD.encode(json)] {
            assert_eq!(members(&text), ["-----BEGIN", "1234567", json]);
        }
        assert!(members("production12").is_empty());
    }

    #[test]
    fn json_is_looked_into_as_deep_as_people_nest_it_and_no_deeper() {
        let mut text = "innermost".to_owned();
        for _ in 0..3 {
            text = serde_json::json!({ "password": text }).to_string();
        }
        assert!(members(&text).contains(&"innermost".to_owned()));
        assert!(!members(&text).contains(&"password".to_owned()));
        for _ in 0..8 {
            text = STANDARD.encode(&text);
        }
        assert_eq!(members(&text).len(), DEEPEST);
        let long = serde_json::json!(["x".repeat(ROOM + 1), "hunter2"]).to_string();
        assert_eq!(members(&long), ["hunter2"]);
    }
}
