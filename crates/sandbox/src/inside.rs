//! The inner process: gives up one thing after the other, then starts the program.

use std::convert::Infallible;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, bail};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{DumpableBehavior, Pid, Signal};

use crate::keeper::{Ended, Signals};
use crate::order::Order;
use crate::{calls, fence, privileges, view};

/// The first process of the namespace where there is one, and then a keeper too: engines do not
/// bury what others started.
pub(crate) fn carry_out(order: &Order) -> anyhow::Result<Infallible> {
    follow_the_keeper()?;
    let layers = order.layers;
    let signals = layers.processes.then(Signals::block).transpose()?;
    order.limits.set()?;
    let folder = std::env::current_dir().context("find the working directory")?;
    let rules = if layers.namespaces {
        view::enter(&order.reach, layers.processes).context("make a file system of its own")?
    } else {
        fence::Rules::beside(&order.reach)
    };
    privileges::give_up(layers.any())?;
    let landlock =
        if layers.landlock { rules.close().context("close the Landlock fence")? } else { "off" };
    if layers.calls {
        calls::refuse().context("filter system calls")?;
    }
    let Some(program) = &order.program else {
        println!("{landlock}");
        std::process::exit(0);
    };
    std::env::set_current_dir(&folder).with_context(|| format!("work in {}", folder.display()))?;
    start(order.command(program)?, program, signals.as_ref())
}

/// Everything in here ends with the keeper. Its end of our input closes when it does, which tells
/// whether it was gone before it could be followed.
fn follow_the_keeper() -> anyhow::Result<()> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))
        .context("follow the keeper")?;
    let input = std::io::stdin();
    let mut watched = [PollFd::new(&input, PollFlags::empty())];
    poll(&mut watched, Some(&rustix::event::Timespec { tv_sec: 0, tv_nsec: 0 }))
        .context("look for the keeper")?;
    if watched[0].revents().contains(PollFlags::HUP) {
        bail!("the keeper is gone");
    }
    Ok(())
}

fn start(
    mut command: Command,
    program: &Path,
    signals: Option<&Signals>,
) -> anyhow::Result<Infallible> {
    let failed = || format!("start {}", program.display());
    let Some(signals) = signals else {
        return Err(command.exec()).with_context(failed);
    };
    // Before there is a program, which is of the same user and in the same namespace.
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)
        .context("close our memory")?;
    let child = command.spawn().with_context(failed)?;
    let main = i32::try_from(child.id()).ok().and_then(Pid::from_raw).context("a process id")?;
    std::process::exit(match signals.attend(main)? {
        Ended::Code(code) => code,
        Ended::Signal(number) => 128 + number,
    })
}
