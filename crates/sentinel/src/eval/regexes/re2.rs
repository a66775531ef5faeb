//! A pattern of RE2's syntax as our engine takes it. What RE2 does not know is refused: where only one of the two knows
//! a thing, a policy would pass here and err there.

use std::fmt::{self, Write as _};

/// RE2 repeats nothing more often than this.
const MAX_REPEAT: u32 = 1_000;

/// General categories, by the names that RE2 has for them; every other name is that of a script.
const CATEGORIES: &[&str] = &[
    "Any", "C", "Cc", "Cf", "Co", "Cs", "L", "Ll", "Lm", "Lo", "Lt", "Lu", "M", "Mc", "Me", "Mn",
    "N", "Nd", "Nl", "No", "P", "Pc", "Pd", "Pe", "Pf", "Pi", "Po", "Ps", "S", "Sc", "Sk", "Sm",
    "So", "Z", "Zl", "Zp", "Zs",
];
const POSIX: &[&str] = &[
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct",
    "space", "upper", "word", "xdigit",
];

type Said<T = ()> = Result<T, String>;

pub fn translate(pattern: &str) -> Said<String> {
    let mut reader = Reader { rest: pattern, out: String::new() };
    reader.out.reserve(pattern.len() * 2);
    reader.pattern()?;
    Ok(reader.out)
}

struct Reader<'p> {
    rest: &'p str,
    out: String,
}

impl<'p> Reader<'p> {
    fn pattern(&mut self) -> Said {
        let mut is_repeated = false;
        while let Some(c) = self.next() {
            let repeats = matches!(c, '*' | '+' | '?') || (c == '{' && self.repetition()?);
            if repeats && std::mem::replace(&mut is_repeated, true) {
                return Err("a repetition of a repetition".into());
            }
            if !repeats {
                is_repeated = false;
            }
            match c {
                '{' if repeats => {}
                '\\' => self.escape()?,
                '[' => self.class()?,
                '(' if self.takes("?") => self.group()?,
                '{' => self.out.push_str("\\{"),
                // Closes nothing.
                ']' | '}' => self.literal(c),
                _ => self.out.push(c),
            }
            // Of as little as there is.
            if repeats && self.takes("?") {
                self.out.push('?');
            }
        }
        Ok(())
    }

    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn next(&mut self) -> Option<char> {
        self.take(1).chars().next()
    }

