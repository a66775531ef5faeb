//! `TF_CLI_ARGS` and `TF_CLI_ARGS_<command>`: arguments that an engine takes from its environment. Those are refused
//! that would move the state to where nobody looks for it, or do something else than the run says.

use crate::Refusal;

const PLACE: &str = "where state and plan lie is for the server to say";
const ASKED: &str = "what a run does is said when it is created";
const LOCKED: &str = "the server holds the lock of the workspace";
const SECRET: &str = "people without access to variables read the log";
const NOTHING: &str = "the engine would do nothing and say that it went well";

/// Whatever has its own attribute in a run, or belongs to the server. `-refresh`, `-parallelism`, `-var`,
/// `-lock-timeout` and all others pass.
const REFUSED: [(&str, &str); 28] = [
    ("state", PLACE),
    ("state-out", PLACE),
    ("backup", PLACE),
    ("chdir", PLACE),
    ("backend", PLACE),
    ("backend-config", PLACE),
    // Another name of `-backend`.
    ("cloud", PLACE),
    ("migrate-state", PLACE),
    ("force-copy", PLACE),
    ("from-module", PLACE),
    ("out", PLACE),
    ("detailed-exitcode", PLACE),
    ("destroy", ASKED),
    ("refresh-only", ASKED),
    ("target", ASKED),
    ("target-file", ASKED),
    ("exclude", ASKED),
    ("exclude-file", ASKED),
    ("replace", ASKED),
    ("invoke", ASKED),
    ("generate-config-out", ASKED),
    ("lock", LOCKED),
    ("show-sensitive", SECRET),
    ("help", NOTHING),
    ("h", NOTHING),
    ("version", NOTHING),
    ("v", NOTHING),
    ("autocomplete-install", NOTHING),
];

/// Arguments whose value may be the next word; of all others it stands behind an equals sign.
const SEPARATE: [&str; 8] = [
    "parallelism",
    "var",
    "var-file",
    "lock-timeout",
    "plugin-dir",
    "lockfile",
    "test-directory",
    "json-into",
];

/// What the server asks the engine itself, to show plans and states.
const QUESTIONS: [&str; 3] = ["show", "providers", "providers_schema"];

/// Whether an engine takes the value of this variable for arguments; OpenTofu has names of its own for its settings.
pub fn is_arguments(name: &str) -> bool {
    let name = name.strip_prefix("TF_").or_else(|| name.strip_prefix("TOFU_"));
    let rest = name.and_then(|name| name.strip_prefix("CLI_ARGS"));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
}

pub(crate) fn check(name: &str, value: &str) -> Result<(), Refusal> {
    let words =
        words(value).map_err(|reason| Refusal::Unreadable { name: name.to_owned(), reason })?;
    let command = name.split_once("CLI_ARGS_").map(|(_, command)| command);
    if !words.is_empty() && command.is_some_and(|command| QUESTIONS.contains(&command)) {
        return Err(Refusal::Question { name: name.to_owned() });
    }
    let mut is_value = false;
    for word in words {
        // Engines stop reading arguments there, and take ours behind it for something else.
        if !is_value && (word == "-" || word == "--" || !word.starts_with('-')) {
            return Err(Refusal::Word { name: name.to_owned() });
        }
        is_value = !is_value
            && flag_of(&word).is_some_and(|flag| SEPARATE.contains(&flag))
            && !word.contains('=');
        if let Some((flag, reason)) = REFUSED.iter().find(|(flag, _)| flag_of(&word) == Some(*flag))
        {
            let argument = format!("-{flag}");
            return Err(Refusal::Argument { name: name.to_owned(), argument, reason });
        }
    }
    Ok(())
}

/// `state` of `-state`, `--state` and `-state=x`, as Go's `flag` package reads it.
fn flag_of(word: &str) -> Option<&str> {
    let name = word.strip_prefix('-')?;
    let name = name.strip_prefix('-').unwrap_or(name);
    Some(name.split('=').next().unwrap_or(name))
}

