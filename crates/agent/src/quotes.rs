//! What a log must not quote: the engine shows the lines of the variables file that it complains about, and the log
//! is read by people who may not read variables.
//!
//! Sensitive variables have a file of their own. A complaint about it keeps its title and says which variable it is
//! about; lines, values and explanation of it are left out, in the human form of all versions and in the JSON form.

use std::sync::LazyLock;

use regex::Regex;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The name of the file, by which complaints are known.
pub(crate) const SENSITIVE_FILE: &str = "statehouse-sensitive.tfvars";

const HIDDEN: &str = "The engine's words are not shown: they may quote a sensitive value.";

/// The titles of what the author of a configuration complains about, in words of their own: those are masked as
/// everything else is, and shown.
const CONDITIONS: [&str; 5] = [
    "Invalid value for variable",
    "Resource precondition failed",
    "Resource postcondition failed",
    "Module output value precondition failed",
    "Check block assertion failed",
];

/// In which lines of the file which variable begins; those of a job, which its manifest keeps for a successor.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sensitive(pub Vec<(usize, String)>);

impl Sensitive {
    fn at(&self, line: usize) -> Option<&str> {
        self.0.iter().rev().find(|(first, _)| *first <= line).map(|(_, key)| key.as_str())
    }

    fn subject(&self, line: usize) -> String {
        match self.at(line) {
            Some(key) => format!("in the value of the sensitive variable “{key}”"),
            None => "in the sensitive variables".to_owned(),
        }
    }

    /// Whether an expression such as `var.a.b` begins with one of them.
    fn has(&self, traversal: &str) -> bool {
        let Some(name) = traversal.strip_prefix("var.") else { return false };
        let end = name.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-'));
        let name = &name[..end.unwrap_or(name.len())];
        self.0.iter().any(|(_, key)| key == name)
    }
}

/// Reads a log line by line.
#[derive(Debug)]
pub(crate) struct Quotes {
    sensitive: Sensitive,
    inside: Inside,
    /// Whether the complaint's words are its author's.
    of_condition: bool,
}

/// Where in a complaint about the file a line stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Inside {
    Nothing,
    /// It ends with the lower corner of its frame.
    Framed,
    /// Without colours there is no frame: it ends where the next complaint begins.
    Plain,
}

pub(crate) static COLOUR: LazyLock<Regex> = LazyLock::new(|| pattern(r"\x1b\[[0-9;]*[A-Za-z]"));
static PLACE: LazyLock<Regex> = LazyLock::new(|| {
    let file = regex::escape(SENSITIVE_FILE);
    pattern(&format!(r"^\s*on .*{file} line (\d+)"))
});
static VALUE: LazyLock<Regex> = LazyLock::new(|| pattern(r"^│?\s+│ (var\.\S+) "));

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("the pattern is a constant and tested")
}

impl Quotes {
    pub fn new(sensitive: Sensitive) -> Self {
        Self { sensitive, inside: Inside::Nothing, of_condition: false }
    }

    /// What of a line may be shown, with its end if it has one.
    pub fn clean(&mut self, line: &[u8], into: &mut Vec<u8>) {
        if self.sensitive.0.is_empty() {
            into.extend_from_slice(line);
            return;
        }
        let text = String::from_utf8_lossy(line);
        let bare = COLOUR.replace_all(&text, "");
        match self.replaced(bare.trim_end_matches(['\r', '\n'])) {
            Replaced::Not => into.extend_from_slice(line),
            Replaced::By(text) => {
                into.extend_from_slice(text.as_bytes());
                into.push(b'\n');
            }
            Replaced::ByNothing => {}
        }
    }

