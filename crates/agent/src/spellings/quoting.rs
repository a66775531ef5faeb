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

/// As it is, as JSON, as Go's JSON, as HCL.
pub(super) fn engines(text: &str) -> [String; 4] {
    let json = json(text);
    let go = json
        .replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029");
    let hcl = json.replace("${", "$${").replace("%{", "%%{");
    [text.to_owned(), json, go, hcl]
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
    ]);
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
        ] {
            assert!(all.iter().any(|one| one == text), "{text}: {all:#?}");
        }
    }
}
