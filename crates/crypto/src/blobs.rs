//! Envelope encryption of blobs, chunk by chunk.
//!
//! A sealed blob is a header of [`HEADER_LEN`] bytes and then the content in chunks of
//! [`CHUNK_LEN`] bytes, each followed by its tag of [`TAG_LEN`] bytes:
//!
//! ```text
//! "SHB1" · key id, zero-padded to 16 · wrap nonce 24 · wrapped data key 48 · nonce prefix 19
//! ```
//!
//! The data key is fresh for each blob and wrapped under a subkey of the master key, with the
//! blob's name and the rest of the header authenticated. The chunks follow the
//! [STREAM construction](https://eprint.iacr.org/2015/189): a chunk's nonce is the prefix, its
//! number and a flag on the last one, so that a chunk opens alone, but not at another place, and a
//! blob cut at a chunk's end is noticed. Exactly one chunk is the last; it is empty only if the
//! blob is.

use crate::{
    Error, Keyring, Result,
    keyring::{KEY_ID_MAX_LEN, Subkey, bind},
    random,
};
use chacha20poly1305::{AeadInOut, KeyInit, XChaCha20Poly1305};
use std::ops::Range;
use zeroize::Zeroizing;

/// Bytes of content in each chunk but the last.
pub const CHUNK_LEN: usize = 64 * 1024;
/// Bytes that sealing adds to each chunk.
pub const TAG_LEN: usize = 16;
/// Bytes before the first chunk.
pub const HEADER_LEN: usize = PREFIX_AT + PREFIX_LEN;

const SEALED_CHUNK: u64 = (CHUNK_LEN + TAG_LEN) as u64;
const MAGIC: &[u8; 4] = b"SHB1";
const NONCE_AT: usize = MAGIC.len() + KEY_ID_MAX_LEN;
const NONCE_LEN: usize = 24;
const WRAPPED_AT: usize = NONCE_AT + NONCE_LEN;
const PREFIX_AT: usize = WRAPPED_AT + 32 + TAG_LEN;
const PREFIX_LEN: usize = 19;

impl Keyring {
    /// Starts sealing a blob that will be stored under `name`.
    pub fn seal_blob(&self, name: &str) -> BlobSealer {
        let key = self.current();
        let data_key = Subkey::new(random::bytes());
        let mut header = [0; HEADER_LEN];
        header[..MAGIC.len()].copy_from_slice(MAGIC);
        header[MAGIC.len()..][..key.id.len()].copy_from_slice(key.id.as_bytes());
        random::fill(&mut header[NONCE_AT..WRAPPED_AT]);
        random::fill(&mut header[PREFIX_AT..]);

        let place = place(name, &header);
        let nonce = nonce_of(&header);
        let wrapped = &mut header[WRAPPED_AT..PREFIX_AT];
        wrapped[..32].copy_from_slice(&*data_key);
        let tag = cipher(&key.blobs)
            .encrypt_inout_detached(&nonce.into(), &place, (&mut wrapped[..32]).into())
            .expect("a key is shorter than the cipher's 256 GiB");
        wrapped[32..].copy_from_slice(&tag);

        let chunks = Chunks::new(&data_key, &header);
        BlobSealer { header, chunks, next: 0, pending: Zeroizing::new(Vec::new()) }
    }

    /// Reads the header of a blob that is stored under `name`.
    ///
    /// Errs with [`Error::Tampered`] if it was sealed under another name.
    pub fn open_blob(&self, name: &str, header: &[u8; HEADER_LEN]) -> Result<BlobOpener> {
        if !header.starts_with(MAGIC) {
            return Err(Error::Malformed("no header of a sealed blob"));
        }
        let id = &header[MAGIC.len()..NONCE_AT];
        let id = id.split(|byte| *byte == 0).next().unwrap_or_default();
        let id = std::str::from_utf8(id).map_err(|_| Error::Malformed("no key id"))?;
        let mut data_key = Zeroizing::new(header[WRAPPED_AT..PREFIX_AT].to_vec());
        cipher(&self.key(id)?.blobs)
            .decrypt_in_place(&nonce_of(header).into(), &place(name, header), &mut *data_key)
            .map_err(|_| Error::Tampered)?;
        let data_key: [u8; 32] =
            data_key.as_slice().try_into().expect("48 bytes less a tag of 16 are 32");
        Ok(BlobOpener { chunks: Chunks::new(&Subkey::new(data_key), header) })
    }
}

fn cipher(key: &Subkey) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new((&**key).into())
}

fn nonce_of(header: &[u8; HEADER_LEN]) -> [u8; NONCE_LEN] {
    *header[NONCE_AT..].first_chunk().expect("the nonce is inside the header")
}

/// What is authenticated with the data key: the blob's name and the header but for the key itself.
fn place(name: &str, header: &[u8; HEADER_LEN]) -> Vec<u8> {
    bind(&[name.as_bytes(), &header[..NONCE_AT], &header[PREFIX_AT..]])
}

/// The cipher of one blob's chunks.
struct Chunks {
    cipher: XChaCha20Poly1305,
    prefix: [u8; PREFIX_LEN],
}

impl Chunks {
    fn new(data_key: &Subkey, header: &[u8; HEADER_LEN]) -> Self {
        let prefix = *header[PREFIX_AT..].first_chunk().expect("the prefix ends the header");
        Self { cipher: cipher(data_key), prefix }
    }

