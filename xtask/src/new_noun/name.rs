//! A noun in all its spellings.

use anyhow::{Result, ensure};

/// As the templates have them; what a name is put in the place of.
const SAMPLE: &str = "gad_gets";

pub struct Name {
    /// `run_tasks`
    plural: String,
    /// `run_task`
    singular: String,
    prefix: String,
}

impl Name {
    pub fn new(plural: &str, prefix: Option<&str>) -> Result<Self> {
        let plain = |c: char| c.is_ascii_lowercase() || c == '_';
        let words = !plural.is_empty() && plural.split('_').all(|word| !word.is_empty());
        ensure!(
            words && plural.chars().all(plain) && plural != SAMPLE,
            "{plural:?} is not a noun in snake_case, such as run_tasks"
        );
        let singular = singular(plural);
        ensure!(singular != plural, "{plural:?} is not in the plural, as run_tasks is");
        let prefix = prefix.map_or_else(|| singular.replace('_', ""), str::to_owned);
        let short = prefix.chars().all(|c| c.is_ascii_lowercase()) && !prefix.is_empty();
        ensure!(short, "{prefix:?} is no prefix of ids: small letters");
        Ok(Self { plural: plural.to_owned(), singular, prefix })
    }

    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// `RunTasks`, by which its permissions are called.
    pub fn permissions(&self) -> String {
        camel(&self.plural)
    }

    /// A text about the sample, about this noun.
    pub fn applied_to(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (sample, name) in [(SAMPLE, &self.plural), ("gad_get", &self.singular)] {
            text = text
                .replace(sample, name)
                .replace(&sample.replace('_', "-"), &name.replace('_', "-"))
                .replace(&sample.replace('_', " "), &name.replace('_', " "))
                .replace(&headed(sample), &headed(name))
                .replace(&camel(sample), &camel(name));
        }
        text
    }
}

fn singular(plural: &str) -> String {
    match (plural.strip_suffix("ies"), plural.strip_suffix("sses"), plural.strip_suffix('s')) {
        (Some(stem), _, _) => format!("{stem}y"),
        (_, Some(stem), _) => format!("{stem}ss"),
        (_, _, Some(stem)) => stem.to_owned(),
        _ => plural.to_owned(),
    }
}

fn camel(name: &str) -> String {
    name.split('_').map(capital).collect()
}

/// `Run tasks`, as headings say it.
fn headed(name: &str) -> String {
    capital(&name.replace('_', " "))
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_noun_has_all_its_spellings() {
        let name = Name::new("run_tasks", Some("task")).unwrap();
        let text = "gad_gets gad_get gad-gets gad-get gad gets gad get GadGets GadGet Gad gets";
        let said =
            "run_tasks run_task run-tasks run-task run tasks run task RunTasks RunTask Run tasks";
        assert_eq!(name.applied_to(text), said);
        assert_eq!(Name::new("policies", None).unwrap().singular, "policy");
        assert_eq!(Name::new("team_accesses", None).unwrap().singular, "team_access");
    }

    #[test]
    fn what_is_no_noun_is_refused() {
        for wrong in ["", "_", "run__tasks", "Tasks", "run-tasks", "run", "tasks2s", "gad_gets"] {
            assert!(Name::new(wrong, None).is_err(), "{wrong}");
        }
        assert!(Name::new("run_tasks", Some("run-task")).is_err());
    }
}
