//! Values that are written in HCL: one expression each, since they stand in a file together with others. Nobody is to
//! define another variable by the value of one, or to swallow those behind it.
//!
//! Not a parser: only what decides where an expression ends, for values that no parser understands too. What is no
//! HCL at all stops the engine, which says where.

/// Why a value is not one expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotOne {
    #[error("something stands behind its end")]
    GoesOn,
    #[error("a quote, a bracket, a comment or a heredoc in it is not closed")]
    Open,
    #[error("a bracket in it closes what is not open")]
    Closes,
    #[error("`$$${{` and `%%%{{` in it are read in two ways")]
    Ambiguous,
}

/// Whether a value is one expression, or none.
pub fn check_expression(value: &str) -> Result<(), NotOne> {
    let mut scan = Scan { rest: value.trim(), within: Vec::new(), ended: false };
    while !scan.rest.is_empty() {
        match scan.within.last() {
            Some(Within::Quote) => scan.quoted()?,
            Some(Within::Heredoc(_)) => scan.heredoc()?,
            _ => scan.code()?,
        }
    }
    // The end of the file is the end of the line with the marker.
    if scan.within.is_empty() { Ok(()) } else { Err(NotOne::Open) }
}

enum Within<'a> {
    /// Until this bracket; in a template too.
    Bracket(char),
    Quote,
    /// Until a line with this marker alone.
    Heredoc(Heredoc<'a>),
}

struct Heredoc<'a> {
    marker: &'a str,
    begins_line: bool,
}

struct Scan<'a> {
    rest: &'a str,
    within: Vec<Within<'a>>,
    /// A line has ended outside of everything, and the expression with it.
    ended: bool,
}

impl Scan<'_> {
    fn skip(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or_default();
    }

    fn code(&mut self) -> Result<(), NotOne> {
        let Some(letter) = self.rest.chars().next() else { return Ok(()) };
        if self.rest.starts_with('#') || self.rest.starts_with("//") {
            self.skip(self.rest.find('\n').unwrap_or(self.rest.len()));
            return Ok(());
        }
        if self.rest.starts_with("/*") {
            let end = self.rest.find("*/").ok_or(NotOne::Open)?;
            self.skip(end + 2);
            return Ok(());
        }
        if letter == '\n' && self.within.is_empty() {
            self.ended = true;
        }
        if self.ended && !letter.is_whitespace() {
            return Err(NotOne::GoesOn);
        }
        if let Some((marker, length)) = heredoc(self.rest) {
            self.within.push(Within::Heredoc(Heredoc { marker, begins_line: true }));
            self.skip(length);
            return Ok(());
        }
        // What follows in the file would be its first line.
        if self.rest.starts_with("<<") {
            return Err(NotOne::Open);
        }
        self.skip(letter.len_utf8());
        match letter {
            '"' => self.within.push(Within::Quote),
            '(' => self.within.push(Within::Bracket(')')),
            '[' => self.within.push(Within::Bracket(']')),
            '{' => self.within.push(Within::Bracket('}')),
            ')' | ']' | '}' => match self.within.pop() {
                Some(Within::Bracket(closing)) if closing == letter => {}
                _ => return Err(NotOne::Closes),
            },
            _ => {}
        }
        Ok(())
    }

    fn quoted(&mut self) -> Result<(), NotOne> {
        if self.template()? {
            return Ok(());
        }
        let mut letters = self.rest.chars();
        let length = match letters.next() {
            Some('\n') => return Err(NotOne::Open),
            Some('"') => {
                self.within.pop();
                1
            }
            Some('\\') => match letters.next() {
                None | Some('\n') => return Err(NotOne::Open),
                Some(escaped) => 1 + escaped.len_utf8(),
            },
            letter => letter.map_or(0, char::len_utf8),
        };
        self.skip(length);
        Ok(())
    }

    fn heredoc(&mut self) -> Result<(), NotOne> {
        let Some(Within::Heredoc(here)) = self.within.last_mut() else { return Ok(()) };
        let line = self.rest.split('\n').next().unwrap_or_default();
        if here.begins_line && line.trim() == here.marker {
            self.within.pop();
            self.skip(line.len());
            return Ok(());
        }
        here.begins_line = self.rest.starts_with('\n');
        if !self.template()? {
            self.skip(self.rest.chars().next().map_or(0, char::len_utf8));
        }
        Ok(())
    }

    /// Goes into what `${` or `%{` opens; one that is doubled stands for itself.
    fn template(&mut self) -> Result<bool, NotOne> {
        let Some(sign @ ('$' | '%')) = self.rest.chars().next() else { return Ok(false) };
        let signs = self.rest.len() - self.rest.trim_start_matches(sign).len();
        if self.rest.as_bytes().get(signs) != Some(&b'{') {
            self.skip(signs);
            return Ok(true);
        }
        match signs {
            1 => self.within.push(Within::Bracket('}')),
            2 => {}
            _ => return Err(NotOne::Ambiguous),
        }
        self.skip(signs + 1);
        Ok(true)
    }
}

