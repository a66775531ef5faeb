//! A plan without what is sensitive, for those who write tests with it: what the engine or somebody has marked, and the
//! same texts wherever else they stand.

use std::collections::BTreeSet;

use aho_corasick::{AhoCorasick, MatchKind};

use crate::frozen::{Frozen, Text};

/// What stands in the place of a sensitive value, whatever that was; null stays null.
pub const REDACTED: &str = "REDACTED_SENSITIVE";
/// Bytes. Shorter texts are in every text, and no secrets.
const SHORTEST: usize = 4;

/// What a plan does not say itself about what is sensitive.
#[derive(Clone, Debug, Default)]
pub struct Hidden {
    /// Variables of the root module that somebody has marked.
    pub variables: BTreeSet<String>,
    /// Texts that nobody may see.
    pub texts: Vec<String>,
}

/// All secrets of a plan, looked for at once.
pub(super) struct Secrets(Option<AhoCorasick>);

/// The plan without its secrets, and these for whatever goes with it.
///
/// # Errors
/// If there are too many secrets to look for.
pub(super) fn redact(plan: &Frozen, hidden: &Hidden) -> Result<(Frozen, Secrets), String> {
    let (found, marked) = look_for(plan, hidden);
    let secrets = found.secrets()?;
    Ok((secrets.without(&marked), secrets))
}

/// The texts of a plan that are secrets.
pub fn secrets(plan: &Frozen, hidden: &Hidden) -> Vec<Frozen> {
    let (found, _) = look_for(plan, hidden);
    found.0.iter().map(|text| Frozen::text(text)).collect()
}

fn look_for(plan: &Frozen, hidden: &Hidden) -> (Found, Frozen) {
    let mut found = Found(hidden.texts.iter().cloned().collect());
    let declared = plan.get("configuration").get("root_module").get("variables");
    let entries = plan.entries().iter().map(|(key, value)| {
        let value = if **key == *b"variables" {
            found.each(value, |found, name, variable| {
                let is_hidden = hidden.variables.contains(&*String::from_utf8_lossy(name))
                    || is_sensitive(declared.get(&String::from_utf8_lossy(name)));
                found.members(variable, |key| is_hidden && key == b"value")
            })
        } else {
            found.node(value)
        };
        (key.clone(), value)
    });
    let marked = Frozen::map(entries);
    (found, marked)
}

fn is_sensitive(declared: &Frozen) -> bool {
    *declared.get("sensitive") == Frozen::Bool(true)
}

/// Texts that were found to be secrets.
struct Found(BTreeSet<String>);

impl Found {
    /// Anything in a plan that says itself what of it is sensitive.
    fn node(&mut self, node: &Frozen) -> Frozen {
        match node {
            Frozen::List(items) => Frozen::list(items.iter().map(|item| self.node(item))),
            Frozen::Map(_) => self.each(node, |found, key, value| match key {
                b"before" | b"after" => {
                    // What is sensitive on one side is the secret of both.
                    let value = found.hide(value, node.get("before_sensitive"));
                    found.hide(&value, node.get("after_sensitive"))
                }
                // A state has values, too, and no mask beside them.
                b"values" if !node.get("sensitive_values").is_undefined() => {
                    found.hide(value, node.get("sensitive_values"))
                }
                b"config_values" => found.hide(value, node.get("config_sensitive")),
                b"value" | b"default" if is_sensitive(node) => found.hidden(value),
                b"expression" if is_sensitive(node) => {
                    found.members(value, |key| key == b"constant_value")
                }
                b"module_calls" => found.each(value, |found, _, call| found.call(call)),
                _ => found.node(value),
            }),
            other => other.clone(),
        }
    }

    /// What a module is called with for its sensitive variables is sensitive.
    fn call(&mut self, call: &Frozen) -> Frozen {
        let declared = call.get("module").get("variables");
        self.each(call, |found, key, value| match key {
            b"expressions" => found.each(value, |found, name, expression| {
                let is_hidden = is_sensitive(declared.get(&String::from_utf8_lossy(name)));
                found.members(expression, |key| is_hidden && key == b"constant_value")
            }),
            _ => found.node(value),
        })
    }

