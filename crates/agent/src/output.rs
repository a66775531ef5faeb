//! Reads what an engine printed: how much changes, and what went wrong first.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::sync::LazyLock;

use protocol::Counts;
use regex::Regex;
use serde::Deserialize;

use crate::quotes::COLOUR;
use crate::reported::Reported;

/// What the log of a phase says about it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Summary {
    /// From the engine's last summary line.
    pub total: Option<Counts>,
    /// Resources that were reported as done one by one: all there is when an apply fails.
    pub done: Counts,
    /// Which these are.
    pub reported: Reported,
    /// The engine has begun to change something, whether or not it came to an end.
    pub has_begun: bool,
    pub first_error: Option<String>,
    /// All is done: what follows is what others say, such as outputs.
    is_over: bool,
    /// Within an id of several lines.
    is_within: bool,
}

/// What an apply has changed, and so what there must be of its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Changed {
    Nothing,
    /// There must be a state, which may be as it was: what a change sets need not stand in it.
    Something,
    /// There are others than before: the state must be newer than the one that it began with.
    Resources,
}

impl Summary {
    pub fn counts(&self) -> Counts {
        self.total.unwrap_or(self.done)
    }

    /// What the engine says that it has changed; at least something, if that is known otherwise.
    pub fn changed(&self, something: bool) -> Changed {
        let all = [self.total.unwrap_or_default(), self.done];
        let is_other =
            |counts: &Counts| counts.additions + counts.destructions + counts.imports > 0;
        if all.iter().any(is_other) {
            Changed::Resources
        } else if something || all.iter().any(|counts| *counts != Counts::default()) {
            Changed::Something
        } else {
            Changed::Nothing
        }
    }

    /// Reads the log from `start` on.
    pub fn read(log: &Path, start: u64) -> io::Result<Self> {
        let mut file = File::open(log)?;
        file.seek(SeekFrom::Start(start))?;
        let mut reader = BufReader::new(file);
        let (mut summary, mut line) = (Self::default(), Vec::new());
        loop {
            line.clear();
            // No line that matters is long; pieces of one that is long do no harm.
            if (&mut reader).take(1 << 20).read_until(b'\n', &mut line)? == 0 {
                return Ok(summary);
            }
            summary.take_line(&String::from_utf8_lossy(&line));
        }
    }

    fn take_line(&mut self, line: &str) {
        if line.starts_with("{\"@") {
            if let Ok(event) = serde_json::from_str(line) {
                self.take_event(event);
            }
            return;
        }
        let line = COLOUR.replace_all(line, "");
        let line = line.trim_end();
        if self.is_over || std::mem::take(&mut self.is_within) {
            self.is_within = !self.is_over && !line.ends_with(']');
        } else if let Some(found) = TOTAL.captures(line) {
            self.total = Some(count(&found[1]));
            self.is_over = !line.starts_with("Plan: ");
        } else if let Some(found) = STEP.captures(line) {
            let is_deposed = found.get(2).is_some();
            let id = found.get(4).map(|id| id.as_str());
            self.is_within = id.is_none() && line[found[0].len()..].starts_with(" [id=");
            self.take_step(&found[1], is_deposed, &found[3], id);
        } else if self.first_error.is_none()
            && let Some(found) = ERROR.captures(line)
        {
            self.first_error = Some(found[1].to_owned());
        }
    }

    fn take_event(&mut self, event: Event) {
        match event {
            Event::ChangeSummary { changes } => {
                self.total = Some(Counts {
                    additions: changes.add,
                    changes: changes.change,
                    destructions: changes.remove,
                    imports: changes.import,
                });
            }
            Event::ApplyStart { hook } => {
                self.has_begun = true;
                if hook.action == "delete" {
                    self.reported.destroying(&hook.resource.addr, false, hook.id());
                }
            }
            Event::ApplyComplete { hook } => {
                self.done(&hook.resource.addr, &hook.action, hook.id());
            }
            Event::Diagnostic { diagnostic } => {
                if diagnostic.severity == "error" && self.first_error.is_none() {
                    self.first_error = Some(diagnostic.summary);
                }
            }
            Event::Other => {}
        }
    }

    fn take_step(&mut self, address: &str, is_deposed: bool, step: &str, id: Option<&str>) {
        match step.strip_suffix(" complete") {
            Some(action) if !is_deposed => self.done(address, action, id),
            // What was replaced earlier counts, and says nothing of what is there now.
            Some(_) => self.done.destructions += 1,
            None => {
                self.has_begun = true;
                if step == "Destroying..." {
                    self.reported.destroying(address, is_deposed, id);
                }
            }
        }
    }

