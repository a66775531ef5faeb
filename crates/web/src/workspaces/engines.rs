//! Terraform and OpenTofu, as people name and choose them.

use domain::{Error, entity::tool_version::Engine};

use crate::components::Choice;

/// For a menu; the first is no choice at all.
pub fn choices() -> Vec<Choice<'static>> {
    let mut all = vec![("", "Whichever has the version, Terraform first")];
    all.extend(Engine::ALL.iter().map(|engine| (engine.as_str(), engine.title())));
    all
}

/// What somebody has chosen.
pub fn chosen(word: &str) -> domain::Result<Option<Engine>> {
    let unknown = |why| Error::invalid("engine", why);
    if word.is_empty() { Ok(None) } else { word.parse().map(Some).map_err(unknown) }
}

/// As people say it: `OpenTofu 1.9.1`; a number alone where it alone decides.
pub fn shown(engine: Option<Engine>, version: &str) -> String {
    match engine {
        Some(engine) => format!("{} {version}", engine.title()),
        None => version.to_owned(),
    }
}
