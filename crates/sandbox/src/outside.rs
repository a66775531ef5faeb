//! The outer process: leads a session, follows the agent, and keeps the program to its end.

use std::convert::Infallible;

use anyhow::{Context as _, bail};
use nix::sched::{CloneFlags, unshare};
use rustix::process::{Pid, Signal};

use crate::keeper::{Ended, Signals, end_the_rest};
use crate::order::Order;
use crate::privileges;

/// It sees what the agent sees and so does nothing with what the program makes.
pub(crate) fn carry_out(order: Order) -> anyhow::Result<Infallible> {
    // A session of its own: a group to kill, and no terminal to ask for passwords on.
    rustix::process::setsid().context("lead a session")?;
    // Ours from here on: nothing may end us while there is somebody to keep.
    let signals = Signals::block()?;
    if order.layers.namespaces {
        privileges::enough_for_namespaces()?;
    }
    if order.layers.processes {
        unshare(CloneFlags::CLONE_NEWPID).context("make a process namespace")?;
    } else {
        // What outlives its parent becomes our child, and so can be ended.
        rustix::process::set_child_subreaper(Some(Pid::INIT)).context("become a reaper")?;
    }
    // By SIGTERM, so that an engine can save its state.
    rustix::process::set_parent_process_death_signal(Some(Signal::TERM))
        .context("follow the agent")?;
    if parent() != Some(order.parent) {
        bail!("the agent is gone");
    }
    let init = order.layers.processes;
    let (agent, patience) = (order.parent, order.orphan_seconds);
    let child = order.go_inside()?;
    let main = i32::try_from(child.id()).ok().and_then(Pid::from_raw).context("a process id")?;
    let ended = signals.attend_orphan(main, patience, || parent() != Some(agent))?;
    if !init {
        end_the_rest();
    }
    // It has held the other end of its input until now.
    drop(child);
    ended.follow(init)
}

fn parent() -> Option<i32> {
    rustix::process::getppid().map(|pid| pid.as_raw_nonzero().get())
}

impl Ended {
    /// Ends ourselves in the same way, so that who waits for us learns it.
    fn follow(self, from_init: bool) -> ! {
        let signal = match self {
            Self::Signal(number) => Some(number),
            // The first process of a namespace cannot end itself by a signal: it says 128 + number.
            Self::Code(code) if from_init && code > 128 => Some(code - 128),
            Self::Code(_) => None,
        };
        if let Some(signal) = signal.and_then(Signal::from_named_raw) {
            Signals::unblock();
            let _ = rustix::process::kill_process(rustix::process::getpid(), signal);
        }
        std::process::exit(match self {
            Self::Code(code) => code,
            Self::Signal(number) => 128 + number,
        })
    }
}
