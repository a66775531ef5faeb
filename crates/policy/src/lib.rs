//! Policies as code: what an archive of policies holds, and what Rego and Sentinel say about a run. Knows neither runs nor rows.

pub mod apart;
mod archive;
mod manifest;
mod panel;
mod rego;
pub mod sentinel;

pub use archive::{ArchiveError, Files, unpack};
pub use manifest::{Declared, declared};
pub use panel::{Answer, Case, Code, Here, Panel, Question};
pub use rego::{Dialect, Input, Module, OPA_VERSION, Refusal, Rego};
