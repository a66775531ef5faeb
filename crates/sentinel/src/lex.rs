//! From bytes to tokens: escapes, comments, and the semicolons that newlines stand for.

use crate::source::{Eval, Fault, Pos};
use crate::token::{Kind, MARKS, Token, WORDS};

/// All tokens of a file, the last one being its end.
pub(crate) fn lex(text: &[u8], file: u16) -> Eval<Vec<Token>> {
    let invalid = |at: usize, what: &str| Fault::syntax(pos(file, at), what);
    let text = match std::str::from_utf8(text) {
        Ok(text) => text,
        Err(error) => return Err(invalid(error.valid_up_to(), "the file is not UTF-8")),
    };
    if let Some(at) = text.bytes().position(|byte| byte == 0) {
        return Err(invalid(at, "a NUL byte"));
    }
    let at = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let mut lexer = Lexer { text, at, file, tokens: Vec::new() };
    lexer.run()?;
    Ok(lexer.tokens)
}

fn pos(file: u16, at: usize) -> Pos {
    // A file has at most 1 MiB.
    Pos { file, at: u32::try_from(at).unwrap_or(u32::MAX) }
}

struct Lexer<'t> {
    text: &'t str,
    at: usize,
    file: u16,
    tokens: Vec<Token>,
}

impl Lexer<'_> {
    fn run(&mut self) -> Eval<()> {
        while let Some(next) = self.peek() {
            let start = self.at;
            match next {
                '\n' => {
                    self.newline(start);
                    self.at += 1;
                }
                ' ' | '\t' | '\r' => self.at += 1,
                '#' => self.line_comment(),
                '/' if self.rest().starts_with("//") => self.line_comment(),
                '/' if self.rest().starts_with("/*") => self.block_comment()?,
                '"' => self.string()?,
                '`' => self.raw_string()?,
                ';' => {
                    self.push(start, Kind::End(false));
                    self.at += 1;
                }
                '0'..='9' => self.number()?,
                '.' if self.rest()[1..].starts_with(|c: char| c.is_ascii_digit()) => {
                    self.number()?;
                }
                c if is_letter(c) => self.word(),
                _ => self.mark()?,
            }
        }
        self.newline(self.at);
        self.push(self.at, Kind::Eof);
        Ok(())
    }

    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn push(&mut self, at: usize, kind: Kind) {
        self.tokens.push(Token { kind, at: pos(self.file, at).at });
    }

    fn fail<T>(&self, at: usize, text: impl Into<String>) -> Eval<T> {
        Err(Fault::syntax(pos(self.file, at), text))
    }

    fn newline(&mut self, at: usize) {
        if self.tokens.last().is_some_and(|token| token.kind.ends_a_line()) {
            self.push(at, Kind::End(true));
        }
    }

    fn line_comment(&mut self) {
        self.at += self.rest().find('\n').unwrap_or(self.rest().len());
    }

    fn block_comment(&mut self) -> Eval<()> {
        let start = self.at;
        let Some(length) = self.rest().find("*/") else {
            return self.fail(start, "the comment is not closed");
        };
        if self.rest()[..length].contains('\n') {
            self.newline(start);
        }
        self.at += length + 2;
        Ok(())
    }

    fn word(&mut self) {
        let start = self.at;
        let length = self.rest().find(|c| !is_letter(c) && !c.is_numeric());
        self.at += length.unwrap_or(self.rest().len());
        let word = &self.text[start..self.at];
        let fixed = WORDS.iter().find(|known| **known == word).copied();
        // After a dot every word is a name; `defined` is one except after `is` and `is not`.
        let kind = match (fixed, self.last_fixed(0)) {
            (_, Some(".")) => Kind::Name(word.into()),
            (Some(fixed), _) => Kind::Fixed(fixed),
            (None, Some("is")) if word == "defined" => Kind::Fixed("defined"),
            (None, Some("not")) if word == "defined" && self.last_fixed(1) == Some("is") => {
                Kind::Fixed("defined")
            }
            (None, _) => Kind::Name(word.into()),
        };
        self.push(start, kind);
    }

    /// The word or mark that stands `back` tokens before the last one.
    fn last_fixed(&self, back: usize) -> Option<&'static str> {
        match self.tokens.iter().rev().nth(back)?.kind {
            Kind::Fixed(text) => Some(text),
            _ => None,
        }
    }

    fn mark(&mut self) -> Eval<()> {
        let Some(mark) = MARKS.iter().find(|mark| self.rest().starts_with(**mark)) else {
            let found = self.peek().unwrap_or_default();
            return self.fail(self.at, format!("unexpected character {found:?}"));
        };
        self.push(self.at, Kind::Fixed(mark));
        self.at += mark.len();
        Ok(())
    }

    fn digits(&mut self, is_digit: impl Fn(char) -> bool) {
        let rest = self.rest();
        self.at += rest.find(|c| !is_digit(c)).unwrap_or(rest.len());
    }

    fn number(&mut self) -> Eval<()> {
        let start = self.at;
        if self.rest().starts_with("0x") || self.rest().starts_with("0X") {
            self.at += 2;
            self.digits(|c| c.is_ascii_hexdigit());
            return self.int(start, 16, start + 2);
        }
        self.digits(|c| c.is_ascii_digit());
        let mut float = false;
        if self.rest().starts_with('.') {
            float = true;
            self.at += 1;
            self.digits(|c| c.is_ascii_digit());
        }
        if self.rest().starts_with(['e', 'E']) {
            let sign = usize::from(self.rest()[1..].starts_with(['+', '-']));
            let exponent = self.at + 1 + sign;
            if !self.text[exponent..].starts_with(|c: char| c.is_ascii_digit()) {
                return self.fail(start, "the number's exponent has no digits");
            }
            float = true;
            self.at = exponent;
            self.digits(|c| c.is_ascii_digit());
        }
        if float {
            return match self.text[start..self.at].parse::<f64>() {
                Ok(value) if value.is_finite() => {
                    self.push(start, Kind::Float(value));
                    Ok(())
                }
                _ => self.fail(start, "the number does not fit into a float"),
            };
        }
        let octal = self.text[start..self.at].starts_with('0') && self.at - start > 1;
        if octal { self.int(start, 8, start + 1) } else { self.int(start, 10, start) }
    }

    fn int(&mut self, start: usize, radix: u32, digits: usize) -> Eval<()> {
        match i64::from_str_radix(&self.text[digits..self.at], radix) {
            Ok(value) => {
                self.push(start, Kind::Int(value));
                Ok(())
            }
            Err(error) => {
                let literal = &self.text[start..self.at];
                self.fail(start, format!("{literal} is not an integer of 64 bits: {error}"))
            }
        }
    }

    fn raw_string(&mut self) -> Eval<()> {
        let start = self.at;
        let Some(length) = self.rest()[1..].find('`') else {
            return self.fail(start, "the raw string is not closed");
        };
        let inner = &self.text[start + 1..start + 1 + length];
        // As in Go, carriage returns are no part of a raw string.
        let bytes: Box<[u8]> = inner.bytes().filter(|byte| *byte != b'\r').collect();
        self.push(start, Kind::Text(bytes));
        self.at += length + 2;
        Ok(())
    }

    fn string(&mut self) -> Eval<()> {
        let start = self.at;
        let mut bytes = Vec::new();
        self.at += 1;
        loop {
            match self.peek() {
                None | Some('\n') => return self.fail(start, "the string is not closed"),
                Some('"') => break,
                Some('\\') => self.escape(&mut bytes)?,
                Some(c) => {
                    bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                    self.at += c.len_utf8();
                }
            }
        }
        self.at += 1;
        self.push(start, Kind::Text(bytes.into()));
        Ok(())
    }

    fn escape(&mut self, bytes: &mut Vec<u8>) -> Eval<()> {
        let start = self.at;
        self.at += 1;
        let Some(kind) = self.peek() else { return self.fail(start, "the string is not closed") };
        let simple = match kind {
            'a' => Some(7),
            'b' => Some(8),
            'f' => Some(12),
            'n' => Some(b'\n'),
            'r' => Some(b'\r'),
            't' => Some(b'\t'),
            'v' => Some(11),
            '\\' | '"' => Some(kind as u8),
            _ => None,
        };
        if let Some(byte) = simple {
            bytes.push(byte);
            self.at += 1;
            return Ok(());
        }
        let (skip, count, radix) = match kind {
            '0'..='7' => (0, 3, 8),
            'x' => (1, 2, 16),
            'u' => (1, 4, 16),
            'U' => (1, 8, 16),
            _ => return self.fail(start, format!("unknown escape sequence \\{kind}")),
        };
        self.at += skip;
        let digits = self.rest().get(..count).filter(|d| d.chars().all(|c| c.is_digit(radix)));
        let Some(code) = digits.and_then(|digits| u32::from_str_radix(digits, radix).ok()) else {
            return self.fail(start, format!("the escape sequence wants {count} digits"));
        };
        self.at += count;
        if matches!(kind, 'u' | 'U') {
            let Some(c) = char::from_u32(code) else {
                return self.fail(start, "the escape sequence is not a character of Unicode");
            };
            bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        } else {
            match u8::try_from(code) {
                Ok(byte) => bytes.push(byte),
                Err(_) => return self.fail(start, "the escape sequence is greater than a byte"),
            }
        }
        Ok(())
    }
}

fn is_letter(c: char) -> bool {
    c == '_' || c.is_alphabetic()
}
