//! Programs that a chore starts: they end with it, whatever way it ends.

use std::ffi::OsStr;
use std::io::Write as _;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{Child, Command};

/// A command that runs in the workspace root and reads nothing.
///
/// It gets its own process group, so that all it started can be told to stop.
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(crate::workspace::root()).stdin(Stdio::null()).process_group(0);
    command
}

/// A child that is asked to stop when nobody waits for it any longer, and killed if it does not.
pub struct Running {
    pub child: Child,
    stop: Signal,
}

impl Running {
    /// Starts `command`; `stop` is the signal by which it is asked to end.
    pub fn start(command: &mut Command, stop: Signal) -> Result<Self> {
        let name = command.as_std().get_program().to_string_lossy().into_owned();
        let child = command.spawn().with_context(|| format!("cannot start {name}"))?;
        Ok(Self { child, stop })
    }

    /// The process id while the child runs.
    pub fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    fn group(&self) -> Option<Pid> {
        self.pid().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw)
    }

    #[expect(clippy::disallowed_methods, reason = "dropping cannot await")]
    fn wait_briefly(&mut self) {
        for _ in 0..200 {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let Some(group) = self.group() else { return };
        // An error means that the group is gone already, which is what is wanted.
        let _ = rustix::process::kill_process_group(group, self.stop);
        self.wait_briefly();
        // Whoever is left did not listen.
        let _ = rustix::process::kill_process_group(group, Signal::KILL);
        self.wait_briefly();
    }
}

/// What the command line looked like, for messages.
fn shown(command: &Command) -> String {
    let command = command.as_std();
    std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(OsStr::to_string_lossy)
        .collect::<Vec<_>>()
        .join(" ")
}

fn check(status: ExitStatus, command: &Command) -> Result<()> {
    if !status.success() {
        bail!("`{}` ended with {status}", shown(command));
    }
    Ok(())
}

/// Runs to the end with its output passing through; an error unless it succeeds.
pub async fn succeed(command: &mut Command) -> Result<()> {
    let status = Running::start(command, Signal::INT)?.child.wait().await?;
    check(status, command)
}

/// Runs to the end and returns its standard output; an error unless it succeeds.
pub async fn output(command: &mut Command) -> Result<String> {
    let (status, text) = read(command, false).await?;
    check(status, command)?;
    Ok(text)
}

/// Runs to the end with its output passing through, and returns its standard output as well.
pub async fn tee(command: &mut Command) -> Result<(ExitStatus, String)> {
    read(command, true).await
}

async fn read(command: &mut Command, show: bool) -> Result<(ExitStatus, String)> {
    let mut running = Running::start(command.stdout(Stdio::piped()), Signal::INT)?;
    let stdout = running.child.stdout.take().context("the output is piped")?;
    let text = copy(stdout, show).await?;
    Ok((running.child.wait().await?, text))
}

async fn copy(mut from: impl AsyncRead + Unpin, show: bool) -> Result<String> {
    let mut all = Vec::new();
    loop {
        let seen = all.len();
        if from.read_buf(&mut all).await? == 0 {
            return Ok(String::from_utf8_lossy(&all).into_owned());
        }
        if show {
            let mut out = std::io::stdout().lock();
            out.write_all(&all[seen..])?;
            out.flush()?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut shell = command("sh");
        shell.args(["-c", script]);
        shell
    }

    #[tokio::test]
    async fn a_failing_program_is_named_with_its_arguments() {
        let error = succeed(&mut shell("exit 3")).await.unwrap_err().to_string();
        assert!(error.contains("sh -c exit 3") && error.contains("status: 3"), "{error}");
    }

    #[tokio::test]
    async fn output_is_kept_while_it_passes_through() {
        let (status, text) = tee(&mut shell("echo kept; exit 1")).await.unwrap();
        assert_eq!((status.code(), text.as_str()), (Some(1), "kept\n"));
    }

    #[tokio::test]
    async fn what_nobody_waits_for_is_stopped_with_all_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let mut command = shell("trap 'touch told; exit' INT; sleep 1000 & touch up; wait");
        command.current_dir(folder.path()).stdout(Stdio::piped());
        let mut running = Running::start(&mut command, Signal::INT).unwrap();
        let stdout = running.child.stdout.take().unwrap();
        while !folder.path().join("up").exists() {
            tokio::task::yield_now().await;
        }
        drop(running);
        assert!(folder.path().join("told").exists());
        // A job in the background ignores INT. Its end of the pipe closes when it dies.
        assert_eq!(copy(stdout, false).await.unwrap(), "");
    }
}
