//! A secret in base64, which looks otherwise for each place where it can begin.

use base64::Engine as _;
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

use super::Texts;

/// Letters in a line, as `base64` and PEM write them.
const WRAPS: [usize; 2] = [76, 64];

/// What of it does not depend on what stands before and behind, for each of the three places; and its lines, where it
/// has several.
pub(super) fn of(bytes: &[u8]) -> Texts {
    [STANDARD, URL_SAFE].iter().flat_map(|alphabet| within(bytes, alphabet)).collect()
}

fn within(bytes: &[u8], alphabet: &GeneralPurpose) -> Texts {
    let mut all = Texts::new();
    for (before, begin) in [(0, 0), (1, 2), (2, 3)] {
        let mut text = vec![0; before];
        text.extend_from_slice(bytes);
        let end = text.len() * 8 / 6;
        let encoded = alphabet.encode(text);
        all.insert(encoded[begin..end].to_owned());
    }
    let whole = alphabet.encode(bytes);
    for width in WRAPS.into_iter().filter(|width| *width < whole.len()) {
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
    fn a_secret_is_known_wherever_it_begins() {
        let value = "hunter2-s3cret?>~";
        let all = of(value.as_bytes());
        for before in ["", "a", "ab", "abc", "abcd"] {
            for behind in ["", "z", "yz", "xyz"] {
                let text = format!("{before}{value}{behind}");
                for alphabet in [STANDARD, URL_SAFE] {
                    let encoded = alphabet.encode(&text);
                    assert!(all.iter().any(|one| encoded.contains(one)), "{encoded}");
                }
            }
        }
    }

    #[test]
    fn each_line_of_a_long_one_is_known() {
        let long = "0123456789abcdef".repeat(20);
        let encoded = STANDARD.encode(&long);
        let all = of(long.as_bytes());
        for width in WRAPS {
            for line in encoded.as_bytes().chunks(width) {
                let line = std::str::from_utf8(line).unwrap().trim_end_matches('=');
                assert!(all.contains(line), "{line}");
            }
        }
    }
}
