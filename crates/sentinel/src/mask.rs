//! Secrets that policies were given are told to nobody, whatever policies print and compute.

use aho_corasick::{AhoCorasick, MatchKind};

use crate::eval::quoted;
use crate::frozen::Frozen;
use crate::outcome::Outcome;
use crate::std::json;

/// What stands in the place of a secret.
const MASK: &str = "***";
/// What stands behind a text of which there is more.
pub(crate) const CUT: &str = "... truncated";
/// Shorter ones are in every text, and no secrets.
const SHORTEST: usize = 4;

/// Secrets, looked for all at once.
#[derive(Debug)]
pub struct Mask {
    search: Option<AhoCorasick>,
    secrets: Vec<String>,
}

impl Frozen {
    /// The texts and numbers in it that have to be hidden if it is a secret.
    fn secrets(&self, into: &mut Vec<String>) {
        match self {
            Self::Undefined | Self::Null | Self::Bool(_) => {}
            Self::Int(value) => into.push(value.to_string()),
            Self::Float(value) => into.push(value.to_string()),
            Self::Text(text) => into.extend(forms(text)),
            Self::List(items) => items.iter().for_each(|item| item.secrets(into)),
            Self::Map(entries) => entries.iter().for_each(|(_, value)| value.secrets(into)),
        }
    }

    fn masked(&self, mask: &Mask) -> Self {
        let text = |bytes: &[u8]| mask.text(&String::from_utf8_lossy(bytes));
        match self {
            Self::Undefined | Self::Null | Self::Bool(_) => self.clone(),
            Self::Int(_) | Self::Float(_) => {
                let shown = self.to_json().to_string();
                let hidden = mask.text(&shown);
                if hidden == shown { self.clone() } else { Self::text(&hidden) }
            }
            Self::Text(bytes) => Self::text(&text(bytes)),
            Self::List(items) => Self::list(items.iter().map(|item| item.masked(mask))),
            Self::Map(entries) => Self::map(
                entries.iter().map(|(key, value)| (text(key).into_bytes(), value.masked(mask))),
            ),
        }
    }
}

/// How a text is told: as it is, and within quotes of `print`, of JSON, and of `print` around JSON.
fn forms(text: &[u8]) -> impl Iterator<Item = String> {
    let within = |quote: fn(&[u8], &mut Vec<u8>), text: &[u8]| {
        let mut out = Vec::new();
        quote(text, &mut out);
        out[1..out.len() - 1].to_vec()
    };
    let json = within(json::string, text);
    let mut forms = vec![text.to_vec(), within(quoted, text), within(quoted, &json), json];
    forms.sort();
    forms.dedup();
    forms.into_iter().map(|form| String::from_utf8_lossy(&form).into_owned())
}

impl Mask {
    /// # Errors
    /// If there are too many to look for.
    pub fn of<'s>(values: impl IntoIterator<Item = &'s Frozen>) -> Result<Self, String> {
        let mut secrets = Vec::new();
        values.into_iter().for_each(|value| value.secrets(&mut secrets));
        secrets.retain(|secret| secret.len() >= SHORTEST);
        let search = if secrets.is_empty() {
            None
        } else {
            // One may be a part of another.
            let builder =
                AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(&secrets);
            Some(builder.map_err(|error| error.to_string())?)
        };
        Ok(Self { search, secrets })
    }

    /// What may be told of a text.
    pub fn text(&self, text: &str) -> String {
        let Some(search) = &self.search else { return text.to_owned() };
        let hidden = search.replace_all(text, &vec![MASK; search.patterns_len()]);
        match hidden.rsplit_once(CUT) {
            Some((text, rest)) => without_start(text, &self.secrets) + CUT + rest,
            None => hidden,
        }
    }
}

/// A text that was cut off may end within a secret, of which not even the start is told.
fn without_start(text: &str, secrets: &[String]) -> String {
    // What was no whole letter any more is none at all.
    let whole = text.trim_end_matches('\u{fffd}');
    let starts = secrets.iter().filter_map(|secret| {
        let lengths = secret.char_indices().map(|(length, _)| length).rev();
        lengths.take_while(|length| *length > 0).find(|length| whole.ends_with(&secret[..*length]))
    });
    match starts.max() {
        Some(length) => format!("{}{MASK}", &whole[..whole.len() - length]),
        None => text.to_owned(),
    }
}

impl Outcome {
    /// Hides the secrets wherever the outcome would tell them.
    pub fn mask(&mut self, mask: &Mask) {
        if mask.search.is_none() {
            return;
        }
        self.printed = mask.text(&self.printed);
        if let Some(error) = &mut self.error {
            error.text = mask.text(&error.text);
        }
        for warning in &mut self.warnings {
            warning.text = mask.text(&warning.text);
        }
        for rule in &mut self.rules {
            rule.value = rule.value.as_ref().map(|value| value.masked(mask));
        }
        self.main = self.main.as_ref().map(|main| main.masked(mask));
        for value in self.names.values_mut() {
            *value = value.masked(mask);
        }
    }
}
