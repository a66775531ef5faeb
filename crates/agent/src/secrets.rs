//! What a run was given and nobody is to read in its log: values of sensitive variables, tokens, keys.

use std::io;
use std::path::Path;
use std::sync::LazyLock;

use protocol::{Job, Variable, VariableKind};
use regex::Regex;
use serde::{Deserialize, Serialize};

use crate::workplace::{Workplace, write_private};

/// Kept beside the job for a successor, as long as its variables are.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Secrets(pub Vec<String>);

/// A quoted text in HCL or JSON.
static QUOTED: LazyLock<Regex> = LazyLock::new(|| pattern(r#""((?:[^"\\\n]|\\.)*)""#));
static NUMBER: LazyLock<Regex> = LazyLock::new(|| pattern(r"\d{6,}"));
/// In the CLI configuration of an operator.
static TOKEN: LazyLock<Regex> =
    LazyLock::new(|| pattern(r#""?(?:token|password|secret)\w*"?\s*[=:]\s*"((?:[^"\\\n]|\\.)*)""#));

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("the pattern is a constant and tested")
}

impl Secrets {
    /// `cli_config` is the operator's.
    pub fn of(job: &Job, cli_config: Option<&Path>) -> Self {
        let mut all = Vec::new();
        for variable in job.variables.iter().filter(|variable| variable.sensitive) {
            take(variable, &mut all);
        }
        all.extend(job.access.iter().map(|access| access.token.0.clone()));
        all.extend(job.ssh_key.iter().map(|key| key.0.clone()));
        let operators = cli_config.and_then(|path| std::fs::read_to_string(path).ok());
        if let Some(text) = operators {
            all.extend(TOKEN.captures_iter(&text).map(|found| found[1].to_owned()));
        }
        Self(all)
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
fn take(variable: &Variable, all: &mut Vec<String>) {
    let value = variable.value.as_str();
    all.push(value.to_owned());
    let named = variable.kind == VariableKind::Environment;
    if variable.hcl || (named && variable.key.starts_with("TF_VAR_")) {
        all.extend(QUOTED.captures_iter(value).map(|found| plain(&found[1])));
        all.extend(NUMBER.find_iter(value).map(|found| found.as_str().to_owned()));
    }
    if named && engine_env::is_arguments(&variable.key) {
        for word in value.split([' ', '\t', '\n', '\r', '"', '\'', '\\']) {
            // `flag provided but not defined: -x` of `--x=y`.
            let name = word.trim_start_matches('-');
            all.push(name.to_owned());
            all.extend(name.split('=').map(str::to_owned));
            all.extend(name.match_indices('=').map(|(at, _)| name[at + 1..].to_owned()));
        }
    }
}

/// What stands in the quotes, without escapes.
fn plain(quoted: &str) -> String {
    // HCL escapes as JSON does, and templates by doubling their first sign.
    let text = serde_json::from_str::<String>(&format!("\"{quoted}\""));
    text.unwrap_or_else(|_| quoted.to_owned()).replace("$${", "${").replace("%%{", "%{")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(key: &str, value: &str, kind: VariableKind, hcl: bool) -> Vec<String> {
        let mut all = Vec::new();
        let variable =
            Variable { key: key.into(), value: value.into(), kind, hcl, sensitive: true };
        take(&variable, &mut all);
        all
    }

    #[test]
    fn values_within_a_value_are_secret_too() {
        let hcl = r#"{ password = "hun\"ter\n2", pins = [12345678] }"#;
        let all = taken("a", hcl, VariableKind::Terraform, true);
        assert_eq!(all, [hcl, "hun\"ter\n2", "12345678"]);
        let all = taken("a", hcl, VariableKind::Terraform, false);
        assert_eq!(all, [hcl]);
        assert_eq!(taken("TF_VAR_a", hcl, VariableKind::Environment, false).len(), 3);
    }

    #[test]
    fn words_and_names_of_arguments_are_secret_too() {
        let value = "--hunter2=x -var='password=s3cret=y'";
        let all = taken("TF_CLI_ARGS_plan", value, VariableKind::Environment, false);
        for secret in ["hunter2", "hunter2=x", "password=s3cret=y", "s3cret=y", "s3cret"] {
            assert!(all.iter().any(|one| one == secret), "{secret}: {all:?}");
        }
    }
}
