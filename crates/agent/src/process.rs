//! Starts engines and stops them.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use sandbox::{Layers, Order, Reach};
use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, Command};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until, timeout};

use crate::Config;
use crate::environment::SAFE_PATH;
use crate::meter::Meter;
use crate::session::{Session, Stop};
use crate::workplace::private_file;

/// One command of an engine, with everything that stays the same during a phase.
#[derive(Clone)]
pub(crate) struct Engine {
    pub launcher: Launcher,
    pub binary: PathBuf,
    pub cwd: PathBuf,
    pub env: BTreeMap<String, String>,
    pub layers: Layers,
    pub reach: Reach,
    pub meter: Arc<Meter>,
}

pub(crate) struct Running {
    child: Child,
    pid: Pid,
    manners: Manners,
}

pub(crate) struct Ended {
    pub status: ExitStatus,
    /// The reason if the engine was asked or made to end.
    pub stopped: Stop,
}

/// How an engine is to be stopped.
#[derive(Clone, Copy)]
pub(crate) struct Manners {
    /// From the interrupt until it is killed.
    pub grace: Duration,
    /// It has something to save, so it gets its grace even when nobody waits for it any more.
    pub saves: bool,
    /// From the death of its agent, by which it is interrupted, until its keeper kills it.
    pub orphan: Duration,
}

const BRIEF: Duration = Duration::from_secs(10);

impl Manners {
    /// For engines that have nothing to save: they only get to tell their providers.
    pub const BRIEF: Self = Self { grace: BRIEF, saves: false, orphan: BRIEF };

    /// For an apply: what it is making may take long to be done with.
    pub fn saving(grace: Duration) -> Self {
        Self { grace, saves: true, orphan: Duration::from_hours(1).max(grace) }
    }
}

impl Engine {
    /// Starts the engine; what it prints goes to `output` as it comes.
    pub async fn start(
        &self,
        config: &Config,
        args: Vec<String>,
        manners: Manners,
        output: File,
        errors: File,
    ) -> io::Result<Running> {
        let order = Order {
            program: Some(self.binary.clone()),
            args,
            stdin: None,
            env: self.env.clone(),
            parent: rustix::process::getpid().as_raw_nonzero().get(),
            orphan_seconds: u32::try_from(manners.orphan.as_secs()).unwrap_or(u32::MAX),
            limits: config.limits,
            layers: self.layers,
            reach: self.reach.clone(),
        };
        let mut command = Command::new(&config.supervisor);
        command
            .arg("engine-exec")
            .env_clear()
            .env("PATH", SAFE_PATH)
            .current_dir(&self.cwd)
            .stdin(Stdio::piped())
            .stdout(output)
            .stderr(errors);
        let mut child = self.launcher.launch(command).await?;
        let pid = child
            .id()
            .and_then(|id| Pid::from_raw(i32::try_from(id).ok()?))
            .ok_or_else(|| io::Error::other("the engine has no process id"))?;
        // Before it knows what to start.
        self.meter.take(pid);
        let mut stdin = child.stdin.take().ok_or_else(|| io::Error::other("no standard input"))?;
        let sent = stdin.write_all(&order.message()?).await;
        drop(stdin);
        let running = Running { child, pid, manners };
        if let Err(error) = sent {
            running.kill();
            return Err(error);
        }
        Ok(running)
    }

    /// Runs a command whose output is data; it is killed when the future is dropped, and when it has
    /// not answered in the time that the configuration gives it.
    pub async fn ask(
        &self,
        config: &Config,
        args: &[&str],
        output: &Path,
    ) -> io::Result<ExitStatus> {
        let args = args.iter().map(|&arg| arg.to_owned()).collect();
        let file = private_file(output)?;
        let errors = private_file(&output.with_extension("err"))?;
        let mut asker = self.clone();
        // They are for plans and applies: another command may not know them, and would not answer.
        asker.env.retain(|name, _| !engine_env::is_arguments(name));
        let mut asked = Asked(asker.start(config, args, Manners::BRIEF, file, errors).await?);
        if let Ok(status) = timeout(config.answer, asked.0.child.wait()).await {
            return status;
        }
        asked.0.kill();
        asked.0.child.wait().await?;
        let why = format!("no answer in {} seconds", config.answer.as_secs());
        Err(io::Error::new(io::ErrorKind::TimedOut, why))
    }
}

