//! Writes a run's Terraform variables as `.tfvars` files in HCL: sensitive ones in a file of their own.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use engine_env::NotOne;
use protocol::{Variable, VariableKind};

use crate::quotes::Sensitive;

/// The texts of both files; empty ones are not needed.
#[derive(Debug, Default)]
pub(crate) struct Tfvars<'a> {
    pub open: String,
    pub sensitive: String,
    /// Where in the latter which variable begins.
    pub lines: Sensitive,
    /// Keys that no configuration could declare, which are left out.
    pub impossible: Vec<&'a str>,
    /// A key whose value would not stay within its own line, and why.
    pub unruly: Option<(&'a str, NotOne)>,
}

pub(crate) fn tfvars(variables: &[Variable]) -> Tfvars<'_> {
    let mut files = Tfvars::default();
    // The engine quotes these as it does those of the file, but from no line of it.
    let by_environment =
        variables.iter().filter(|v| v.sensitive && v.kind != VariableKind::Terraform);
    for name in by_environment.filter_map(|v| v.key.strip_prefix("TF_VAR_")) {
        files.lines.0.push((usize::MAX, name.to_owned()));
    }
    for variable in variables.iter().filter(|v| v.kind == VariableKind::Terraform) {
        if !is_identifier(&variable.key) {
            files.impossible.push(variable.key.as_str());
            continue;
        }
        if variable.hcl
            && let Err(why) = engine_env::check_expression(&variable.value)
        {
            files.unruly.get_or_insert((variable.key.as_str(), why));
            continue;
        }
        let text = if variable.sensitive { &mut files.sensitive } else { &mut files.open };
        if variable.sensitive {
            files.lines.0.push((text.matches('\n').count() + 1, variable.key.clone()));
        }
        text.push_str(&variable.key);
        text.push_str(" = ");
        match variable.value.trim() {
            value if variable.hcl && !value.is_empty() => text.push_str(value),
            _ => quote(&variable.value, text),
        }
        text.push('\n');
    }
    files
}

/// As an HCL template without interpolations: every `$` and `%` that could open one is escaped.
fn quote(value: &str, into: &mut String) {
    into.push('"');
    let mut chars = value.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '"' => into.push_str("\\\""),
            '\\' => into.push_str("\\\\"),
            '\n' => into.push_str("\\n"),
            '\r' => into.push_str("\\r"),
            '\t' => into.push_str("\\t"),
            // `$${` would do for `${` alone, but not behind another `$`.
            '$' | '%' if chars.peek() == Some(&'{') => escape(char, into),
            char if char.is_control() => escape(char, into),
            char => into.push(char),
        }
    }
    into.push('"');
}

fn escape(char: char, into: &mut String) {
    write!(into, "\\u{:04x}", u32::from(char)).expect("a String takes all that is written to it");
}

fn is_identifier(key: &str) -> bool {
    let mut chars = key.chars();
    chars.next().is_some_and(|first| first.is_alphabetic() || first == '_')
        && chars.all(|char| char.is_alphanumeric() || char == '_' || char == '-')
}

/// The argument that names a file of variables, as seen from the folder that the engine works in: what an engine says of
/// the file must not tell where the agent keeps its jobs.
pub(crate) fn argument(folder: &Path, file: &Path) -> String {
    let seen = seen_from(folder, file);
    format!("-var-file={}", seen.as_deref().unwrap_or(file).display())
}

fn seen_from(folder: &Path, file: &Path) -> Option<PathBuf> {
    // The kernel takes `..` for the parent of what a link leads to.
    let (folder, file) = (folder.canonicalize().ok()?, file.canonicalize().ok()?);
    let above = folder.strip_prefix(file.parent()?).ok()?;
    let up: PathBuf = above.components().map(|_| "..").collect();
    Some(up.join(file.file_name()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variable(key: &str, value: &str, hcl: bool) -> Variable {
        let kind = VariableKind::Terraform;
        Variable { key: key.into(), value: value.into(), kind, hcl, sensitive: false }
    }

    #[test]
    fn strings_are_quoted_and_expressions_are_not() {
        let variables = [
            variable("a", "say \"hi\"\n\\ ${x} %{y} $$${z} 100% ü \u{7}", false),
            variable("b", "{ x = [1, 2] }", true),
            variable("c", "", true),
        ];
        let files = tfvars(&variables);
        assert_eq!(
            files.open,
            "a = \"say \\\"hi\\\"\\n\\\\ \\u0024{x} \\u0025{y} $$\\u0024{z} 100% ü \\u0007\"\n\
             b = { x = [1, 2] }\nc = \"\"\n"
        );
        assert!(files.impossible.is_empty() && files.sensitive.is_empty());
    }

    #[test]
    fn a_sensitive_variable_of_the_environment_is_one_that_the_engine_may_quote() {
        let kind = VariableKind::Environment;
        let of = |key, sensitive| Variable { kind, sensitive, ..variable(key, "x", false) };
        let variables = [of("TF_VAR_n", true), of("TF_VAR_open", false), of("TOKEN", true)];
        let files = tfvars(&variables);
        assert_eq!(files.lines.0, [(usize::MAX, "n".to_owned())]);
        assert!(files.open.is_empty() && files.sensitive.is_empty());
    }

    #[test]
    fn a_file_of_variables_is_named_without_the_way_to_it() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("workspace.tfvars");
        std::fs::write(&file, "a = 1\n").unwrap();
        let deep = root.path().join("configuration/modules/a");
        std::fs::create_dir_all(&deep).unwrap();
        let link = root.path().join("configuration/link");
        std::os::unix::fs::symlink(&deep, &link).unwrap();
        for folder in [&deep, &link] {
            let argument = argument(folder, &file);
            assert_eq!(argument, "-var-file=../../../workspace.tfvars");
            let seen = folder.join(argument.trim_start_matches("-var-file="));
            assert_eq!(std::fs::read_to_string(seen).unwrap(), "a = 1\n");
        }
        assert_eq!(argument(root.path(), &file), "-var-file=workspace.tfvars");
    }

    #[test]
    fn a_key_cannot_smuggle_in_a_line() {
        let variables = [variable("a = 1\nb", "x", false), variable("", "x", false)];
        let files = tfvars(&variables);
        assert_eq!(files.open, "");
        assert_eq!(files.impossible, ["a = 1\nb", ""]);
    }

    #[test]
    fn a_value_cannot_smuggle_in_a_line_either() {
        let variables = [variable("a", "1\nb = 2", true), variable("c", "1", true)];
        let files = tfvars(&variables);
        assert_eq!(files.open, "c = 1\n");
        assert_eq!(files.unruly, Some(("a", NotOne::GoesOn)));
    }

    #[test]
    fn sensitive_ones_have_a_file_of_their_own_and_are_found_in_it() {
        let sensitive = |key, value| Variable { sensitive: true, ..variable(key, value, true) };
        let variables =
            [sensitive("a", "[\n1,\n2]"), variable("b", "1", false), sensitive("c", "2")];
        let files = tfvars(&variables);
        assert_eq!(files.open, "b = \"1\"\n");
        assert_eq!(files.sensitive, "a = [\n1,\n2]\nc = 2\n");
        assert_eq!(files.lines.0, [(1, "a".to_owned()), (4, "c".to_owned())]);
    }
}
