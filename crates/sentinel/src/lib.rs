//! Sentinel policies: the language, its imports, its tests. Knows neither runs nor rows nor the network.

mod arena;
mod ast;
mod builtin;
mod check;
pub mod config;
mod eval;
mod frozen;
mod lex;
mod mask;
mod outcome;
mod parse;
mod print;
pub mod report;
mod source;
mod std;
pub mod terraform;
pub mod testing;
mod token;
mod told;
mod trace;
mod value;
mod wire;
mod world;

pub use frozen::{Frozen, Text};
pub use mask::Mask;
pub use outcome::{Outcome, RuleValue, Verdict, evaluate};
pub use source::{Class, Error, Place, Source};
pub use trace::trace;
pub use world::{Http, HttpMethod, HttpRequest, HttpResponse, Import, Limits, World};

/// The version of the language that is understood here.
pub const LANGUAGE_VERSION: &str = "0.40.0";
