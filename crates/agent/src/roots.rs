//! Whom an engine trusts where the server has an authority of its own: this one beside those of the system.

use std::path::Path;
use std::{env, fs, io};

use crate::workplace::write_private;

/// Where distributions keep the roots of the system in one file, as Go's `crypto/x509` looks for them.
const SYSTEM: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// For `SSL_CERT_FILE`, which stands for the system's file and is not read beside it.
pub(crate) fn write(authority: &Path, to: &Path) -> io::Result<()> {
    let mut all = fs::read_to_string(authority)?;
    let system = env::var("SSL_CERT_FILE").ok();
    let mut system = system.as_deref().into_iter().chain(SYSTEM);
    if let Some(roots) = system.find_map(|path| fs::read_to_string(path).ok()) {
        all.push('\n');
        all.push_str(&roots);
    }
    write_private(to, all.as_bytes())
}
