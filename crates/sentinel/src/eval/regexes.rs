//! Regular expressions: RE2's syntax, by an engine that differs in a few places.

mod re2;

use std::borrow::Cow;
use std::rc::Rc;

use regex_automata::meta::{BuildError, Config, Regex};
use regex_automata::nfa::thompson::WhichCaptures;

use super::Interp;
use crate::source::{Eval, Fault};
use crate::value::Value;

/// A pattern may be this long, and its program that large, in bytes.
const MAX_PATTERN: usize = 10 << 10;
const MAX_COMPILED: usize = 1 << 20;

/// For each byte of a text a search walks over the program once, at worst: so many of its bytes are a step.
const WALKED: usize = 1 << 10;
/// Steps of one search, which nothing ends before its end.
const LONGEST: usize = 50_000_000;

/// So many compiled patterns are kept.
const KEPT: usize = 32;

impl<'a> Interp<'a> {
    /// `text matches pattern`.
    pub fn matches(&mut self, text: Value<'a>, pattern: Value<'a>) -> Eval<bool> {
        let (Value::Text(text), Value::Text(pattern)) = (text, pattern) else {
            let (text, pattern) = (text.type_name(), pattern.type_name());
            return Err(Fault::new(format!("matches wants strings, got {text:?} and {pattern:?}")));
        };
        self.spend(1 + text.len() / 16)?;
        let text = &characters(text);
        let compiled = self.compiled(pattern)?;
        let steps = text.len().saturating_mul(compiled.size) / WALKED;
        if steps > LONGEST {
            let (size, length) = (compiled.size, text.len());
            let text = format!("a regular expression of {size} bytes cannot search {length} bytes");
            return Err(Fault::limit(text));
        }
        self.spend(steps)?;
        Ok(compiled.is_match(text))
    }

    fn compiled(&mut self, pattern: &'a [u8]) -> Eval<Rc<Pattern>> {
        if let Some(known) = self.regexes.get(pattern) {
            return Ok(known.clone());
        }
        self.spend(100 + pattern.len() * 8)?;
        let compiled = Rc::new(compile(pattern).map_err(Fault::new)?);
        if self.regexes.len() >= KEPT {
            self.regexes.clear();
        }
        self.regexes.insert(pattern, compiled.clone());
        Ok(compiled)
    }
}

/// A pattern that was compiled.
pub(super) struct Pattern {
    regex: Regex,
    /// Bytes of its program.
    size: usize,
}

impl Pattern {
    fn is_match(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }
}

fn compile(pattern: &[u8]) -> Result<Pattern, String> {
    if pattern.len() > MAX_PATTERN {
        return Err(format!("the regular expression has more than {MAX_PATTERN} bytes"));
    }
    let pattern = std::str::from_utf8(pattern)
        .map_err(|_| "the regular expression is not UTF-8".to_owned())?;
    let invalid = |error: String| format!("invalid regular expression {pattern:?}: {error}");
    let config = Config::new()
        .nfa_size_limit(Some(MAX_COMPILED))
        .hybrid_cache_capacity(MAX_COMPILED)
        .which_captures(WhichCaptures::None)
        // What is left is as large as what may have to be walked over.
        .onepass(false)
        .dfa(false);
    let regex = Regex::builder()
        .configure(config)
        .build(&re2::translate(pattern).map_err(invalid)?)
        .map_err(|error| invalid(reason(&error)))?;
    let size = regex.memory_usage();
    Ok(Pattern { regex, size })
}

fn reason(error: &BuildError) -> String {
    match (error.size_limit(), error.syntax_error()) {
        (Some(limit), _) => format!("its program has more than {limit} bytes"),
        (None, Some(syntax)) => syntax.to_string(),
        (None, None) => error.to_string(),
    }
}

