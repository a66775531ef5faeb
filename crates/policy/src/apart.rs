//! Policies in a process of their own, which is our own executable: one that eats memory, or calls itself without end,
//! ends that process, and never the server.
//!
//! All that they are asked and what they say goes through its standard input and output, a line of JSON for each thing.

use std::fmt;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ::sentinel::{Http, HttpRequest, HttpResponse};
use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::panel::{Answer, Case, Here, Question, TOO_LONG};
use crate::sentinel::Run;

/// The subcommand of our executable that has to call [`serve`], after it has taken from itself what [`Means`] name and
/// all that it does not need. They are its two arguments.
pub const COMMAND: &str = "policy-exec";
/// Bytes of memory that policies may use, with the stack of one, beside what the plan itself takes.
const MEMORY: u64 = 1 << 30;
/// Bytes of memory that a byte of the plan may become.
const GROWTH: u64 = 16;
/// Bytes that one policy may say, as JSON.
const LINE: u64 = 64 << 20;
/// What a policy that does not look at the clock may go on for when its time is over, before its process ends.
const GRACE: Duration = Duration::from_secs(2);
/// With what the process then ends.
const LATE: i32 = 124;
const TOO_LATE: &str = "The policy went on when its time was over, so that its process was ended.";
const BROKEN: &str = "The policy ended the process in which it was asked: it used more memory, or calls within each \
    other, than policies may.";

/// What the process may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Means {
    pub memory_bytes: u64,
    pub cpu_seconds: u64,
}

impl Means {
    /// From the arguments behind the subcommand.
    pub fn from_arguments(arguments: impl IntoIterator<Item = String>) -> Option<Self> {
        let mut numbers = arguments.into_iter().map(|text| text.parse().ok());
        Some(Self { memory_bytes: numbers.next()??, cpu_seconds: numbers.next()?? })
    }
}

/// What the process is told first; the plan follows, byte for byte.
#[derive(Serialize, Deserialize)]
struct Opening {
    run: Run,
    at: DateTime<Utc>,
    has_http: bool,
    plan_bytes: u64,
}

/// A question, of which the first policies are answered.
#[derive(Serialize, Deserialize)]
struct Order<Q> {
    question: Q,
    first: usize,
    left: Duration,
}

/// What the process says.
#[derive(Serialize, Deserialize)]
enum Word {
    Answer(Answer),
    /// Wants to be sent, and waits for what comes of it.
    Request(HttpRequest),
    /// What the policies share cannot be read.
    Unfit(String),
    Done,
}

/// One process after the other: a policy that ends one is answered for, and the next one asks those behind it.
#[derive(Debug)]
pub struct Apart<'c> {
    case: &'c Case,
    program: &'c Path,
    process: Option<Process>,
}

impl<'c> Apart<'c> {
    pub fn new(case: &'c Case, program: &'c Path) -> Self {
        Self { case, program, process: None }
    }

    pub(crate) fn process(&self) -> Option<u32> {
        self.process.as_ref().map(|process| process.child.id())
    }

    /// As [`crate::Panel::ask`].
    ///
    /// # Errors
    /// Where what the policies share cannot be read.
    pub fn ask(&mut self, question: &Question, until: Instant) -> Result<Vec<Answer>, String> {
        let mut answers = Vec::new();
        while answers.len() < question.policies.len() {
            if Instant::now() >= until {
                answers.push(Answer::Unasked(TOO_LONG.to_owned()));
                continue;
            }
            let before = answers.len();
            match self.go_on(question, until, &mut answers) {
                Ok(End::Done) if answers.len() == before => break,
                Ok(End::Done) => continue,
                Ok(End::Unfit(why)) => return Err(why),
                // Of those that are left, the first one was at work.
                Ok(End::Broken) if Instant::now() >= until => {
                    answers.push(Answer::Unasked(TOO_LONG.to_owned()));
                }
                Ok(End::Broken) => {
                    let is_late = self.process.as_mut().is_some_and(Process::is_late);
                    let why = if is_late { TOO_LATE } else { BROKEN };
                    answers.push(Answer::Unasked(why.to_owned()));
                }
                Err(error) => {
                    let why = format!("The process for policies cannot be talked to: {error}.");
                    answers.push(Answer::Unasked(why));
                }
            }
            self.process = None;
        }
        let why = "The process for policies said nothing of it.";
        answers.resize(question.policies.len(), Answer::Unasked(why.to_owned()));
        Ok(answers)
    }

    fn go_on(
        &mut self,
        question: &Question,
        until: Instant,
        answers: &mut Vec<Answer>,
    ) -> io::Result<End> {
        let left = until.saturating_duration_since(Instant::now());
        let process = match &mut self.process {
            Some(process) => process,
            none => none.insert(Process::start(self.program, self.case, left)?),
        };
        let order = Order { question, first: answers.len(), left };
        // Who ends early says why by how it ends.
        if process.open(self.case).and_then(|()| process.tell(&order)).is_err() {
            return Ok(End::Broken);
        }
        loop {
            match process.hear()? {
                None => return Ok(End::Broken),
                Some(Word::Done) => return Ok(End::Done),
                Some(Word::Unfit(why)) => return Ok(End::Unfit(why)),
                Some(Word::Answer(answer)) => answers.push(answer),
                Some(Word::Request(request)) => {
                    let answer: Result<HttpResponse, String> = match &self.case.http {
                        Some(http) => http.send(&request),
                        None => Err("policies do not reach the network".to_owned()),
                    };
                    if process.tell(&answer).is_err() {
                        return Ok(End::Broken);
                    }
                }
            }
        }
    }
}

