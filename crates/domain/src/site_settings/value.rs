//! What settings can be, and how each is written as text.

use std::{fmt, str::FromStr};

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use vcs::provider::GithubApp;

const TEXT_LIMIT: usize = 1024;

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    Switch,
    Text,
    /// A line that nobody reads again.
    Secret,
    /// Lines that nobody reads again.
    SecretLines,
}

impl Written {
    pub fn is_secret(self) -> bool {
        matches!(self, Self::Secret | Self::SecretLines)
    }
}

/// What a setting can be.
pub(super) trait Value: Sized {
    const WRITTEN: Written = Written::Text;

    /// The error is a predicate for people, as *must be true or false*.
    fn read(text: &str) -> Result<Self, String>;
    fn text(&self) -> String;
}

impl Value for bool {
    const WRITTEN: Written = Written::Switch;

    fn read(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| "must be true or false".to_owned())
    }

    fn text(&self) -> String {
        self.to_string()
    }
}

macro_rules! numbers {
    ($($type:ty),+) => {$(
        impl Value for $type {
            fn read(text: &str) -> Result<Self, String> {
                let number = text.parse().ok().filter(|number| *number >= 1);
                number.ok_or_else(|| format!("must be a whole number from 1 to {}", Self::MAX))
            }

            fn text(&self) -> String {
                self.to_string()
            }
        }
    )+};
}
numbers!(u16, u32);

impl Value for String {
    fn read(text: &str) -> Result<Self, String> {
        if text.len() > TEXT_LIMIT || text.chars().any(char::is_control) {
            return Err(format!("must be at most {TEXT_LIMIT} bytes in one line"));
        }
        Ok(text.to_owned())
    }

    fn text(&self) -> String {
        self.clone()
    }
}

impl Value for SecretString {
    const WRITTEN: Written = Written::Secret;

    fn read(text: &str) -> Result<Self, String> {
        String::read(text).map(Into::into)
    }

    fn text(&self) -> String {
        self.expose_secret().to_owned()
    }
}

/// Where something is told or asked: over TLS, or on this machine, as that is nobody else's. Empty is nowhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WebAddress(String);

impl WebAddress {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for WebAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        let Ok(url) = courier::check_url(text) else {
            return Err("must be empty or an https address".to_owned());
        };
        let is_here = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        if url.scheme() != "https" && !is_here {
            return Err("must begin with https://, as it leads away from this machine".to_owned());
        }
        Ok(Self(text.to_owned()))
    }
}

impl Value for WebAddress {
    fn read(text: &str) -> Result<Self, String> {
        text.parse()
    }

    fn text(&self) -> String {
        self.0.clone()
    }
}

impl Serialize for WebAddress {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for WebAddress {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(de::Error::custom)
    }
}

/// The private key of the GitHub App, as GitHub hands it out. Where only one line can be written, `\\n` stands for its ends.
#[derive(Clone, Debug)]
pub struct AppKey(SecretString);

impl AppKey {
    pub fn none() -> Self {
        Self(SecretString::default())
    }

    pub fn is_empty(&self) -> bool {
        self.0.expose_secret().is_empty()
    }

    pub fn pem(&self) -> SecretString {
        self.0.clone()
    }
}

impl Value for AppKey {
    const WRITTEN: Written = Written::SecretLines;

    fn read(text: &str) -> Result<Self, String> {
        let pem = SecretString::from(text.replace("\\n", "\n").trim().to_owned());
        if pem.expose_secret().is_empty() {
            return Ok(Self::none());
        }
        let wrong = || "must be an RSA key in PEM, as GitHub hands it out".to_owned();
        if pem.expose_secret().len() > 16 << 10 || GithubApp::check_key(&pem).is_err() {
            return Err(wrong());
        }
        Ok(Self(pem))
    }

    fn text(&self) -> String {
        self.0.expose_secret().to_owned()
    }
}

impl FromStr for AppKey {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::read(text)
    }
}

/// A length of time, as `90s`, `30m`, `2h` or `1h30m`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    seconds: u64,
}

impl Span {
    const LONGEST: Self = Self::hours(7 * 24);

    pub const fn hours(hours: u64) -> Self {
        Self { seconds: hours * 3600 }
    }

    pub const fn minutes(minutes: u64) -> Self {
        Self { seconds: minutes * 60 }
    }

    /// `None` if that is too short or too long.
    pub fn of_seconds(seconds: u64) -> Option<Self> {
        (1..=Self::LONGEST.seconds).contains(&seconds).then_some(Self { seconds })
    }

    pub fn seconds(self) -> u64 {
        self.seconds
    }
}

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "must be a time such as 90s, 30m, 2h or 1h30m".to_owned();
        let (mut rest, mut seconds) = (text, 0_u64);
        for (unit, each) in [('h', 3600), ('m', 60), ('s', 1)] {
            if let Some((number, after)) = rest.split_once(unit) {
                let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
                let number: u64 = number.parse().ok().filter(|_| digits).ok_or_else(wrong)?;
                let part = number.checked_mul(each).ok_or_else(wrong)?;
                seconds = seconds.checked_add(part).ok_or_else(wrong)?;
                rest = after;
            }
        }
        if !rest.is_empty() {
            return Err(wrong());
        }
        if !(1..=Self::LONGEST.seconds).contains(&seconds) {
            return Err(format!("must be a time from 1s to {}", Self::LONGEST));
        }
        Ok(Self { seconds })
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts =
            [(self.seconds / 3600, 'h'), (self.seconds / 60 % 60, 'm'), (self.seconds % 60, 's')];
        for (number, unit) in parts.into_iter().filter(|(number, _)| *number > 0) {
            write!(f, "{number}{unit}")?;
        }
        Ok(())
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(de::Error::custom)
    }
}

impl Value for Span {
    fn read(text: &str) -> Result<Self, String> {
        text.parse()
    }

    fn text(&self) -> String {
        self.to_string()
    }
}

/// How the server introduces itself to that of mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MailAuth {
    None,
    Plain,
    Login,
}

impl Value for MailAuth {
    fn read(text: &str) -> Result<Self, String> {
        match text {
            "none" => Ok(Self::None),
            "plain" => Ok(Self::Plain),
            "login" => Ok(Self::Login),
            _ => Err("must be one of: none, plain, login".to_owned()),
        }
    }

    fn text(&self) -> String {
        match self {
            Self::None => "none",
            Self::Plain => "plain",
            Self::Login => "login",
        }
        .to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_and_written_alike() {
        for (text, seconds, written) in [
            ("90s", 90, "1m30s"),
            ("30m", 1800, "30m"),
            ("2h", 7200, "2h"),
            ("1h30m", 5400, "1h30m"),
            ("24h0m0s", 86_400, "24h"),
        ] {
            let span: Span = text.parse().unwrap();
            assert_eq!((span.seconds(), span.to_string().as_str()), (seconds, written));
        }
        for wrong in
            ["", "2", "h", "-1h", "+1h", "1m1h", "1h ", "1d", "0s", "169h", "99999999999999999h"]
        {
            assert!(wrong.parse::<Span>().is_err(), "{wrong}");
        }
    }
}
