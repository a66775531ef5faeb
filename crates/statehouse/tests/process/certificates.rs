//! Certificates of the operator, as they are found in the wild: the server's own agent does not mind them, and the log
//! says what clients will.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair};
use rustix::process::Signal;

use crate::{signal, statehouse};

/// As `openssl req -x509 -newkey … -subj /CN=tf.example.com` makes it: an authority without a subjectAltName.
fn plain(dir: &Path) -> (PathBuf, PathBuf) {
    let mut params = CertificateParams::new([]).unwrap();
    params.distinguished_name.push(DnType::CommonName, "tf.example.com");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let files = (dir.join("cert.pem"), dir.join("key.pem"));
    std::fs::write(&files.0, params.self_signed(&key).unwrap().pem()).unwrap();
    std::fs::write(&files.1, key.serialize_pem()).unwrap();
    files
}

#[test]
fn the_servers_own_agent_works_whatever_the_certificate_is_and_doubts_about_it_are_said() {
    let dir = tempfile::tempdir().unwrap();
    let (cert, key) = plain(dir.path());
    let serving = |command: &str| {
        let mut command = statehouse(&[command, "--listen", "127.0.0.1:0"]);
        command.arg("--data-dir").arg(dir.path().join("data"));
        command.args(["--public-url", "https://tf.example.com", "--tls-cert"]).arg(&cert);
        command.arg("--tls-key").arg(&key);
        command
    };
    let mut server = serving("serve").stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(server.stderr.take().unwrap()).lines().map(Result::unwrap);
    let mut said = Vec::new();
    let registered = lines.find(|line| {
        said.push(line.clone());
        line.contains("registered with the server") || line.contains("did not reach the server")
    });
    signal(&server, Signal::TERM);
    lines.for_each(drop);
    assert_eq!(server.wait().unwrap().code(), Some(0));
    assert!(registered.unwrap().contains("registered"), "{said:#?}");
    let doubts = ["subjectAltName DNS:tf.example.com", "CA:TRUE"];
    for doubt in doubts {
        assert!(said.iter().any(|line| line.contains("WARN") && line.contains(doubt)), "{said:#?}");
    }
    let doctor = serving("doctor").output().unwrap();
    let text = String::from_utf8_lossy(&doctor.stdout).into_owned();
    for doubt in doubts {
        assert!(
            text.lines().any(|line| line.starts_with("note") && line.contains(doubt)),
            "{text}"
        );
    }
}
