//! Keeping a program: its signals, its end, and the end of all that it started.

use anyhow::Context as _;
use nix::sys::signal::{SigSet, Signal as Caught};
use nix::unistd::alarm;
use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitOptions, kill_process, wait};

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    Code(i32),
    Signal(i32),
}

/// The signals that a keeper takes one by one.
pub(crate) struct Signals(SigSet);

impl Signals {
    /// From here on they wait to be taken. The program does not inherit that: `Command` clears
    /// the mask of what it starts.
    pub fn block() -> anyhow::Result<Self> {
        let set = Self::all();
        set.thread_block().context("block signals")?;
        Ok(Self(set))
    }

    pub fn unblock() {
        let _ = Self::all().thread_unblock();
    }

    fn all() -> SigSet {
        [Caught::SIGTERM, Caught::SIGQUIT, Caught::SIGCHLD, Caught::SIGALRM].into_iter().collect()
    }

    /// Waits for the end of `main`, burying everybody else on the way. SIGTERM is passed on;
    /// SIGQUIT kills.
    pub fn attend(&self, main: Pid) -> anyhow::Result<Ended> {
        self.attend_orphan(main, 0, || false)
    }

    /// As [`Self::attend`]. When it was told to end and nobody is there any more who could make
    /// it, it is killed after so many seconds.
    pub fn attend_orphan(
        &self,
        main: Pid,
        patience: u32,
        is_orphan: impl Fn() -> bool,
    ) -> anyhow::Result<Ended> {
        let mut is_told = false;
        loop {
            match self.0.wait().context("wait for a signal")? {
                // Once: engines take a second one for an order to drop everything, their state too. And each thread
                // of an agent that is killed may cause one.
                Caught::SIGTERM if is_told => {}
                Caught::SIGTERM => {
                    is_told = true;
                    let _ = kill_process(main, Signal::TERM);
                    // Zero would be no alarm at all.
                    alarm::set(patience.max(1));
                }
                Caught::SIGALRM if !is_orphan() => {}
                Caught::SIGQUIT | Caught::SIGALRM => drop(kill_process(main, Signal::KILL)),
                _ => {
                    if let Some(ended) = buried(main)? {
                        return Ok(ended);
                    }
                }
            }
        }
    }
}

/// Takes the status of all that have ended; answers that of `main`.
fn buried(main: Pid) -> anyhow::Result<Option<Ended>> {
    loop {
        match wait(WaitOptions::NOHANG) {
            Ok(Some((pid, status))) if pid == main => {
                return Ok(Some(match (status.exit_status(), status.terminating_signal()) {
                    (Some(code), _) => Ended::Code(code),
                    (None, signal) => Ended::Signal(signal.unwrap_or(9)),
                }));
            }
            Ok(Some(_)) | Err(Errno::INTR) => {}
            Ok(None) => return Ok(None),
            Err(error) => return Err(error).context("wait for the program"),
        }
    }
}

/// As a reaper without a process namespace: kills what the program left behind, and what that
/// leaves behind, until nobody is left.
pub(crate) fn end_the_rest() {
    loop {
        for child in children() {
            let _ = kill_process(child, Signal::KILL);
        }
        match wait(WaitOptions::NOHANG) {
            Ok(Some(_)) | Err(Errno::INTR) => {}
            // Killed but not yet dead: there is nothing to do but to look again.
            Ok(None) => std::thread::yield_now(),
            Err(_) => return,
        }
    }
}

fn children() -> Vec<Pid> {
    let us = rustix::process::getpid().as_raw_nonzero();
    let list = std::fs::read_to_string(format!("/proc/{us}/task/{us}/children"));
    let list = list.unwrap_or_default();
    list.split_whitespace().filter_map(|id| Pid::from_raw(id.parse().ok()?)).collect()
}

/// Kills a program and all that it started, by its keeper, which ends when all of them have.
pub fn kill(keeper: Pid) {
    let _ = kill_process(keeper, Signal::QUIT);
}
