//! Takes secrets out of a stream of text, wherever it is cut, in each way in which they can be written (`spellings`).

use std::collections::BTreeSet;
use std::sync::Arc;

use aho_corasick::{AhoCorasick, AhoCorasickKind, BuildError};
use serde::de::IgnoredAny;
use serde_json::Value;

use crate::secrets::Secrets;
use crate::spellings;

/// Stands where a secret was.
const MASK: &str = "(sensitive value)";
/// Bytes of a pattern; longer ones are several, so that little is held back.
const LONGEST: usize = 1024;
/// Bytes of all patterns, of which each takes about ten times as much memory. A run that has more secrets than that,
/// the longest behind the others, has those looked for only as they are and as JSON and HCL quote them.
const ROOM: usize = 2 << 20;

/// Of one log, from its beginning.
#[derive(Clone, Default)]
pub(crate) struct Mask {
    finder: Option<Arc<Finder>>,
    /// What may be the beginning of a secret.
    held: Vec<u8>,
    /// Bytes of that which belong to a secret whose place is taken already.
    covered: usize,
}

struct Finder {
    automaton: AhoCorasick,
    /// In order, by which beginnings are found.
    patterns: Vec<Vec<u8>>,
}

impl Mask {
    pub fn new(secrets: &Secrets) -> Result<Self, BuildError> {
        let patterns = patterns(secrets);
        let finder =
            if patterns.is_empty() { None } else { Some(Arc::new(Finder::new(patterns)?)) };
        Ok(Self { finder, held: Vec::new(), covered: 0 })
    }

    /// One for another text.
    pub fn anew(&self) -> Self {
        Self { finder: self.finder.clone(), held: Vec::new(), covered: 0 }
    }

    /// A text of its own.
    pub fn text(&self, text: &str) -> String {
        let mut masked = Vec::new();
        let mut mask = self.anew();
        mask.push(text.as_bytes(), &mut masked);
        mask.finish(&mut masked);
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
        let certain = finder.beginning(&self.held);
        self.hand_on(&finder, certain, into);
    }

    /// Hands on the rest.
    pub fn finish(&mut self, into: &mut Vec<u8>) {
        if let Some(finder) = self.finder.clone() {
            self.hand_on(&finder, self.held.len(), into);
        }
    }

    fn hand_on(&mut self, finder: &Finder, certain: usize, into: &mut Vec<u8>) {
        let mut at = 0;
        for (start, end) in finder.spans(&self.held, self.covered) {
            if start >= certain {
                break;
            }
            into.extend_from_slice(&self.held[at..start]);
            if start > 0 || self.covered == 0 {
                into.extend_from_slice(MASK.as_bytes());
            }
            at = end;
        }
        if at < certain {
            into.extend_from_slice(&self.held[at..certain]);
        }
        self.covered = at.max(self.covered).saturating_sub(certain);
        self.held.drain(..certain);
    }

    /// The line with its texts and numbers masked, if it would be no JSON any more without that.
    fn event(&self, line: &[u8]) -> Option<String> {
        if self.finder.is_none() || !line.starts_with(b"{\"@") {
            return None;
        }
        let masked = self.text(&String::from_utf8_lossy(line));
        if masked.as_bytes() == line || serde_json::from_str::<IgnoredAny>(&masked).is_ok() {
            return None;
        }
        let mut event = serde_json::from_slice(line).ok()?;
        self.values(&mut event);
        Some(format!("{event}\n"))
    }

    fn values(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.text(text),
            Value::Array(members) => members.iter_mut().for_each(|member| self.values(member)),
            Value::Object(members) => {
                members.values_mut().for_each(|member| self.values(member));
            }
            Value::Number(_) | Value::Bool(_) | Value::Null => {
                let plain = value.to_string();
                if self.text(&plain) != plain {
                    *value = MASK.into();
                }
            }
        }
    }
}

fn patterns(secrets: &Secrets) -> BTreeSet<Vec<u8>> {
    let mut values: Vec<&String> = secrets.0.iter().collect();
    values.sort_by_key(|value| value.len());
    let (mut all, mut room) = (BTreeSet::new(), ROOM);
    for value in values {
        let mut texts = spellings::of(value);
        let bytes: usize = texts.iter().map(String::len).sum();
        match room.checked_sub(bytes) {
            Some(left) => room = left,
            None => texts = spellings::plain(value),
        }
        for text in texts {
            all.extend(pieces(text.as_bytes()).map(<[u8]>::to_vec));
        }
    }
    all
}

/// None of them is so short that it would stand everywhere.
fn pieces(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let count = text.len().div_ceil(LONGEST).max(1);
    text.chunks(text.len().div_ceil(count).max(1))
}

impl Finder {
    fn new(patterns: BTreeSet<Vec<u8>>) -> Result<Self, BuildError> {
        let kind = Some(AhoCorasickKind::ContiguousNFA);
        let automaton = AhoCorasick::builder().kind(kind).build(&patterns)?;
        Ok(Self { automaton, patterns: patterns.into_iter().collect() })
    }

    /// Where secrets stand, from the first on; those that overlap are one. So many bytes at the start are one's end.
    fn spans(&self, text: &[u8], covered: usize) -> Vec<(usize, usize)> {
        let found = self.automaton.find_overlapping_iter(text).map(|it| (it.start(), it.end()));
        let mut found: Vec<(usize, usize)> = found.collect();
        if covered > 0 {
            found.push((0, covered));
        }
        found.sort_unstable();
        let mut spans: Vec<(usize, usize)> = Vec::new();
        for (start, end) in found {
            match spans.last_mut() {
                Some(last) if start < last.1 => last.1 = last.1.max(end),
                _ => spans.push((start, end)),
            }
        }
        spans
    }

    /// From where on the text may be the beginning of a secret that is not complete.
    fn beginning(&self, text: &[u8]) -> usize {
        let first = text.len().saturating_sub(LONGEST);
        (first..text.len()).find(|at| self.begins(&text[*at..])).unwrap_or(text.len())
    }

    fn begins(&self, tail: &[u8]) -> bool {
        let at = self.patterns.partition_point(|pattern| pattern.as_slice() <= tail);
        self.patterns.get(at).is_some_and(|pattern| pattern.starts_with(tail))
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
             (sensitive value) (sensitive value)(sensitive value) (sensitive value)\n  \
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
        one.push(b"nothing of it hunter", &mut masked);
        assert_eq!(masked, b"nothing of it ");
        one.push(b"s\n", &mut masked);
        assert_eq!(masked, b"nothing of it hunters\n");
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
    fn nothing_changes_without_secrets() {
        let mut none = mask(&["", "short", "  \n"]);
        assert!(none.finder.is_none());
        let mut masked = Vec::new();
        none.line(b"short", &mut masked);
        assert_eq!(masked, b"short");
    }
}
