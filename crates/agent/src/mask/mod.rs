//! Takes secrets out of a stream of text, wherever it is cut, in each way in which they can be written (`spellings`).

mod finder;
#[cfg(test)]
mod laws;
mod squeeze;

use std::sync::Arc;

use aho_corasick::BuildError;
use serde_json::Value;

use crate::secrets::Secrets;
use finder::{Finder, Piece};

/// Stands where a secret was.
const MASK: &str = "(sensitive value)";
/// Of one log, from its beginning.
#[derive(Clone, Default)]
pub(crate) struct Mask {
    finder: Option<Arc<Finder>>,
    /// What may be the beginning of a secret, and what of that was handed on.
    held: Vec<u8>,
    /// Bytes of it that are dealt with.
    done: usize,
    /// Whether they end within a secret whose place is taken already.
    is_within: bool,
    /// Whether what is held begins within a line.
    is_line_begun: bool,
}

impl Mask {
    pub fn new(secrets: &Secrets) -> Result<Self, BuildError> {
        Ok(Self { finder: Finder::new(secrets)?.map(Arc::new), ..Self::default() })
    }

    /// One for another text.
    pub fn anew(&self) -> Self {
        Self { finder: self.finder.clone(), ..Self::default() }
    }

    /// A text of its own.
    pub fn text(&self, text: &str) -> String {
        let Some(finder) = &self.finder else { return text.to_owned() };
        let (mut mask, mut masked) = (self.anew(), Vec::new());
        mask.held.extend_from_slice(text.as_bytes());
        mask.hand_on(finder, true, &mut masked);
        String::from_utf8_lossy(&masked).into_owned()
    }

    /// A line of a log. One of `-json` stays JSON.
    pub fn line(&mut self, line: &[u8], into: &mut Vec<u8>) {
        match self.event(line) {
            Some(event) => self.push(event.as_bytes(), into),
            None => self.push(line, into),
        }
    }

    /// Hands on what is certain.
    fn push(&mut self, text: &[u8], into: &mut Vec<u8>) {
        let Some(finder) = self.finder.clone() else {
            into.extend_from_slice(text);
            return;
        };
        self.held.extend_from_slice(text);
        self.hand_on(&finder, false, into);
    }

    /// Hands on the rest.
    pub fn finish(&mut self, into: &mut Vec<u8>) {
        if let Some(finder) = self.finder.clone() {
            self.hand_on(&finder, true, into);
        }
    }

    fn hand_on(&mut self, finder: &Finder, is_last: bool, into: &mut Vec<u8>) {
        let piece = Piece { text: &self.held, is_line_begun: self.is_line_begun, is_last };
        let found = finder.look(&piece);
        // What was handed on stays so.
        let certain = found.certain.max(self.done);
        let mut at = self.done;
        for (start, end) in found.secrets.into_iter().filter(|(_, end)| *end > self.done) {
            if start >= certain {
                break;
            }
            into.extend_from_slice(self.held.get(at..start).unwrap_or_default());
            if start > self.done || !self.is_within {
                into.extend_from_slice(MASK.as_bytes());
            }
            (at, self.is_within) = (end, true);
        }
        if at < certain {
            into.extend_from_slice(&self.held[at..certain]);
            (at, self.is_within) = (certain, false);
        }
        self.done = at - found.kept;
        self.is_line_begun = found.is_line_begun;
        self.held.drain(..found.kept);
    }

    /// The line with its texts and numbers masked, if there are secrets in them: what quotes them is undone then, and
    /// the line stays JSON.
    fn event(&self, line: &[u8]) -> Option<String> {
        if self.finder.is_none() || !line.starts_with(b"{\"@") {
            return None;
        }
        let mut event = serde_json::from_slice(line).ok()?;
        self.values(&mut event).then(|| format!("{event}\n"))
    }

