//! A wrong setting, in words that name its value, where it came from and what is allowed.

use std::fmt;
use std::path::Path;

use text::without_credentials;

use super::catalogue::{Kind, SETTINGS};
use super::layers::{Given, Origin};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong(String);

impl Wrong {
    /// `value` is replaced if the setting is a secret. No setting is quoted with a user and password in it: who puts
    /// them where they are refused has written them all the same.
    pub fn of(key: &str, value: &str, origin: Option<Origin>, why: impl fmt::Display) -> Self {
        let setting = SETTINGS.iter().find(|s| s.key == key);
        let secret = setting.is_some_and(|s| s.kind == Kind::Secret);
        let value = if secret {
            "(secret)".to_owned()
        } else {
            format!("{:?}", without_credentials(value))
        };
        let why = why.to_string();
        let why = without_credentials(&why);
        let origin = origin.map_or_else(|| "the default".to_owned(), |o| o.to_string());
        let allowed = setting.map_or_else(String::new, |s| format!("; allowed: {}", s.allowed));
        Self(format!("{key} = {value} ({origin}): {why}{allowed}"))
    }

    pub fn given(key: &str, given: &Given, why: impl fmt::Display) -> Self {
        Self::of(key, &given.values.join(":"), Some(given.origin.clone()), why)
    }

    /// `why` quotes nothing that may hold a secret.
    pub fn file(path: &Path, why: &str) -> Self {
        Self(format!("{}: {why}", path.display()))
    }

    pub fn contradiction(key: &str, one: &Origin, other: &Origin) -> Self {
        Self(format!("{key} is given twice, {one} and {other}: keep one of them"))
    }

    pub fn sentence(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What somebody may have meant by a name that is none, as the end of a sentence; empty if nothing is near.
pub fn meant(name: &str, known: impl Iterator<Item = String>) -> String {
    /// From here on, what is left is a slip of the pen.
    const NEAR: f64 = 0.86;
    // Who writes a key of the file as the environment has it means the same key.
    let name = name.to_lowercase();
    let near = known.map(|known| (strsim::jaro_winkler(&name, &known.to_lowercase()), known));
    let nearest = near.max_by(|one, other| one.0.total_cmp(&other.0));
    nearest
        .filter(|(nearness, _)| *nearness >= NEAR)
        .map_or_else(String::new, |(_, known)| format!("; did you mean {known}?"))
}

/// All that is wrong, so that one start is enough to see it.
#[derive(Debug)]
pub struct AllWrong {
    pub wrong: Vec<Wrong>,
    /// What is not wrong by itself, and may be the reason.
    pub notes: Vec<String>,
}

impl fmt::Display for AllWrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.wrong.as_slice() {
            [one] => write!(f, "wrong setting: {one}")?,
            many => {
                write!(f, "{} wrong settings:", many.len())?;
                many.iter().try_for_each(|wrong| write!(f, "\n  {wrong}"))?;
            }
        }
        self.notes.iter().try_for_each(|note| write!(f, "\n  note: {note}"))
    }
}

impl std::error::Error for AllWrong {}