/// Takes a line apart as engines do (`mattn/go-shellwords`, without variables and commands). What its versions read
/// in different ways, or end a line at without a word, is refused where it is not quoted.
///
/// # Errors
///
/// The reason, for people, why engines do not read it or not all in the same way.
pub fn words(line: &str) -> Result<Vec<String>, String> {
    let (mut words, mut word) = (Vec::new(), None::<String>);
    let mut quote = None;
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match (letter, quote) {
            ('\\', None | Some('"')) => {
                // `\t` and `\n` are a tab and a line break in some versions: then it is no flag.
                let escaped = letters.next().ok_or("it ends with a backslash")?;
                word.get_or_insert_default().push(escaped);
            }
            (_, Some(open)) if letter == open => quote = None,
            ('"' | '\'', None) => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (' ' | '\t' | '\r' | '\n', None) => words.extend(word.take()),
            ('`' | '(' | ')' | ';' | '&' | '|' | '<' | '>', None) => {
                return Err(format!("{letter} has to stand in quotes"));
            }
            _ => word.get_or_insert_default().push(letter),
        }
    }
    if quote.is_some() {
        return Err("a quote is not closed".into());
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(value: &str) -> Option<String> {
        match check("TF_CLI_ARGS_apply", value) {
            Err(Refusal::Argument { argument, .. }) => Some(argument),
            Err(other) => panic!("{value}: {other}"),
            Ok(()) => None,
        }
    }

    #[test]
    fn a_flag_is_refused_in_every_spelling() {
        for value in [
            "-state=x",
            "--state=x",
            "-state x",
            "-var a=b -state",
            "-parallelism=2 -state=x",
            "'-state=x'",
            "\"-state=x\"",
            "-st\"at\"e=x",
            "-st'at'e=x",
            r"-st\ate=x",
            r"\-state=x",
            "\"-\"state x",
            "-var\n-state=x",
            "-var '' -state",
            "-var # -state=x",
            "-var -state",
            "-parallelism=2\t-state",
        ] {
            assert_eq!(refused(value).as_deref(), Some("-state"), "{value:?}");
        }
    }

    #[test]
    fn whatever_a_run_or_the_server_says_is_refused_by_name() {
        for (value, argument) in [
            ("-state-out=x", "-state-out"),
            ("-backup=-", "-backup"),
            ("-chdir=..", "-chdir"),
            ("-backend=false", "-backend"),
            ("-backend-config 'path=x'", "-backend-config"),
            ("-json -replace a.b", "-replace"),
            ("-destroy", "-destroy"),
            ("-destroy=false", "-destroy"),
            ("-lock=false", "-lock"),
            ("-refresh-only", "-refresh-only"),
            ("-target=module.a", "-target"),
            ("-replace a.b", "-replace"),
            ("--help", "-help"),
            ("-v", "-v"),
            ("-cloud=false", "-cloud"),
            ("-show-sensitive", "-show-sensitive"),
        ] {
            assert_eq!(refused(value).as_deref(), Some(argument), "{value:?}");
        }
    }

    #[test]
    fn other_arguments_pass() {
        for value in [
            "",
            "   ",
            "-parallelism=5",
            "-parallelism 5 -compact-warnings",
            "-lock-timeout=5m",
            "-refresh=false",
            "-var 'state=-state'",
            "-var='x=f(1); y'",
            "-var-file=states.tfvars",
            "-no-color -upgrade",
            "-var \"a=\\\"-destroy\\\"\"",
        ] {
            assert_eq!(refused(value), None, "{value:?}");
        }
    }

    #[test]
    fn a_word_behind_which_no_arguments_are_read_is_refused() {
        for value in [
            "--",
            "-",
            "-- -parallelism=5",
            "-parallelism=5 --",
            "plan.bin",
            "-no-color other/folder",
            "-refresh true",
            "-parallelism 5 6",
            "-parallelism=5 6",
            "-var a=b c=d",
            "-unknown x",
            "''",
            "state destroy",
        ] {
            let refused = check("TF_CLI_ARGS_plan", value).unwrap_err();
            assert_eq!(refused, Refusal::Word { name: "TF_CLI_ARGS_plan".into() }, "{value:?}");
        }
        assert!(check("TF_CLI_ARGS", "-var -- -no-color").is_ok(), "the value of an argument");
    }

    #[test]
    fn what_the_server_asks_is_not_changed() {
        for name in ["TF_CLI_ARGS_show", "TF_CLI_ARGS_providers", "TOFU_CLI_ARGS_providers_schema"]
        {
            let refused = check(name, "-no-color").unwrap_err();
            assert_eq!(refused, Refusal::Question { name: name.into() });
            assert_eq!(check(name, " "), Ok(()));
        }
        assert_eq!(check("TF_CLI_ARGS_showroom", "-no-color"), Ok(()));
    }

    #[test]
    fn what_engines_read_differently_is_refused() {
        for (value, reason) in [
            ("-parallelism=5; -state=x", "; has to stand in quotes"),
            ("-var a=$(x)", "( has to stand in quotes"),
            ("`-state=x`", "` has to stand in quotes"),
            (") -state=x", ") has to stand in quotes"),
            ("-var 'a", "a quote is not closed"),
            ("-var a\\", "it ends with a backslash"),
        ] {
            let said = check("TF_CLI_ARGS", value).unwrap_err().to_string();
            assert!(said.ends_with(reason), "{said}");
        }
    }

    #[test]
    fn only_the_engines_own_names_are_arguments() {
        for name in
            ["TF_CLI_ARGS", "TF_CLI_ARGS_plan", "TF_CLI_ARGS_state_list", "TOFU_CLI_ARGS_apply"]
        {
            assert!(is_arguments(name));
        }
        for name in ["TF_CLI_ARGSX", "tf_cli_args", "TF_CLI_CONFIG_FILE", "MY_TF_CLI_ARGS"] {
            assert!(!is_arguments(name));
        }
    }
}
