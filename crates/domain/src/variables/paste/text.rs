//! From the text of a `.tfvars` or an `.env` file to the variables in it. Each value is kept as it was written, so that
//! what the engine gets is what it would have read itself.

use std::fmt;

use super::Entry;

/// What cannot be read, and where.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    /// From 1.
    line: usize,
    why: &'static str,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Line {}: {}.", self.line, self.why)
    }
}

/// `key = value` again and again, where a value is an expression in HCL and ends with its line, or with the line in
/// which its last bracket or heredoc ends. A plain string becomes its text; all else stays an expression.
pub(super) fn tfvars(text: &str) -> Result<Vec<Entry>, Wrong> {
    let mut entries = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((index, line)) = lines.next() {
        let at = index + 1;
        let wrong = |why| Wrong { line: at, why };
        let line = line.trim_start();
        if line.is_empty() || line.starts_with('#') || line.starts_with("//") {
            continue;
        }
        if line.starts_with("/*") {
            let mut comment = line;
            while !comment.contains("*/") {
                let (_, next) = lines.next().ok_or(wrong("the comment is not closed"))?;
                comment = next;
            }
            let rest = comment.split_once("*/").map_or("", |(_, rest)| rest);
            if rest.trim().is_empty() {
                continue;
            }
            return Err(wrong("nothing may stand behind a comment"));
        }
        let (key, value) = line.split_once('=').ok_or(wrong("should be key = value"))?;
        let key = key.trim();
        let key = key.strip_prefix('"').and_then(|key| key.strip_suffix('"')).unwrap_or(key);
        let mut value = value.to_owned();
        loop {
            match engine_env::check_expression(&value) {
                Ok(()) => break,
                Err(engine_env::NotOne::Open) => {
                    let (_, next) = lines.next().ok_or(wrong("the value is not closed"))?;
                    value.push('\n');
                    value.push_str(next);
                }
                Err(_) => return Err(wrong("the value is not one expression in HCL")),
            }
        }
        let value = value.trim();
        if value.is_empty() {
            return Err(wrong("there is no value"));
        }
        let (value, hcl) = match plain(value) {
            Some(text) => (text, false),
            None => (value.to_owned(), true),
        };
        entries.push(Entry { line: at, key: key.to_owned(), value, hcl });
    }
    Ok(entries)
}

/// The text of a string in quotes, perhaps with a comment behind it, that is nothing but a text.
fn plain(value: &str) -> Option<String> {
    let mut letters = value.strip_prefix('"')?.chars();
    let mut text = String::new();
    loop {
        match letters.next()? {
            '"' => break,
            '\\' => text.push(match letters.next()? {
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                '"' => '"',
                '\\' => '\\',
                'u' => code_point(&mut letters, 4)?,
                'U' => code_point(&mut letters, 8)?,
                _ => return None,
            }),
            mark @ ('$' | '%') => {
                let rest = letters.as_str();
                if rest.starts_with('{') {
                    return None;
                }
                text.push(mark);
                let escaped = rest.strip_prefix(mark).filter(|rest| rest.starts_with('{'));
                if let Some(rest) = escaped {
                    // `$${` is how `${` is written.
                    text.push('{');
                    letters = rest[1..].chars();
                }
            }
            other => text.push(other),
        }
    }
    let rest = letters.as_str().trim_start();
    (rest.is_empty() || rest.starts_with('#') || rest.starts_with("//")).then_some(text)
}

fn code_point(letters: &mut std::str::Chars<'_>, digits: usize) -> Option<char> {
    let rest = letters.as_str();
    let number = u32::from_str_radix(rest.get(..digits)?, 16).ok()?;
    *letters = rest[digits..].chars();
    char::from_u32(number)
}

