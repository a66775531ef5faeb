//! What the API's documents name and a server has not: whoever asks for it is told, since it would be believed to act.
//! Names that nobody has documented are ignored, as HCP Terraform does it.

use crate::{Error, Errors, spelling::same};
use http::StatusCode;
use serde_json::{Map, Value};

/// Where it stands below `data`, as in `attributes/vcs-repo/tag-prefix`, and what to say behind its name.
pub type Unsupported = (&'static str, &'static str);

/// Refuses the first of them that a document asks for.
pub(crate) fn check(data: &Map<String, Value>, names: &[Unsupported]) -> Result<(), Errors> {
    let Some((path, why)) = names.iter().find(|(path, _)| asks_for(data, path)) else {
        return Ok(());
    };
    let name = path.split_once('/').map_or(*path, |(_, name)| name).replace('/', ".");
    let error = Error::new(StatusCode::UNPROCESSABLE_ENTITY, "not supported")
        .detail(format!("{name} {why}"))
        .pointer(format!("/data/{path}"));
    Err(error.into())
}

fn asks_for(members: &Map<String, Value>, path: &str) -> bool {
    let (name, rest) = path.split_once('/').map_or((path, None), |(name, rest)| (name, Some(rest)));
    let mut spelled = members.iter().filter(|(key, _)| same(key, name)).map(|(_, value)| value);
    spelled.any(|value| match rest {
        None => !says_nothing(value),
        Some(rest) => value.as_object().is_some_and(|members| asks_for(members, rest)),
    })
}

/// What clients send that send every attribute that they know.
fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Bool(true) | Value::Number(_) => false,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.values().all(says_nothing),
    }
}
