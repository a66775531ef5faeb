//! Query strings with brackets, read into a tree: `filter[tagged][0][key]=env`.

use serde_json::{Map, Value};
use url::form_urlencoded;

/// Parameters nested deeper are ignored; none that is documented has more than four names.
const MAX_DEPTH: usize = 8;

/// The decoded parameters of a query string. Every leaf is a string. Of a parameter given twice
/// the last one counts; `name[]` appends.
pub(crate) fn tree(query: &str) -> Value {
    let mut root = Value::Object(Map::new());
    for (key, value) in form_urlencoded::parse(query.as_bytes()) {
        let path = segments(&key);
        if path.len() <= MAX_DEPTH {
            insert(&mut root, &path, value.into_owned());
        }
    }
    root
}

/// Whether a pair of a raw query string belongs to `name` or `name[…]`.
pub(crate) fn belongs_to(pair: &str, name: &str) -> bool {
    form_urlencoded::parse(pair.as_bytes()).next().is_some_and(|(key, _)| segments(&key)[0] == name)
}

/// `a[b][c]` as `a`, `b`, `c`. A key whose brackets do not match up is one name.
fn segments(key: &str) -> Vec<&str> {
    let Some((first, rest)) = key.split_once('[') else { return vec![key] };
    let Some(rest) = rest.strip_suffix(']') else { return vec![key] };
    let mut path = vec![first];
    path.extend(rest.split("]["));
    if first.is_empty() || path.iter().any(|name| name.contains(['[', ']'])) {
        return vec![key];
    }
    path
}

fn insert(node: &mut Value, path: &[&str], leaf: String) {
    let Some((name, rest)) = path.split_first() else {
        match node {
            Value::Object(members) => {
                members.insert(String::new(), leaf.into());
            }
            other => *other = leaf.into(),
        }
        return;
    };
    if !node.is_object() {
        let text = node.take();
        let own = text.is_string().then(|| (String::new(), text));
        *node = Value::Object(own.into_iter().collect());
    }
    if let Value::Object(members) = node {
        let name = if name.is_empty() { members.len().to_string() } else { (*name).to_owned() };
        insert(members.entry(name).or_insert(Value::Null), rest, leaf);
    }
}
