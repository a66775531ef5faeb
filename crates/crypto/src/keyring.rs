//! The master keys of a server and what is derived from them.

use crate::{Error, Result, key_file, random};
use hkdf::Hkdf;
use sha2::Sha256;
use std::{fmt, path::Path, sync::Arc};
use zeroize::Zeroizing;

/// The longest key id, in bytes of `[A-Za-z0-9_-]`.
pub const KEY_ID_MAX_LEN: usize = 16;

/// Bytes of a fingerprint: enough that no two keys share one.
const FINGERPRINT_LEN: usize = 16;

/// What may be known of a key: kept with the data, it tells whether a key file belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyMark {
    /// The name before the colon in the key file.
    pub id: String,
    /// Derived from the key itself, which it does not reveal; hexadecimal.
    pub fingerprint: String,
}

/// The keys of a server. The first one seals and signs; the others only open what was sealed
/// earlier, so that keys rotate by putting a new line on top of the key file.
///
/// Cheap to clone. The master keys themselves are forgotten once the subkeys are derived.
#[derive(Clone)]
pub struct Keyring(Arc<[Key]>);

/// What one master key is used for, each use with its own subkey.
pub(crate) struct Key {
    pub(crate) id: String,
    fingerprint: String,
    pub(crate) columns: Subkey,
    pub(crate) blobs: Subkey,
    pub(crate) signing: Subkey,
}

pub(crate) type Subkey = Zeroizing<[u8; 32]>;

/// A line of the key file: an id and 32 bytes.
pub(crate) type Master = (String, Zeroizing<[u8; 32]>);

impl Key {
    fn derive((id, master): Master) -> Self {
        let hkdf = Hkdf::<Sha256>::new(Some(b"statehouse"), &*master);
        let subkey = |label: &str| {
            let mut subkey = Subkey::default();
            hkdf.expand(label.as_bytes(), &mut *subkey).expect("32 bytes are one round of HKDF");
            subkey
        };
        let mut fingerprint = [0; FINGERPRINT_LEN];
        hkdf.expand(b"fingerprint v1", &mut fingerprint).expect("less than one round of HKDF");
        Self {
            fingerprint: hex::encode(fingerprint),
            columns: subkey("columns v1"),
            blobs: subkey("blobs v1"),
            signing: subkey("signing v1"),
            id,
        }
    }
}

impl Keyring {
    /// A ring of one fresh key that is stored nowhere: for tests and throw-away servers.
    pub fn generate() -> Self {
        Self::new(vec![new_master()])
    }

    /// Reads a key file: one `<key id>:<base64 of 32 bytes>` per line, the current key first,
    /// `#` for comments, readable by its owner only.
    ///
    /// Errs with the file, the line and what is wrong with it, never with its content.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        key_file::read(path.as_ref()).map(Self::new)
    }

    /// Like [`Keyring::load`]; a file that does not exist is created with one fresh key, mode
    /// 0600, and is on disk when this returns. An existing file is never changed, and of two
    /// processes that start at once both use the key of the faster one.
    pub fn load_or_create(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        key_file::create_if_absent(path, &new_master())?;
        Self::load(path)
    }

    pub(crate) fn new(masters: Vec<Master>) -> Self {
        assert!(!masters.is_empty(), "a key file without keys is refused when it is read");
        Self(masters.into_iter().map(Key::derive).collect())
    }

    /// The id of the key that seals and signs.
    pub fn current_key_id(&self) -> &str {
        &self.current().id
    }

    /// The marks of all keys, the current one first.
    pub fn marks(&self) -> Vec<KeyMark> {
        let mark = |key: &Key| KeyMark { id: key.id.clone(), fingerprint: key.fingerprint.clone() };
        self.0.iter().map(mark).collect()
    }

    pub(crate) fn current(&self) -> &Key {
        &self.0[0]
    }

    pub(crate) fn key(&self, id: &str) -> Result<&Key> {
        self.0.iter().find(|key| key.id == id).ok_or_else(|| Error::UnknownKey(id.to_owned()))
    }
}

/// Shows the ids of the keys and nothing else.
impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keyring")?;
        f.debug_list().entries(self.0.iter().map(|key| &key.id)).finish()
    }
}

pub(crate) fn new_master() -> Master {
    (random::base62(8), Zeroizing::new(random::bytes()))
}

/// `parts`, each behind its length, so that no two lists of parts give the same bytes.
pub(crate) fn bind(parts: &[&[u8]]) -> Vec<u8> {
    let len = parts.iter().map(|part| 8 + part.len()).sum();
    parts.iter().fold(Vec::with_capacity(len), |mut bound, part| {
        bound.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bound.extend_from_slice(part);
        bound
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn ring(keys: &[(&str, u8)]) -> Keyring {
        let master = |(id, byte): &(&str, u8)| ((*id).to_owned(), Zeroizing::new([*byte; 32]));
        Keyring::new(keys.iter().map(master).collect())
    }

    #[test]
    fn each_use_and_each_master_has_its_own_subkey() {
        let ring = ring(&[("a", 1), ("b", 2)]);
        let mut subkeys: Vec<[u8; 32]> = ring
            .0
            .iter()
            .flat_map(|key| [*key.columns, *key.blobs, *key.signing])
            .chain([[1; 32], [2; 32]])
            .collect();
        subkeys.sort_unstable();
        subkeys.dedup();
        assert_eq!(subkeys.len(), 8);
    }

    #[test]
    fn subkeys_stay_the_same_from_release_to_release() {
        let ring = ring(&[("a", 7)]);
        let hex = |subkey: &Subkey| hex::encode(**subkey);
        let key = ring.current();
        assert_eq!([hex(&key.columns), hex(&key.blobs), hex(&key.signing)], SUBKEYS_OF_SEVENS);
    }

    // Computed by HKDF-SHA256 (RFC 5869) outside this crate.
    const SUBKEYS_OF_SEVENS: [&str; 3] = [
        "01b2eccd8f4c89556a6ac06e50cd9703d0eab236a38b9525995f64c5f64adf55",
        "1d00df9694715ee4659fce624da65d5623341f4787f4d7dc4c5481b634498328",
        "1ffd4e20eeab4009f2674e225433959dedb3a110a017a9f0170e484fad016f0e",
    ];

    #[test]
    fn a_fingerprint_tells_keys_of_one_name_apart() {
        let of = |byte| ring(&[("a", byte)]).marks().remove(0).fingerprint;
        assert_eq!(of(7), "c3486f5fb02d046cd48d1b4fb0394de0");
        assert_ne!(of(7), of(8));
    }

    #[test]
    fn printing_a_ring_shows_ids_only() {
        assert_eq!(format!("{:?}", ring(&[("new", 1), ("old", 2)])), r#"Keyring["new", "old"]"#);
    }

    #[test]
    fn bound_parts_cannot_be_moved_into_each_other() {
        assert_ne!(bind(&[b"ab", b"c"]), bind(&[b"a", b"bc"]));
        assert_ne!(bind(&[b"ab"]), bind(&[b"ab", b""]));
    }
}