    fn replaced(&mut self, line: &str) -> Replaced {
        if line.starts_with("{\"@") {
            return self.event(line);
        }
        let framed = line.strip_prefix('│');
        let begins = title_of(line).is_some();
        if let Some(title) = title_of(framed.unwrap_or(line).trim_start()) {
            self.of_condition = is_condition(title);
        }
        match self.inside {
            Inside::Framed if framed.is_some() => return Replaced::ByNothing,
            Inside::Plain if !begins && !line.starts_with('╷') => return Replaced::ByNothing,
            _ => self.inside = Inside::Nothing,
        }
        if let Some(found) = PLACE.captures(framed.unwrap_or(line)) {
            self.inside = if framed.is_some() { Inside::Framed } else { Inside::Plain };
            let subject = self.sensitive.subject(found[1].parse().unwrap_or(usize::MAX));
            let frame = if framed.is_some() { "│ " } else { "" };
            return Replaced::By(format!("{frame}  {subject}\n{frame}\n{frame}{HIDDEN}"));
        }
        match VALUE.captures(line) {
            Some(found) if self.sensitive.has(&found[1]) && self.of_condition => {
                let end = found.get(1).map_or(0, |it| it.end());
                Replaced::By(format!("{} is a sensitive value", &line[..end]))
            }
            Some(found) if self.sensitive.has(&found[1]) => {
                // What follows may say it once more: `cannot convert "…" to number`.
                self.inside = if framed.is_some() { Inside::Framed } else { Inside::Plain };
                let start = &line[..found.get(1).map_or(0, |it| it.start())];
                let frame = if framed.is_some() { "│ " } else { "" };
                let name = &found[1];
                Replaced::By(format!(
                    "{start}{name} is a sensitive value\n{frame}\n{frame}{HIDDEN}"
                ))
            }
            _ => Replaced::Not,
        }
    }

    /// A line of `-json`.
    fn event(&self, line: &str) -> Replaced {
        let Ok(mut event) = serde_json::from_str::<Value>(line) else { return Replaced::Not };
        let Some(diagnostic) = event.get_mut("diagnostic") else { return Replaced::Not };
        let range = &diagnostic["range"];
        if range["filename"].as_str().is_some_and(|name| name.ends_with(SENSITIVE_FILE)) {
            let line = range["start"]["line"].as_u64().and_then(|line| usize::try_from(line).ok());
            let subject = self.sensitive.subject(line.unwrap_or(usize::MAX));
            diagnostic["detail"] = format!("{HIDDEN} The mistake is {subject}.").into();
            if let Some(members) = diagnostic.as_object_mut() {
                members.remove("snippet");
            }
            return Replaced::By(event.to_string());
        }
        let mut changed = false;
        let values = diagnostic["snippet"]["values"].as_array_mut();
        for value in values.into_iter().flatten() {
            if value["traversal"].as_str().is_some_and(|name| self.sensitive.has(name)) {
                value["statement"] = "is a sensitive value".into();
                changed = true;
            }
        }
        if !changed {
            return Replaced::Not;
        }
        if !diagnostic["summary"].as_str().is_some_and(is_condition) {
            diagnostic["detail"] = HIDDEN.into();
        }
        Replaced::By(event.to_string())
    }
}

fn title_of(line: &str) -> Option<&str> {
    line.strip_prefix("Error: ").or_else(|| line.strip_prefix("Warning: "))
}

fn is_condition(title: &str) -> bool {
    CONDITIONS.contains(&title.trim_end())
}

enum Replaced {
    Not,
    By(String),
    ByNothing,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clean(text: &str) -> String {
        let sensitive = Sensitive(vec![(1, "first".into()), (4, "n".into())]);
        let (mut quotes, mut clean) = (Quotes::new(sensitive), Vec::new());
        text.split_inclusive('\n').for_each(|line| quotes.clean(line.as_bytes(), &mut clean));
        String::from_utf8(clean).unwrap()
    }

