//! Whose blobs these are: a mark beside them, so that no other installation takes them for its own.

use crate::{Blobs, Error, Kind, Result};
use futures::TryStreamExt;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutOptions, path::Path};
use std::fmt;

/// Beside the folders of the kinds, none of which has this name.
pub(crate) const FILE: &str = "installation";
const LOGS: &str = "logs";

/// What the mark says, with the id of an installation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mark {
    /// The blobs of this installation.
    Of(String),
    /// A backup of this installation is being restored here, and not all may be there yet.
    Restoring(String),
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Of(id) => writeln!(f, "of {id}"),
            Self::Restoring(id) => writeln!(f, "restoring {id}"),
        }
    }
}

impl Mark {
    fn parse(text: &str) -> Option<Self> {
        match text.trim_end().split_once(' ')? {
            ("of", id) => Some(Self::Of(id.to_owned())),
            ("restoring", id) => Some(Self::Restoring(id.to_owned())),
            _ => None,
        }
    }

    /// The mark of a folder that nobody has opened, and perhaps nobody has the keys for.
    ///
    /// # Errors
    /// [`Error::Mark`] for one that is not understood.
    pub fn of_folder(folder: &std::path::Path) -> Result<Option<Self>> {
        match std::fs::read_to_string(folder.join(FILE)) {
            Ok(text) => Self::parse(&text).map(Some).ok_or(Error::Mark),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(Error::Folder { path: folder.to_owned(), source }),
        }
    }
}

impl Blobs {
    /// The mark, if there is one.
    ///
    /// # Errors
    /// [`Error::Mark`] for one that is not understood.
    pub async fn mark(&self) -> Result<Option<Mark>> {
        let text = match self.store.get(&Path::from(FILE)).await {
            Ok(found) => found.bytes().await.map_err(failed)?,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        let text = String::from_utf8_lossy(&text);
        Mark::parse(&text).map(Some).ok_or(Error::Mark)
    }

    /// From here on a folder without its mark is not ours.
    fn is_marked(&self) {
        if let Some(root) = &self.root {
            root.is_marked();
        }
    }

    /// Puts a mark unless there is one, and gives the one that is there then.
    pub async fn claim(&self, mark: &Mark) -> Result<Mark> {
        // A store that is full can be read, and has its mark.
        if let Some(there) = self.mark().await? {
            if there == *mark {
                self.is_marked();
            }
            return Ok(there);
        }
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        match self.store.put_opts(&Path::from(FILE), mark.to_string().into(), options).await {
            Ok(_) => {
                self.is_marked();
                Ok(mark.clone())
            }
            Err(object_store::Error::AlreadyExists { .. }) => self.mark().await?.ok_or(Error::Mark),
            Err(error) => Err(failed(error)),
        }
    }

    /// Puts a mark in the place of any other.
    pub async fn replace_mark(&self, mark: &Mark) -> Result<()> {
        self.store.put(&Path::from(FILE), mark.to_string().into()).await.map_err(failed)?;
        self.is_marked();
        Ok(())
    }

    /// Whether there is no blob and no log; the mark does not count.
    pub async fn is_empty(&self) -> Result<bool> {
        for folder in Kind::lasting().map(Kind::folder).chain([LOGS]) {
            let mut listed = self.store.list(Some(&Path::from(folder)));
            if listed.try_next().await.map_err(failed)?.is_some() {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

fn failed(source: object_store::Error) -> Error {
    Error::Store { name: FILE.to_owned(), source }
}