    fn done(&mut self, address: &str, action: &str, id: Option<&str>) {
        match action {
            "Creation" | "create" => {
                self.done.additions += 1;
                self.reported.made(address, id);
            }
            "Modifications" | "update" => self.done.changes += 1,
            "Destruction" | "delete" => {
                self.done.destructions += 1;
                self.reported.destroyed(address);
            }
            "Import" => {
                self.done.imports += 1;
                // By the id that was asked for, which need not be the one that it has.
                self.reported.made(address, None);
            }
            _ => {}
        }
    }
}

/// The resource that an engine has named last, at the end of its log.
pub(crate) fn last_address(log: &Path) -> Option<String> {
    let mut file = File::open(log).ok()?;
    let length = file.metadata().ok()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(END))).ok()?;
    let mut end = Vec::new();
    file.take(END).read_to_end(&mut end).ok()?;
    String::from_utf8_lossy(&end).lines().rev().find_map(address)
}

fn address(line: &str) -> Option<String> {
    if line.starts_with("{\"@") {
        let event: serde_json::Value = serde_json::from_str(line).ok()?;
        return Some(event["hook"]["resource"]["addr"].as_str()?.to_owned());
    }
    let line = COLOUR.replace_all(line, "");
    ADDRESS.captures(&line).map(|found| found[1].to_owned())
}

/// Bytes of a log in which the last resource is looked for.
const END: u64 = 256 << 10;

/// Lines of `-json` output: <https://developer.hashicorp.com/terraform/internals/machine-readable-ui>
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Event {
    ChangeSummary {
        changes: Changes,
    },
    ApplyStart {
        hook: Hook,
    },
    ApplyComplete {
        hook: Hook,
    },
    Diagnostic {
        diagnostic: Diagnostic,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Changes {
    add: u32,
    change: u32,
    remove: u32,
    #[serde(default)]
    import: u32,
}

#[derive(Deserialize)]
struct Hook {
    action: String,
    #[serde(default)]
    resource: Resource,
    id_key: Option<String>,
    id_value: Option<String>,
}

impl Hook {
    fn id(&self) -> Option<&str> {
        self.id_value.as_deref().filter(|_| self.id_key.as_deref() == Some("id"))
    }
}

#[derive(Default, Deserialize)]
struct Resource {
    addr: String,
}

#[derive(Deserialize)]
struct Diagnostic {
    severity: String,
    summary: String,
}

/// Of a resource's instance. What a program of it prints has more before its colon.
const INSTANCE: &str =
    r#"((?:[\w-]+(?:\[(?:\d+|"(?:[^"\\]|\\.)*")\])?\.)+[\w-]+(?:\[(?:\d+|"(?:[^"\\]|\\.)*")\])?)"#;
static STEP: LazyLock<Regex> = LazyLock::new(|| {
    let step = r"(?:Creating|Modifying|Destroying|Importing)\.\.\.|(?:Creation|Modifications|Destruction|Import) complete";
    pattern(&format!(
        r"^{INSTANCE}( \(deposed object \w+\))?: ({step})(?: after \S+)?(?: \[id=(.*)\])?"
    ))
});
static TOTAL: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"^(?:Plan: |(?:Apply|Destroy) complete! Resources: )(\d+ (?:to |[a-z]).*)$")
});
static NUMBER: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(\d+) (?:to )?(import|add|change|destroy|imported|added|changed|destroyed)\b")
});
static ADDRESS: LazyLock<Regex> =
    LazyLock::new(|| pattern(&format!(r"^{INSTANCE}(?: \([\w-]+\))?: ")));
static ERROR: LazyLock<Regex> = LazyLock::new(|| pattern(r"^(?:│ )?Error: (.+)$"));

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("the pattern is a constant and tested")
}

