//! Policies as code: what an archive of policies holds, and what Rego says about an input. Knows neither runs nor rows.

mod archive;
mod manifest;
mod rego;

pub use archive::{ArchiveError, Files, unpack};
pub use manifest::{Declared, ManifestError, declared};
pub use rego::{Dialect, Input, Module, OPA_VERSION, Refusal, Rego};
