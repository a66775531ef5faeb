//! Why the process ends, in one sentence that says each thing once.

use std::fmt;

/// Ends the process without another word: the log has said why.
#[derive(Debug)]
pub struct Logged;

impl fmt::Display for Logged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the log says why")
    }
}

impl std::error::Error for Logged {}

/// Says in the log why the process ends. Without a log that takes errors, the error goes on to whoever says it.
pub fn log(error: anyhow::Error) -> anyhow::Error {
    if !tracing::event_enabled!(tracing::Level::ERROR) {
        return error;
    }
    tracing::error!("stopped by an error: {}", sentence(&error));
    anyhow::Error::new(Logged)
}

/// An error and what is behind it. Many libraries repeat in an error what is behind it: a part that was said already is
/// left out.
pub fn sentence(error: &anyhow::Error) -> String {
    let mut said = String::new();
    for part in error.chain().map(ToString::to_string) {
        if said.is_empty() {
            said = part;
        } else if !said.contains(part.trim_end()) {
            said = format!("{said}: {part}");
        }
    }
    said
}

#[cfg(test)]
mod tests {
    use anyhow::{Context, anyhow};

    #[test]
    fn each_part_of_an_error_is_said_once() {
        let error = Err::<(), _>(anyhow!("no route to host"))
            .context("connection error: no route to host")
            .context("database: connection error: no route to host")
            .context("database_url");
        let sentence = super::sentence(&error.unwrap_err());
        assert_eq!(sentence, "database_url: database: connection error: no route to host");
        let error = Err::<(), _>(anyhow!("No such file")).context("reading").context("config");
        assert_eq!(super::sentence(&error.unwrap_err()), "config: reading: No such file");
    }
}