    /// So many characters, or what is left.
    fn take(&mut self, characters: usize) -> &'p str {
        let after = self.rest.char_indices().nth(characters);
        let (taken, rest) = self.rest.split_at(after.map_or(self.rest.len(), |(at, _)| at));
        self.rest = rest;
        taken
    }

    /// Takes this if it comes next.
    fn takes(&mut self, text: &str) -> bool {
        let after = self.rest.strip_prefix(text);
        self.rest = after.unwrap_or(self.rest);
        after.is_some()
    }

    /// All up to this, which is taken too; nothing where it does not come.
    fn up_to(&mut self, end: &str) -> Option<&'p str> {
        let (found, after) = self.rest.split_once(end)?;
        self.rest = after;
        Some(found)
    }

    fn put(&mut self, what: fmt::Arguments<'_>) {
        let _ = self.out.write_fmt(what);
    }

    fn literal(&mut self, c: char) {
        self.put(format_args!("\\x{{{:x}}}", u32::from(c)));
    }

    /// Behind a `{`: whether that is a repetition, which is then taken.
    fn repetition(&mut self) -> Said<bool> {
        let digits = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_digit());
        let before = self.rest;
        let Some(bounds) = self.up_to("}") else { return Ok(false) };
        let mut parts = bounds.split(',');
        let repeats = parts.next().is_some_and(digits)
            && parts.next().is_none_or(|upper| upper.is_empty() || digits(upper))
            && parts.next().is_none();
        if !repeats {
            self.rest = before;
            return Ok(false);
        }
        let is_too_often =
            |n: &str| !n.is_empty() && n.parse::<u32>().map_or(true, |n| n > MAX_REPEAT);
        if bounds.split(',').any(is_too_often) {
            return Err(format!("a repetition of more than {MAX_REPEAT} times"));
        }
        self.put(format_args!("{{{bounds}}}"));
        Ok(true)
    }

    /// Behind `(?`: a name or flags.
    fn group(&mut self) -> Said {
        self.out.push_str("(?");
        if self.takes("P<") || self.takes("<") {
            let name = self.up_to(">").unwrap_or_default();
            if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
                return Err("a group has a name that is none, or looks around".into());
            }
            self.put(format_args!("P<{name}>"));
            return Ok(());
        }
        while let Some(c) = self.next() {
            self.out.push(c);
            match c {
                'i' | 'm' | 's' | 'U' | '-' => {}
                ':' | ')' => return Ok(()),
                _ => return Err(format!("\"(?{c}\" is not supported")),
            }
        }
        Err("a group has no end".into())
    }

    /// Behind a backslash, outside of a class.
    fn escape(&mut self) -> Said {
        if self.takes("Q") {
            let literal = self.up_to("\\E").unwrap_or_else(|| std::mem::take(&mut self.rest));
            literal.chars().for_each(|c| self.literal(c));
            return Ok(());
        }
        match self.peek() {
            Some(edge @ ('b' | 'B')) => {
                self.next();
                self.put(format_args!("(?-u:\\{edge})"));
            }
            Some(end @ ('A' | 'z')) => {
                self.next();
                self.put(format_args!("\\{end}"));
            }
            _ => {
                if !self.set()? {
                    let c = self.escaped()?;
                    self.literal(c);
                }
            }
        }
        Ok(())
    }

    /// Behind a backslash: a set of characters, if it is one. Those of Perl are ASCII.
    fn set(&mut self) -> Said<bool> {
        let Some(c) = self.peek() else { return Ok(false) };
        let set = match c {
            'd' => "[0-9]",
            'D' => "[^0-9]",
            's' => r"[\t\n\x0c\r ]",
            'S' => r"[^\t\n\x0c\r ]",
            'w' => "[0-9A-Za-z_]",
            'W' => "[^0-9A-Za-z_]",
            'p' | 'P' => {
                self.next();
                let name = if self.takes("{") {
                    self.up_to("}").ok_or("a class of Unicode has no end")?
                } else {
                    self.take(1)
                };
                let (is_not, name) = match name.strip_prefix('^') {
                    Some(name) => (c == 'p', name),
                    None => (c == 'P', name),
                };
                let is_script = name.starts_with(|c: char| c.is_ascii_uppercase())
                    && name.chars().all(|c| c.is_ascii_alphabetic() || c == '_');
                let of = match name {
                    category if CATEGORIES.contains(&category) => "",
                    script if is_script && script.len() > 2 => "sc=",
                    _ => return Err(format!("there is no class {name:?} of Unicode")),
                };
                let p = if is_not { 'P' } else { 'p' };
                self.put(format_args!("\\{p}{{{of}{name}}}"));
                return Ok(true);
            }
            _ => return Ok(false),
        };
        self.next();
        self.out.push_str(set);
        Ok(true)
    }

    /// Behind a backslash: one character.
    fn escaped(&mut self) -> Said<char> {
        let Some(c) = self.next() else {
            return Err("the regular expression ends with a backslash".into());
        };
        let number = match c {
            'a' => 0x07,
            'f' => 0x0c,
            't' => 0x09,
            'n' => 0x0a,
            'r' => 0x0d,
            'v' => 0x0b,
            'x' => {
                let digits = if self.takes("{") {
                    self.up_to("}").unwrap_or_default()
                } else {
                    self.take(2)
                };
                let is_hex = !digits.is_empty() && digits.chars().all(|c| c.is_ascii_hexdigit());
                u32::from_str_radix(digits, 16)
                    .ok()
                    .filter(|_| is_hex)
                    .ok_or("\\x is not followed by the number of a character")?
            }
            '0'..='7' => {
                let octal = |c: Option<char>| c.and_then(|c| c.to_digit(8));
                let mut number = c.to_digit(8).unwrap_or_default();
                if c != '0' && octal(self.peek()).is_none() {
                    return Err("backreferences are not supported".into());
                }
                for _ in 0..2 {
                    let Some(digit) = octal(self.peek()) else { break };
                    self.next();
                    number = number * 8 + digit;
                }
                number
            }
            c if c.is_ascii() && !c.is_ascii_alphanumeric() => u32::from(c),
            c => return Err(format!("\\{c} is not supported")),
        };
        char::from_u32(number).ok_or_else(|| format!("there is no character {number}"))
    }

    /// Behind a `[`.
    fn class(&mut self) -> Said {
        self.out.push('[');
        if self.takes("^") {
            self.out.push('^');
        }
        let mut is_first = true;
        while is_first || self.peek() != Some(']') {
            is_first = false;
            if !self.posix()? {
                self.span()?;
            }
        }
        self.next();
        self.out.push(']');
        Ok(())
    }

    /// `[:alpha:]`, if that comes; it is the same in both.
    fn posix(&mut self) -> Said<bool> {
        let before = self.rest;
        if !self.takes("[:") {
            return Ok(false);
        }
        let Some(name) = self.up_to(":]") else {
            self.rest = before;
            return Ok(false);
        };
        if !POSIX.contains(&name.strip_prefix('^').unwrap_or(name)) {
            return Err(format!("there is no class {name:?}"));
        }
        self.put(format_args!("[:{name}:]"));
        Ok(true)
    }

    /// In a class: a set, a character, or all from one to another.
    fn span(&mut self) -> Said {
        let before = self.rest;
        if self.takes("\\") {
            if self.set()? {
                return Ok(());
            }
            self.rest = before;
        }
        let first = self.member()?;
        self.literal(first);
        let mut ahead = self.rest.chars();
        if ahead.next() == Some('-') && ahead.next().is_some_and(|c| c != ']') {
            self.next();
            let last = self.member()?;
            if last < first {
                return Err(format!("the range {first}-{last} runs backwards"));
            }
            self.out.push('-');
            self.literal(last);
        }
        Ok(())
    }

    fn member(&mut self) -> Said<char> {
        match self.next() {
            Some('\\') => self.escaped(),
            Some(c) => Ok(c),
            None => Err("a class has no end".into()),
        }
    }
}
