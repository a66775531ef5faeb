//! TLS from files, or from an authority of our own that is made on the first start.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use chrono::Datelike;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use rustls::client::danger::ServerCertVerifier;
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, RootCertStore, ServerConfig};

use crate::config::Tls;
use crate::private_file;

/// Where the authority's certificate lies: clients are told to trust it.
pub fn ca_file(data_dir: &Path) -> PathBuf {
    data_dir.join("tls").join("ca.pem")
}

/// `None` if TLS is off. `host` is the public URL's host.
pub fn server_config(tls: &Tls, data_dir: &Path, host: &str) -> Result<Option<Arc<ServerConfig>>> {
    match tls {
        Tls::Off => Ok(None),
        Tls::Files { cert, key } => from_files(cert, key).map(Some),
        Tls::SelfSigned => self_signed(data_dir, host).map(Some),
    }
}

/// What clients will say against the operator's certificate, as sentences: it serves all the same. Programs in Go, such
/// as Terraform, take names from the subjectAltName alone; ours refuse an authority in a server's place.
pub fn doubts(tls: &Tls, host: &str) -> Vec<String> {
    let Tls::Files { cert, .. } = tls else { return Vec::new() };
    let Ok(chain) = chain(cert) else { return Vec::new() };
    let why = chain.split_first().map(|(own, above)| [wrong_name(own, host), invalid(own, above)]);
    why.into_iter()
        .flatten()
        .flatten()
        .map(|why| format!("tls_cert {}: {why}", cert.display()))
        .collect()
}

fn wrong_name(own: &CertificateDer<'_>, host: &str) -> Option<String> {
    let name = ServerName::try_from(host.trim_matches(['[', ']'])).ok()?;
    let parsed = match ParsedCertificate::try_from(own) {
        Ok(parsed) => parsed,
        Err(error) => return Some(format!("clients will not understand the certificate: {error}")),
    };
    let kind = if matches!(name, ServerName::IpAddress(_)) { "IP" } else { "DNS" };
    verify_server_name(&parsed, &name).err().map(|_| {
        format!(
            "clients reach the server as {host}, which the certificate does not name: Terraform and OpenTofu will \
             refuse it. It needs the subjectAltName {kind}:{host}, as `openssl req -x509 -addext \
             subjectAltName={kind}:{host} …` makes it, or public_url another host"
        )
    })
}

/// Whether somebody who trusts it refuses it for what it is.
fn invalid(own: &CertificateDer<'_>, above: &[CertificateDer<'_>]) -> Option<String> {
    let mut roots = RootCertStore::empty();
    for anchor in above.iter().chain([own]) {
        roots.add(anchor.clone().into_owned()).ok()?;
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier =
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build().ok()?;
    let any_name = ServerName::try_from("localhost").ok()?;
    let refused = verifier.verify_server_cert(own, above, &any_name, &[], UnixTime::now()).err()?;
    let rustls::Error::InvalidCertificate(why) = refused else { return None };
    match why {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            Some("the certificate has expired: clients will refuse it".to_owned())
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            Some("the certificate is not valid yet: clients will refuse it".to_owned())
        }
        CertificateError::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => Some(
            "the certificate is that of an authority (CA:TRUE): agents on other machines will refuse it as a server's. \
             `openssl req -x509 -addext basicConstraints=critical,CA:FALSE …` makes one that is none"
                .to_owned(),
        ),
        _ => None,
    }
}

fn chain(cert: &Path) -> Result<Vec<CertificateDer<'static>>, pem::Error> {
    CertificateDer::pem_file_iter(cert).and_then(Iterator::collect)
}

fn from_files(cert: &Path, key: &Path) -> Result<Arc<ServerConfig>> {
    let chain = chain(cert)
        .with_context(|| format!("tls_cert {} cannot be read as PEM", cert.display()))?;
    anyhow::ensure!(!chain.is_empty(), "tls_cert {} holds no certificate", cert.display());
    let private = PrivateKeyDer::from_pem_file(key)
        .with_context(|| format!("tls_key {} cannot be read as PEM", key.display()))?;
    config(chain, private).with_context(|| {
        format!("tls_cert {} and tls_key {} do not go together", cert.display(), key.display())
    })
}

