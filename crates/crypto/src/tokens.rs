//! API tokens: shown once, stored only as a hash.

use crate::random::base62;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

/// A fresh API token, in memory only while its owner is told.
#[derive(Debug)]
pub struct Token(SecretString);

impl Token {
    /// Mints a token in HCP Terraform's form, `<14 base62>.atlasv1.<67 base62>` (399 secret bits),
    /// which command lines and secret scanners recognise.
    pub fn mint() -> Self {
        Self(SecretString::from(format!("{}.atlasv1.{}", base62(14), base62(67))))
    }

    /// The token itself, for its one showing.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// What is stored, see [`hash_token`].
    pub fn hash(&self) -> String {
        hash_token(self.expose())
    }
}

/// The lowercase hexadecimal SHA-256 of a token.
///
/// A plain hash is enough, and lets a token be found by index, because tokens are random: there is
/// nothing to guess that salt or cost would slow down.
pub fn hash_token(token: &str) -> String {
    hex::encode(Sha256::digest(token))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_the_form_that_command_lines_know() {
        let token = Token::mint();
        let parts: Vec<&str> = token.expose().split('.').collect();
        assert_eq!(parts.len(), 3);
        assert_eq!((parts[0].len(), parts[1], parts[2].len()), (14, "atlasv1", 67));
        assert!(parts[0].bytes().chain(parts[2].bytes()).all(|byte| byte.is_ascii_alphanumeric()));
    }

    #[test]
    fn the_stored_hash_is_hex_sha256() {
        assert_eq!(
            hash_token("abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    #[test]
    fn each_token_is_new_and_its_hash_follows_it() {
        let (one, two) = (Token::mint(), Token::mint());
        assert_ne!(one.expose(), two.expose());
        assert_ne!(one.hash(), two.hash());
        assert_eq!(one.hash(), hash_token(one.expose()));
    }
}
