//! Where blobs are kept, and what needs no reading or writing of their content.

use crate::{
    Error, Name, Result,
    held::{Held, Root},
    logs::{Index, LogId},
    measured::Measured,
};
use crypto::{Keyring, Layout};
use object_store::{
    ObjectMeta, ObjectStore, ObjectStoreExt, local::LocalFileSystem, memory::InMemory,
};
use std::{
    collections::HashMap,
    fmt,
    fs::DirBuilder,
    io,
    os::unix::fs::DirBuilderExt,
    path::Path,
    sync::{Arc, Mutex},
};
use url::Url;

/// All blobs of a server. Cheap to clone; any number of servers may share one store.
#[derive(Clone)]
pub struct Blobs {
    pub(crate) store: Arc<dyn ObjectStore>,
    pub(crate) keyring: Keyring,
    /// The folder, if the store is one.
    pub(crate) root: Option<Arc<Root>>,
    /// What is known of logs, to spare looking for it at each poll. Never the truth: see `logs`.
    pub(crate) logs: Arc<Mutex<HashMap<LogId, Arc<Index>>>>,
}

impl fmt::Debug for Blobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Blobs").field(&self.store.to_string()).finish()
    }
}

impl Blobs {
    /// Blobs that are gone with the process: for tests.
    pub fn memory(keyring: Keyring) -> Self {
        Self::over(Arc::new(InMemory::new()), keyring)
    }

    /// Blobs in any store.
    pub fn over(store: Arc<dyn ObjectStore>, keyring: Keyring) -> Self {
        Self::new(store, keyring, None)
    }

    /// Blobs in a folder of the local file system, made with mode 0700 if it is not there. Each
    /// write is synced to the disk, file and folder, before it is reported as done. The folder is held: while it is not
    /// at its path, or without its mark, everything is refused.
    pub fn directory(path: impl AsRef<Path>, keyring: Keyring) -> Result<Self> {
        let path = path.as_ref();
        let folder = |source| Error::Folder { path: path.to_owned(), source };
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(folder)?;
        let root = path.canonicalize().map_err(folder)?;
        let store = LocalFileSystem::new_with_prefix(&root)
            .map_err(|error| folder(io::Error::other(error)))?
            .with_fsync(true);
        let root = Arc::new(Root::hold(root).map_err(folder)?);
        Ok(Self::new(Arc::new(Held::new(store, root.clone())), keyring, Some(root)))
    }

    /// Blobs at an address from the configuration: `file:///absolute/path`.
    ///
    /// Errs with [`Error::Address`], which repeats no more of the address than its scheme, as
    /// the rest may hold credentials.
    pub fn open(url: &str, keyring: Keyring) -> Result<Self> {
        let wrong = |problem: &str| Error::Address(problem.to_owned());
        let url = Url::parse(url).map_err(|error| wrong(&format!("is not a URL ({error})")))?;
        match url.scheme() {
            "file" => {
                let path =
                    url.to_file_path().map_err(|()| wrong("does not name a local folder"))?;
                Self::directory(path, keyring)
            }
            scheme => Err(wrong(&format!("has the scheme {scheme:?}, which is not supported"))),
        }
    }

    fn new(store: Arc<dyn ObjectStore>, keyring: Keyring, root: Option<Arc<Root>>) -> Self {
        Self { store: Arc::new(Measured(store)), keyring, root, logs: Arc::default() }
    }

    /// Bytes of content. Nothing is opened: a blob that was cut may give a wrong size here and
    /// an error when it is read.
    pub async fn size(&self, name: &Name) -> Result<u64> {
        self.find(name).await?.ok_or_else(|| Error::NotFound(name.clone()))
    }

    pub async fn exists(&self, name: &Name) -> Result<bool> {
        Ok(self.head(name).await?.is_some())
    }

    /// Deletes a blob; one that is not there counts as deleted.
    pub async fn delete(&self, name: &Name) -> Result<()> {
        match self.store.delete(&name.path()).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(source) => Err(store_error(name, source)),
        }
    }

    /// Copies the content of `from` to `to`, which is replaced once the copy is complete. The
    /// content is sealed again, as a sealed blob opens only under its own name.
    pub async fn copy(&self, from: &Name, to: &Name) -> Result<()> {
        let (_, content) = self.get_stream(from).await?;
        match self.put_stream(to, content, u64::MAX).await {
            Ok(_) => Ok(()),
            // Tell what is wrong with `from`, not that reading it failed.
            Err(Error::Content(error)) => {
                Err(error.downcast::<Error>().map_or_else(Error::Content, |error| *error))
            }
            Err(error) => Err(error),
        }
    }

    /// Bytes of content, or `None` without such a blob.
    pub(crate) async fn find(&self, name: &Name) -> Result<Option<u64>> {
        let Some(meta) = self.head(name).await? else { return Ok(None) };
        Ok(Some(layout(name, meta.size)?.plaintext_len()))
    }

    async fn head(&self, name: &Name) -> Result<Option<ObjectMeta>> {
        match self.store.head(&name.path()).await {
            Ok(meta) => Ok(Some(meta)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(source) => Err(store_error(name, source)),
        }
    }
}

pub(crate) fn layout(name: &Name, sealed_len: u64) -> Result<Layout> {
    Layout::of_sealed(sealed_len).map_err(sealed(name))
}

pub(crate) fn sealed(name: &Name) -> impl Fn(crypto::Error) -> Error {
    move |source| Error::Sealed { name: name.clone(), source }
}

pub(crate) fn store_error(name: &Name, source: object_store::Error) -> Error {
    match source {
        object_store::Error::NotFound { .. } => Error::NotFound(name.clone()),
        source => Error::Store { name: name.to_string(), source },
    }
}