/// The marker of a heredoc that begins here, and the bytes up to its first line.
fn heredoc(text: &str) -> Option<(&str, usize)> {
    let name = text.strip_prefix("<<")?;
    let name = name.strip_prefix('-').unwrap_or(name);
    let end = name.find('\n')?;
    let marker = name[..end].trim_end_matches('\r');
    let plain = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == '-';
    let is_marker = !marker.is_empty() && marker.chars().all(plain);
    is_marker.then(|| (marker, text.len() - name.len() + end + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_expression_is_one_however_many_lines_it_has() {
        for good in [
            "",
            "1",
            "-1.5e3",
            "null",
            "[\n  1,\n  2,\n]",
            "{ a = 1, b = { c = \"d\" } }",
            "{\n  a = 1\n  \"b\" : [\"x\",\n \"y\"]\n}",
            "<<EOT\na = 1\nEOT",
            "<<-EOT\r\n  a = \"1\n  ${x} $${y} %{ if z }\n  EOTS\n\n  EOT\r\n",
            "[<<A\n}\"\nA\n, <<B\nA\nB\n]",
            "\"x\" # y\n// z\n/* a = 1\n */\n",
            "\"say \\\"hi\\\" ${f(\"}\", [1])} $${no %%{no 100% $\"",
            "\"${\n1\n}\"",
            "(1\n+\n2)",
            "true ? 1 : 2",
            "\"ü\" ",
            "what is ' this",
        ] {
            assert_eq!(check_expression(good), Ok(()), "{good:?}");
        }
    }

    #[test]
    fn nothing_else_is_defined_by_a_value_and_nothing_is_swallowed() {
        for (bad, why) in [
            ("1\nregion = \"EVIL\"", NotOne::GoesOn),
            ("\"a\"\nb = 3", NotOne::GoesOn),
            ("\"a\"\r\nb = 3", NotOne::GoesOn),
            ("1\nblock {}", NotOne::GoesOn),
            ("{}\n\nx = 1", NotOne::GoesOn),
            ("1 /* x */\n/* y */ x = 1", NotOne::GoesOn),
            ("1 # x\nx = 1", NotOne::GoesOn),
            ("<<E\nE\nx = 1", NotOne::GoesOn),
            // No parser takes these, but an engine might yet.
            ("&&\nx = 1", NotOne::GoesOn),
            ("@ !\nx = 1", NotOne::GoesOn),
            ("<<E F\nx = 1", NotOne::Open),
            ("\"$${\"\nx = \"}\"", NotOne::GoesOn),
            ("\"$$${\"\nx = \"}\"", NotOne::Ambiguous),
            ("{ a = ", NotOne::Open),
            ("[", NotOne::Open),
            ("\"", NotOne::Open),
            ("\"a\nb\"", NotOne::Open),
            ("\"\\", NotOne::Open),
            ("\"${x\"", NotOne::Open),
            ("/* x", NotOne::Open),
            ("<<EOT\nx", NotOne::Open),
            // Its first line would be the next variable of the file.
            ("<<EOT\n", NotOne::Open),
            ("[<<-EOT", NotOne::Open),
            ("<<EOT\nx ${\nEOT", NotOne::Open),
            ("}\nx = {", NotOne::Closes),
            ("[)", NotOne::Closes),
        ] {
            assert_eq!(check_expression(bad), Err(why), "{bad:?}");
        }
    }
}
