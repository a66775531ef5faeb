//! The ways in which a secret can be written.

mod base64;
mod quoting;

use std::collections::BTreeSet;
use std::fmt::Write as _;

/// Shorter values are not looked for: they stand in every log.
pub(crate) const SHORTEST: usize = 6;

type Texts = BTreeSet<String>;

/// What percent-encoding leaves as it is beside letters and digits: Go for queries, JavaScript for parts, Go for paths,
/// JavaScript for whole addresses.
const KEPT: [&str; 4] = ["-_.~", "-_.~!*'()", "-_.~$&+=:@", "-_.~!*'();/?:@&=+$,#"];

/// In the order of what is left out first where a run has too many: the last ones.
pub(crate) const FURTHER: [fn(&str) -> Texts; 2] = [encoded, nested];

/// As it is and as JSON and HCL quote it, whole and line by line: engines indent and frame what has several. None for a
/// value that is too short. A value may end with a line break that is not printed.
pub(crate) fn plain(value: &str) -> Texts {
    let mut all = Texts::new();
    for text in parts(value) {
        let once = quoting::engines(text);
        // Logs of events quote what the engine has quoted.
        all.extend(once.iter().flat_map(|text| quoting::engines(text)));
        all.extend(once);
    }
    all
}

/// As other languages quote it, and in one encoding.
fn encoded(value: &str) -> Texts {
    let mut all: Texts = parts(value).into_iter().flat_map(quoting::others).collect();
    let value = value.trim();
    all.extend(percents(value));
    all.extend(hexadecimal(value.as_bytes()));
    all.extend(base64::of(value.as_bytes()));
    long_enough(all)
}

/// In an encoding of what is quoted or encoded already, and in that of Windows.
fn nested(value: &str) -> Texts {
    // What a script has quoted is quoted once more by the engine that shows it.
    let mut all: Texts = encoded(value).iter().flat_map(|text| quoting::engines(text)).collect();
    let value = value.trim();
    for text in quoting::engines(value).into_iter().chain(quoting::others(value)) {
        if text != value {
            all.extend(base64::of(text.as_bytes()));
            all.insert(percent(&text, KEPT[0], true));
            all.extend(hexadecimal(text.as_bytes()));
        }
    }
    for text in base64::of(value.as_bytes()) {
        all.extend(base64::of(text.as_bytes()));
        all.insert(percent(&text, KEPT[0], true));
        all.insert(hex::encode(&text));
    }
    for row in [hex::encode(value), hex::encode_upper(value)] {
        all.extend(base64::of(row.as_bytes()));
    }
    for text in percents(value) {
        all.insert(percent(&text, KEPT[0], true));
        all.extend(base64::of(text.as_bytes()));
    }
    let wide: Vec<u8> = value.encode_utf16().flat_map(u16::to_le_bytes).collect();
    all.extend(base64::of(&wide));
    all.extend(hexadecimal(&wide));
    long_enough(all)
}

/// The whole, and its lines where it has several.
fn parts(value: &str) -> BTreeSet<&str> {
    let whole = value.trim();
    let mut texts: BTreeSet<&str> = whole.lines().map(str::trim).collect();
    texts.insert(whole);
    texts.retain(|text| text.chars().count() >= SHORTEST);
    texts
}

fn long_enough(mut texts: Texts) -> Texts {
    texts.retain(|text| text.len() >= SHORTEST);
    texts
}

/// As bytes are listed: in a row, with colons, in a text of C, Python or a shell, in an address.
fn hexadecimal(bytes: &[u8]) -> Texts {
    let mut all = Texts::new();
    for row in [hex::encode(bytes), hex::encode_upper(bytes)] {
        for before in [":", "\\x", "%", ", 0x"] {
            let pairs = row.as_bytes().chunks(2).map(String::from_utf8_lossy);
            let text: String = pairs.flat_map(|pair| [before.into(), pair]).collect();
            all.insert(text.trim_start_matches([':', ',', ' ']).to_owned());
        }
        all.insert(row);
    }
    all
}

fn percents(text: &str) -> Texts {
    let mut all = Texts::new();
    for kept in KEPT {
        for upper in [true, false] {
            let encoded = percent(text, kept, upper);
            all.insert(encoded.replace("%20", "+"));
            all.insert(encoded);
        }
    }
    all
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

/// Whatever is no encoding of a byte stays.
pub(crate) fn unpercent(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        let byte = behind.get(..2).filter(|_| *first == b'%');
        let byte =
            byte.and_then(|pair| hex::decode(pair).ok()).and_then(|one| one.first().copied());
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &behind[2..] } else { behind };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(value: &str) -> Texts {
        FURTHER.iter().flat_map(|tier| tier(value)).chain(plain(value)).collect()
    }

    #[test]
    fn a_value_is_known_in_each_way_to_write_it() {
        let value = "\"p&ss\\w/rd ${é}";
        let all = all(value);
        for text in [
            value,
            r#"\"p&ss\\w/rd ${é}"#,
            r#"\"p\u0026ss\\w/rd ${é}"#,
            r#"\"p&ss\\w/rd $${é}"#,
            r#"\\\"p&ss\\\\w/rd $${é}"#,
            r#"\"p&ss\\w/rd ${\u00e9}"#,
            r#"\"p&ss\\w\/rd ${\u00e9}"#,
            r#"\"p&ss\\w\/rd ${é}"#,
            "&quot;p&amp;ss\\w/rd ${é}",
            "&#34;p&amp;ss\\w/rd ${é}",
            r#"\"p\&ss\\w/rd\ \$\{é\}"#,
            "%22p%26ss%5Cw%2Frd+%24%7B%C3%A9%7D",
            "%22p%26ss%5Cw%2Frd%20%24%7B%C3%A9%7D",
            "%22p%26ss%5cw%2frd%20%24%7b%c3%a9%7d",
            "%22p&ss%5Cw/rd%20$%7B%C3%A9%7D",
            "%2522p%2526ss%255Cw%252Frd%2520%2524%257B%25C3%25A9%257D",
            "22702673735c772f726420247bc3a97d",
            "22702673735C772F726420247BC3A97D",
            "22:70:26:73:73:5c:77:2f:72:64:20:24:7b:c3:a9:7d",
            "0x22, 0x70, 0x26, 0x73, 0x73, 0x5c, 0x77, 0x2f, 0x72, 0x64, 0x20, 0x24, 0x7b, 0xc3, 0xa9, 0x7d",
            r#"\"p&ss\\w/rd \${é}"#,
            r"\x22\x70\x26\x73\x73\x5c\x77\x2f\x72\x64\x20\x24\x7b\xc3\xa9\x7d",
        ] {
            assert!(all.contains(text), "{text}: {all:#?}");
        }
    }

    #[test]
    fn lines_are_known_one_by_one_and_short_values_not_at_all() {
        let known = all("first line\n  second\nx\n");
        for text in ["first line\n  second\nx", "first line", "second", r"first line\n  second\nx"]
        {
            assert!(known.contains(text), "{known:#?}");
        }
        assert!(!known.contains("x"));
        assert!(plain("short").is_empty() && plain(" short\n").is_empty());
        assert!(plain("ärgern").contains("ärgern"));
    }

    #[test]
    fn percent_encoding_is_taken_back() {
        for text in ["a b%é", "100%", "%4"] {
            assert_eq!(unpercent(&percent(text, "", true)), text);
            assert_eq!(unpercent(text), text);
        }
        assert_eq!(unpercent("%c3%A9%zz+"), "é%zz+");
    }
}
