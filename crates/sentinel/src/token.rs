//! Tokens, and the words and marks that mean something by themselves.

/// A piece of a file, from byte `at`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Token {
    pub kind: Kind,
    pub at: u32,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    Name(Box<str>),
    Int(i64),
    Float(f64),
    Text(Box<[u8]>),
    /// A keyword or a mark, as it is written.
    Fixed(&'static str),
    /// A semicolon; `true` for one that a newline stands for.
    End(bool),
    /// The end of the file.
    Eof,
}

impl Kind {
    /// Whether a newline after this token ends the statement.
    pub fn ends_a_line(&self) -> bool {
        match self {
            Self::Name(_) | Self::Int(_) | Self::Float(_) | Self::Text(_) => true,
            Self::Fixed(text) => matches!(
                *text,
                "break" | "continue" | "return" | ")" | "]" | "}" | "empty" | "defined"
            ),
            Self::End(_) | Self::Eof => false,
        }
    }

    /// The token in a message.
    pub fn describe(&self) -> String {
        match self {
            Self::Name(name) => format!("{name:?}"),
            Self::Int(_) | Self::Float(_) => "a number".into(),
            Self::Text(_) => "a string".into(),
            Self::Fixed(text) => format!("{text:?}"),
            Self::End(true) => "a newline".into(),
            Self::End(false) => "\";\"".into(),
            Self::Eof => "the end of the file".into(),
        }
    }
}

/// The reserved words. `defined` is one only after `is`, which the lexer knows.
pub(crate) const WORDS: &[&str] = &[
    "all", "and", "any", "as", "break", "case", "contains", "continue", "default", "else", "empty",
    "filter", "for", "func", "if", "import", "in", "is", "map", "matches", "not", "or", "param",
    "return", "rule", "when", "xor",
];

/// The marks, longer ones first.
pub(crate) const MARKS: &[&str] = &[
    "==", "!=", "<=", ">=", "+=", "-=", "*=", "/=", "%=", "+", "-", "*", "/", "%", "<", ">", "=",
    "!", "(", ")", "[", "]", "{", "}", ",", ".", ":",
];