    #[test]
    fn a_framed_complaint_keeps_its_title_only() {
        let text = "before\n\
            \x1b[31m╷\x1b[0m\n\x1b[31m│\x1b[0m \x1b[31mError: \x1b[0mInvalid value\n│ \n\
            \x1b[31m│\x1b[0m \x1b[0m  on /a/statehouse-sensitive.tfvars line 5:\n\
            │    5: n = \x1b[4m\"hunter2\"\x1b[0m\n│     ├──\n│     │ var.n is \"hunter2\"\n│ \n\
            │ element \"hunter2\": a number is required.\n╵\nafter hunter\n";
        let cleaned = clean(text);
        assert!(!cleaned.contains("hunter2"), "{cleaned}");
        assert!(cleaned.starts_with("before\n\u{1b}[31m╷"));
        assert!(
            cleaned.contains("Invalid value\n│ \n│   in the value of the sensitive variable “n”")
        );
        assert!(cleaned.ends_with("sensitive value.\n╵\nafter hunter\n"), "{cleaned}");
    }

    #[test]
    fn a_plain_complaint_ends_with_the_next() {
        let text = "\nError: Invalid\n\n  on ../../statehouse-sensitive.tfvars line 2:\n   \
                    2: hunter2\n\nWrong: hunter2.\n\nError: Other\n\n  on main.tf line 1:\n";
        assert_eq!(
            clean(text),
            format!(
                "\nError: Invalid\n\n  in the value of the sensitive variable “first”\n\n{HIDDEN}\n\
                 Error: Other\n\n  on main.tf line 1:\n"
            )
        );
    }

    #[test]
    fn values_of_sensitive_variables_are_not_said_elsewhere() {
        let text = "│     │ var.name is \"x\"\n│     │ var.n[\"a\"] is \"hunter2\"\n│ \n│ cannot \
                    convert \"hunter2\".\n╵\nError: a\n    │ var.n is 1\n\nhunter2\n\nError: b\n";
        assert_eq!(
            clean(text),
            format!(
                "│     │ var.name is \"x\"\n│     │ var.n[\"a\"] is a sensitive value\n│ \n│ {HIDDEN}\n\
                 ╵\nError: a\n    │ var.n is a sensitive value\n\n{HIDDEN}\nError: b\n"
            )
        );
    }

    #[test]
    fn what_an_author_says_of_a_condition_is_shown() {
        let text = "╷\n│ Error: Invalid value for variable\n│ \n│   on main.tf line 1:\n│    1: variable \"n\" {\n\
                    │     ├────────────────\n│     │ var.n is \"hunter2\"\n│ \n│ Twelve characters at least.\n╵\n";
        let shown = text.replace("is \"hunter2\"", "is a sensitive value");
        assert_eq!(clean(text), shown);
        let plain = |text: &str| text.replace("\n│ ", "\n");
        assert_eq!(clean(&plain(text)), plain(&shown));
        let event = r#"{"@level":"error","diagnostic":{"detail":"Twelve.","snippet":{"values":[{"statement":"is \"hunter2\"","traversal":"var.n"}]},"summary":"Check block assertion failed"}}"#;
        let cleaned = clean(event);
        assert!(!cleaned.contains("hunter2") && cleaned.contains("Twelve."), "{cleaned}");
        let other = text.replace("Invalid value for variable", "Invalid function argument");
        assert!(!clean(&other).contains("Twelve"), "{}", clean(&other));
    }

    #[test]
    fn json_loses_its_snippet() {
        let event = |file: &str| {
            format!(
                r#"{{"@level":"error","diagnostic":{{"detail":"hunter2","range":{{"filename":"/a/{file}","start":{{"line":4}}}},"snippet":{{"code":"hunter2","values":[]}}}},"type":"diagnostic"}}"#
            )
        };
        let cleaned = clean(&event(SENSITIVE_FILE));
        assert!(!cleaned.contains("hunter2") && cleaned.contains("variable “n”"), "{cleaned}");
        assert_eq!(clean(&event("main.tf")), event("main.tf"));
        let value = r#"{"@level":"error","diagnostic":{"detail":"hunter2","snippet":{"values":[{"traversal":"var.n.x","statement":"is \"hunter2\""}]}}}"#;
        assert!(!clean(value).contains("hunter2"));
    }
}