/// `KEY=value` again and again, perhaps after `export`. In single quotes a value is what stands there; in double quotes
/// `\n`, `\t`, `\"`, `\\` and `\$` mean something, and it may go on over lines; without, it ends with its line or with
/// ` #`. Nothing is filled in from elsewhere.
pub(super) fn dotenv(text: &str) -> Result<Vec<Entry>, Wrong> {
    let mut entries = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((index, line)) = lines.next() {
        let at = index + 1;
        let wrong = |why| Wrong { line: at, why };
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let line = line.strip_prefix("export ").unwrap_or(line);
        let (key, value) = line.split_once('=').ok_or(wrong("should be KEY=value"))?;
        let key = key.trim().to_owned();
        let value = value.trim_start();
        let Some(quote) = value.chars().next().filter(|first| matches!(first, '"' | '\'')) else {
            let end = value.find(" #").unwrap_or(value.len());
            let value = value[..end].trim_end().to_owned();
            entries.push(Entry { line: at, key, value, hcl: false });
            continue;
        };
        let mut rest = value[1..].to_owned();
        let (value, behind) = loop {
            if let Some(found) = quoted(&rest, quote) {
                break found;
            }
            let (_, next) = lines.next().ok_or(wrong("the quote is not closed"))?;
            rest.push('\n');
            rest.push_str(next);
        };
        if !(behind.trim().is_empty() || behind.trim_start().starts_with('#')) {
            return Err(wrong("something stands behind the closing quote"));
        }
        entries.push(Entry { line: at, key, value, hcl: false });
    }
    Ok(entries)
}

/// What stands before the closing quote, and behind it; nothing if it is not closed yet.
fn quoted(text: &str, quote: char) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut letters = text.chars();
    loop {
        match letters.next()? {
            letter if letter == quote => return Some((value, letters.as_str())),
            '\\' if quote == '"' => match letters.next()? {
                'n' => value.push('\n'),
                'r' => value.push('\r'),
                't' => value.push('\t'),
                same @ ('"' | '\\' | '$' | '`') => value.push(same),
                other => value.extend(['\\', other]),
            },
            other => value.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(entries: Vec<Entry>) -> Vec<(usize, String, String, bool)> {
        entries.into_iter().map(|e| (e.line, e.key, e.value, e.hcl)).collect()
    }

    #[test]
    fn files_of_values_are_read_as_engines_read_them() {
        let text = r#"
# a comment
region = "eu-1" # why
// another
"size"   = 3
/* one
   more */
names = [
  "a = b",
  "c",
]
text = <<-EOT
  x = 1
  EOT
plain = "a \"b\" \\ \u00e9 $${x} 5$ 100%"
interpolated = "${path}"
on = true
"#;
        let expected = [
            (3, "region", "eu-1", false),
            (5, "size", "3", true),
            (8, "names", "[\n  \"a = b\",\n  \"c\",\n]", true),
            (12, "text", "<<-EOT\n  x = 1\n  EOT", true),
            (15, "plain", "a \"b\" \\ é ${x} 5$ 100%", false),
            (16, "interpolated", "\"${path}\"", true),
            (17, "on", "true", true),
        ];
        let expected = expected.map(|(l, k, v, h)| (l, k.to_owned(), v.to_owned(), h));
        assert_eq!(read(tfvars(text).unwrap()), expected);
    }

    #[test]
    fn what_is_no_value_is_named_by_its_line() {
        for (text, line, why) in [
            ("a = 1\nb", 2, "should be key = value"),
            ("a = [\n1,", 1, "the value is not closed"),
            ("\n/* a", 2, "the comment is not closed"),
            ("a =\n", 1, "there is no value"),
            ("a = 1]", 1, "the value is not one expression in HCL"),
        ] {
            assert_eq!(tfvars(text).err(), Some(Wrong { line, why }), "{text}");
        }
        for (text, line, why) in [
            ("A=1\nB", 2, "should be KEY=value"),
            ("A=\"b", 1, "the quote is not closed"),
            ("A='b'c", 1, "something stands behind the closing quote"),
        ] {
            assert_eq!(dotenv(text).err(), Some(Wrong { line, why }), "{text}");
        }
    }

    #[test]
    fn environments_are_read_without_filling_anything_in() {
        let text = "# c\nexport A=1\nB = two words # not\nC='$A \\n'\nD=\"x\\ny \\$A \\q\" # c\nE=\"1\n2\"\nF=\nG=a#b";
        let expected = [
            (2, "A", "1"),
            (3, "B", "two words"),
            (4, "C", "$A \\n"),
            (5, "D", "x\ny $A \\q"),
            (6, "E", "1\n2"),
            (8, "F", ""),
            (9, "G", "a#b"),
        ];
        let expected = expected.map(|(l, k, v)| (l, k.to_owned(), v.to_owned(), false));
        assert_eq!(read(dotenv(text).unwrap()), expected);
    }
}
