//! Regular expressions: RE2's syntax, by an engine that differs in a few places.

use regex::bytes::{Regex, RegexBuilder};

use super::Interp;
use crate::source::{Eval, Fault};
use crate::value::Value;

/// A pattern may be this long, and its program that large, in bytes.
const MAX_PATTERN: usize = 10 << 10;
const MAX_COMPILED: usize = 1 << 20;

/// So many compiled patterns are kept.
const KEPT: usize = 32;

/// RE2 repeats nothing more often than this.
const MAX_REPEAT: u32 = 1_000;

impl<'a> Interp<'a> {
    /// `text matches pattern`.
    pub fn matches(&mut self, text: Value<'a>, pattern: Value<'a>) -> Eval<bool> {
        let (Value::Text(text), Value::Text(pattern)) = (text, pattern) else {
            let (text, pattern) = (text.type_name(), pattern.type_name());
            return Err(Fault::new(format!("matches wants strings, got {text:?} and {pattern:?}")));
        };
        self.spend(1 + text.len() / 16)?;
        if let Some(regex) = self.regexes.get(pattern) {
            return Ok(regex.is_match(text));
        }
        self.spend(100 + pattern.len() * 8)?;
        let regex = compile(pattern).map_err(Fault::new)?;
        let found = regex.is_match(text);
        if self.regexes.len() >= KEPT {
            self.regexes.clear();
        }
        self.regexes.insert(pattern, regex);
        Ok(found)
    }
}

fn compile(pattern: &[u8]) -> Result<Regex, String> {
    if pattern.len() > MAX_PATTERN {
        return Err(format!("the regular expression has more than {MAX_PATTERN} bytes"));
    }
    let pattern = std::str::from_utf8(pattern)
        .map_err(|_| "the regular expression is not UTF-8".to_owned())?;
    RegexBuilder::new(&translate(pattern)?)
        .size_limit(MAX_COMPILED)
        .dfa_size_limit(MAX_COMPILED)
        .build()
        .map_err(|error| format!("invalid regular expression {pattern:?}: {error}"))
}

/// The same pattern for our engine: classes of Perl are ASCII, what is special only here is not.
fn translate(pattern: &str) -> Result<String, String> {
    let mut out = String::with_capacity(pattern.len() * 2);
    let mut rest = pattern.chars().peekable();
    let mut class = false;
    let mut class_start = false;
    while let Some(c) = rest.next() {
        let at_start = std::mem::take(&mut class_start);
        match c {
            '\\' => match rest.next() {
                None => return Err("the regular expression ends with a backslash".into()),
                Some('Q') => {
                    let mut literal = String::new();
                    while let Some(c) = rest.next() {
                        if c == '\\' && rest.peek() == Some(&'E') {
                            rest.next();
                            break;
                        }
                        literal.push(c);
                    }
                    out.push_str(&regex::escape(&literal));
                }
                Some(perl @ ('d' | 's' | 'w')) => out.push_str(ascii(perl, class)),
                // In a class, ASCII cannot be said of a negation: the Unicode classes leave its letters.
                Some(perl @ ('D' | 'S' | 'W')) if class => {
                    out.push_str(match perl {
                        'D' => r"[^0-9]",
                        'S' => r"[^\t\n\x0c\r ]",
                        _ => r"[^0-9A-Za-z_]",
                    });
                }
                Some('D') => out.push_str("[^0-9]"),
                Some('S') => out.push_str(r"[^\t\n\x0c\r ]"),
                Some('W') => out.push_str("[^0-9A-Za-z_]"),
                Some(edge @ ('b' | 'B')) if !class => {
                    out.push_str("(?-u:\\");
                    out.push(edge);
                    out.push(')');
                }
                // Both are edges of words only here.
                Some(c @ ('<' | '>')) => out.push(c),
                Some('C') => return Err("\\C is not supported".into()),
                Some(other) => {
                    out.push('\\');
                    out.push(other);
                }
            },
            '[' if !class => {
                class = true;
                class_start = true;
                out.push('[');
                if rest.peek() == Some(&'^') {
                    rest.next();
                    out.push('^');
                }
            }
            ']' if class && at_start => out.push_str("\\]"),
            ']' if class => {
                class = false;
                out.push(']');
            }
            '[' if rest.peek() == Some(&':') => {
                // `[:alpha:]` is the same in both.
                out.push('[');
                for c in rest.by_ref() {
                    out.push(c);
                    if c == ']' {
                        break;
                    }
                }
            }
            '[' => out.push_str("\\["),
            '&' | '~' if class => {
                out.push('\\');
                out.push(c);
            }
            '-' if class && rest.peek() == Some(&'-') => out.push_str("\\-"),
            '{' if !class => {
                let bounds: String = rest.clone().take_while(|c| *c != '}').collect();
                let mut numbers = bounds.split(',').filter_map(|n| n.parse::<u32>().ok());
                if numbers.any(|n| n > MAX_REPEAT) {
                    return Err(format!("a repetition of more than {MAX_REPEAT} times"));
                }
                // What is no repetition is a brace.
                let mut parts = bounds.split(',');
                let digits =
                    |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_digit());
                let repeats = rest.clone().nth(bounds.chars().count()) == Some('}')
                    && parts.next().is_some_and(digits)
                    && parts.next().is_none_or(|upper| upper.is_empty() || digits(upper))
                    && parts.next().is_none();
                out.push_str(if repeats { "{" } else { "\\{" });
            }
            _ => out.push(c),
        }
    }
    Ok(out)
}

fn ascii(perl: char, class: bool) -> &'static str {
    match (perl, class) {
        ('d', true) => "0-9",
        ('d', false) => "[0-9]",
        ('s', true) => r"\t\n\x0c\r ",
        ('s', false) => r"[\t\n\x0c\r ]",
        (_, true) => "0-9A-Za-z_",
        (_, false) => "[0-9A-Za-z_]",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(pattern: &str, text: &str) -> bool {
        compile(pattern.as_bytes()).unwrap().is_match(text.as_bytes())
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
}
