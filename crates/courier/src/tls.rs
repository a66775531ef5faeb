//! Whom the clients believe: the certificates of the system.

use std::sync::{Arc, LazyLock};

use rustls::{ClientConfig, crypto::aws_lc_rs::default_provider};
use rustls_platform_verifier::Verifier;

use crate::{Error, Result};

/// Read once for all clients of a process: each would read some hundred files for itself.
static SYSTEM: LazyLock<Result<Arc<Verifier>, rustls::Error>> =
    LazyLock::new(|| Verifier::new(Arc::new(default_provider())).map(Arc::new));

pub fn config() -> Result<ClientConfig> {
    let setting = |error: rustls::Error| Error::Setting(error.to_string());
    let verifier = SYSTEM.clone().map_err(setting)?;
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(setting)?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    Ok(config)
}