    /// Whether one was there.
    fn values(&self, value: &mut Value) -> bool {
        match value {
            Value::String(text) => {
                let masked = self.text(text);
                let is_other = masked != *text;
                *text = masked;
                is_other
            }
            Value::Array(members) => {
                members.iter_mut().map(|member| self.values(member)).filter(|it| *it).count() > 0
            }
            Value::Object(members) => {
                members.values_mut().map(|member| self.values(member)).filter(|it| *it).count() > 0
            }
            Value::Number(_) | Value::Bool(_) | Value::Null => {
                let plain = value.to_string();
                let is_other = self.text(&plain) != plain;
                if is_other {
                    *value = MASK.into();
                }
                is_other
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mask(secrets: &[&str]) -> Mask {
        Mask::new(&Secrets(secrets.iter().map(|&secret| secret.to_owned()).collect())).unwrap()
    }

    #[test]
    fn it_does_not_matter_where_the_text_is_cut() {
        let all = mask(&["hunter2hunter", "first line\nsecond\nx", "abcabc", "\"quoted\""]);
        let text = "a hunter2hunter2hunter b first line\nsecond\nx c abcabcabcab hunter2h abcab\n\
                    \\\"quoted\\\" hunter2hunterhunter2hunter first line\n  second\nfirst lin";
        let whole = all.text(text);
        assert_eq!(
            whole,
            "a (sensitive value) b (sensitive value) c (sensitive value)ab hunter2h abcab\n\
             (sensitive value) (sensitive value) (sensitive value)\n  \
             (sensitive value)\nfirst lin"
        );
        for size in 1..text.len() {
            let (mut cut, mut masked) = (all.anew(), Vec::new());
            text.as_bytes().chunks(size).for_each(|piece| cut.push(piece, &mut masked));
            cut.finish(&mut masked);
            assert_eq!(String::from_utf8(masked).unwrap(), whole, "{size}");
        }
    }

    #[test]
    fn little_is_held_back() {
        let (mut one, mut masked) = (mask(&["hunter2-s3cret"]), Vec::new());
        one.push(b"\nnothing of it hunter\n", &mut masked);
        assert_eq!(masked, b"\nnothing of it ");
        one.push(b"s\nhun\n", &mut masked);
        assert_eq!(masked, b"\nnothing of it hunter\ns\nhun\n");
        let endless = mask(&["aaaaaa"]);
        assert_eq!(endless.text(&"a".repeat(10_000)), MASK);
    }

    #[test]
    fn a_long_secret_is_masked_to_its_end() {
        let long = (0..5000).map(|number| number.to_string()).collect::<Vec<_>>().join(".");
        let masked = mask(&[&long]).text(&format!("<{long}>"));
        assert!(masked.starts_with("<(sensitive") && masked.ends_with("value)>"), "{masked}");
        assert!(!masked.contains("17."), "{masked}");
    }

    #[test]
    fn an_event_stays_json() {
        let mut numbers = mask(&["12345678", "@level"]);
        let line = b"{\"@level\":\"info\",\"a\":12345678,\"b\":[\"x 12345678\"],\"c\":1}\n";
        let mut masked = Vec::new();
        numbers.line(line, &mut masked);
        numbers.finish(&mut masked);
        let event: Value = serde_json::from_slice(&masked).unwrap();
        assert_eq!(event["a"], MASK);
        assert_eq!(event["b"][0], format!("x {MASK}"));
        assert_eq!(event["c"], 1);
    }

    #[test]
    fn what_an_event_quotes_is_known_whatever_it_was_quoted_in_before() {
        let mut one = mask(&["it's <a> \"b\"\nc"]);
        for text in ["it'\\''s <a> \"b\"\n  c", "it's &lt;a&gt; &quot;b&quot;\nc"] {
            let line = format!("{}\n", serde_json::json!({ "@level": "info", "o": [text] }));
            let line = line.replace('&', "\\u0026").replace('<', "\\u003c").replace('>', "\\u003e");
            let mut masked = Vec::new();
            one.line(line.as_bytes(), &mut masked);
            one.finish(&mut masked);
            let event: Value = serde_json::from_slice(&masked).unwrap();
            assert_eq!(event["o"][0], MASK, "{text}");
        }
    }

    #[test]
    fn a_value_is_known_however_it_was_wrapped_and_framed() {
        let value = "correct horse\nbattery staple";
        let all = mask(&[value, "a b\nc d\ne f\ng h"]);
        for text in [
            "│ invalid value correct\n│ horse battery staple for it",
            "\u{1b}[31m│\u{1b}[0m invalid value correct horse\r\n    battery\n\nstaple for it",
            "+ invalid value correct\n + horse\n - battery staple for it",
            "x (local-exec): invalid value correct\nx (local-exec): horse\nx (local-exec): battery staple for it",
            "invalid value <<-EOT\n  ~ a b\n    c d\n  \u{1b}[32m+\u{1b}[0m e f\n    g h\n for it",
        ] {
            let masked = all.text(text);
            let rest = masked.split_once(MASK).expect(&masked);
            assert!(rest.0.contains("invalid value ") && rest.1.trim() == "for it", "{masked}");
        }
        for text in ["cor\nrecto horses", "ab cd ef", "correct horse battle"] {
            assert_eq!(all.text(text), text.replace("correct horse", MASK));
        }
    }

    #[test]
    fn a_beginning_is_not_waited_for_without_end() {
        let (mut one, mut masked) = (mask(&["correct horse battery"]), Vec::new());
        one.push(b"correct horse", &mut masked);
        for _ in 0..100 {
            one.push(&[b' '; 1000], &mut masked);
        }
        assert!(one.held.len() < 50_000 && masked.starts_with(b"correct"), "{}", one.held.len());
    }

    #[test]
    fn nothing_changes_without_secrets() {
        let mut none = mask(&["", "short", "  \n"]);
        assert!(none.finder.is_none());
        let mut masked = Vec::new();
        none.line(b"short", &mut masked);
        assert_eq!(masked, b"short");
    }
}