    fn nonce(&self, number: u64, last: bool) -> Result<[u8; NONCE_LEN]> {
        let number = u32::try_from(number).map_err(|_| Error::TooLong)?;
        let mut nonce = [0; NONCE_LEN];
        nonce[..PREFIX_LEN].copy_from_slice(&self.prefix);
        nonce[PREFIX_LEN..][..4].copy_from_slice(&number.to_be_bytes());
        nonce[NONCE_LEN - 1] = u8::from(last);
        Ok(nonce)
    }

    /// Appends the sealed chunk to `out`.
    fn seal(&self, number: u64, last: bool, plaintext: &[u8], out: &mut Vec<u8>) -> Result<()> {
        let nonce = self.nonce(number, last)?;
        // Reserved at once: growing would leave copies of the plaintext behind.
        out.reserve(plaintext.len() + TAG_LEN);
        let start = out.len();
        out.extend_from_slice(plaintext);
        let tag = self
            .cipher
            .encrypt_inout_detached(&nonce.into(), &[], (&mut out[start..]).into())
            .expect("a chunk is shorter than the cipher's 256 GiB");
        out.extend_from_slice(&tag);
        Ok(())
    }
}

/// Seals one blob from front to back, holding no more than one chunk of it.
pub struct BlobSealer {
    header: [u8; HEADER_LEN],
    chunks: Chunks,
    next: u64,
    /// A chunk waits here until it is known whether another follows.
    pending: Zeroizing<Vec<u8>>,
}

impl BlobSealer {
    /// What is stored before everything that [`BlobSealer::push`] and [`BlobSealer::finish`] give.
    pub fn header(&self) -> &[u8; HEADER_LEN] {
        &self.header
    }

    /// Takes the next bytes of the content and appends the chunks they complete to `out`.
    ///
    /// Errs with [`Error::TooLong`] after 2³² chunks.
    pub fn push(&mut self, mut plaintext: &[u8], out: &mut Vec<u8>) -> Result<()> {
        while self.pending.len() + plaintext.len() > CHUNK_LEN {
            if self.pending.is_empty() {
                let (chunk, rest) = plaintext.split_at(CHUNK_LEN);
                self.chunks.seal(self.next, false, chunk, out)?;
                plaintext = rest;
            } else {
                let (head, rest) = plaintext.split_at(CHUNK_LEN - self.pending.len());
                self.pending.extend_from_slice(head);
                self.chunks.seal(self.next, false, &self.pending, out)?;
                self.pending.clear();
                plaintext = rest;
            }
            self.next += 1;
        }
        if !plaintext.is_empty() {
            // Reserved at once, as the wiping at the end reaches only the last allocation.
            let room = CHUNK_LEN - self.pending.len();
            self.pending.reserve_exact(room);
            self.pending.extend_from_slice(plaintext);
        }
        Ok(())
    }

    /// Appends the last chunk to `out`.
    pub fn finish(self, out: &mut Vec<u8>) -> Result<()> {
        self.chunks.seal(self.next, true, &self.pending, out)
    }
}

/// Opens the chunks of one blob, in any order.
pub struct BlobOpener {
    chunks: Chunks,
}

impl BlobOpener {
    /// Opens chunk `number` (from 0) in place; `last` as told by [`Layout::last_chunk`].
    ///
    /// Errs with [`Error::Tampered`] if it was changed, comes from another place or another blob,
    /// or is the last one and should not be, or the other way round.
    pub fn open(&self, number: u64, last: bool, chunk: &mut Vec<u8>) -> Result<()> {
        let nonce = self.chunks.nonce(number, last)?;
        self.chunks.cipher.decrypt_in_place(&nonce.into(), &[], chunk).map_err(|_| Error::Tampered)
    }
}

/// Where the chunks of a blob lie, known from its length alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    plaintext_len: u64,
}

impl Layout {
    /// The layout of a sealed blob of `sealed_len` bytes. Errs if no blob has that length.
    pub fn of_sealed(sealed_len: u64) -> Result<Self> {
        let cut = Error::Malformed("cut short");
        let Some(body) = sealed_len.checked_sub(HEADER_LEN as u64) else { return Err(cut) };
        let (full, rest) = (body / SEALED_CHUNK, body % SEALED_CHUNK);
        let last = match rest.checked_sub(TAG_LEN as u64) {
            Some(0) if full > 0 => return Err(cut),
            Some(last) => last,
            None if rest == 0 && full > 0 => 0,
            None => return Err(cut),
        };
        Ok(Self { plaintext_len: full * CHUNK_LEN as u64 + last })
    }

    pub const fn of_plaintext(plaintext_len: u64) -> Self {
        Self { plaintext_len }
    }

    /// Bytes of content.
    pub const fn plaintext_len(self) -> u64 {
        self.plaintext_len
    }

    /// Bytes that are stored: header, content and tags.
    pub const fn sealed_len(self) -> u64 {
        HEADER_LEN as u64 + self.plaintext_len + (self.last_chunk() + 1) * TAG_LEN as u64
    }

    /// The number of the last chunk; an empty blob has one too.
    pub const fn last_chunk(self) -> u64 {
        self.plaintext_len.saturating_sub(1) / CHUNK_LEN as u64
    }

    /// The chunk that holds byte `offset` of the content.
    pub const fn chunk_at(self, offset: u64) -> u64 {
        offset / CHUNK_LEN as u64
    }

    /// Where the sealed chunks `first` to `last`, both included, are stored.
    pub fn sealed_range(self, first: u64, last: u64) -> Range<u64> {
        let start = HEADER_LEN as u64 + first * SEALED_CHUNK;
        let end = HEADER_LEN as u64 + (last + 1) * SEALED_CHUNK;
        start..end.min(self.sealed_len())
    }
}

#[cfg(test)]
mod tests;
