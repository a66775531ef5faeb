//! A secret between quotes, in the languages that engines, providers and scripts write.

use std::fmt::Write as _;

/// `&`, `<`, `>`, `"` and `'` in XML and HTML: as a text, as an attribute, as Go, Python and PHP write them.
const ENTITIES: [[&str; 5]; 6] = [
    ["&amp;", "&lt;", "&gt;", "&quot;", "'"],
    ["&amp;", "&lt;", "&gt;", "\"", "'"],
    ["&amp;", "&lt;", "&gt;", "&quot;", "&apos;"],
    ["&amp;", "&lt;", "&gt;", "&#34;", "&#39;"],
    ["&amp;", "&lt;", "&gt;", "&quot;", "&#x27;"],
    ["&amp;", "&lt;", "&gt;", "&quot;", "&#039;"],
];

/// What a shell takes as it is beside letters and digits.
const BARE: &str = "_-./:,+@%=";

/// As it is, as JSON, as Go's JSON, as HCL, as Go quotes a text, which is how engines show one in a plan.
pub(super) fn engines(text: &str) -> [String; 5] {
    let json = json(text);
    let go = json
        .replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029");
    let hcl = json.replace("${", "$${").replace("%{", "%%{");
    [text.to_owned(), json, go, hcl, quoted_by_go(text)]
}

/// As `%q` writes it, without the quotes: <https://pkg.go.dev/strconv#Quote>.
fn quoted_by_go(text: &str) -> String {
    let mut all = String::with_capacity(text.len());
    for letter in text.chars() {
        let escaped = match letter {
            '"' => Some('"'),
            '\\' => Some('\\'),
            '\x07' => Some('a'),
            '\x08' => Some('b'),
            '\x0c' => Some('f'),
            '\n' => Some('n'),
            '\r' => Some('r'),
            '\t' => Some('t'),
            '\x0b' => Some('v'),
            _ => None,
        };
        let code = u32::from(letter);
        let written = match escaped {
            Some(escaped) => write!(all, "\\{escaped}"),
            None if is_printable(letter) => write!(all, "{letter}"),
            None if code < 0x80 => write!(all, "\\x{code:02x}"),
            None if code < 0x1_0000 => write!(all, "\\u{code:04x}"),
            None => write!(all, "\\U{code:08x}"),
        };
        written.expect("a String takes all that is written to it");
    }
    all
}

/// Marks, letters, numbers, signs and the blank of ASCII, as Go has it; Rust tells it by what it escapes.
fn is_printable(letter: char) -> bool {
    // Behind a letter, where a mark is none that stands alone.
    let shown = format!("a{letter}").escape_debug().to_string();
    shown.chars().skip(1).eq([letter]) || matches!(letter, '\'' | '"' | '\\')
}

/// As Python writes the bytes of a text, and its letters in ASCII.
fn python(text: &str) -> [String; 2] {
    let (mut bytes, mut letters) = (String::new(), String::new());
    let escape = |all: &mut String, code: u32| {
        let written = match code {
            0x5c => write!(all, "\\\\"),
            0x0a => write!(all, "\\n"),
            0x0d => write!(all, "\\r"),
            0x09 => write!(all, "\\t"),
            0x20..0x7f => write!(all, "{}", char::from_u32(code).unwrap_or_default()),
            ..0x20 | 0x7f..0x100 => write!(all, "\\x{code:02x}"),
            0x100..0x1_0000 => write!(all, "\\u{code:04x}"),
            _ => write!(all, "\\U{code:08x}"),
        };
        written.expect("a String takes all that is written to it");
    };
    text.bytes().for_each(|byte| escape(&mut bytes, byte.into()));
    text.chars().for_each(|letter| escape(&mut letters, letter.into()));
    [bytes, letters]
}

/// Between the double quotes of a shell, and of Perl and Ruby.
fn in_double_quotes(text: &str) -> String {
    let mut all = String::with_capacity(text.len());
    for letter in text.chars() {
        if matches!(letter, '"' | '\\' | '$' | '`') {
            all.push('\\');
        }
        all.push(letter);
    }
    all
}

