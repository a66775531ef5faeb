//! Random bytes and strings, straight from the operating system.

use rand::{TryRng, rngs::SysRng};
use secrecy::SecretString;
use zeroize::Zeroizing;

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

pub(crate) fn fill(bytes: &mut [u8]) {
    SysRng
        .try_fill_bytes(bytes)
        .expect("without the system's random numbers nothing can be kept secret");
}

pub(crate) fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    fill(&mut bytes);
    bytes
}

/// A random string of `len` characters of `[0-9A-Za-z]`, 5.95 bits each.
pub fn random_secret(len: usize) -> SecretString {
    SecretString::from(base62(len))
}

/// Random bytes, for whoever makes a secret of them.
pub fn seed() -> [u8; 32] {
    bytes()
}

/// A random UUID (RFC 9562, version 4): unguessable, but no secret.
pub fn uuid() -> String {
    let mut bytes: [u8; 16] = bytes();
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let mut text = String::with_capacity(36);
    for (at, byte) in bytes.iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        for half in [byte >> 4, byte & 0x0f] {
            text.extend(char::from_digit(half.into(), 16));
        }
    }
    text
}

pub(crate) fn base62(len: usize) -> String {
    let mut text = String::with_capacity(len);
    let mut pool = Zeroizing::new([0; 64]);
    while text.len() < len {
        fill(&mut pool[..]);
        // Bytes from 248 on would make the first characters likelier than the others.
        let unbiased = pool.iter().filter(|byte| **byte < 248);
        text.extend(
            unbiased.take(len - text.len()).map(|byte| char::from(BASE62[usize::from(byte % 62)])),
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    #[test]
    fn a_secret_has_its_length_and_only_base62() {
        for len in [0, 1, 63, 64, 65, 500] {
            let secret = random_secret(len);
            assert_eq!(secret.expose_secret().len(), len);
            assert!(secret.expose_secret().bytes().all(|byte| BASE62.contains(&byte)));
        }
    }

    #[test]
    fn every_character_occurs() {
        let text = base62(20_000);
        assert!(BASE62.iter().all(|byte| text.contains(char::from(*byte))));
    }

    #[test]
    fn two_secrets_differ() {
        assert_ne!(random_secret(20).expose_secret(), random_secret(20).expose_secret());
    }
}
