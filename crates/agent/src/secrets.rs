//! What a run was given and nobody is to read in its log: values of sensitive variables, tokens, keys.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use protocol::{Job, Variable, VariableKind};
use serde::{Deserialize, Serialize};

use crate::members::{self, Members};
use crate::workplace::{Workplace, write_private};

/// Signs in an argument behind which a value of its own is looked for: `-var=name=value`, and a value that has one.
const EQUALS: usize = 4;

/// Kept beside the job for a successor, as long as its variables are.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Secrets(pub BTreeSet<String>);

impl Secrets {
    /// `cli_config` is the operator's.
    pub fn of(job: &Job, cli_config: Option<&Path>) -> Self {
        let mut all = Members::default();
        for variable in job.variables.iter().filter(|variable| variable.sensitive) {
            take(variable, &mut all);
        }
        all.0.extend(job.access.iter().map(|access| access.token.0.clone()));
        all.0.extend(job.ssh_key.iter().map(|key| key.0.clone()));
        if let Some(text) = cli_config.and_then(|path| std::fs::read_to_string(path).ok()) {
            all.0.extend(members::tokens(&text));
        }
        Self(all.0)
    }

    pub fn keep(&self, place: &Workplace) -> io::Result<()> {
        write_private(&place.secrets(), &serde_json::to_vec(self)?)
    }

    /// Of an earlier agent's job; fails where they are forgotten.
    pub fn kept(place: &Workplace) -> io::Result<Self> {
        Ok(serde_json::from_slice(&std::fs::read(place.secrets())?)?)
    }
}

/// The value, and those in it of which the engine may speak one by one.
fn take(variable: &Variable, all: &mut Members) {
    let value = variable.value.as_str();
    let named = variable.kind == VariableKind::Environment;
    all.text(value);
    if variable.hcl || (named && variable.key.starts_with("TF_VAR_")) {
        all.expression(value);
    }
    if named && engine_env::is_arguments(&variable.key) {
        let mut words = engine_env::words(value).unwrap_or_default();
        // As versions read it that take escapes and quotes otherwise.
        let apart = value.split([' ', '\t', '\n', '\r', '"', '\'', '\\']);
        words.extend(apart.map(str::to_owned));
        for word in words {
            // `flag provided but not defined: -x` of `--x=y`.
            let name = word.trim_start_matches('-');
            all.0.insert(name.to_owned());
            all.0.extend(name.split('=').map(str::to_owned));
            for (at, _) in name.match_indices('=').take(EQUALS) {
                all.text(&name[at + 1..]);
                all.expression(&name[at + 1..]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(key: &str, value: &str, kind: VariableKind, hcl: bool) -> BTreeSet<String> {
        let mut all = Members::default();
        let variable =
            Variable { key: key.into(), value: value.into(), kind, hcl, sensitive: true };
        take(&variable, &mut all);
        all.0
    }

    fn set(texts: &[&str]) -> BTreeSet<String> {
        texts.iter().map(|&text| text.to_owned()).collect()
    }

    #[test]
    fn values_within_a_value_are_secret_too() {
        let hcl = r#"{ password = "hun\"ter\n2", pins = [12345678] }"#;
        let all = taken("a", hcl, VariableKind::Terraform, true);
        assert_eq!(all, set(&[hcl, "hun\"ter\n2", "12345678"]));
        let all = taken("a", hcl, VariableKind::Terraform, false);
        assert!(all.contains(hcl) && !all.contains("12345678"), "{all:?}");
        assert_eq!(taken("TF_VAR_a", hcl, VariableKind::Environment, false).len(), 3);
    }

    #[test]
    fn members_of_json_are_secret_wherever_it_stands() {
        let json = r#"{"type": true, "users": [{"p": "it's \"me\" 2"}], "pin": 12345678}"#;
        for (key, kind) in [("a", VariableKind::Terraform), ("KEY", VariableKind::Environment)] {
            let all = taken(key, json, kind, false);
            assert_eq!(all, set(&[json, "it's \"me\" 2", "12345678"]));
        }
    }

    #[test]
    fn words_and_names_of_arguments_are_secret_too() {
        let value = r#"--hunter2=x -var='password=s3cret=y' -var "o={\"p\":\"in \\\"it\"}""#;
        let all = taken("TF_CLI_ARGS_plan", value, VariableKind::Environment, false);
        for secret in ["hunter2", "hunter2=x", "password=s3cret=y", "s3cret=y", "s3cret", "in \"it"]
        {
            assert!(all.contains(secret), "{secret}: {all:?}");
        }
        let value = r#"-var="p=two words" -var 'q='"it's"' me'"#;
        let all = taken("TF_CLI_ARGS", value, VariableKind::Environment, false);
        assert!(all.contains("two words") && all.contains("it's me"), "{all:?}");
    }
}
