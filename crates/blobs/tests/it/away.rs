//! A folder that is moved away, deleted or replaced beneath a running server.

use crate::{Folder, content, state};
use statehouse_blobs::{Blobs, Error, LogId, Mark};
use std::fs;

/// Each way to lose the folder, and the way back where there is one.
type Way = (&'static str, fn(&Folder), Option<fn(&Folder)>);

fn aside(folder: &Folder) -> std::path::PathBuf {
    folder.folder.path().with_extension("aside")
}

fn move_away(folder: &Folder) {
    fs::rename(folder.folder.path(), aside(folder)).unwrap();
}

fn move_back(folder: &Folder) {
    let _ = fs::remove_dir_all(folder.folder.path());
    fs::rename(aside(folder), folder.folder.path()).unwrap();
}

fn replace(folder: &Folder) {
    move_away(folder);
    fs::create_dir(folder.folder.path()).unwrap();
    // Also one that says to be of the same installation.
    fs::copy(aside(folder).join("installation"), folder.file("installation")).unwrap();
}

fn empty(folder: &Folder) {
    fs::create_dir(aside(folder)).unwrap();
    for entry in fs::read_dir(folder.folder.path()).unwrap() {
        let entry = entry.unwrap();
        fs::rename(entry.path(), aside(folder).join(entry.file_name())).unwrap();
    }
}

fn fill_again(folder: &Folder) {
    for entry in fs::read_dir(aside(folder)).unwrap() {
        let entry = entry.unwrap();
        fs::rename(entry.path(), folder.file(entry.file_name().to_str().unwrap())).unwrap();
    }
    fs::remove_dir(aside(folder)).unwrap();
}

fn delete(folder: &Folder) {
    fs::remove_dir_all(folder.folder.path()).unwrap();
}

fn is_away<T: std::fmt::Debug>(answer: &Result<T, Error>) {
    assert!(matches!(answer, Err(error) if error.is_away()), "{answer:?}");
}

async fn refuses_everything(blobs: &Blobs) {
    is_away(&blobs.put(&state("sv-2"), content(10)).await);
    is_away(&blobs.put(&state("sv-2"), content(11 << 20)).await);
    is_away(
        &blobs
            .copy(&state("sv-1"), &state("sv-3"))
            .await
            .and(Err::<(), _>(Error::Mark))
            .or_else(|error| if matches!(error, Error::Mark) { Ok(()) } else { Err(error) }),
    );
    is_away(&blobs.delete(&state("sv-none")).await);
    is_away(&blobs.check().await);
    is_away(&blobs.exists(&state("sv-none")).await);
    is_away(&blobs.append_log(&LogId::new("plan-1").unwrap(), 0, content(3)).await);
    is_away(&blobs.replace_mark(&Mark::Of("other".into())).await);
}

#[tokio::test]
async fn nothing_is_kept_in_the_place_of_a_folder_that_is_away_and_all_is_well_when_it_is_back() {
    let ways: [Way; 4] = [
        ("moved", move_away, Some(move_back)),
        ("replaced", replace, Some(move_back)),
        ("emptied", empty, Some(fill_again)),
        ("deleted", delete, None),
    ];
    for (how, lose, back) in ways {
        let folder = Folder::new();
        let blobs = folder.server();
        blobs.claim(&Mark::Of("one".into())).await.unwrap();
        blobs.put(&state("sv-1"), content(10)).await.unwrap();
        lose(&folder);
        println!("{how}");
        refuses_everything(&blobs).await;
        let made = fs::read_dir(folder.folder.path()).map_or(0, Iterator::count);
        assert_eq!(made, usize::from(how == "replaced"), "{how}: nothing was made in its place");
        let Some(back) = back else { continue };
        back(&folder);
        assert_eq!(blobs.get(&state("sv-1")).await.unwrap(), content(10));
        blobs.put(&state("sv-2"), content(10)).await.unwrap();
        blobs.check().await.unwrap();
    }
}

#[tokio::test]
async fn an_upload_that_was_begun_before_is_not_said_to_be_kept() {
    let folder = Folder::new();
    let blobs = folder.server();
    let path = folder.folder.path().to_owned();
    let pieces = (0..3).map(move |piece| {
        if piece == 2 {
            fs::rename(&path, path.with_extension("aside")).unwrap();
        }
        Ok::<_, Error>(content(6 << 20))
    });
    let written = blobs.put_stream(&state("sv-1"), futures::stream::iter(pieces), u64::MAX).await;
    is_away(&written);
    assert!(!folder.folder.path().exists());
    fs::remove_dir_all(aside(&folder)).unwrap();
}
