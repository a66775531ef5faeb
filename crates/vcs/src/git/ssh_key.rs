//! Whether a text is a private key that `ssh` can use while nobody is there to type a passphrase.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use secrecy::{ExposeSecret as _, SecretString};

use super::SshKey;

/// Bytes; the largest keys in use have about a fifth.
const LIMIT: usize = 64 << 10;
/// How OpenSSH's own form begins, up to the name of its cipher.
const OPENSSH: &[u8] = b"openssh-key-v1\0";
const NO_CIPHER: &[u8] = b"\0\0\0\x04none";

impl SshKey {
    /// # Errors
    /// Says of what is no such key why.
    pub fn check(text: &SecretString) -> Result<(), &'static str> {
        let text = text.expose_secret().trim();
        if text.len() > LIMIT {
            return Err("it is too long");
        }
        let mut lines = text.lines().map(str::trim);
        let label = |line: &str, word: &str| {
            let line = line.strip_prefix("-----")?.strip_prefix(word)?.strip_suffix("-----")?;
            Some(line.strip_suffix("PRIVATE KEY")?.trim_end().to_owned())
        };
        let first = lines.next().and_then(|line| label(line, "BEGIN "));
        let last = lines.next_back().and_then(|line| label(line, "END "));
        let (Some(kind), true) = (&first, first == last) else {
            return Err("it is no private key in PEM or OpenSSH's form");
        };
        let lines: Vec<&str> = lines.collect();
        if kind == "ENCRYPTED" || lines.iter().any(|line| line.contains("ENCRYPTED")) {
            return Err("it has a passphrase");
        }
        let Ok(key) = STANDARD.decode(lines.concat()) else {
            return Err("what is in it is damaged");
        };
        if kind == "OPENSSH" {
            let Some(rest) = key.strip_prefix(OPENSSH) else {
                return Err("what is in it is damaged");
            };
            if !rest.starts_with(NO_CIPHER) {
                return Err("it has a passphrase");
            }
        }
        if key.is_empty() { Err("there is nothing in it") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    fn check(text: &str) -> Result<(), &'static str> {
        SshKey::check(&SecretString::from(text))
    }

    fn made(arguments: &[&str]) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let mut made = Command::new("ssh-keygen");
        let made = made.args(["-q", "-f"]).arg(&path).args(arguments);
        assert!(made.status().unwrap().success());
        std::fs::read_to_string(path).unwrap()
    }

    #[test]
    fn keys_of_every_form_are_keys_and_those_with_a_passphrase_are_not() {
        assert_eq!(check(&made(&["-t", "ed25519", "-N", ""])), Ok(()));
        let pem = made(&["-t", "ecdsa", "-m", "PEM", "-N", ""]);
        assert_eq!(check(&pem), Ok(()));
        assert_eq!(check(&pem.replace('\n', "\r\n")), Ok(()));
        for closed in
            [&["-t", "ed25519", "-N", "secret"][..], &["-t", "ecdsa", "-m", "PEM", "-N", "secret"]]
        {
            assert_eq!(check(&made(closed)), Err("it has a passphrase"));
        }
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for text in [
            "",
            "secret",
            "ssh-ed25519 AAAA me@here",
            "-----BEGIN RSA PRIVATE KEY-----",
            "-----BEGIN RSA PRIVATE KEY-----\n-----END RSA PRIVATE KEY-----",
            "-----BEGIN RSA PRIVATE KEY-----\n!\n-----END RSA PRIVATE KEY-----",
            "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----",
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
        ] {
            assert!(check(text).is_err(), "{text}");
        }
    }
}
