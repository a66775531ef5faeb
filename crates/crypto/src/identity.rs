//! The key pair by which this server vouches for a run: RSA of 2,048 bits and SHA-256, as every cloud can check it.

use aws_lc_rs::{
    encoding::AsDer,
    rand::SystemRandom,
    rsa::{KeyPair, KeySize},
    signature::{KeyPair as _, RSA_PKCS1_SHA256},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::{Error, Result};

/// Signs tokens; what it is made of is never printed.
pub struct IdentityKey(KeyPair);

/// What others check them with, as a JSON Web Key has it: base64url without padding (RFC 7518, section 6.3.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    pub n: String,
    pub e: String,
}

impl std::fmt::Debug for IdentityKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("IdentityKey")
    }
}

impl IdentityKey {
    /// A new pair; takes a moment of a processor.
    ///
    /// # Errors
    /// Randomness where the operating system has none.
    pub fn generate() -> Result<Self> {
        KeyPair::generate(KeySize::Rsa2048).map(Self).map_err(|_| Error::Randomness)
    }

    /// Reads what [`Self::to_der`] wrote.
    ///
    /// # Errors
    /// Malformed if it is something else.
    pub fn from_der(der: &[u8]) -> Result<Self> {
        KeyPair::from_pkcs8(der).map(Self).map_err(|_| Error::Malformed("no private key"))
    }

    /// PKCS #8.
    ///
    /// # Errors
    /// Malformed never happens for a key that could be made.
    pub fn to_der(&self) -> Result<Zeroizing<Vec<u8>>> {
        let der = self.0.as_der().map_err(|_| Error::Malformed("no private key"))?;
        Ok(Zeroizing::new(der.as_ref().to_vec()))
    }

    pub fn public(&self) -> PublicKey {
        let key = self.0.public_key();
        let text = |number: &[u8]| URL_SAFE_NO_PAD.encode(number);
        PublicKey {
            n: text(key.modulus().big_endian_without_leading_zero()),
            e: text(key.exponent().big_endian_without_leading_zero()),
        }
    }

    /// A token of these claims, a JSON object (RFC 7519), signed by RS256 under the name of the key.
    ///
    /// # Errors
    /// Randomness where the operating system has none.
    pub fn token(&self, claims: &str) -> Result<String> {
        let kid = self.public().thumbprint();
        let header = format!(r#"{{"typ":"JWT","alg":"RS256","kid":"{kid}"}}"#);
        let signed =
            format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let mut signature = vec![0; self.0.public_modulus_len()];
        self.0
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature)
            .map_err(|_| Error::Randomness)?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

impl PublicKey {
    /// Names the key by itself (RFC 7638).
    pub fn thumbprint(&self) -> String {
        let Self { n, e } = self;
        let canonical = format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#);
        URL_SAFE_NO_PAD.encode(Sha256::digest(canonical))
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};

    use super::*;

    fn bytes(text: &str) -> Vec<u8> {
        URL_SAFE_NO_PAD.decode(text).unwrap()
    }

    /// Knows only what is published.
    fn verify(key: &PublicKey, token: &str) -> bool {
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let key = RsaPublicKeyComponents { n: bytes(&key.n), e: bytes(&key.e) };
        let signature = bytes(signature);
        key.verify(&RSA_PKCS1_2048_8192_SHA256, signed.as_bytes(), &signature).is_ok()
    }

    #[test]
    fn a_token_is_checked_by_the_public_key_alone_also_after_the_key_was_stored() {
        let key = IdentityKey::generate().unwrap();
        let stored = IdentityKey::from_der(&key.to_der().unwrap()).unwrap();
        assert_eq!(stored.public(), key.public());
        let token = stored.token(r#"{"sub":"me"}"#).unwrap();
        assert!(verify(&key.public(), &token));
        let parts: Vec<_> = token.split('.').collect();
        assert_eq!(bytes(parts[1]), br#"{"sub":"me"}"#);
        let header = String::from_utf8(bytes(parts[0])).unwrap();
        assert!(header.contains(&key.public().thumbprint()) && header.contains("RS256"));
        // Of nobody else, and of no other claims.
        assert!(!verify(&IdentityKey::generate().unwrap().public(), &token));
        let other = URL_SAFE_NO_PAD.encode(r#"{"sub":"you"}"#);
        assert!(!verify(&key.public(), &format!("{}.{other}.{}", parts[0], parts[2])));
        assert!(IdentityKey::from_der(b"something else").is_err());
    }

    #[test]
    fn a_key_is_named_as_the_standard_says() {
        // RFC 7638, section 3.1.
        let n = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
        let key = PublicKey { n: n.into(), e: "AQAB".into() };
        assert_eq!(key.thumbprint(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    }
}
