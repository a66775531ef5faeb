//! Blobs as they lie in the store, sealed: for copies that need no key. Who copies them gives them the same name, as
//! they open under no other.

use crate::{Blobs, Error, Kind, LogId, Name, Result, name::valid, store::store_error};
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream::BoxStream};
use object_store::{MultipartUpload, ObjectStore, ObjectStoreExt, path::Path};
use std::{fmt, time::SystemTime};

/// More than that is sent in parts of this size.
const PART_LEN: usize = 5 * 1024 * 1024;
const LOGS: &str = "logs";
const WHOLE: &str = "whole";

/// Where something lies: a blob, or a part of a log.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Place(String);

impl Place {
    /// The reverse of its text.
    ///
    /// # Errors
    /// [`Error::Name`] for what could lead to any other place.
    pub fn parse(text: &str) -> Result<Self> {
        let part_of_a_log = || {
            let (log, part) = text.strip_prefix(LOGS)?.strip_prefix('/')?.split_once('/')?;
            let number = part.len() == 20 && part.bytes().all(|byte| byte.is_ascii_digit());
            valid(log).ok().filter(|_| number || part == WHOLE)
        };
        if part_of_a_log().is_none() {
            text.parse::<Name>()?;
        }
        Ok(Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn path(&self) -> Path {
        Path::from(self.as_str())
    }
}

impl From<&Name> for Place {
    fn from(name: &Name) -> Self {
        Self(name.as_str().to_owned())
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Sealed bytes on their way out.
pub struct Sealed {
    pub size: u64,
    pub bytes: BoxStream<'static, Result<Bytes>>,
}

impl Blobs {
    /// The sealed bytes of a place; `None` if nothing lies there. What is replaced or deleted meanwhile is read to its end.
    pub async fn sealed(&self, place: &Place) -> Result<Option<Sealed>> {
        let found = match self.store.get(&place.path()).await {
            Ok(found) => found,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(source) => return Err(failed(place, source)),
        };
        let (size, place) = (found.meta.size, place.clone());
        let bytes = found.into_stream().map_err(move |source| failed(&place, source)).boxed();
        Ok(Some(Sealed { size, bytes }))
    }

    /// Opens all that lies in a place, to see whether it can be read.
    pub async fn prove(&self, place: &Place) -> Result<()> {
        let (folder, file) =
            place.0.rsplit_once('/').ok_or_else(|| Error::Name(place.0.clone()))?;
        let (_, content) = self.get_stream(&Name::inside(folder, file)).await?;
        content.try_for_each(|_| futures::future::ready(Ok(()))).await
    }

    /// Begins to put sealed bytes where they came from. Nothing is there before [`Receiving::finish`].
    pub fn receive(&self, place: &Place) -> Receiving<'_> {
        Receiving { blobs: self, place: place.clone(), pending: Vec::new(), parts: None }
    }

    /// The parts that a log consists of at this moment.
    pub async fn parts_of(&self, log: &LogId) -> Result<Vec<Place>> {
        let listed = self.store.list(Some(&Path::from(log.to_string())));
        let places: Vec<String> = listed
            .map_ok(|meta| meta.location.to_string())
            .try_collect()
            .await
            .map_err(|source| Error::Store { name: log.to_string(), source })?;
        // What is being joined has another name, and is no part yet.
        Ok(places.iter().filter_map(|text| Place::parse(text).ok()).collect())
    }

    /// Everything that lies in the store, blobs and parts of logs, by place and the time at which it was written.
    pub fn everything(&self) -> BoxStream<'_, Result<(String, SystemTime)>> {
        let folders = Kind::lasting().map(Kind::folder).chain([LOGS]);
        let each = move |folder: &'static str| {
            let listed = self.store.list(Some(&Path::from(folder)));
            listed.map(move |meta| match meta {
                Ok(meta) => Ok((meta.location.to_string(), meta.last_modified.into())),
                Err(source) => Err(Error::Store { name: folder.to_owned(), source }),
            })
        };
        futures::stream::iter(folders).flat_map(each).boxed()
    }
}

/// Sealed bytes on their way in.
pub struct Receiving<'a> {
    blobs: &'a Blobs,
    place: Place,
    pending: Vec<u8>,
    parts: Option<Box<dyn MultipartUpload>>,
}

impl Receiving<'_> {
    pub async fn push(&mut self, piece: &[u8]) -> Result<()> {
        self.pending.extend_from_slice(piece);
        while self.pending.len() >= PART_LEN {
            let rest = self.pending.split_off(PART_LEN);
            let part = std::mem::replace(&mut self.pending, rest);
            let parts = match &mut self.parts {
                Some(parts) => parts,
                none => {
                    let begun = self.blobs.store.put_multipart(&self.place.path()).await;
                    none.insert(begun.map_err(|source| failed(&self.place, source))?)
                }
            };
            parts.put_part(part.into()).await.map_err(|source| failed(&self.place, source))?;
        }
        Ok(())
    }

    /// The bytes are in place, and durable, once this returns.
    pub async fn finish(self) -> Result<()> {
        let failed = |source| failed(&self.place, source);
        match self.parts {
            None => {
                let stored = self.blobs.store.put(&self.place.path(), self.pending.into()).await;
                stored.map_err(failed)?;
            }
            Some(mut parts) => {
                parts.put_part(self.pending.into()).await.map_err(failed)?;
                parts.complete().await.map_err(failed)?;
            }
        }
        Ok(())
    }
}

fn failed(place: &Place, source: object_store::Error) -> Error {
    match place.as_str().parse::<Name>() {
        Ok(name) => store_error(&name, source),
        Err(_) => Error::Store { name: place.to_string(), source },
    }
}