    fn each(&mut self, map: &Frozen, each: impl Fn(&mut Self, &[u8], &Frozen) -> Frozen) -> Frozen {
        let Frozen::Map(entries) = map else { return self.node(map) };
        Frozen::map(entries.iter().map(|(key, value)| (key.clone(), each(self, key, value))))
    }

    /// Hides these members, and looks into the others.
    fn members(&mut self, map: &Frozen, is_hidden: impl Fn(&[u8]) -> bool) -> Frozen {
        self.each(
            map,
            |found, key, value| {
                if is_hidden(key) { found.hidden(value) } else { found.node(value) }
            },
        )
    }

    /// By a mask of the same shape that has `true` where something is sensitive.
    fn hide(&mut self, value: &Frozen, mask: &Frozen) -> Frozen {
        match (value, mask) {
            (_, Frozen::Bool(true)) => self.hidden(value),
            (Frozen::Map(entries), Frozen::Map(_)) => {
                let hide = |(key, value): &(Text, Frozen)| {
                    let mask = mask.get(&String::from_utf8_lossy(key));
                    (key.clone(), self.hide(value, mask))
                };
                Frozen::map(entries.iter().map(hide))
            }
            (Frozen::List(items), Frozen::List(masks)) => {
                let mask = |at: usize| masks.get(at).unwrap_or(&Frozen::Undefined);
                let items = items.iter().enumerate();
                Frozen::list(items.map(|(at, item)| self.hide(item, mask(at))))
            }
            _ => value.clone(),
        }
    }

    fn hidden(&mut self, value: &Frozen) -> Frozen {
        match value {
            Frozen::Undefined | Frozen::Null => value.clone(),
            _ => {
                self.note(value);
                Frozen::text(REDACTED)
            }
        }
    }

    fn note(&mut self, value: &Frozen) {
        match value {
            Frozen::Undefined | Frozen::Null | Frozen::Bool(_) => {}
            Frozen::Int(_) | Frozen::Float(_) => {
                self.0.insert(value.to_json().to_string());
            }
            Frozen::Text(text) if **text == *REDACTED.as_bytes() => {}
            Frozen::Text(text) => {
                self.0.insert(String::from_utf8_lossy(text).into_owned());
            }
            Frozen::List(items) => items.iter().for_each(|item| self.note(item)),
            Frozen::Map(entries) => entries.iter().for_each(|(_, value)| self.note(value)),
        }
    }

    fn secrets(self) -> Result<Secrets, String> {
        let long = |text: &String| text.trim().len() >= SHORTEST;
        let mut texts: BTreeSet<String> = self.0.into_iter().filter(long).collect();
        // In a text that is JSON itself it looks otherwise.
        let inside = |text: &String| {
            let json = serde_json::Value::from(text.as_str()).to_string();
            json.trim_matches('"').to_owned()
        };
        texts.extend(texts.iter().map(inside).filter(long).collect::<Vec<_>>());
        if texts.is_empty() {
            return Ok(Secrets(None));
        }
        let search = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(&texts);
        Ok(Secrets(Some(search.map_err(|error| error.to_string())?)))
    }
}

impl Secrets {
    /// The same tree with a mark where these were.
    pub fn without(&self, value: &Frozen) -> Frozen {
        let Some(search) = &self.0 else { return value.clone() };
        let text = |bytes: &Text| -> Text {
            if search.is_match(&**bytes) {
                search.replace_all_bytes(bytes, &vec![REDACTED; search.patterns_len()]).into()
            } else {
                bytes.clone()
            }
        };
        match value {
            Frozen::Text(bytes) => Frozen::Text(text(bytes)),
            Frozen::Int(_) | Frozen::Float(_) => {
                let shown = value.to_json().to_string();
                let found = search.find(&shown).filter(|found| found.range() == (0..shown.len()));
                found.map_or_else(|| value.clone(), |_| Frozen::text(REDACTED))
            }
            Frozen::List(items) => Frozen::list(items.iter().map(|item| self.without(item))),
            Frozen::Map(entries) => {
                Frozen::map(entries.iter().map(|(key, value)| (text(key), self.without(value))))
            }
            other => other.clone(),
        }
    }
}
