//! The folder of the blobs, held: when it is moved away, deleted, unmounted or replaced beneath us, nothing is written
//! anywhere else, and that something is not there is no answer.

use std::{
    fmt,
    fs::{self, File},
    io,
    os::unix::fs::MetadataExt,
    path::{Path as FilePath, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, future, stream, stream::BoxStream};
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result, UploadPart,
    path::Path,
};
use std::ops::Range;

use crate::mark;

/// The folder at the path is not the one that was opened.
#[derive(Debug, thiserror::Error)]
#[error("{} is not the folder that was opened: {why}", path.display())]
pub(crate) struct Away {
    path: PathBuf,
    why: String,
}

/// One folder, whatever its path comes to mean.
#[derive(Debug)]
pub(crate) struct Root {
    path: PathBuf,
    id: (u64, u64),
    /// Nobody else gets its number, and its file system stays mounted.
    _held: File,
    marked: AtomicBool,
}

impl Root {
    pub fn hold(path: PathBuf) -> io::Result<Self> {
        let held = File::open(&path)?;
        let id = id(&held.metadata()?);
        let marked = AtomicBool::new(path.join(mark::FILE).exists());
        Ok(Self { path, id, _held: held, marked })
    }

    pub fn path(&self) -> &FilePath {
        &self.path
    }

    /// From here on the mark belongs to it.
    pub fn is_marked(&self) {
        self.marked.store(true, Ordering::Relaxed);
    }

    fn look(&self) -> Result<(), Away> {
        let away = |why: String| Away { path: self.path.clone(), why };
        match fs::metadata(&self.path) {
            Ok(found) if id(&found) == self.id => {}
            Ok(_) => return Err(away("another one lies in its place".to_owned())),
            Err(error) => return Err(away(error.to_string())),
        }
        if self.marked.load(Ordering::Relaxed)
            && let Err(error) = fs::symlink_metadata(self.path.join(mark::FILE))
        {
            return Err(away(format!("its mark “{}” is gone: {error}", mark::FILE)));
        }
        Ok(())
    }

    /// Off the async threads: a file system over a network may hang.
    async fn check(self: &Arc<Self>) -> Result<()> {
        let root = self.clone();
        let looked = tokio::task::spawn_blocking(move || root.look()).await;
        match looked {
            Ok(Ok(())) => Ok(()),
            Ok(Err(away)) => Err(failed(away)),
            Err(error) => Err(failed(error)),
        }
    }
}

fn id(found: &fs::Metadata) -> (u64, u64) {
    (found.dev(), found.ino())
}

fn failed(source: impl std::error::Error + Send + Sync + 'static) -> object_store::Error {
    object_store::Error::Generic { store: "blob folder", source: Box::new(source) }
}

/// A store in a folder that is held.
#[derive(Debug)]
pub(crate) struct Held<S> {
    store: S,
    root: Arc<Root>,
}

impl<S: ObjectStore> Held<S> {
    pub fn new(store: S, root: Arc<Root>) -> Self {
        Self { store, root }
    }

    /// Only what is done while the folder is there, from the beginning to the end, is done.
    async fn write<T>(&self, work: impl Future<Output = Result<T>> + Send) -> Result<T> {
        self.root.check().await?;
        let done = work.await;
        self.root.check().await?;
        done
    }

    async fn read<T>(&self, work: impl Future<Output = Result<T>> + Send) -> Result<T> {
        let read = work.await;
        if matches!(read, Err(object_store::Error::NotFound { .. })) {
            self.root.check().await?;
        }
        read
    }

    /// What is listed, and behind it an error if that may not be all.
    fn listed(
        &self,
        listed: BoxStream<'static, Result<ObjectMeta>>,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        let root = self.root.clone();
        let last = async move { root.check().await.err().map(Err) };
        listed.chain(stream::once(last).filter_map(future::ready)).boxed()
    }
}

impl<S: fmt::Display> fmt::Display for Held<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.store.fmt(f)
    }
}

#[async_trait]
impl<S: ObjectStore> ObjectStore for Held<S> {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        self.write(self.store.put_opts(location, payload, options)).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let upload = self.write(self.store.put_multipart_opts(location, options)).await?;
        Ok(Box::new(HeldUpload { upload, root: self.root.clone() }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.read(self.store.get_opts(location, options)).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.read(self.store.get_ranges(location, ranges)).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let root = self.root.clone();
        // One by one: what is not there counts as deleted, unless nothing is there.
        let checked = locations.then(move |location| {
            let root = root.clone();
            async move { root.check().await.and(location) }
        });
        self.store.delete_stream(checked.boxed())
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.listed(self.store.list(prefix))
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        self.listed(self.store.list_with_offset(prefix, offset))
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.write(self.store.list_with_delimiter(prefix)).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.write(self.store.copy_opts(from, to, options)).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        self.write(self.store.rename_opts(from, to, options)).await
    }
}

#[derive(Debug)]
struct HeldUpload {
    upload: Box<dyn MultipartUpload>,
    root: Arc<Root>,
}

#[async_trait]
impl MultipartUpload for HeldUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        self.upload.put_part(data)
    }

    async fn complete(&mut self) -> Result<PutResult> {
        self.root.check().await?;
        let done = self.upload.complete().await;
        self.root.check().await?;
        done
    }

    async fn abort(&mut self) -> Result<()> {
        self.upload.abort().await
    }
}