struct Asked(Running);

impl Drop for Asked {
    fn drop(&mut self) {
        if !matches!(self.0.child.try_wait(), Ok(Some(_))) {
            self.0.kill();
        }
    }
}

impl Running {
    /// Waits for the end, stopping the engine when the session says so: one interrupt, then the
    /// grace period, then the end of its whole group.
    pub async fn wait(
        mut self,
        session: &Session,
        mut tell: impl FnMut(&str),
    ) -> io::Result<Ended> {
        let mut stopped = Stop::No;
        let mut kill_at: Option<Instant> = None;
        let status = loop {
            let overdue = async {
                match kill_at {
                    Some(at) => sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                status = self.child.wait() => break status?,
                stop = session.outweighed(stopped) => {
                    let first = stopped == Stop::No;
                    stopped = stop;
                    let kind = stop < Stop::Killed || (stop == Stop::Gone && self.manners.saves);
                    if let Some(why) = reason(stop) {
                        tell(why);
                    }
                    if !kind {
                        self.kill();
                        kill_at = None;
                    } else if first {
                        self.interrupt();
                        kill_at = Some(Instant::now() + self.manners.grace);
                    }
                }
                () = overdue => {
                    tell("The engine did not end in time and was killed.");
                    self.kill();
                    kill_at = None;
                }
            }
        };
        // Its keeper has ended what it started; here in case that somebody ended the keeper.
        let _ = kill_process_group(self.pid, Signal::KILL);
        Ok(Ended { status, stopped })
    }

    /// By SIGTERM, which its keeper passes on and which all engines treat as they treat Ctrl-C. Those before 1.3 run inside a copy
    /// of themselves that ignores SIGINT: a terminal sends it to the inner one too.
    fn interrupt(&self) {
        let _ = kill_process(self.pid, Signal::TERM);
    }

    fn kill(&self) {
        sandbox::kill(self.pid);
    }
}

fn reason(stop: Stop) -> Option<&'static str> {
    match stop {
        Stop::No | Stop::Gone => None,
        Stop::Shutdown => Some("The agent is shutting down: interrupting the engine."),
        Stop::Timeout => Some("The phase takes longer than allowed: interrupting the engine."),
        Stop::Memory => Some("The run uses more memory than it may: interrupting the engine."),
        Stop::Processes => Some("The run has more processes than it may: interrupting the engine."),
        Stop::Space => Some("The run uses more disk than it may: interrupting the engine."),
        Stop::Disk => Some("The agent's disk is nearly full: interrupting the engine."),
        Stop::Canceled => Some("The run was canceled: interrupting the engine."),
        Stop::Killed => Some("The run was force-canceled: killing the engine."),
    }
}

type Start = (Command, oneshot::Sender<io::Result<Child>>);

/// Starts processes from one thread that lives as long as the agent: an engine's parent-death
/// signal is sent when the *thread* that started it ends, and the runtime's threads come and go.
#[derive(Clone)]
pub(crate) struct Launcher(mpsc::Sender<Start>);

impl Launcher {
    pub fn new() -> io::Result<Self> {
        let (sender, orders) = mpsc::channel::<Start>();
        let runtime = tokio::runtime::Handle::current();
        std::thread::Builder::new().name("engine-launcher".into()).spawn(move || {
            let _inside = runtime.enter();
            for (mut command, answer) in orders {
                // Nobody waits for it any more: the engine gets an end of input and ends itself.
                let _ = answer.send(command.spawn());
            }
        })?;
        Ok(Self(sender))
    }

    async fn launch(&self, command: Command) -> io::Result<Child> {
        let (answer, child) = oneshot::channel();
        self.0.send((command, answer)).map_err(io::Error::other)?;
        child.await.map_err(io::Error::other)?
    }
}
