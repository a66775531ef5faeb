//! Writing of blobs, in constant memory and completely or not at all.

use crate::{
    Blobs, Error, Name, Result,
    store::{sealed, store_error},
};
use bytes::Bytes;
use crypto::CHUNK_LEN;
use futures::{Stream, StreamExt, stream};
use md5::Md5;
use object_store::{MultipartUpload, ObjectStoreExt, path::Path};
use sha2::{Digest, Sha256};
use std::{error::Error as StdError, pin::pin};

/// The sealed bytes of one part of an upload: the least that S3 takes, all of one size but the
/// last. A smaller blob is one request.
const PART_LEN: usize = 5 * 1024 * 1024;

/// What was written: bytes of content and the content's digests in lowercase hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    pub size: u64,
    pub md5_hex: String,
    pub sha256_hex: String,
}

impl Blobs {
    /// Writes a blob, replacing an older one of the name. Durable once this returns.
    pub async fn put(&self, name: &Name, content: Bytes) -> Result<Written> {
        let starts = (0..content.len()).step_by(CHUNK_LEN);
        let pieces = starts.map(|start| {
            Ok::<_, Error>(content.slice(start..content.len().min(start + CHUNK_LEN)))
        });
        self.put_stream(name, stream::iter(pieces), u64::MAX).await
    }

    /// Writes a blob from a stream, replacing an older one of the name only when all of the new
    /// one is there, durable once this returns. Holds some 5 MiB, whatever comes.
    ///
    /// Errs with [`Error::TooLarge`] as soon as more than `limit` bytes came and with
    /// [`Error::Content`] when the stream does; then, as when the future is dropped, what was
    /// stored under the name before stays.
    pub async fn put_stream<S, E>(&self, name: &Name, content: S, limit: u64) -> Result<Written>
    where
        S: Stream<Item = Result<Bytes, E>> + Send,
        E: Into<Box<dyn StdError + Send + Sync>>,
    {
        self.write(name, name.path(), content, limit).await
    }

    /// Writes a blob that will be known as `name` to `path`.
    pub(crate) async fn write<S, E>(
        &self,
        name: &Name,
        path: Path,
        content: S,
        limit: u64,
    ) -> Result<Written>
    where
        S: Stream<Item = Result<Bytes, E>> + Send,
        E: Into<Box<dyn StdError + Send + Sync>>,
    {
        let mut upload = Upload { blobs: self, name, path, parts: None };
        let written = upload.run(content, limit).await;
        if written.is_err()
            && let Some(mut parts) = upload.parts.take()
            && let Err(error) = parts.abort().await
        {
            tracing::warn!(blob = %name, %error, "parts of an unfinished blob {name} are left");
        }
        written
    }
}

struct Upload<'a> {
    blobs: &'a Blobs,
    name: &'a Name,
    path: Path,
    parts: Option<Box<dyn MultipartUpload>>,
}

impl Upload<'_> {
    async fn run<S, E>(&mut self, content: S, limit: u64) -> Result<Written>
    where
        S: Stream<Item = Result<Bytes, E>> + Send,
        E: Into<Box<dyn StdError + Send + Sync>>,
    {
        let mut content = pin!(content);
        let mut sealer = self.blobs.keyring.seal_blob(self.name.as_str());
        let mut out = sealer.header().to_vec();
        let (mut size, mut md5, mut sha256) = (0, Md5::new(), Sha256::new());

        while let Some(piece) = content.next().await {
            let piece = piece.map_err(|error| Error::Content(error.into()))?;
            size += piece.len() as u64;
            if size > limit {
                return Err(Error::TooLarge { limit });
            }
            for piece in piece.chunks(CHUNK_LEN) {
                md5.update(piece);
                sha256.update(piece);
                sealer.push(piece, &mut out).map_err(sealed(self.name))?;
                if out.len() >= PART_LEN {
                    let rest = out.split_off(PART_LEN);
                    self.send(std::mem::replace(&mut out, rest)).await?;
                }
            }
            // Sealing takes time; let others have their turn.
            tokio::task::yield_now().await;
        }
        sealer.finish(&mut out).map_err(sealed(self.name))?;
        self.publish(out).await.map_err(|error| store_error(self.name, error))?;
        Ok(Written {
            size,
            md5_hex: hex::encode(md5.finalize()),
            sha256_hex: hex::encode(sha256.finalize()),
        })
    }

    async fn send(&mut self, part: Vec<u8>) -> Result<()> {
        let failed = |error| store_error(self.name, error);
        let parts = if let Some(parts) = &mut self.parts {
            parts
        } else {
            self.parts.insert(self.blobs.store.put_multipart(&self.path).await.map_err(failed)?)
        };
        parts.put_part(part.into()).await.map_err(failed)
    }

    async fn publish(&mut self, rest: Vec<u8>) -> object_store::Result<()> {
        match &mut self.parts {
            None => self.blobs.store.put(&self.path, rest.into()).await?,
            Some(parts) => {
                parts.put_part(rest.into()).await?;
                parts.complete().await?
            }
        };
        Ok(())
    }
}
