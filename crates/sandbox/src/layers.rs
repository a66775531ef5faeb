//! Which layers this machine has: tried out once, by starting nothing behind all of them.

use std::fmt;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};

use crate::{Limits, Order, Reach};

/// The layers that an order is carried out with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layers {
    /// A file system, IPC and host name of its own.
    pub namespaces: bool,
    /// A process namespace; only with the one above.
    pub processes: bool,
    pub landlock: bool,
    /// A filter of system calls.
    pub calls: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer {
    Files,
    Processes,
    Landlock,
    Calls,
}

/// What was found out about one layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub layer: Layer,
    /// Why it is not there, or not all of it.
    pub missing: Option<String>,
}

/// What this machine has.
#[derive(Clone, Debug)]
pub struct Survey {
    pub layers: Layers,
    /// One line for each layer, from the outermost on.
    pub lines: Vec<Line>,
}

impl Layers {
    pub const NONE: Self =
        Self { namespaces: false, processes: false, landlock: false, calls: false };

    pub fn any(self) -> bool {
        self != Self::NONE
    }

    /// One for each that there is, from the outermost on; as [`Layer::word`].
    pub fn words(self) -> Vec<&'static str> {
        let all = [
            (self.namespaces, Layer::Files),
            (self.processes, Layer::Processes),
            (self.landlock, Layer::Landlock),
            (self.calls, Layer::Calls),
        ];
        all.into_iter().filter(|(is_there, _)| *is_there).map(|(_, layer)| layer.word()).collect()
    }
}

impl Layer {
    /// By which programs know it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Files => "files",
            Self::Processes => "processes",
            Self::Landlock => "landlock",
            Self::Calls => "system-calls",
        }
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Files => "a file system of its own",
            Self::Processes => "processes of its own",
            Self::Landlock => "Landlock",
            Self::Calls => "a filter of system calls",
        })
    }
}

impl Survey {
    /// What is missing, as one sentence for each layer.
    pub fn missing(&self) -> Vec<String> {
        let missing =
            |line: &Line| line.missing.as_ref().map(|why| format!("{}: {why}", line.layer));
        self.lines.iter().filter_map(missing).collect()
    }
}

/// Tries each layer. `supervisor` is an executable with the
/// subcommand `engine-exec`; `scratch` any folder that exists.
pub fn survey(supervisor: &Path, scratch: &Path) -> Survey {
    let none = Layers::NONE;
    let with = |layers| trial(supervisor, scratch, layers).map_err(|error| format!("{error:#}"));
    let files = Layers { namespaces: true, ..none };
    let processes = with(Layers { processes: true, ..files }).err();
    let files = processes.as_ref().and_then(|_| with(files).err());
    // Without a file system of its own there is no place for a `/proc` of its own.
    let processes = files.clone().or(processes);
    let landlock = with(Layers { landlock: true, ..none });
    let calls = with(Layers { calls: true, ..none }).err();
    let layers = Layers {
        namespaces: files.is_none(),
        processes: processes.is_none(),
        landlock: landlock.is_ok(),
        calls: calls.is_none(),
    };
    let landlock = match landlock.as_deref() {
        Ok("full") => None,
        Ok("partial") => Some("this kernel knows a part of it only".to_owned()),
        Ok(_) => Some("this kernel does not have it".to_owned()),
        Err(why) => Some(why.clone()),
    };
    let lines = [
        (Layer::Files, files),
        (Layer::Processes, processes),
        (Layer::Landlock, landlock),
        (Layer::Calls, calls),
    ];
    Survey { layers, lines: lines.map(|(layer, missing)| Line { layer, missing }).into() }
}

/// Carries out an order that starts nothing; answers what it says about Landlock.
fn trial(supervisor: &Path, scratch: &Path, layers: Layers) -> anyhow::Result<String> {
    let order = Order {
        program: None,
        args: Vec::new(),
        stdin: None,
        env: std::collections::BTreeMap::new(),
        parent: rustix::process::getpid().as_raw_nonzero().get(),
        orphan_seconds: 0,
        limits: Limits::default(),
        layers,
        reach: Reach { tmp: scratch.to_owned(), ..Reach::default() },
    };
    let mut child = Command::new(supervisor)
        .arg("engine-exec")
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("start {}", supervisor.display()))?;
    let mut input = child.stdin.take().context("no standard input")?;
    input.write_all(&order.message()?)?;
    drop(input);
    let output = child.wait_with_output()?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        let first = text.lines().map(str::trim).find(|line| !line.is_empty());
        bail!("{}", first.unwrap_or("it failed without a word"));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
