//! Whoever holds the disk can destroy a blob, but not change it unnoticed.

use crate::{Folder, content, edit, is_tampered, state};
use bytes::Bytes;
use crypto::{CHUNK_LEN, HEADER_LEN, Keyring, TAG_LEN};
use statehouse_blobs::{Error, LogId};
use std::{fs, os::unix::fs::PermissionsExt};

const SEALED: usize = CHUNK_LEN + TAG_LEN;

#[tokio::test]
async fn a_flipped_byte_anywhere_is_noticed() {
    let folder = Folder::new();
    let blobs = folder.server();
    let file = folder.file("states/sv-1");
    for at in [0, 5, 30, 50, HEADER_LEN - 1, HEADER_LEN, HEADER_LEN + SEALED + 9] {
        blobs.put(&state("sv-1"), content(100_000)).await.unwrap();
        edit(&file, |bytes| bytes[at] ^= 1);
        assert!(is_tampered(&blobs.get(&state("sv-1")).await), "byte {at}");
        assert!(is_tampered(&blobs.read_range(&state("sv-1"), 0, 100_000).await), "byte {at}");
    }
}

#[tokio::test]
async fn a_range_needs_only_its_own_chunks_to_be_sound() {
    let folder = Folder::new();
    let blobs = folder.server();
    blobs.put(&state("sv-1"), content(3 * CHUNK_LEN)).await.unwrap();
    edit(&folder.file("states/sv-1"), |bytes| bytes[HEADER_LEN + 5] ^= 1);
    let at = CHUNK_LEN + 10;
    let range = blobs.read_range(&state("sv-1"), at as u64, 20).await.unwrap();
    assert_eq!(range, content(at + 20).slice(at..));
    assert!(is_tampered(&blobs.read_range(&state("sv-1"), 5, 1).await));
}

#[tokio::test]
async fn two_blobs_cannot_swap_names() {
    let folder = Folder::new();
    let blobs = folder.server();
    for id in ["sv-1", "sv-2"] {
        blobs.put(&state(id), content(10)).await.unwrap();
    }
    let [one, two] = ["sv-1", "sv-2"].map(|id| folder.file(&format!("states/{id}")));
    fs::rename(&one, folder.file("aside")).unwrap();
    fs::rename(&two, &one).unwrap();
    fs::rename(folder.file("aside"), &two).unwrap();
    for id in ["sv-1", "sv-2"] {
        assert!(is_tampered(&blobs.get(&state(id)).await));
        assert!(is_tampered(&blobs.read_range(&state(id), 0, 1).await));
        assert!(is_tampered(&blobs.copy(&state(id), &state("sv-3")).await));
    }
    assert!(!blobs.exists(&state("sv-3")).await.unwrap());
}

#[tokio::test]
async fn a_cut_at_any_place_is_noticed() {
    let folder = Folder::new();
    let blobs = folder.server();
    let whole = HEADER_LEN + 3 * SEALED;
    for len in [0, 10, HEADER_LEN, HEADER_LEN + SEALED, HEADER_LEN + 2 * SEALED, whole - 1] {
        blobs.put(&state("sv-1"), content(3 * CHUNK_LEN)).await.unwrap();
        edit(&folder.file("states/sv-1"), |bytes| bytes.truncate(len));
        assert!(blobs.get(&state("sv-1")).await.is_err(), "{len}");
        let end = blobs.read_range(&state("sv-1"), 3 * CHUNK_LEN as u64 - 1, 1).await;
        assert!(end.is_err() || end.is_ok_and(|bytes| bytes.is_empty()), "{len}");
    }
}

#[tokio::test]
async fn a_wrong_key_cannot_open_a_blob() {
    let folder = Folder::new();
    folder.server().put(&state("sv-1"), content(10)).await.unwrap();
    let stranger = folder.server_with(Keyring::generate());
    assert!(is_tampered(&stranger.get(&state("sv-1")).await));
}

#[tokio::test]
async fn a_rotated_key_still_opens() {
    let folder = Folder::new();
    let keys = folder.file("keys");
    let old = Keyring::load_or_create(&keys).unwrap();
    folder.server_with(old).put(&state("sv-1"), content(10)).await.unwrap();
    let newer = format!("newer:{}=\n", "A".repeat(43));
    edit(&keys, |bytes| *bytes = [newer.as_bytes(), bytes].concat());
    fs::set_permissions(&keys, fs::Permissions::from_mode(0o600)).unwrap();
    let rotated = Keyring::load(&keys).unwrap();
    assert_eq!(rotated.current_key_id(), "newer");
    assert_eq!(folder.server_with(rotated).get(&state("sv-1")).await.unwrap(), content(10));
}

#[tokio::test]
async fn segments_of_logs_cannot_be_exchanged() {
    let folder = Folder::new();
    let blobs = folder.server();
    let [one, two] = ["plan-1", "plan-2"].map(|id| LogId::new(id).unwrap());
    for log in [&one, &two] {
        blobs.append_log(log, 0, Bytes::from_static(b"x")).await.unwrap();
    }
    let [one_file, two_file] =
        ["plan-1", "plan-2"].map(|id| folder.file(&format!("logs/{id}/{:020}", 0)));
    fs::rename(two_file, one_file).unwrap();
    assert!(is_tampered(&blobs.read_log(&one, 0, 10).await));
    edit(&folder.file(&format!("logs/plan-1/{:020}", 0)), |bytes| bytes.truncate(20));
    let cut = folder.server().log_length(&one).await;
    assert!(matches!(cut, Err(Error::Sealed { .. })));
}
