//! Comparisons that take the same time whatever differs.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// Whether two byte strings are equal, without telling by time where they differ. Their lengths
/// are not secret.
pub fn constant_time_eq(a: impl AsRef<[u8]>, b: impl AsRef<[u8]>) -> bool {
    a.as_ref().ct_eq(b.as_ref()).into()
}

/// Whether `verifier` belongs to the `S256` code `challenge` of an OAuth login.
///
/// A verifier that is not 43 to 128 unreserved characters never matches
/// ([RFC 7636, 4.1](https://www.rfc-editor.org/rfc/rfc7636#section-4.1)).
pub fn pkce_matches(verifier: &str, challenge: &str) -> bool {
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    (43..=128).contains(&verifier.len())
        && verifier.bytes().all(unreserved)
        && constant_time_eq(URL_SAFE_NO_PAD.encode(Sha256::digest(verifier)), challenge)
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 7636, appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    #[test]
    fn the_example_of_the_rfc_matches() {
        assert!(pkce_matches(VERIFIER, CHALLENGE));
    }

    #[test]
    fn another_verifier_or_a_plain_challenge_does_not_match() {
        assert!(!pkce_matches(&VERIFIER.replace('d', "e"), CHALLENGE));
        assert!(!pkce_matches(VERIFIER, VERIFIER));
        assert!(!pkce_matches(VERIFIER, ""));
    }

    #[test]
    fn a_short_or_strange_verifier_never_matches() {
        for verifier in ["short", &"é".repeat(30), &"a".repeat(129)] {
            let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier));
            assert!(!pkce_matches(verifier, &challenge));
        }
    }

    #[test]
    fn equality_is_of_content_and_length() {
        assert!(constant_time_eq("abc", b"abc"));
        assert!(!constant_time_eq("abc", "abd"));
        assert!(!constant_time_eq("abc", "ab"));
    }
}