/// Bytes as what RE2 reads in them: each that is part of no character is the one that stands for such.
fn characters(text: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(text) {
        return Cow::Borrowed(text);
    }
    let mut characters = String::with_capacity(text.len());
    for chunk in text.utf8_chunks() {
        characters.push_str(chunk.valid());
        chunk.invalid().iter().for_each(|_| characters.push(char::REPLACEMENT_CHARACTER));
    }
    Cow::Owned(characters)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(pattern: &str, text: &str) -> bool {
        compile(pattern.as_bytes()).unwrap().is_match(text)
    }

    #[test]
    fn perl_classes_are_ascii_and_the_rest_is_unicode() {
        assert!(found(r"^\d$", "7") && !found(r"^\d$", "٣"));
        assert!(found(r"^\w+$", "a_1") && !found(r"^\w$", "é"));
        assert!(found(r"^\W$", "é") && found(r"^[\W]$", "é") && found(r"^.$", "é"));
        assert!(found(r"^[\d.]+$", "1.2") && found(r"(?i)É", "é") && found(r"^\pL$", "é"));
        assert!(found(r"\bfoo\b", "a foo b") && !found(r"\Bfoo", "a foo"));
    }

    #[test]
    fn what_is_special_only_in_our_engine_is_literal() {
        assert!(found(r"^[[]$", "[") && found(r"^[a&&b]+$", "&a") && found(r"^[~~]$", "~"));
        assert!(found(r"^[]a]+$", "]a") && found(r"^[^]]$", "x") && found(r"^[[:digit:]x]$", "x"));
        assert!(found(r"^\Qa.b\E$", "a.b") && !found(r"^\Qa.b\E$", "axb"));
        assert!(found(r"^a{b$", "a{b") && found(r"^a{2}$", "aa") && found(r"^x{,2}$", "x{,2}"));
        assert!(found(r"^(?P<n>a)(?<m>b)\z", "ab") && found(r"^\<\>$", "<>"));
    }

    #[test]
    fn what_is_too_much_or_unknown_is_refused() {
        for pattern in ["(", "a{1001}", "\\", r"(a)\1", "(?=a)", r"\C", "((a{100}){100}){100}"] {
            assert!(compile(pattern.as_bytes()).is_err(), "{pattern}");
        }
        assert!(compile(&[b'a'; MAX_PATTERN + 1]).is_err());
    }

    #[test]
    fn characters_are_named_as_re2_names_them() {
        for (pattern, text) in [
            (r"^\p{L}$", "é"),
            (r"^\p{Ll}+$", "ab"),
            (r"\P{Lu}", "a"),
            (r"\p{Greek}", "α"),
            (r"^\p{^L}$", "1"),
            (r"^\P{^L}$", "a"),
            (r"^\p{L}{2}$", "ab"),
            (r"^[\p{Lu}\pN]+$", "A1"),
            (r"\x{e9}", "é"),
            (r"\x{2714}", "✔"),
            (r"\x61", "a"),
            (r"[\x{2714}]", "✔"),
            (r"\141", "a"),
            (r"^\07$", "\u{7}"),
            (r"^\0$", "\0"),
            (r"^[\141]$", "a"),
        ] {
            assert!(found(pattern, text), "{pattern}");
        }
    }

    #[test]
    fn a_class_is_read_as_re2_reads_it() {
        assert!(found("[+--]", ",") && !found("[+--]", "a") && found("^[--]$", "-"));
        assert!(found("^[a-]+$", "a-") && found("^[-a]+$", "-a") && found("[[:alpha]", "p"));
        assert!(found("^[[:^digit:]]$", "a") && found(r"^[\d-x]+$", "1-x"));
        for pattern in ["[a--b]", "[b-a]", "[[:nothing:]]", r"[a-\d]", "[a", "[]"] {
            assert!(compile(pattern.as_bytes()).is_err(), "{pattern}");
        }
    }

    #[test]
    fn what_only_our_engine_knows_is_refused() {
        for pattern in [
            "(?x) a",
            "(?R)a",
            "(?-u:s)",
            "a**",
            "a++",
            "a{2}{3}",
            "a*??",
            r"\u0061",
            r"\h",
            r"\Z",
            r"\p{Letter}",
            r"\p{greek}",
            r"\p{Alphabetic}",
            r"\1",
            r"\8",
            "(?<a.b>x)",
            "(?<=a)b",
        ] {
            assert!(compile(pattern.as_bytes()).is_err(), "{pattern}");
        }
        for (pattern, text) in [(r"\b{start}a", "a"), ("a{x,2000}", "a")] {
            assert!(!found(pattern, text), "{pattern}: a brace that repeats nothing");
        }
    }

    #[test]
    fn a_byte_of_no_character_is_a_character() {
        let dot = compile(b"^.$").unwrap();
        assert!(dot.is_match(&characters(b"\x80")) && !dot.is_match(&characters(b"\xe2\x80")));
        assert!(compile(b"^[^a]{2}$").unwrap().is_match(&characters(b"\xe2\x80")));
    }
}
