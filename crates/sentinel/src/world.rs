//! What a policy finds when it runs: imports, parameters, the time, the network; and its limits.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use crate::frozen::Frozen;
use crate::source::Source;

/// Everything around a policy. One world serves many policies; a copy is cheap.
#[derive(Clone)]
pub struct World {
    /// By name. What stands here goes before the standard imports.
    pub imports: BTreeMap<String, Import>,
    pub params: BTreeMap<String, Frozen>,
    /// Values that are known by name everywhere; for tests.
    pub globals: BTreeMap<String, Frozen>,
    /// What `time.now` says.
    pub now: DateTime<Utc>,
    /// The zone of `time.now`.
    pub zone: Tz,
    /// Who sends the requests of `http`; without anybody such a policy errs.
    pub http: Option<Arc<dyn Http>>,
}

impl World {
    pub fn new(now: DateTime<Utc>) -> Self {
        Self {
            imports: BTreeMap::new(),
            params: BTreeMap::new(),
            globals: BTreeMap::new(),
            now,
            zone: Tz::UTC,
            http: None,
        }
    }
}

type Make = Box<dyn FnOnce() -> Frozen + Send + Sync>;

/// One import that is not part of the language.
#[derive(Clone)]
pub enum Import {
    /// A file of Sentinel code.
    Module(Source),
    /// Data, made when somebody asks for it first, and shared.
    Data(Arc<LazyLock<Frozen, Make>>),
}

impl Import {
    pub fn data(data: Frozen) -> Self {
        Self::lazy(move || data)
    }

    pub fn lazy(make: impl FnOnce() -> Frozen + Send + Sync + 'static) -> Self {
        Self::Data(Arc::new(LazyLock::new(Box::new(make))))
    }
}

impl fmt::Debug for Import {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Module(source) => f.debug_tuple("Module").field(&source.name).finish(),
            Self::Data(_) => f.write_str("Data"),
        }
    }
}

/// Sends the requests of policies. Whoever implements it decides where they may go.
pub trait Http: fmt::Debug + Send + Sync {
    fn send(&self, request: &HttpRequest) -> Result<HttpResponse, String>;
}

/// The only two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum HttpMethod {
    Get,
    Post,
}

impl HttpMethod {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }
}

/// A request as a policy built it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpRequest {
    pub method: HttpMethod,
    pub url: String,
    pub headers: BTreeMap<String, String>,
    #[serde(with = "crate::wire::bytes")]
    pub body: Vec<u8>,
    /// Of each try.
    pub timeout: Duration,
    /// Of all tries together.
    pub within: Duration,
    /// How often to try again after a 5xx or a time-out.
    pub retries: u8,
    /// Whether to refuse certificates that nobody vouches for.
    pub verify: bool,
}

/// The answer to a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpResponse {
    pub status: u16,
    pub headers: BTreeMap<String, String>,
    #[serde(with = "crate::wire::bytes")]
    pub body: Vec<u8>,
}

/// What a policy may use. Going beyond ends the policy with an error.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Nodes of the tree, and elements that functions walk over.
    pub steps: u64,
    pub time: Duration,
    /// Calls within each other.
    pub calls: usize,
    /// Expressions within each other, over all calls.
    pub depth: usize,
    /// Bytes that may be allocated over the whole time; nothing is given back before the end.
    pub memory: usize,
    /// Bytes of printed text; what is more is cut off, which is no error.
    pub output: usize,
    /// Bytes of one file.
    pub source: usize,
    /// Files, with the policy.
    pub files: usize,
    /// Imports within each other.
    pub imports: usize,
}

impl Limits {
    /// Limits for authors on their own machine, whose mocks may be large: only time is short.
    pub fn for_authors(time: Duration) -> Self {
        Self { time, steps: 10_000_000_000, memory: 8 << 30, source: 64 << 20, ..Self::default() }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            steps: 50_000_000,
            time: Duration::from_secs(10),
            calls: 200,
            depth: 10_000,
            memory: 256 << 20,
            output: 1 << 20,
            source: 1 << 20,
            files: 100,
            imports: 20,
        }
    }
}
