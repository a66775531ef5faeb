//! Where the time of a run goes: each step from the request to the documents, with what it makes durable and starts.
//!
//! The agent's log says when a step begins, and `strace`, where there is one, what the server and all that it starts
//! do meanwhile. It slows them, so the times come from runs that nobody watches.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail};
use chrono::DateTime;
use rustix::process::Signal;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};

use super::client::Client;
use super::load::Latencies;
use super::report::{Report, millis};
use super::runs::{finish, queue, settle, upload, version_of};
use super::server::{Launch, Server};
use super::{Sizes, setup};
use crate::commands::{Running, command};

/// The part before the agent has the job.
const DISPATCH: &str = "dispatch";

/// One step of one run: its name and when it began, in microseconds since 1970.
type Begun = (String, i64);

/// What happened at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Event {
    Sync,
    Start,
    /// Of an engine.
    Engine,
}

/// A step's share in all runs of a kind.
#[derive(Debug, Default)]
struct Share {
    name: String,
    times: Vec<Duration>,
    syncs: usize,
    starts: usize,
    /// Of the starts, those of an engine.
    engines: usize,
}

pub async fn measure(
    report: &mut Report,
    program: &Path,
    engine: &Path,
    sizes: &Sizes,
) -> Result<()> {
    let server = Launch::of(program).executing(engine).telling().start().await?;
    let mut client = server.client().await?;
    setup::organization(&mut client).await?;
    let workspace = setup::workspace(&mut client, "steps", &version_of(engine).await?).await?;
    let configuration = upload(&mut client, &workspace).await?;
    // The first one fills caches; it is not counted.
    let cold = observed(&server, &mut client, &workspace, &configuration, 1).await?;
    let times = observed(&server, &mut client, &workspace, &configuration, sizes.pairs).await?;
    let watch = Watch::begin(&server).await?;
    let watched = observed(&server, &mut client, &workspace, &configuration, sizes.pairs).await?;
    let events = match watch {
        Some(watch) => Some(watch.end().await?),
        None => None,
    };
    let [cold, warm] = [cold, times].map(|runs| shares(&runs, &[]));
    let counts = events.map(|events| shares(&watched, &events));
    for step in warm {
        let first = cold.iter().find(|other| other.name == step.name);
        let first = first.and_then(|other| other.times.first().copied());
        let first = first.map_or_else(String::new, |took| format!(", the first {}", millis(took)));
        let count = counts.as_ref().and_then(|all| all.iter().find(|it| it.name == step.name));
        let counted = match count {
            Some(share) => format!(
                "; {} fsyncs, {} program starts, {} of them engines",
                per_run(share.syncs, sizes.pairs),
                per_run(share.starts, sizes.pairs),
                per_run(share.engines, sizes.pairs)
            ),
            None => "; not counted, as there is no strace".to_owned(),
        };
        let median = Latencies::new(step.times)?.percentile(50);
        let what = format!("a run, {}", step.name);
        report.add(&what, &format!("{}{first}{counted}", millis(median)), "");
    }
    if let Some(counts) = counts {
        let sum = |of: fn(&Share) -> usize| per_run(counts.iter().map(of).sum(), sizes.pairs);
        report.add("a run of a workspace that has had one: fsyncs", &sum(|it| it.syncs), "");
        report.add("a run of a workspace that has had one: engines", &sum(|it| it.engines), "");
        report.add("a run of a workspace that has had one: programs", &sum(|it| it.starts), "");
    }
    Ok(())
}

fn per_run(count: usize, runs: usize) -> String {
    let tenths = count * 10 / runs.max(1);
    format!("{}.{}", tenths / 10, tenths % 10)
}

/// Some runs, one after the other, and when their steps began.
async fn observed(
    server: &Server,
    client: &mut Client,
    workspace: &str,
    configuration: &str,
    count: usize,
) -> Result<Vec<Vec<Begun>>> {
    let mut all = Vec::new();
    for _ in 0..count {
        let sent = now()?;
        let run = queue(client, workspace, configuration).await?;
        finish(client, &run).await?;
        settle(client, &run).await?;
        let mut steps = vec![(DISPATCH.to_owned(), sent)];
        let log = super::runs::until_some(async || {
            let log = tokio::fs::read_to_string(server.log()).await?;
            Ok(log.contains(&format!("done with {run}\"")).then_some(log))
        });
        steps.extend(steps_of(&log.await?, &run)?);
        all.push(steps);
    }
    Ok(all)
}

/// In microseconds since 1970.
#[expect(clippy::disallowed_methods, reason = "compared with the times in a log")]
fn now() -> Result<i64> {
    Ok(i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_micros())?)
}

/// What a log in JSON says about a run's steps, with one more for the end.
fn steps_of(log: &str, run: &str) -> Result<Vec<Begun>> {
    let mut steps = Vec::new();
    for line in log.lines().filter(|line| line.contains(run)) {
        let line: Value = serde_json::from_str(line).context("a line of the log is no JSON")?;
        if line["run"] != run {
            continue;
        }
        let message = line["message"].as_str().unwrap_or_default();
        let name = match line["step"].as_str() {
            Some(step) => step,
            None if message.starts_with("executing ") => "fetch",
            None if message.starts_with("done with ") => "",
            None => continue,
        };
        let at = line["timestamp"].as_str().context("a line of the log has no time")?;
        steps.push((name.to_owned(), DateTime::parse_from_rfc3339(at)?.timestamp_micros()));
    }
    Ok(steps)
}