/// In other kinds of JSON, in shells, in Python, in SQL, in tables, in XML.
pub(super) fn others(text: &str) -> Vec<String> {
    let json = json(text);
    let (lower, upper) = (ascii(&json, false), ascii(&json, true));
    let mut all: Vec<String> =
        [&json, &lower, &upper].iter().map(|json| json.replace('/', "\\/")).collect();
    all.extend([ascii(&engines(text)[2], false), lower, upper]);
    let escaped =
        text.replace('\\', "\\\\").replace('\n', "\\n").replace('\r', "\\r").replace('\t', "\\t");
    all.extend([
        text.replace('\'', r"'\''"),
        text.replace('\'', r#"'"'"'"#),
        bare(text),
        escaped.replace('\'', "\\'"),
        escaped,
        text.replace('\'', "''"),
        text.replace('"', "\"\""),
        in_double_quotes(text),
    ]);
    for text in python(text) {
        all.push(text.replace('\'', "\\'"));
        all.push(text);
    }
    for [and, less, more, double, single] in ENTITIES {
        let text = text.replace('&', and).replace('<', less).replace('>', more);
        let text = text.replace('"', double).replace('\'', single);
        all.push(text.replace('\n', "&#xA;").replace('\r', "&#xD;").replace('\t', "&#x9;"));
        all.push(text);
    }
    all
}

fn json(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

/// All letters beyond ASCII by their numbers.
fn ascii(json: &str, upper: bool) -> String {
    let mut all = String::with_capacity(json.len());
    for letter in json.chars() {
        if letter.is_ascii() {
            all.push(letter);
            continue;
        }
        for unit in letter.encode_utf16(&mut [0; 2]) {
            let written =
                if upper { write!(all, "\\u{unit:04X}") } else { write!(all, "\\u{unit:04x}") };
            written.expect("a String takes all that is written to it");
        }
    }
    all
}

/// Each sign by itself.
fn bare(text: &str) -> String {
    let mut all = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_ascii() && !letter.is_ascii_alphanumeric() && !BARE.contains(letter) {
            all.push('\\');
        }
        all.push(letter);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_language_has_its_own_quotes() {
        let all = others("it's <a> \"b\"\n$1 /é𝄞");
        for text in [
            "it's <a> \\\"b\\\"\\n$1 /\\u00e9\\ud834\\udd1e",
            "it's <a> \\\"b\\\"\\n$1 /\\u00E9\\uD834\\uDD1E",
            "it's <a> \\\"b\\\"\\n$1 \\/é𝄞",
            "it's \\u003ca\\u003e \\\"b\\\"\\n$1 /\\u00e9\\ud834\\udd1e",
            "it'\\''s <a> \"b\"\n$1 /é𝄞",
            "it'\"'\"'s <a> \"b\"\n$1 /é𝄞",
            "it\\'s\\ \\<a\\>\\ \\\"b\\\"\\\n\\$1\\ /é𝄞",
            "it\\'s <a> \"b\"\\n$1 /é𝄞",
            "it''s <a> \"b\"\n$1 /é𝄞",
            "it's <a> \"\"b\"\"\n$1 /é𝄞",
            "it's &lt;a&gt; \"b\"\n$1 /é𝄞",
            "it&#39;s &lt;a&gt; &#34;b&#34;&#xA;$1 /é𝄞",
            "it&apos;s &lt;a&gt; &quot;b&quot;\n$1 /é𝄞",
            "it&#x27;s &lt;a&gt; &quot;b&quot;\n$1 /é𝄞",
            "it's <a> \\\"b\\\"\n\\$1 /é𝄞",
            "it's <a> \"b\"\\n$1 /\\xc3\\xa9\\xf0\\x9d\\x84\\x9e",
            "it\\'s <a> \"b\"\\n$1 /\\xe9\\U0001d11e",
        ] {
            assert!(all.iter().any(|one| one == text), "{text}: {all:#?}");
        }
    }

    #[test]
    fn go_escapes_what_cannot_be_seen() {
        for (text, quoted) in [
            ("a\x7fb", r"a\x7fb"),
            ("a\x07\x0bb", r"a\a\vb"),
            ("a\x1b[31mb", r"a\x1b[31mb"),
            ("a\u{e0041}b", r"a\U000e0041b"),
            ("a\u{a0}b\u{2028}", r"a\u00a0b\u2028"),
            ("a\"b\\c'd é😀 e\u{301}", "a\\\"b\\\\c'd é😀 e\u{301}"),
        ] {
            assert_eq!(quoted_by_go(text), quoted);
        }
    }
}
