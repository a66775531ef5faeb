//! Signed strings that expire, safe as one segment of a path: the addresses of blobs.

use crate::{
    Error, Keyring, Result,
    keyring::{Key, bind},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Sha256, Sha512};

const VERSION: &str = "v1";

/// Signs under the current key and verifies under every key of the ring. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Signer(Keyring);

impl Keyring {
    pub fn signer(&self) -> Signer {
        Signer(self.clone())
    }
}

impl Signer {
    /// Signs `payload` for `purpose` until `expires_at_ms` (milliseconds since 1970).
    ///
    /// Gives `v1.<key id>.<expiry>.<payload>.<signature>`, of `[A-Za-z0-9_.-]` only. The payload
    /// is encoded, not hidden.
    pub fn sign(&self, purpose: &str, payload: &str, expires_at_ms: i64) -> String {
        let key = self.0.current();
        let signature = mac(key, purpose, payload, expires_at_ms).finalize().into_bytes();
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        format!(
            "{VERSION}.{}.{expires_at_ms}.{}.{}",
            key.id,
            encode(payload.as_bytes()),
            encode(&signature)
        )
    }

    /// The payload that was signed for `purpose`. Errs with [`Error::Expired`] from the moment
    /// of expiry on, with [`Error::BadSignature`] for everything else, keys that are gone included.
    pub fn verify(&self, purpose: &str, signed: &str, now_ms: i64) -> Result<String> {
        let (payload, expires_at_ms) =
            self.authentic(purpose, signed).ok_or(Error::BadSignature)?;
        if now_ms >= expires_at_ms { Err(Error::Expired) } else { Ok(payload) }
    }

    fn authentic(&self, purpose: &str, signed: &str) -> Option<(String, i64)> {
        let parts: Vec<&str> = signed.splitn(6, '.').collect();
        let [VERSION, key_id, expires_at, payload, signature] = parts[..] else { return None };
        let key = self.0.key(key_id).ok()?;
        let expires_at_ms: i64 = expires_at.parse().ok()?;
        let payload = String::from_utf8(URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        mac(key, purpose, &payload, expires_at_ms).verify_slice(&signature).ok()?;
        Some((payload, expires_at_ms))
    }
}

fn mac(key: &Key, purpose: &str, payload: &str, expires_at_ms: i64) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(&*key.signing).expect("HMAC takes any key");
    let expires_at = expires_at_ms.to_be_bytes();
    let parts = [VERSION, &key.id, purpose, payload].map(str::as_bytes);
    mac.update(&bind(&[parts[0], parts[1], parts[2], parts[3], &expires_at]));
    mac
}

/// For signatures that others check, with a key that they have as well.
pub fn hmac_sha512(key: &[u8], message: &[u8]) -> [u8; 64] {
    let mut mac = Hmac::<Sha512>::new_from_slice(key).expect("HMAC takes any key");
    mac.update(message);
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyring::tests::ring;
    use proptest::prelude::*;

    #[test]
    fn a_signed_string_is_one_path_segment_and_gives_its_payload_back() {
        let signer = ring(&[("k_1-a", 1)]).signer();
        let payload = "states/sv-1?x=/../é";
        let signed = signer.sign("download", payload, 1_000);
        assert!(signed.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b)));
        assert_eq!(signer.verify("download", &signed, 999).unwrap(), payload);
    }

    #[test]
    fn others_check_our_signatures_as_rfc_4231_says() {
        let mac = hmac_sha512(b"Jefe", b"what do ya want for nothing?");
        assert_eq!(mac[..4], [0x16, 0x4b, 0x7a, 0x7b]);
        assert_eq!(mac[60..], [0x38, 0xbc, 0xe7, 0x37]);
    }

    #[test]
    fn it_ends_at_its_time() {
        let signer = Keyring::generate().signer();
        let signed = signer.sign("download", "x", 1_000);
        for now in [1_000, 1_001, i64::MAX] {
            assert!(matches!(signer.verify("download", &signed, now), Err(Error::Expired)));
        }
    }

    #[test]
    fn neither_purpose_nor_expiry_nor_payload_nor_key_can_be_exchanged() {
        let signer = ring(&[("k1", 1), ("k2", 2)]).signer();
        let signed = signer.sign("download", "a", 1_000);
        let bad = |purpose: &str, signed: &str| {
            matches!(signer.verify(purpose, signed, 0), Err(Error::BadSignature))
        };
        assert!(bad("upload", &signed));
        assert!(bad("download", &signed.replace(".1000.", ".2000.")));
        assert!(bad("download", &signed.replace(".YQ.", ".Yg.")));
        assert!(bad("download", &signed.replace("k1", "k2")));
        assert!(bad("download", &signed.replace("k1", "k3")));
        assert!(bad("download", &signed.replace("v1", "v2")));
        assert!(bad("download", &format!("{signed}.")));
        assert!(bad("download", &signed[..signed.len() - 1]));
        assert!(bad("download", ""));
    }

    #[test]
    fn a_rotated_key_still_verifies_until_it_is_removed() {
        let signed = ring(&[("k1", 1)]).signer().sign("download", "a", 1_000);
        assert_eq!(
            ring(&[("k2", 2), ("k1", 1)]).signer().verify("download", &signed, 0).unwrap(),
            "a"
        );
        assert!(ring(&[("k2", 2)]).signer().verify("download", &signed, 0).is_err());
    }

    proptest! {
        #[test]
        fn what_is_signed_verifies(purpose: String, payload: String, expires_at in 1..i64::MAX) {
            let signer = Keyring::generate().signer();
            let signed = signer.sign(&purpose, &payload, expires_at);
            prop_assert_eq!(signer.verify(&purpose, &signed, expires_at - 1).unwrap(), payload);
        }
    }
}
