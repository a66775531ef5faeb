//! Whatever a secret is and however it is written, wrapped and cut, it is not in the log.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use proptest::prelude::*;

use super::{MASK, Mask};
use crate::secrets::Secrets;

/// Letters that may be left of the group in which an encoded secret begins or ends.
const GROUP: usize = 8;

/// Signs of all kinds, in words and lines: the first three letters at the end of a line may be seen.
fn secrets() -> impl Strategy<Value = String> {
    let words = proptest::collection::vec("[!-~é𝄞]{4,12}", 2..5);
    (words, "[ \n]").prop_map(|(words, between)| words.join(&between))
}

/// One way to write a text, without the house's own code.
fn spelled(text: &str, way: usize) -> String {
    let json = || {
        let quoted = serde_json::to_string(text).unwrap_or_default();
        quoted[1..quoted.len() - 1].to_owned()
    };
    let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let framed = |text: &str| format!("<{text}>");
    match way {
        0 => text.to_owned(),
        1 => json(),
        2 => each_byte(text, "%"),
        3 => hex::encode(text),
        4 => STANDARD.encode(framed(text)),
        5 => URL_SAFE_NO_PAD.encode(text),
        6 => STANDARD.encode(STANDARD.encode(framed(text))),
        7 => STANDARD.encode(wide(text)),
        8 => STANDARD.encode(format!("{{\"a\":\"{}\"}}", json())),
        9 => text.split(' ').collect::<Vec<_>>().join("\n\u{1b}[31m│\u{1b}[0m   "),
        10 => text.split('\n').collect::<Vec<_>>().join("\n      + "),
        11 => text.replace('\'', "'\\''"),
        12 => hex::encode(text)
            .as_bytes()
            .chunks(2)
            .fold(String::new(), |all, pair| all + &String::from_utf8_lossy(pair) + " "),
        13 => each_byte(text, "\\x"),
        14 => text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"),
        _ => json().chars().fold(String::new(), |all, letter| {
            if letter.is_ascii() {
                return format!("{all}{letter}");
            }
            let mut units = [0; 2];
            let units = letter.encode_utf16(&mut units).iter();
            units.fold(all, |all, unit| format!("{all}\\u{unit:04x}"))
        }),
    }
}

fn each_byte(text: &str, before: &str) -> String {
    text.bytes().fold(String::new(), |all, byte| format!("{all}{before}{byte:02x}"))
}

const WAYS: usize = 16;

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn no_spelling_of_a_secret_stays(secret in secrets(), size in 1_usize..40) {
        let all = Mask::new(&Secrets([secret.clone()].into())).unwrap();
        for way in 0..WAYS {
            let text = format!("begin [{}] end.\n", spelled(&secret, way));
            let (mut cut, mut masked) = (all.anew(), Vec::new());
            text.as_bytes().chunks(size).for_each(|piece| cut.push(piece, &mut masked));
            cut.finish(&mut masked);
            let masked = String::from_utf8(masked).unwrap();
            prop_assert_eq!(&masked, &all.text(&text), "cut otherwise");
            let rest = masked.replace(MASK, "");
            let around = if way == 8 { 3 * GROUP } else { 2 * GROUP };
            prop_assert!(rest.len() <= "begin [] end.\n".len() + around, "{way}: {masked} of {text}");
        }
    }
}