fn count(text: &str) -> Counts {
    let mut counts = Counts::default();
    for found in NUMBER.captures_iter(text) {
        let number = found[1].parse().unwrap_or(u32::MAX);
        match &found[2][..3] {
            "imp" => counts.imports = number,
            "add" => counts.additions = number,
            "cha" => counts.changes = number,
            _ => counts.destructions = number,
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Summary {
        let mut summary = Summary::default();
        text.lines().for_each(|line| summary.take_line(line));
        summary
    }

    fn counts(additions: u32, changes: u32, destructions: u32, imports: u32) -> Counts {
        Counts { additions, changes, destructions, imports }
    }

    #[test]
    fn the_summary_lines_of_all_versions_are_understood() {
        let plan = "\x1b[1mPlan:\x1b[0m \x1b[0m1 to add, 2 to change, 3 to destroy.\x1b[0m";
        assert_eq!(read(plan).total, Some(counts(1, 2, 3, 0)));
        let import =
            "Plan: 4 to import, 1 to add, 0 to change, 0 to destroy. Actions: 1 to invoke.";
        assert_eq!(read(import).total, Some(counts(1, 0, 0, 4)));
        let apply =
            "\x1b[32mApply complete! Resources: 1 imported, 5 added, 0 changed, 2 destroyed.";
        assert_eq!(read(apply).total, Some(counts(5, 0, 2, 1)));
        assert_eq!(
            read("Destroy complete! Resources: 7 destroyed.").total,
            Some(counts(0, 0, 7, 0))
        );
        let json = r#"{"@level":"info","@message":"x","changes":{"add":1,"change":2,"import":3,"remove":4,"operation":"plan"},"type":"change_summary"}"#;
        assert_eq!(read(json).total, Some(counts(1, 2, 4, 3)));
    }

    #[test]
    fn a_provisioner_cannot_print_a_summary() {
        for spoof in [
            "terraform_data.a (local-exec): Apply complete! Resources: 9 added, 0 changed",
            "terraform_data.a (local-exec): terraform_data.b: Creation complete after 0s [id=1]",
        ] {
            assert_eq!(read(spoof), Summary::default(), "{spoof}");
        }
    }

    #[test]
    fn what_outputs_and_ids_say_is_not_the_engines() {
        let quoted = "a.gone: Creation complete after 0s [id=1]";
        let id = format!("a.b: Creation complete after 0s [id=x\n{quoted} y\nz]\n");
        let end = "Apply complete! Resources: 1 added, 0 changed, 0 destroyed.\n\nOutputs:\n\nlog = <<EOT\n";
        let summary = read(&format!("{id}{end}{quoted}\nPlan: 7 to add\nError: none\n"));
        let own = read("a.b: Creation complete after 0s");
        assert_eq!((summary.done, summary.reported), (own.done, own.reported));
        assert_eq!(summary.total, Some(counts(1, 0, 0, 0)));
        assert_eq!(summary.first_error, None);
    }

    #[test]
    fn what_has_begun_is_known_before_it_ends() {
        assert!(read("null_resource.a[\"x: y\"]: Destroying... [id=1]").has_begun);
        assert!(
            read(r#"{"@level":"info","type":"apply_start","hook":{"action":"create"}}"#).has_begun
        );
        assert!(!read("Plan: 1 to add, 0 to change, 0 to destroy.").has_begun);
        assert!(!read("a (local-exec): b").has_begun);
    }

    #[test]
    fn the_resource_that_was_named_last_is_known() {
        let last = |text: &str| {
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), text).unwrap();
            last_address(file.path())
        };
        for (text, address) in [
            (
                "a.b: Creating...\n\u{1b}[1mmodule.m[\"x y\"].a.b[0]: Still creating... [10s elapsed]\u{1b}[0m\nWarning: x\n",
                "module.m[\"x y\"].a.b[0]",
            ),
            ("a.b: Creating...\nterraform_data.c (local-exec): Executing: x\n", "terraform_data.c"),
            (
                "{\"@level\":\"info\",\"hook\":{\"resource\":{\"addr\":\"a.c\"}},\"type\":\"apply_start\"}\n{\"@level\":\"x\"}\n",
                "a.c",
            ),
        ] {
            assert_eq!(last(text).as_deref(), Some(address), "{text}");
        }
        assert_eq!(
            last("Terraform v1.15.5\non linux_amd64\nPlan: 1 to add\nError: x.y failed\n"),
            None
        );
    }

    #[test]
    fn a_failed_apply_counts_what_was_done() {
        let summary = read(
            "terraform_data.a: Creating...\n\
             \x1b[1mterraform_data.a: Creation complete after 0s [id=1]\x1b[0m\n\
             \x1b[31m╷\x1b[0m\n\x1b[31m│\x1b[0m \x1b[31mError: \x1b[0mlocal-exec failed\n\
             │ Error: second\n",
        );
        assert_eq!(summary.total, None);
        assert!(summary.has_begun);
        assert_eq!(summary.counts().additions, 1);
        assert_eq!(summary.first_error.as_deref(), Some("local-exec failed"));
    }
}
