//! The HCL form: blocks and attributes with literals, no variables, functions or templates.
//!
//! A parser of our own, because published sets have what HCL's own readers take and stricter ones
//! refuse: a key of a map twice, of which the last one counts.

use super::block::{Block, OrAt as _};
use super::{Invalid, invalid};
use crate::frozen::{Frozen, Text};

/// Blocks, lists and maps may lie this deep within each other.
const MAX_NESTING: usize = 100;

pub(super) fn blocks(text: &[u8]) -> Result<Vec<Block>, Invalid> {
    let text = std::str::from_utf8(text).map_err(|_| Invalid::new("it is not UTF-8"))?;
    let mut reader = Reader { text, at: 0, nesting: 0 };
    let mut root = Block::new("", &[], 0);
    reader.body(&mut root, None)?;
    match root.attributes.iter().next() {
        Some((key, found)) => invalid(format!("unknown attribute {key:?}")).or_at(found.at),
        None => Ok(root.blocks),
    }
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
    nesting: usize,
}

impl<'t> Reader<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn fail<T>(&self, why: &str) -> Result<T, Invalid> {
        invalid(why).or_at(self.at)
    }

    /// Passes over blanks and comments; over the ends of lines too, if told so.
    fn skip(&mut self, lines: bool) -> Result<(), Invalid> {
        loop {
            let rest = self.rest();
            if rest.starts_with('#') || rest.starts_with("//") {
                self.at += rest.find('\n').unwrap_or(rest.len());
            } else if rest.starts_with("/*") {
                match rest.find("*/") {
                    Some(length) => self.at += length + 2,
                    None => return self.fail("the comment is not closed"),
                }
            } else {
                match rest.chars().next() {
                    Some('\n') if lines => self.at += 1,
                    Some(c @ (' ' | '\t' | '\r' | '\u{feff}')) => self.at += c.len_utf8(),
                    _ => return Ok(()),
                }
            }
        }
    }

    fn eat(&mut self, mark: &str) -> bool {
        let found = self.rest().starts_with(mark);
        self.at += if found { mark.len() } else { 0 };
        found
    }

    fn name(&mut self) -> Option<&'t str> {
        let rest = self.rest();
        let inner = |c: char| c == '_' || c == '-' || c.is_alphanumeric();
        let length = rest.find(|c| !inner(c)).unwrap_or(rest.len());
        let name = &rest[..length];
        let letter = name.starts_with(|c: char| c == '_' || c.is_alphabetic());
        self.at += if letter { length } else { 0 };
        letter.then_some(name)
    }

    /// Goes one level deeper for the time of `inner`.
    fn deeper<T>(
        &mut self,
        inner: impl FnOnce(&mut Self) -> Result<T, Invalid>,
    ) -> Result<T, Invalid> {
        if self.nesting >= MAX_NESTING {
            return self.fail(&format!("it is nested more than {MAX_NESTING} deep"));
        }
        self.nesting += 1;
        let result = inner(self);
        self.nesting -= 1;
        result
    }

    /// Attributes and blocks up to the closing mark, or to the end of the file.
    fn body(&mut self, into: &mut Block, close: Option<&str>) -> Result<(), Invalid> {
        loop {
            self.skip(true)?;
            match close {
                Some(mark) if self.eat(mark) => return Ok(()),
                None if self.rest().is_empty() => return Ok(()),
                _ => {}
            }
            let at = self.at;
            let Some(name) = self.name() else {
                return self.fail("expected a block or an attribute");
            };
            self.skip(false)?;
            if self.rest().starts_with('=') && !self.rest().starts_with("==") {
                self.at += 1;
                self.skip(false)?;
                let value = self.deeper(Self::value)?;
                into.set(name, at, value)?;
            } else {
                let block = self.deeper(|reader| reader.block(name, at))?;
                into.blocks.push(block);
            }
            self.skip(false)?;
            let ended = self.rest().is_empty() || self.rest().starts_with('\n');
            if !ended && !close.is_some_and(|mark| self.rest().starts_with(mark)) {
                return self.fail("expected the end of the line");
            }
        }
    }

    fn block(&mut self, kind: &str, at: usize) -> Result<Block, Invalid> {
        let mut block = Block::new(kind, &[], at);
        loop {
            self.skip(false)?;
            if self.eat("{") {
                self.body(&mut block, Some("}"))?;
                return Ok(block);
            }
            if self.rest().starts_with('"') {
                block.labels.push(self.string()?);
            } else if let Some(label) = self.name() {
                block.labels.push(label.to_owned());
            } else {
                return self.fail("expected \"=\", a label or \"{\"");
            }
        }
    }

    fn value(&mut self) -> Result<Frozen, Invalid> {
        match self.rest().chars().next() {
            Some('"') => Ok(Frozen::text(&self.string()?)),
            Some('<') if self.rest().starts_with("<<") => self.heredoc(),
            Some('[') => self.list(),
            Some('{') => self.map(),
            Some('-' | '0'..='9') => self.number(),
            _ => match self.name() {
                Some("true") => Ok(Frozen::Bool(true)),
                Some("false") => Ok(Frozen::Bool(false)),
                Some("null") => Ok(Frozen::Null),
                _ => self.fail("only literals are supported"),
            },
        }
    }

    fn number(&mut self) -> Result<Frozen, Invalid> {
        let rest = self.rest();
        let inner = |c: char| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-');
        let text = &rest[..rest.find(|c| !inner(c)).unwrap_or(rest.len())];
        let number = match text.parse() {
            Ok(int) => Frozen::Int(int),
            Err(_) => match text.parse::<f64>() {
                Ok(float) if float.is_finite() => Frozen::Float(float),
                _ => return self.fail("this is no number"),
            },
        };
        self.at += text.len();
        Ok(number)
    }

    fn list(&mut self) -> Result<Frozen, Invalid> {
        self.at += 1;
        let mut items = Vec::new();
        loop {
            self.skip(true)?;
            if self.eat("]") {
                return Ok(Frozen::list(items));
            }
            items.push(self.deeper(Self::value)?);
            self.skip(true)?;
            if !self.eat(",") && !self.rest().starts_with(']') {
                return self.fail("expected \",\" or \"]\" in a list");
            }
        }
    }

    fn map(&mut self) -> Result<Frozen, Invalid> {
        self.at += 1;
        let mut entries: Vec<(Text, Frozen)> = Vec::new();
        loop {
            self.skip(true)?;
            if self.eat("}") {
                return Ok(Frozen::map(entries));
            }
            let key = match self.rest().chars().next() {
                Some('"') => self.string()?,
                Some('0'..='9' | '-') => self.number()?.to_json().to_string(),
                _ => match self.name() {
                    Some(name) => name.to_owned(),
                    None => return self.fail("expected a key"),
                },
            };
            self.skip(false)?;
            if !self.eat("=") && !self.eat(":") {
                return self.fail("expected \"=\" or \":\" after a key");
            }
            self.skip(false)?;
            entries.push((key.into_bytes().into(), self.deeper(Self::value)?));
            self.skip(false)?;
            let ended = self.eat(",") || self.rest().starts_with(['\n', '}']);
            if !ended {
                return self.fail("expected \",\" or the end of the line in a map");
            }
        }
    }

    fn string(&mut self) -> Result<String, Invalid> {
        let mut out = String::new();
        self.at += 1;
        loop {
            let rest = self.rest();
            let Some(c) = rest.chars().next().filter(|c| *c != '\n') else {
                return self.fail("the string is not closed");
            };
            match c {
                '"' => {
                    self.at += 1;
                    return Ok(out);
                }
                '\\' => self.escape(&mut out)?,
                '$' | '%' if rest[1..].starts_with('{') => {
                    return self.fail("templates are not supported");
                }
                '$' | '%' if rest[1..].starts_with(c) && rest[2..].starts_with('{') => {
                    out.push(c);
                    out.push('{');
                    self.at += 3;
                }
                _ => {
                    out.push(c);
                    self.at += c.len_utf8();
                }
            }
        }
    }

    fn escape(&mut self, out: &mut String) -> Result<(), Invalid> {
        let digits = |count: usize| {
            let digits = self.rest().get(2..2 + count)?;
            u32::from_str_radix(digits, 16).ok().and_then(char::from_u32)
        };
        let (found, length) = match self.rest().as_bytes().get(1) {
            Some(b'n') => (Some('\n'), 2),
            Some(b'r') => (Some('\r'), 2),
            Some(b't') => (Some('\t'), 2),
            Some(b'"') => (Some('"'), 2),
            Some(b'\\') => (Some('\\'), 2),
            Some(b'u') => (digits(4), 6),
            Some(b'U') => (digits(8), 10),
            _ => (None, 0),
        };
        let Some(found) = found else { return self.fail("unknown escape sequence") };
        out.push(found);
        self.at += length;
        Ok(())
    }

    /// `<<END` up to a line that is `END`; with `<<-END` lines lose the indentation they share.
    fn heredoc(&mut self) -> Result<Frozen, Invalid> {
        self.at += 2;
        let indented = self.eat("-");
        let Some(end) = self.name() else { return self.fail("expected the name of the end") };
        if !self.rest().starts_with('\n') {
            return self.fail("expected the end of the line");
        }
        let mut lines = Vec::new();
        let mut length = 1;
        loop {
            let Some(line) = self.rest()[length..].split_inclusive('\n').next() else {
                return self.fail(&format!("the text is not ended by {end}"));
            };
            if line.trim() == end {
                // The end of this line is still to be read.
                self.at += length + line.trim_end_matches(['\r', '\n']).len();
                break;
            }
            if line.contains("${") || line.contains("%{") {
                return self.fail("templates are not supported");
            }
            length += line.len();
            lines.push(line);
        }
        let filled = lines.iter().filter(|line| !line.trim().is_empty());
        let indentation = |line: &&&str| line.len() - line.trim_start_matches(' ').len();
        let shared = if indented { filled.map(|line| indentation(&line)).min() } else { None };
        let shared = shared.unwrap_or(0);
        let text = lines.iter().map(|line| line.get(shared..).unwrap_or("\n"));
        Ok(Frozen::text(&text.collect::<String>()))
    }
}