fn config(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<Arc<ServerConfig>> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// The authority is made once and kept; the server's certificate is issued anew at each start, so
/// that it always fits the public URL and never grows old on disk.
fn self_signed(data_dir: &Path, host: &str) -> Result<Arc<ServerConfig>> {
    let (ca, ca_cert) = authority(data_dir).context("the authority of tls_self_signed")?;
    let mut names = vec![host.trim_matches(['[', ']']).to_owned()];
    for name in ["localhost", "127.0.0.1", "::1"] {
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name.push(DnType::CommonName, host);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.use_authority_key_identifier_extension = true;
    valid_for(&mut params, 2);
    let key = KeyPair::generate()?;
    let cert = params.signed_by(&key, &ca)?;
    let private = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    config(vec![cert.der().clone(), ca_cert], private)
}

fn authority(data_dir: &Path) -> Result<(Issuer<'static, KeyPair>, CertificateDer<'static>)> {
    let cert_file = ca_file(data_dir);
    let key_file = cert_file.with_file_name("ca-key.pem");
    if cert_file.exists() && key_file.exists() {
        let pem =
            std::fs::read_to_string(&key_file).with_context(|| key_file.display().to_string())?;
        let key = KeyPair::from_pem(&pem).with_context(|| key_file.display().to_string())?;
        let cert = CertificateDer::from_pem_file(&cert_file)
            .with_context(|| cert_file.display().to_string())?;
        return Ok((Issuer::new(authority_params(), key), cert));
    }
    let key = KeyPair::generate()?;
    let cert = authority_params().self_signed(&key)?;
    private_file::write(&key_file, key.serialize_pem().as_bytes())?;
    std::fs::write(&cert_file, cert.pem()).with_context(|| cert_file.display().to_string())?;
    Ok((Issuer::new(authority_params(), key), cert.der().clone()))
}

/// The name must stay what it is: issued certificates refer to the stored authority by it.
fn authority_params() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "Statehouse local authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    valid_for(&mut params, 10);
    params
}

/// The first and the last year's New Year of a validity that has begun and lasts `years`.
fn valid_for(params: &mut CertificateParams, years: i32) {
    #[expect(clippy::disallowed_methods, reason = "clients compare with their own clock")]
    let this_year = chrono::Utc::now().year();
    params.not_before = date_time_ymd(this_year, 1, 1);
    params.not_after = date_time_ymd(this_year + years, 1, 1);
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::{ClientConfig, ClientConnection, ServerConnection};

    /// Whether a client that knows only `ca` finishes a handshake for `name`.
    fn trusted(config: &Arc<ServerConfig>, ca: &Path, name: &str) -> bool {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(ca).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let client = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let mut client = ClientConnection::new(Arc::new(client), name).unwrap();
        let mut server = ServerConnection::new(config.clone()).unwrap();
        while client.is_handshaking() || server.is_handshaking() {
            let mut wire = Vec::new();
            client.write_tls(&mut wire).unwrap();
            server.read_tls(&mut wire.as_slice()).unwrap();
            if server.process_new_packets().is_err() {
                return false;
            }
            wire.clear();
            server.write_tls(&mut wire).unwrap();
            client.read_tls(&mut wire.as_slice()).unwrap();
            if client.process_new_packets().is_err() {
                return false;
            }
        }
        true
    }

    fn issued(dir: &Path) -> Arc<ServerConfig> {
        server_config(&Tls::SelfSigned, dir, "tf.example.test").unwrap().unwrap()
    }

    #[test]
    fn a_client_that_knows_the_authority_trusts_the_server() {
        let dir = tempfile::tempdir().unwrap();
        let config = issued(dir.path());
        let ca = ca_file(dir.path());
        for name in ["tf.example.test", "localhost", "127.0.0.1"] {
            assert!(trusted(&config, &ca, name), "{name}");
        }
        assert!(!trusted(&config, &ca, "other.example.test"));
    }

    #[test]
    fn the_authority_survives_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        issued(dir.path());
        let before = std::fs::read(ca_file(dir.path())).unwrap();
        let again = issued(dir.path());
        assert_eq!(before, std::fs::read(ca_file(dir.path())).unwrap());
        assert!(trusted(&again, &ca_file(dir.path()), "localhost"));
    }

    #[test]
    fn another_installation_is_not_trusted() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        issued(other.path());
        assert!(!trusted(&issued(one.path()), &ca_file(other.path()), "localhost"));
    }

    #[test]
    fn the_authoritys_key_is_for_the_owner_alone() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        issued(dir.path());
        let mode = std::fs::metadata(dir.path().join("tls/ca-key.pem")).unwrap().permissions();
        assert_eq!(mode.mode() & 0o777, 0o600);
    }

    #[test]
    fn a_key_of_another_certificate_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let pair = |name: &str| {
            let key = KeyPair::generate().unwrap();
            let cert =
                CertificateParams::new([name.to_owned()]).unwrap().self_signed(&key).unwrap();
            let at = dir.path().join(name);
            std::fs::write(&at, cert.pem() + &key.serialize_pem()).unwrap();
            at
        };
        let (cert, key) = (pair("a.test"), pair("b.test"));
        let tls = Tls::Files { cert: cert.clone(), key };
        let wrong = server_config(&tls, dir.path(), "a.test").unwrap_err();
        assert!(wrong.to_string().contains("do not go together"), "{wrong}");
        let tls = Tls::Files { cert: cert.clone(), key: cert };
        assert!(server_config(&tls, dir.path(), "a.test").unwrap().is_some());
    }

    /// What is said of a certificate for these names, changed by `change`.
    fn said(names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> String {
        let dir = tempfile::tempdir().unwrap();
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.distinguished_name.push(DnType::CommonName, "tf.example.test");
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let cert = dir.path().join("cert.pem");
        std::fs::write(&cert, params.self_signed(&key).unwrap().pem() + &key.serialize_pem())
            .unwrap();
        let tls = Tls::Files { cert: cert.clone(), key: cert };
        assert!(server_config(&tls, dir.path(), "").unwrap().is_some());
        doubts(&tls, "tf.example.test").join("; ")
    }

    #[test]
    fn what_clients_will_refuse_of_a_certificate_is_said() {
        assert_eq!(said(&["tf.example.test"], |_| {}), "");
        assert_eq!(said(&["other.test", "*.example.test"], |_| {}), "");
        // As plain `openssl req -x509` makes it: the name in the subject alone, and an authority.
        let plain = said(&[], |params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained));
        assert!(plain.contains("subjectAltName DNS:tf.example.test"), "{plain}");
        assert!(plain.contains("CA:TRUE"), "{plain}");
        let other = said(&["other.example.test"], |_| {});
        assert!(other.contains("does not name") && !other.contains("CA:TRUE"), "{other}");
        let old = said(&["tf.example.test"], |params| {
            params.not_after = date_time_ymd(2001, 1, 1);
        });
        assert!(old.contains("has expired"), "{old}");
        let early = said(&["tf.example.test"], |params| {
            params.not_before = date_time_ymd(4000, 1, 1);
        });
        assert!(early.contains("not valid yet"), "{early}");
    }
}
