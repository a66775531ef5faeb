//! The ways in which a secret can be written.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

/// Shorter values are not looked for: they stand in every log.
pub(crate) const SHORTEST: usize = 6;

/// Bytes of base64 in a line, as `base64` and PEM write them.
const WRAPS: [usize; 2] = [76, 64];

/// What percent-encoding leaves as it is beside letters and digits: Go for queries, JavaScript for parts, Go for paths,
/// JavaScript for whole addresses.
const KEPT: [&str; 4] = ["-_.~", "-_.~!*'()", "-_.~$&+=:@", "-_.~!*'();/?:@&=+$,#"];

/// All of them, or nothing for a value that is too short. A value may end with a line break that is not printed.
pub(crate) fn of(value: &str) -> BTreeSet<String> {
    let mut all = plain(value);
    let value = value.trim();
    if value.chars().count() < SHORTEST {
        return all;
    }
    for kept in KEPT {
        for upper in [true, false] {
            let text = percent(value, kept, upper);
            all.insert(text.replace("%20", "+"));
            all.insert(text);
        }
    }
    let bytes = value.as_bytes();
    all.insert(hex::encode(bytes));
    all.insert(hex::encode_upper(bytes));
    for alphabet in [STANDARD, URL_SAFE] {
        all.extend(base64(bytes, &alphabet));
    }
    all.retain(|text| text.len() >= SHORTEST);
    all
}

/// As it is and as JSON and HCL quote it, whole and line by line: engines indent and frame what has several.
pub(crate) fn plain(value: &str) -> BTreeSet<String> {
    let whole = value.trim();
    let mut texts: BTreeSet<&str> = whole.lines().map(str::trim).collect();
    texts.insert(whole);
    texts.retain(|text| text.chars().count() >= SHORTEST);
    let mut all = BTreeSet::new();
    for text in texts {
        let once = quoted(text);
        // Logs of events quote what the engine has quoted.
        all.extend(once.iter().flat_map(|text| quoted(text)));
        all.extend(once);
    }
    all
}

/// As it is, as JSON, as Go's JSON, as HCL.
fn quoted(text: &str) -> [String; 4] {
    let json = serde_json::Value::from(text).to_string();
    let json = json.trim_start_matches('"').strip_suffix('"').unwrap_or_default();
    // A text that begins with a quote keeps it, escaped.
    let json = if text.starts_with('"') {
        serde_json::Value::from(text).to_string()
    } else {
        format!("\"{json}\"")
    };
    let json = json[1..json.len() - 1].to_owned();
    let go = json
        .replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029");
    let hcl = json.replace("${", "$${").replace("%{", "%%{");
    [text.to_owned(), json, go, hcl]
}

fn percent(text: &str, kept: &str, upper: bool) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        let letter = char::from(byte);
        if letter.is_ascii_alphanumeric() || kept.contains(letter) {
            encoded.push(letter);
        } else {
            let written =
                if upper { write!(encoded, "%{byte:02X}") } else { write!(encoded, "%{byte:02x}") };
            written.expect("a String takes all that is written to it");
        }
    }
    encoded
}

/// What of it does not depend on what stands before and behind, for each of the three places where it can begin; and
/// its lines, where it has several.
fn base64(bytes: &[u8], alphabet: &GeneralPurpose) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for (before, begin) in [(0, 0), (1, 2), (2, 3)] {
        let mut text = vec![0; before];
        text.extend_from_slice(bytes);
        let end = text.len() * 8 / 6;
        let encoded = alphabet.encode(text);
        all.insert(encoded[begin..end].to_owned());
    }
    let whole = alphabet.encode(bytes);
    for width in WRAPS {
        let lines = whole.as_bytes().chunks(width);
        all.extend(
            lines.map(|line| String::from_utf8_lossy(line).trim_end_matches('=').to_owned()),
        );
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_known_in_each_way_to_write_it() {
        let value = "\"p&ss\\w/rd ${é}";
        let all = of(value);
        for text in [
            value,
            r#"\"p&ss\\w/rd ${é}"#,
            r#"\"p\u0026ss\\w/rd ${é}"#,
            r#"\"p&ss\\w/rd $${é}"#,
            r#"\\\"p&ss\\\\w/rd $${é}"#,
            "%22p%26ss%5Cw%2Frd+%24%7B%C3%A9%7D",
            "%22p%26ss%5Cw%2Frd%20%24%7B%C3%A9%7D",
            "%22p%26ss%5cw%2frd%20%24%7b%c3%a9%7d",
            "%22p&ss%5Cw/rd%20$%7B%C3%A9%7D",
            "22702673735c772f726420247bc3a97d",
            "22702673735C772F726420247BC3A97D",
        ] {
            assert!(all.contains(text), "{text}: {all:#?}");
        }
    }

    #[test]
    fn base64_is_known_wherever_it_begins() {
        let value = "hunter2-s3cret?>~";
        let all = of(value);
        for before in ["", "a", "ab", "abc", "abcd"] {
            for behind in ["", "z", "yz", "xyz"] {
                let text = format!("{before}{value}{behind}");
                for alphabet in [STANDARD, URL_SAFE] {
                    let encoded = alphabet.encode(&text);
                    assert!(all.iter().any(|one| encoded.contains(one)), "{encoded}");
                }
            }
        }
        // Of a long one each line is.
        let long = "0123456789abcdef".repeat(20);
        let encoded = STANDARD.encode(&long);
        let all = of(&long);
        for width in WRAPS {
            for line in encoded.as_bytes().chunks(width) {
                let line = std::str::from_utf8(line).unwrap().trim_end_matches('=');
                assert!(all.contains(line), "{line}");
            }
        }
    }

    #[test]
    fn lines_are_known_one_by_one_and_short_values_not_at_all() {
        let all = of("first line\n  second\nx\n");
        for text in ["first line\n  second\nx", "first line", "second", r"first line\n  second\nx"]
        {
            assert!(all.contains(text), "{all:#?}");
        }
        assert!(!all.contains("x"));
        assert!(of("short").is_empty() && of(" short\n").is_empty());
        assert!(of("ärgern").contains("ärgern"));
    }
}
