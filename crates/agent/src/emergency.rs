//! The state that an engine prints when it could write it nowhere: found in the log, and never shown to its readers.
//!
//! An engine whose disk is full fails to write its state file, then `errored.tfstate`, and as its last resort prints
//! the state among its messages, secrets and all.

use std::io::{self, BufRead};

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::quotes::COLOUR;

const HIDDEN: &str =
    "The engine printed its state, because it could write it nowhere. It is not shown here.\n";
/// Among other events.
const HIDDEN_EVENT: &str = "{\"@level\":\"info\",\"@message\":\"The engine printed its state, because it could \
                            write it nowhere. It is not shown here.\",\"type\":\"log\"}\n";
/// With what the complaints of an engine begin that could not save its state.
const UNSAVED: [&str; 2] = ["Error: Failed to save state", "Error: Failed to persist state"];
/// Before them in the log of an engine that speaks JSON.
const ERROR_EVENT: &str = r#"{"@level":"error","@message":""#;
/// Before the state in the log of an engine that speaks JSON.
const EVENT: &[u8] = br#"{"@level":"info","@message":"Emergency state dump""#;

/// Takes such states out of a log, line by line.
#[derive(Debug, Default)]
pub(crate) struct Emergency {
    /// The lines of a state, or of what may become one.
    found: Vec<u8>,
    inside: bool,
    /// Whether lines are kept for whoever asks for the state.
    keeps: bool,
    last: Option<Bytes>,
}

impl Emergency {
    /// Hands on what may be shown.
    pub fn clean(&mut self, line: &[u8], mut show: impl FnMut(&[u8])) {
        if self.inside {
            self.keep(line);
            if line.trim_ascii_end() == b"}" {
                self.inside = false;
                self.end();
            }
            return;
        }
        if !self.found.is_empty() {
            // The second line tells whether it is a state: nothing else of an engine begins so.
            if line.starts_with(b"  \"version\":") {
                self.inside = true;
                self.keep(line);
                return show(HIDDEN.as_bytes());
            }
            show(&std::mem::take(&mut self.found));
        }
        if line.trim_ascii_end() == b"{" {
            self.found = line.to_vec();
        } else if line.starts_with(EVENT) {
            if self.keeps {
                self.last = of_event(line);
            }
            show(HIDDEN_EVENT.as_bytes());
        } else {
            show(line);
        }
    }

    /// What is left at the end of the log.
    pub fn finish(&mut self, show: impl FnOnce(&[u8])) {
        if !self.inside && !self.found.is_empty() {
            show(&std::mem::take(&mut self.found));
        }
    }

    fn keep(&mut self, line: &[u8]) {
        if self.keeps {
            self.found.extend_from_slice(line);
        }
    }

    fn end(&mut self) {
        let state = std::mem::take(&mut self.found);
        if self.keeps {
            self.last = Some(state.into());
        }
    }
}

fn of_event(line: &[u8]) -> Option<Bytes> {
    #[derive(Deserialize)]
    struct Event<'a> {
        #[serde(borrow)]
        state: &'a RawValue,
    }
    let event: Event<'_> = serde_json::from_slice(line).ok()?;
    Some(Bytes::copy_from_slice(event.state.get().as_bytes()))
}

/// The last one in a log.
pub(crate) fn last_in(mut log: impl BufRead) -> io::Result<Option<Bytes>> {
    let mut emergency = Emergency { keeps: true, ..Emergency::default() };
    let mut line = Vec::new();
    while log.read_until(b'\n', &mut line)? > 0 {
        emergency.clean(&line, |_| {});
        line.clear();
    }
    Ok(emergency.last)
}

/// Whether an engine says in its log that it could not save its state. It is a complaint's title: what programs of the
/// run print stands behind the name of their resource, and what providers say within a complaint.
pub(crate) fn failed_to_save(mut log: impl BufRead) -> io::Result<bool> {
    let mut line = Vec::new();
    let mut begins = false;
    while log.read_until(b'\n', &mut line)? > 0 {
        let text = String::from_utf8_lossy(&line);
        let bare = COLOUR.replace_all(&text, "");
        let bare = bare.trim_end();
        let title = match bare.strip_prefix(ERROR_EVENT) {
            None if begins => bare.strip_prefix("│ ").unwrap_or(bare),
            None => "",
            Some(message) => message,
        };
        if UNSAVED.iter().any(|unsaved| title.starts_with(unsaved)) {
            return Ok(true);
        }
        // Above a title stands the upper corner of its frame, or nothing.
        begins = bare.is_empty() || bare == "╷";
        line.clear();
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engine_that_could_not_save_says_so_in_a_title() {
        let says = |log: &str| failed_to_save(log.as_bytes()).unwrap();
        assert!(says(
            "a\n\x1b[31m╷\x1b[0m\n\x1b[31m│\x1b[0m \x1b[1mError: \x1b[0mFailed to save state\n"
        ));
        assert!(says("\nError: Failed to persist state to backend\n"));
        assert!(says(
            "{\"@level\":\"error\",\"@message\":\"Error: Failed to save state\",\"@module\":\"x\"}\n"
        ));
        for other in [
            "a (local-exec): Error: Failed to save state\n",
            "╷\n│ Error: external program\n│ \n│ Error: Failed to save state\n╵\n",
            "{\"@level\":\"info\",\"@message\":\"Error: Failed to save state\"}\n",
            "a\nError: Failed to save state\n",
            "{\"@level\":\"error\",\"@message\":\"Error: Failed to create a network\"}\n",
        ] {
            assert!(!says(other), "{other}");
        }
    }

    const STATE: &str =
        "{\n  \"version\": 4,\n  \"serial\": 3,\n  \"x\": {\n    \"p\": \"hunter2\"\n  }\n}\n";

    fn shown(log: &str) -> String {
        let (mut emergency, mut shown) = (Emergency::default(), Vec::new());
        for line in log.split_inclusive('\n') {
            emergency.clean(line.as_bytes(), |text| shown.extend_from_slice(text));
        }
        emergency.finish(|text| shown.extend_from_slice(text));
        String::from_utf8(shown).unwrap()
    }

    #[test]
    fn a_printed_state_is_found_and_not_shown() {
        let log = format!("a.b: Creating...\n{STATE}\n\nError: x\n");
        assert_eq!(last_in(log.as_bytes()).unwrap().unwrap(), STATE);
        assert_eq!(shown(&log), format!("a.b: Creating...\n{HIDDEN}\n\nError: x\n"));
    }

    #[test]
    fn so_is_one_in_an_event() {
        let event = r#"{"@level":"info","@message":"Emergency state dump","@module":"terraform.ui","state":{"version":4,"p":"hunter2"}}"#;
        let log = format!("before\n{event}\nafter\n");
        assert_eq!(last_in(log.as_bytes()).unwrap().unwrap(), r#"{"version":4,"p":"hunter2"}"#);
        assert_eq!(shown(&log), format!("before\n{HIDDEN_EVENT}after\n"));
    }

    #[test]
    fn half_a_state_is_not_shown_either() {
        let half = &STATE[..STATE.len() - 4];
        assert_eq!(last_in(half.as_bytes()).unwrap(), None);
        assert_eq!(shown(half), HIDDEN);
    }

    #[test]
    fn other_braces_are_shown() {
        for log in ["{\n}\n", "{\n  a\n}\n", "x {\n", "{", "{\n"] {
            assert_eq!(shown(log), log);
            assert_eq!(last_in(log.as_bytes()).unwrap(), None);
        }
    }
}
