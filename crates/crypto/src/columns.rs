//! Sealing of values that live in text columns of the database.

use crate::{
    Error, Keyring, Result,
    keyring::{Subkey, bind},
    random,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chacha20poly1305::{AeadInOut, KeyInit, XChaCha20Poly1305};
use secrecy::SecretString;
use zeroize::Zeroizing;

const VERSION: &str = "v1";
const NONCE_LEN: usize = 24;

impl Keyring {
    /// Seals a value for one place: `purpose` is `table.column`, `id` the row's id. Sealed text
    /// that is moved elsewhere does not open.
    ///
    /// Gives `v1.<key id>.<base64url of nonce and ciphertext>`.
    pub fn seal(&self, purpose: &str, id: &str, plaintext: &[u8]) -> String {
        let key = self.current();
        let nonce: [u8; NONCE_LEN] = random::bytes();
        let mut sealed = nonce.to_vec();
        // Reserved at once: growing would leave copies of the plaintext behind.
        sealed.reserve_exact(plaintext.len() + crate::TAG_LEN);
        sealed.extend_from_slice(plaintext);
        let tag = cipher(&key.columns)
            .encrypt_inout_detached(
                &nonce.into(),
                &place(&key.id, purpose, id),
                (&mut sealed[NONCE_LEN..]).into(),
            )
            .expect("a database value is shorter than the cipher's 256 GiB");
        sealed.extend_from_slice(&tag);
        format!("{VERSION}.{}.{}", key.id, URL_SAFE_NO_PAD.encode(sealed))
    }

    /// Opens what [`Keyring::seal`] sealed for the same place, with whichever key it names.
    pub fn open(&self, purpose: &str, id: &str, sealed: &str) -> Result<Zeroizing<Vec<u8>>> {
        let mut parts = sealed.splitn(3, '.');
        let (Some(VERSION), Some(key_id), Some(body)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err(Error::Malformed("expected v1.<key id>.<base64url>"));
        };
        let key = self.key(key_id)?;
        let body = URL_SAFE_NO_PAD.decode(body).map_err(|_| Error::Malformed("not base64url"))?;
        let (nonce, ciphertext) =
            body.split_first_chunk::<NONCE_LEN>().ok_or(Error::Malformed("too short"))?;
        let mut plaintext = Zeroizing::new(ciphertext.to_vec());
        cipher(&key.columns)
            .decrypt_in_place(&(*nonce).into(), &place(key_id, purpose, id), &mut *plaintext)
            .map_err(|_| Error::Tampered)?;
        Ok(plaintext)
    }

    /// Like [`Keyring::open`], for text.
    pub fn open_text(&self, purpose: &str, id: &str, sealed: &str) -> Result<SecretString> {
        let plaintext = self.open(purpose, id, sealed)?;
        let text = std::str::from_utf8(&plaintext).map_err(|_| Error::Malformed("not UTF-8"))?;
        Ok(SecretString::from(text))
    }

    /// Whether `sealed` names a key that is no longer the current one, so that sealing it again
    /// would help to retire the old key.
    pub fn is_stale(&self, sealed: &str) -> bool {
        sealed.split('.').nth(1) != Some(self.current_key_id())
    }
}

fn cipher(key: &Subkey) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new((&**key).into())
}

fn place(key_id: &str, purpose: &str, id: &str) -> Vec<u8> {
    bind(&[VERSION.as_bytes(), key_id.as_bytes(), purpose.as_bytes(), id.as_bytes()])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyring::tests::ring;
    use proptest::prelude::*;
    use secrecy::ExposeSecret;

    const PLACE: (&str, &str) = ("variables.value", "var-1");

    fn seal(ring: &Keyring) -> String {
        ring.seal(PLACE.0, PLACE.1, b"hunter2")
    }

    #[test]
    fn sealed_text_names_its_version_and_key_and_hides_the_rest() {
        let sealed = seal(&ring(&[("k1", 1)]));
        assert!(sealed.starts_with("v1.k1."));
        assert!(!sealed.contains("hunter2"));
        assert_ne!(sealed, seal(&ring(&[("k1", 1)])), "each sealing has its own nonce");
    }

    #[test]
    fn a_value_opens_only_in_its_own_column_and_row() {
        let ring = ring(&[("k1", 1)]);
        let sealed = seal(&ring);
        assert_eq!(ring.open_text(PLACE.0, PLACE.1, &sealed).unwrap().expose_secret(), "hunter2");
        for (purpose, id) in
            [("variables.key", "var-1"), ("variables.value", "var-2"), ("variables.valuev", "ar-1")]
        {
            assert!(matches!(ring.open(purpose, id, &sealed), Err(Error::Tampered)));
        }
    }

    #[test]
    fn a_rotated_key_still_opens_and_only_the_current_one_seals() {
        let old = ring(&[("k1", 1)]);
        let sealed = seal(&old);
        let rotated = ring(&[("k2", 2), ("k1", 1)]);
        assert_eq!(**rotated.open(PLACE.0, PLACE.1, &sealed).unwrap(), *b"hunter2");
        assert!(rotated.is_stale(&sealed));
        let resealed = seal(&rotated);
        assert!(resealed.starts_with("v1.k2.") && !rotated.is_stale(&resealed));
        assert!(
            matches!(old.open(PLACE.0, PLACE.1, &resealed), Err(Error::UnknownKey(id)) if id == "k2")
        );
    }

    #[test]
    fn another_key_of_the_same_name_does_not_open() {
        let sealed = seal(&ring(&[("k1", 1)]));
        let other = ring(&[("k1", 9)]);
        assert!(matches!(other.open(PLACE.0, PLACE.1, &sealed), Err(Error::Tampered)));
    }

    #[test]
    fn every_changed_bit_is_noticed() {
        let ring = ring(&[("k1", 1)]);
        let sealed = seal(&ring);
        let body = URL_SAFE_NO_PAD.decode(&sealed["v1.k1.".len()..]).unwrap();
        for bit in 0..body.len() * 8 {
            let mut body = body.clone();
            body[bit / 8] ^= 1 << (bit % 8);
            let changed = format!("v1.k1.{}", URL_SAFE_NO_PAD.encode(body));
            assert!(matches!(ring.open(PLACE.0, PLACE.1, &changed), Err(Error::Tampered)));
        }
    }

    proptest! {
        #[test]
        fn what_is_sealed_opens(plaintext: Vec<u8>, purpose: String, id: String) {
            let ring = Keyring::generate();
            let sealed = ring.seal(&purpose, &id, &plaintext);
            prop_assert_eq!(&**ring.open(&purpose, &id, &sealed).unwrap(), &plaintext);
        }

        #[test]
        fn any_other_text_is_refused_without_panic(text in "(v1\\.k1\\.)?[A-Za-z0-9_.-]{0,80}") {
            prop_assert!(ring(&[("k1", 1)]).open("a.b", "1", &text).is_err());
        }
    }
}
