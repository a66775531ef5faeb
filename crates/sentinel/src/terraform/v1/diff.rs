//! `diff` of the first generation: one flat map of texts.

use std::collections::BTreeMap;

use crate::frozen::Frozen;

/// What a change does to each attribute: `{"a.b": {computed, old, new}}`, for those that it touches.
pub(super) fn diff(change: &Frozen) -> Frozen {
    let mut old = BTreeMap::new();
    let mut new = BTreeMap::new();
    let mut unknown = BTreeMap::new();
    flatten("", change.get("before"), &mut old);
    flatten("", change.get("after"), &mut new);
    flatten("", change.get("after_unknown"), &mut unknown);
    unknown.retain(|_, value| value == "true");
    let keys: std::collections::BTreeSet<&String> =
        old.keys().chain(new.keys()).chain(unknown.keys()).collect();
    let touched = keys.into_iter().filter_map(|key| {
        let computed = unknown.contains_key(key);
        let text = |from: &BTreeMap<String, String>| from.get(key).cloned().unwrap_or_default();
        let (old, new) = (text(&old), text(&new));
        (computed || old != new).then(|| {
            let entry = Frozen::object([
                ("computed", Frozen::Bool(computed)),
                ("old", Frozen::text(&old)),
                ("new", Frozen::text(&new)),
            ]);
            (key.as_bytes(), entry)
        })
    });
    Frozen::map(touched)
}

/// Texts by the path that leads to them; `.#` is the length of a list, `.%` that of a map.
fn flatten(path: &str, value: &Frozen, out: &mut BTreeMap<String, String>) {
    let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    match value {
        Frozen::Map(entries) => {
            if !path.is_empty() {
                out.insert(below("%"), entries.len().to_string());
            }
            for (key, value) in entries.iter() {
                flatten(&below(&String::from_utf8_lossy(key)), value, out);
            }
        }
        Frozen::List(items) => {
            out.insert(below("#"), items.len().to_string());
            for (n, item) in items.iter().enumerate() {
                flatten(&below(&n.to_string()), item, out);
            }
        }
        Frozen::Undefined | Frozen::Null => {}
        other => {
            out.insert(path.to_owned(), as_text(other));
        }
    }
}

/// A scalar as text.
pub(super) fn as_text(value: &Frozen) -> String {
    match value {
        Frozen::Text(text) => String::from_utf8_lossy(text).into_owned(),
        other => other.to_json().to_string(),
    }
}
