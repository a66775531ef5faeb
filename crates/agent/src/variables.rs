//! Writes a run's Terraform variables as a `.tfvars` file in HCL.

use std::fmt::Write as _;

use protocol::{Variable, VariableKind};

/// The file's text and the keys that no configuration could declare, which are left out.
pub(crate) fn tfvars(variables: &[Variable]) -> (String, Vec<&str>) {
    let (mut text, mut impossible) = (String::new(), Vec::new());
    for variable in variables.iter().filter(|v| v.kind == VariableKind::Terraform) {
        if !is_identifier(&variable.key) {
            impossible.push(variable.key.as_str());
            continue;
        }
        text.push_str(&variable.key);
        text.push_str(" = ");
        match variable.value.trim() {
            value if variable.hcl && !value.is_empty() => text.push_str(value),
            _ => quote(&variable.value, &mut text),
        }
        text.push('\n');
    }
    (text, impossible)
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
        let (text, impossible) = tfvars(&variables);
        assert_eq!(
            text,
            "a = \"say \\\"hi\\\"\\n\\\\ \\u0024{x} \\u0025{y} $$\\u0024{z} 100% ü \\u0007\"\n\
             b = { x = [1, 2] }\nc = \"\"\n"
        );
        assert!(impossible.is_empty());
    }

    #[test]
    fn a_key_cannot_smuggle_in_a_line() {
        let variables = [variable("a = 1\nb", "x", false), variable("", "x", false)];
        let (text, impossible) = tfvars(&variables);
        assert_eq!(text, "");
        assert_eq!(impossible, ["a = 1\nb", ""]);
    }
}
