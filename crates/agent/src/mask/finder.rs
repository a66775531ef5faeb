//! Where in a text secrets stand, and where one may have begun.

use std::collections::BTreeSet;

use aho_corasick::{AhoCorasick, AhoCorasickKind, BuildError};

use super::squeeze::{Squeezed, squeeze};
use crate::secrets::Secrets;
use crate::spellings::{self, SHORTEST};

/// Letters of a pattern that is looked for whatever stands between its letters; a shorter one would be found where
/// words only happen to follow each other, unless it is several words itself.
const LOOSE: usize = 8;
/// Letters that are not held back at the end of a line although a secret may begin with them: otherwise nearly every
/// line would wait for the next one. If it was one, what follows of it is masked.
const SHOWN: usize = 4;
/// Bytes of a pattern; longer ones are several, so that little is held back.
const LONGEST: usize = 1024;
/// Bytes in which a secret of that length stands, with all that is between its letters.
const HELD: usize = 16 * LONGEST;
/// Bytes of all patterns, of which each takes about ten times as much memory. A run that has more secrets than that,
/// the longest behind the others, has those looked for only as they are and as JSON and HCL quote them.
const ROOM: usize = 2 << 20;

pub(super) struct Finder {
    /// Stand in a text as they are.
    exact: Patterns,
    /// Stand in it with anything between their letters that only shows them.
    loose: Patterns,
}

/// A piece of a log.
pub(super) struct Piece<'a> {
    pub text: &'a [u8],
    /// Whether it begins within a line.
    pub is_line_begun: bool,
    /// Whether nothing comes behind it.
    pub is_last: bool,
}

/// What is to become of it.
pub(super) struct Found {
    /// Where secrets stand, from the first on, those that touch each other being one.
    pub secrets: Vec<(usize, usize)>,
    /// All before is handed on.
    pub certain: usize,
    /// All from here on is looked at again, and whether that is within a line.
    pub kept: usize,
    pub is_line_begun: bool,
}

impl Finder {
    /// None where there is nothing to look for.
    pub fn new(secrets: &Secrets) -> Result<Option<Self>, BuildError> {
        let (mut exact, mut loose) = (BTreeSet::new(), BTreeSet::new());
        for text in texts(secrets) {
            let squeezed = squeeze(text.as_bytes(), false, true).bytes;
            let has_words = text.contains(char::is_whitespace);
            if squeezed.len() >= if has_words { SHORTEST } else { LOOSE } {
                loose.extend(pieces(&squeezed).map(<[u8]>::to_vec));
            } else {
                exact.insert(text.into_bytes());
            }
        }
        if exact.is_empty() && loose.is_empty() {
            return Ok(None);
        }
        Ok(Some(Self { exact: Patterns::new(exact)?, loose: Patterns::new(loose)? }))
    }

    pub fn look(&self, piece: &Piece<'_>) -> Found {
        let text = piece.text;
        let squeezed = squeeze(text, piece.is_line_begun, piece.is_last);
        let mut found: Vec<_> = self.exact.spans(text).collect();
        let places = |(start, end): (usize, usize)| (squeezed.at[start], squeezed.at[end - 1] + 1);
        found.extend(self.loose.spans(&squeezed.bytes).map(places));
        found.sort_unstable();
        let mut secrets: Vec<(usize, usize)> = Vec::new();
        for (start, end) in found {
            match secrets.last_mut() {
                Some(last) if start <= last.1 => last.1 = last.1.max(end),
                _ => secrets.push((start, end)),
            }
        }
        let (certain, kept) =
            if piece.is_last { (text.len(), text.len()) } else { self.ends(text, &squeezed) };
        let is_line_begun = squeezed.is_line_begun(text, kept, piece.is_line_begun);
        Found { secrets, certain, kept, is_line_begun }
    }

    /// Up to where there is nothing that may still become a secret, and from where on one may have begun.
    fn ends(&self, text: &[u8], squeezed: &Squeezed) -> (usize, usize) {
        let all = text.len();
        let longest = all.saturating_sub(HELD);
        let exact = self.exact.beginning(text).unwrap_or(all).min(squeezed.known).max(longest);
        let Some(begun) = self.loose.beginning(&squeezed.bytes) else { return (exact, exact) };
        let kept = exact.min(squeezed.at[begun]).max(longest);
        let is_short = squeezed.bytes.len() - begun < SHOWN;
        (if is_short && text.ends_with(b"\n") { exact } else { kept }, kept)
    }
}

/// In each spelling; none of them is so short that it would stand everywhere.
fn texts(secrets: &Secrets) -> BTreeSet<String> {
    let mut values: Vec<&String> = secrets.0.iter().collect();
    values.sort_by_key(|value| value.len());
    let mut all: BTreeSet<String> =
        values.iter().flat_map(|value| spellings::plain(value)).collect();
    let mut room = ROOM;
    let worth = |value: &&&String| value.trim().chars().count() >= SHORTEST;
    for further in spellings::FURTHER {
        for value in values.iter().filter(worth) {
            // Once it is full, no longer value is even tried.
            if value.len() > room {
                return all;
            }
            let texts = further(value);
            let Some(left) = room.checked_sub(texts.iter().map(String::len).sum()) else {
                return all;
            };
            room = left;
            all.extend(texts);
        }
    }
    all
}

fn pieces(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let count = text.len().div_ceil(LONGEST).max(1);
    text.chunks(text.len().div_ceil(count).max(1))
}

/// In order, by which beginnings are found.
struct Patterns {
    automaton: AhoCorasick,
    sorted: Vec<Vec<u8>>,
}

impl Patterns {
    fn new(patterns: BTreeSet<Vec<u8>>) -> Result<Self, BuildError> {
        let kind = Some(AhoCorasickKind::ContiguousNFA);
        let automaton = AhoCorasick::builder().kind(kind).build(&patterns)?;
        Ok(Self { automaton, sorted: patterns.into_iter().collect() })
    }

    fn spans<'a>(&'a self, text: &'a [u8]) -> impl Iterator<Item = (usize, usize)> {
        self.automaton.find_overlapping_iter(text).map(|it| (it.start(), it.end()))
    }

    /// From where on the text may be the beginning of a pattern that is not complete.
    fn beginning(&self, text: &[u8]) -> Option<usize> {
        let first = text.len().saturating_sub(LONGEST);
        (first..text.len()).find(|at| self.begins(&text[*at..]))
    }

    fn begins(&self, tail: &[u8]) -> bool {
        let at = self.sorted.partition_point(|pattern| pattern.as_slice() <= tail);
        self.sorted.get(at).is_some_and(|pattern| pattern.starts_with(tail))
    }
}
