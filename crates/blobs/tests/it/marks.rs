//! Whose blobs these are.

use crate::{Folder, content, state};
use statehouse_blobs::{Error, Mark};

#[tokio::test]
async fn the_first_mark_stays() {
    let folder = Folder::new();
    let blobs = folder.server();
    assert_eq!(blobs.mark().await.unwrap(), None);
    let (one, other) = (Mark::Of("one".into()), Mark::Of("other".into()));
    assert_eq!(blobs.claim(&one).await.unwrap(), one);
    assert_eq!(folder.server().claim(&other).await.unwrap(), one);
    assert_eq!(folder.server().mark().await.unwrap(), Some(one));
    let restoring = Mark::Restoring("other".into());
    blobs.replace_mark(&restoring).await.unwrap();
    assert_eq!(blobs.mark().await.unwrap(), Some(restoring));
}

#[tokio::test]
async fn a_mark_is_no_blob() {
    let folder = Folder::new();
    let blobs = folder.server();
    assert!(blobs.is_empty().await.unwrap());
    blobs.claim(&Mark::Of("one".into())).await.unwrap();
    assert!(blobs.is_empty().await.unwrap());
    blobs.put(&state("sv-1"), content(10)).await.unwrap();
    assert!(!blobs.is_empty().await.unwrap());
}

#[tokio::test]
async fn a_mark_that_says_nothing_is_refused() {
    let folder = Folder::new();
    std::fs::write(folder.file("installation"), "").unwrap();
    assert!(matches!(folder.server().mark().await, Err(Error::Mark)));
    let one = Mark::Of("one".into());
    assert!(matches!(folder.server().claim(&one).await, Err(Error::Mark)));
}