/// Each step with its time in each run, and with what happened in it in all of them.
fn shares(runs: &[Vec<Begun>], events: &[(i64, Event)]) -> Vec<Share> {
    let mut shares: Vec<Share> = Vec::new();
    for step in runs.iter().flat_map(|run| run.windows(2)) {
        let ((name, begin), (_, end)) = (&step[0], &step[1]);
        let at = shares.iter().position(|share| share.name == *name).unwrap_or_else(|| {
            shares.push(Share { name: name.clone(), ..Share::default() });
            shares.len() - 1
        });
        let share = &mut shares[at];
        share.times.push(Duration::from_micros(u64::try_from(end - begin).unwrap_or_default()));
        for (_, event) in events.iter().filter(|(at, _)| (*begin..*end).contains(at)) {
            match event {
                Event::Sync => share.syncs += 1,
                Event::Start => share.starts += 1,
                Event::Engine => {
                    share.starts += 1;
                    share.engines += 1;
                }
            }
        }
    }
    shares
}

/// `strace` at work on the server and all that it starts.
struct Watch {
    running: Running,
    folder: tempfile::TempDir,
}

impl Watch {
    /// `None` where there is no `strace`.
    async fn begin(server: &Server) -> Result<Option<Self>> {
        let folder = tempfile::tempdir()?;
        let mut strace = command("strace");
        strace
            .args(["-f", "-ttt", "-e", "trace=fsync,fdatasync,execve", "-o"])
            .arg(folder.path().join("calls"))
            .args(["-p", &server.pid()?.to_string()])
            .stderr(Stdio::piped());
        let Ok(mut running) = Running::start(&mut strace, Signal::INT) else { return Ok(None) };
        let errors = running.child.stderr.take().context("the errors are piped")?;
        let mut lines = BufReader::new(errors).lines();
        match lines.next_line().await? {
            Some(line) if line.contains("attached") => {}
            said => bail!("strace does not work here: {}", said.unwrap_or_default()),
        }
        // Whatever else it says must not fill the pipe.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Ok(Some(Self { running, folder }))
    }

    async fn end(mut self) -> Result<Vec<(i64, Event)>> {
        let pid = self.running.pid().context("strace has ended")?;
        let pid = rustix::process::Pid::from_raw(i32::try_from(pid)?).context("no process id")?;
        rustix::process::kill_process(pid, Signal::INT)?;
        self.running.child.wait().await?;
        Ok(calls(&tokio::fs::read_to_string(self.folder.path().join("calls")).await?))
    }
}

/// What `strace -f -ttt -o` wrote, without the second halves of calls and the programs that were not there.
fn calls(text: &str) -> Vec<(i64, Event)> {
    text.lines()
        .filter_map(|line| {
            let (_, rest) = line.split_once(' ')?;
            let (at, call) = rest.trim_start().split_once(' ')?;
            let (seconds, micros) = at.split_once('.')?;
            let at = seconds.parse::<i64>().ok()? * 1_000_000 + micros.parse::<i64>().ok()?;
            let event = match call.split_once('(')?.0 {
                "fsync" | "fdatasync" => Event::Sync,
                "execve" if !call.contains(" = -1 ") => {
                    match call.split('"').nth(1)?.rsplit('/').next()? {
                        "terraform" | "tofu" => Event::Engine,
                        _ => Event::Start,
                    }
                }
                _ => return None,
            };
            Some((at, event))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happened_is_counted_in_the_step_in_which_it_did() {
        let events = calls(
            "12 1.000010 fdatasync(3)                = 0\n\
             13  1.000020 execve(\"/bin/terraform\", [\"terraform\"], 0x0 /* 9 vars */ <unfinished ...>\n\
             12 1.000025 fsync(4 <unfinished ...>\n\
             12 1.000028 <... fsync resumed>)    = 0\n\
             13 1.000027 execve(\"/usr/bin/git\", [\"git\"], 0x0 /* 9 vars */) = 0\n\
             13 1.000029 execve(\"/nowhere\", [\"x\"], 0x0) = -1 ENOENT (No such file or directory)\n\
             13 1.000031 +++ exited with 0 +++\n",
        );
        let times: Vec<_> = events.iter().map(|(at, event)| (*at - 1_000_000, *event)).collect();
        let expected =
            [(10, Event::Sync), (20, Event::Engine), (25, Event::Sync), (27, Event::Start)];
        assert_eq!(times, expected);
        let step = |name: &str, at: i64| (name.to_owned(), 1_000_000 + at);
        let runs = [vec![step("fetch", 5), step("init", 20), step("", 30)]];
        let shares = shares(&runs, &events);
        let counts = |it: &Share| (it.name.clone(), it.syncs, it.starts, it.engines);
        let counts: Vec<_> = shares.iter().map(counts).collect();
        assert_eq!(counts, [("fetch".to_owned(), 1, 0, 0), ("init".to_owned(), 1, 2, 1)]);
        assert_eq!(shares[1].times, [Duration::from_micros(10)]);
    }

    #[test]
    fn the_log_says_when_a_step_began() {
        let log = r#"{"timestamp":"1970-01-01T00:00:01.000005Z","message":"executing run-1","run":"run-1"}
{"timestamp":"1970-01-01T00:00:01.000006Z","message":"init of run-2","run":"run-2","step":"init"}
{"timestamp":"1970-01-01T00:00:01.000020Z","message":"init of run-1","run":"run-1","step":"init"}
{"timestamp":"1970-01-01T00:00:01.000030Z","message":"done with run-1","run":"run-1"}"#;
        let expected = [("fetch", 1_000_005), ("init", 1_000_020), ("", 1_000_030)];
        assert_eq!(
            steps_of(log, "run-1").unwrap(),
            expected.map(|(name, at)| (name.to_owned(), at))
        );
    }
}