enum End {
    Done,
    Unfit(String),
    /// It ended, and nobody told it to.
    Broken,
}

/// Ends when it is dropped.
struct Process {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    is_open: bool,
}

impl fmt::Debug for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Process").field("id", &self.child.id()).finish_non_exhaustive()
    }
}

impl Process {
    fn start(program: &Path, case: &Case, left: Duration) -> io::Result<Self> {
        let memory = MEMORY + GROWTH * case.plan.len() as u64;
        let mut child = Command::new(program)
            .args([COMMAND, &memory.to_string(), &(left.as_secs() + 1).to_string()])
            .env_clear()
            // Of the allocator, which would otherwise ask for a gigabyte at once; in KiB.
            .env("MIMALLOC_ARENA_RESERVE", "65536")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let none = || io::Error::other("it has no input or output");
        let to = child.stdin.take().ok_or_else(none)?;
        let from = BufReader::new(child.stdout.take().ok_or_else(none)?);
        Ok(Self { child, to, from, is_open: false })
    }

    fn open(&mut self, case: &Case) -> io::Result<()> {
        if self.is_open {
            return Ok(());
        }
        self.is_open = true;
        let opening = Opening {
            run: case.run.clone(),
            at: case.at,
            has_http: case.http.is_some(),
            plan_bytes: case.plan.len() as u64,
        };
        self.tell(&opening)?;
        self.to.write_all(case.plan.as_bytes())
    }

    fn tell(&mut self, what: &impl Serialize) -> io::Result<()> {
        self.to.write_all(&line(what)?)
    }

    /// Whether it has ended because a policy did not.
    fn is_late(&mut self) -> bool {
        self.child.wait().is_ok_and(|status| status.code() == Some(LATE))
    }

    /// `None` where it has ended. A line that was cut off is no word.
    fn hear(&mut self) -> io::Result<Option<Word>> {
        let mut line = Vec::new();
        (&mut self.from).take(LINE).read_until(b'\n', &mut line)?;
        match line.last() {
            Some(b'\n') => Ok(Some(serde_json::from_slice(&line)?)),
            _ if line.len() as u64 == LINE => {
                let most = LINE >> 20;
                Err(io::Error::other(format!("a policy said more than {most} MiB")))
            }
            _ => Ok(None),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn line(what: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(what)?;
    line.push(b'\n');
    Ok(line)
}

/// The other end: hears of a case, and answers questions about it until nobody asks any more.
///
/// # Errors
/// If it is talked to otherwise.
pub fn serve() -> io::Result<()> {
    let server = Server(Arc::new(Mutex::new(BufReader::new(io::stdin()))));
    let Some(opening) = server.hear::<Opening>()? else { return Ok(()) };
    let case = Case {
        plan: server.plan(opening.plan_bytes)?,
        run: opening.run,
        at: opening.at,
        http: opening.has_http.then(|| Arc::new(server.clone()) as Arc<dyn Http>),
    };
    let here = Here::of(&case);
    let alarm = Alarm::new()?;
    while let Some(order) = server.hear::<Order<Question>>()? {
        let until = Instant::now() + order.left;
        alarm.set(order.left + GRACE);
        let mut told = Ok(());
        let begins = |left| alarm.set(left + GRACE);
        let asked = here.ask(&order.question, order.first, until, begins, |answer| {
            if told.is_ok() {
                told = tell(&Word::Answer(answer));
            }
        });
        alarm.set(Duration::MAX);
        told?;
        tell(&asked.map_or_else(Word::Unfit, |()| Word::Done))?;
    }
    Ok(())
}

/// Ends this process where a policy goes on although its time is over: not all that policies do looks at the clock.
struct Alarm(Sender<Duration>);

impl Alarm {
    fn new() -> io::Result<Self> {
        let (sender, receiver) = channel();
        let watch = move || {
            let mut left = Duration::MAX;
            loop {
                match receiver.recv_timeout(left) {
                    Ok(anew) => left = anew,
                    Err(RecvTimeoutError::Timeout) => std::process::exit(LATE),
                    Err(RecvTimeoutError::Disconnected) => return,
                }
            }
        };
        std::thread::Builder::new().name("alarm".into()).spawn(watch)?;
        Ok(Self(sender))
    }

    /// Counts anew, from now on.
    fn set(&self, left: Duration) {
        // Its thread is there for as long as this is.
        let _ = self.0.send(left);
    }
}

fn tell(word: &Word) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(&line(word)?)?;
    out.flush()
}

/// Whoever asks, as the process hears it.
#[derive(Clone)]
struct Server(Arc<Mutex<BufReader<io::Stdin>>>);

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Server")
    }
}

impl Server {
    /// `None` if nobody says anything any more.
    fn hear<T: DeserializeOwned>(&self) -> io::Result<Option<T>> {
        let mut line = Vec::new();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).read_until(b'\n', &mut line)?;
        if line.is_empty() { Ok(None) } else { Ok(Some(serde_json::from_slice(&line)?)) }
    }

    fn plan(&self, bytes: u64) -> io::Result<String> {
        let mut plan = Vec::new();
        let mut input = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (&mut *input).take(bytes).read_to_end(&mut plan)?;
        String::from_utf8(plan).map_err(io::Error::other)
    }
}

impl Http for Server {
    fn send(&self, request: &HttpRequest) -> Result<HttpResponse, String> {
        let gone = |error: io::Error| format!("the server cannot be asked: {error}");
        tell(&Word::Request(request.clone())).map_err(gone)?;
        self.hear().map_err(gone)?.ok_or_else(|| "the server is gone".to_owned())?
    }
}
