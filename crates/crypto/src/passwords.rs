//! Passwords, as argon2id hashes.

use crate::{Error, Result};
use argon2::{
    Argon2,
    password_hash::{self, PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use std::hint::black_box;

/// The memory, passes and lanes of new hashes are the crate's defaults, 19 MiB, 2 and 1: the
/// minimum [OWASP](https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html)
/// recommends. A test holds them there.
fn argon2() -> Argon2<'static> {
    Argon2::default()
}

/// Hashes a password with a fresh salt into a PHC string (`$argon2id$v=19$…`).
///
/// Takes some 20 ms of processor time and 19 MiB: call it where blocking is allowed.
pub fn hash_password(password: &str) -> Result<String> {
    let hash: PasswordHash =
        argon2().hash_password(password.as_bytes()).map_err(Error::Password)?;
    Ok(hash.to_string())
}

/// Whether `password` is the one behind `hash`, at the cost written in the hash. Errs only when
/// the hash cannot be read.
///
/// Blocks as long as [`hash_password`].
pub fn verify_password(password: &str, hash: &str) -> Result<bool> {
    let hash = PasswordHash::new(hash).map_err(|error| Error::Password(error.into()))?;
    match argon2().verify_password(password.as_bytes(), &hash) {
        Ok(()) => Ok(true),
        Err(password_hash::Error::PasswordInvalid) => Ok(false),
        Err(error) => Err(Error::Password(error)),
    }
}

/// Takes as long as [`verify_password`] and is always false: for logins of users who do not exist
/// or have no password, so that the time of an answer does not tell who does.
pub fn verify_nothing(password: &str) -> bool {
    let mut out = [0; 32];
    let done = argon2().hash_password_into(password.as_bytes(), b"no user's salt..", &mut out);
    black_box((done.is_ok(), out));
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_right_password_matches_and_no_other() {
        let hash = hash_password("correct horse").unwrap();
        assert!(verify_password("correct horse", &hash).unwrap());
        assert!(!verify_password("correct Horse", &hash).unwrap());
        assert!(!verify_password("", &hash).unwrap());
    }

    #[test]
    fn the_cost_is_at_least_what_owasp_recommends() {
        let hash = hash_password("x").unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
    }

    #[test]
    fn the_same_password_hashes_differently_each_time() {
        assert_ne!(hash_password("x").unwrap(), hash_password("x").unwrap());
    }

    #[test]
    fn an_unreadable_hash_is_an_error_not_a_refusal() {
        assert!(matches!(verify_password("x", "plain"), Err(Error::Password(_))));
    }

    #[test]
    fn nobody_logs_in_as_nobody() {
        assert!(!verify_nothing("x"));
    }
}
