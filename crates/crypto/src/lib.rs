//! Everything that keeps a secret: master keys, sealing, tokens, passwords and signed strings.
//!
//! Nothing here knows Terraform. Randomness comes from the operating system, keys are wiped when
//! they go out of use, and no type that holds a secret prints it.

mod blobs;
mod columns;
mod compare;
mod error;
mod identity;
mod key_file;
mod keyring;
mod passwords;
mod random;
mod signing;
mod tokens;

pub use blobs::{BlobOpener, BlobSealer, CHUNK_LEN, HEADER_LEN, Layout, TAG_LEN};
pub use compare::{constant_time_eq, pkce_matches};
pub use error::{Error, Result};
pub use identity::{IdentityKey, PublicKey};
pub use keyring::{KEY_ID_MAX_LEN, KeyMark, Keyring};
pub use passwords::{hash_password, verify_nothing, verify_password};
pub use random::{random_secret, seed, uuid};
pub use secrecy::{ExposeSecret, SecretString};
pub use signing::{Signer, hmac_sha512};
pub use tokens::{Token, hash_token};
pub use zeroize::Zeroizing;
