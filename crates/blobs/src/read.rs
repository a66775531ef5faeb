//! Reading of blobs, whole, as a stream, or a range of their bytes.

use crate::{
    Blobs, Error, Name, Result,
    store::{layout, sealed, store_error},
};
use bytes::Bytes;
use crypto::{BlobOpener, CHUNK_LEN, HEADER_LEN, Layout, TAG_LEN};
use futures::{Stream, TryStreamExt, stream};
use object_store::{
    GetOptions, GetRange, GetResultPayload, ObjectMeta, ObjectStore, ObjectStoreExt,
};
use std::{io, ops::Range};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio_util::io::StreamReader;

/// How often a range is read anew because its blob was replaced in between.
const ATTEMPTS: usize = 8;

impl Blobs {
    /// The whole content, in memory.
    pub async fn get(&self, name: &Name) -> Result<Bytes> {
        let (size, content) = self.get_stream(name).await?;
        let all = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
        let all = content.try_fold(all, |mut all, chunk| async move {
            all.extend_from_slice(&chunk);
            Ok(all)
        });
        all.await.map(Bytes::from)
    }

    /// The bytes of content and the content itself in chunks of at most 64 KiB, each checked
    /// before it is given out. A blob that is replaced or deleted meanwhile is read to its end.
    pub async fn get_stream(
        &self,
        name: &Name,
    ) -> Result<(u64, impl Stream<Item = Result<Bytes>> + Send + Unpin + use<>)> {
        let found = self.store.get(&name.path()).await.map_err(|error| store_error(name, error))?;
        let layout = layout(name, found.meta.size)?;
        let mut source: Box<dyn AsyncRead + Send + Unpin> = match found.payload {
            GetResultPayload::File(file, _) => Box::new(tokio::fs::File::from_std(file)),
            GetResultPayload::Stream(stream) => {
                Box::new(StreamReader::new(stream.map_err(io::Error::from)))
            }
        };
        let mut header = [0; HEADER_LEN];
        source.read_exact(&mut header).await.map_err(|error| broken_off(name, error))?;
        let opener = self.keyring.open_blob(name.as_str(), &header).map_err(sealed(name))?;
        let reading = Reading { name: name.clone(), source, opener, layout, next: 0 };
        Ok((layout.plaintext_len(), Box::pin(stream::try_unfold(reading, Reading::step))))
    }

    /// The content from byte `offset` on, at most `len` bytes, less or none at the end of the
    /// blob. Only the chunks that hold them are read and opened.
    pub async fn read_range(&self, name: &Name, offset: u64, len: usize) -> Result<Bytes> {
        for _ in 0..ATTEMPTS {
            match self.try_read_range(name, offset, len).await {
                Err(Error::Store { source: object_store::Error::Precondition { .. }, .. }) => {}
                done => return done,
            }
        }
        self.try_read_range(name, offset, len).await
    }

    async fn try_read_range(&self, name: &Name, offset: u64, len: usize) -> Result<Bytes> {
        // The first chunk comes with the header: of a small blob that is all.
        let start = 0..(HEADER_LEN + CHUNK_LEN + TAG_LEN) as u64;
        let (start, meta) = self.fetch(name, start, None).await?;
        let layout = layout(name, meta.size)?;
        let header = start.first_chunk().ok_or_else(|| cut(name))?;
        let opener = self.keyring.open_blob(name.as_str(), header).map_err(sealed(name))?;

        let end = offset.saturating_add(len as u64).min(layout.plaintext_len());
        if offset >= end {
            return Ok(Bytes::new());
        }
        let (first, last) = (layout.chunk_at(offset), layout.chunk_at(end - 1));
        let wanted = layout.sealed_range(first, last);
        let chunks = match (to_usize(wanted.start), to_usize(wanted.end)) {
            (from, to) if to <= start.len() => start.slice(from..to),
            _ => self.fetch(name, wanted, meta.e_tag).await?.0,
        };

        let mut content = Vec::with_capacity(chunks.len());
        for (number, chunk) in (first..=last).zip(chunks.chunks(CHUNK_LEN + TAG_LEN)) {
            let mut chunk = chunk.to_vec();
            opener.open(number, number == layout.last_chunk(), &mut chunk).map_err(sealed(name))?;
            content.extend_from_slice(&chunk);
        }
        let skip = to_usize(offset - first * CHUNK_LEN as u64);
        let end = skip + to_usize(end - offset);
        if content.len() < end {
            return Err(cut(name));
        }
        Ok(Bytes::from(content).slice(skip..end))
    }

    /// The stored bytes of `range` as far as they go, of the version `e_tag` if given.
    async fn fetch(
        &self,
        name: &Name,
        range: Range<u64>,
        e_tag: Option<String>,
    ) -> Result<(Bytes, ObjectMeta)> {
        let range = Some(GetRange::Bounded(range));
        let options = GetOptions { range, if_match: e_tag, ..GetOptions::default() };
        let failed = |error| store_error(name, error);
        let found = self.store.get_opts(&name.path(), options).await.map_err(failed)?;
        let meta = found.meta.clone();
        Ok((found.bytes().await.map_err(failed)?, meta))
    }
}

/// A blob that is being read from front to back.
struct Reading {
    name: Name,
    source: Box<dyn AsyncRead + Send + Unpin>,
    opener: BlobOpener,
    layout: Layout,
    next: u64,
}

impl Reading {
    async fn step(mut self) -> Result<Option<(Bytes, Self)>> {
        let (number, last) = (self.next, self.layout.last_chunk());
        if number > last {
            return Ok(None);
        }
        let range = self.layout.sealed_range(number, number);
        let mut chunk = vec![0; to_usize(range.end - range.start)];
        let read = self.source.read_exact(&mut chunk).await;
        read.map_err(|error| broken_off(&self.name, error))?;
        self.opener.open(number, number == last, &mut chunk).map_err(sealed(&self.name))?;
        self.next += 1;
        Ok(Some((Bytes::from(chunk), self)))
    }
}

fn to_usize(len: u64) -> usize {
    usize::try_from(len).expect("what is held in memory fits into its addresses")
}

fn cut(name: &Name) -> Error {
    sealed(name)(crypto::Error::Malformed("cut short"))
}

fn broken_off(name: &Name, error: io::Error) -> Error {
    if error.kind() == io::ErrorKind::UnexpectedEof {
        return cut(name);
    }
    let source = object_store::Error::Generic { store: "blob", source: error.into() };
    Error::Store { name: name.to_string(), source }
}
