//! Logs under appending, polling and joining.

use crate::{Folder, content};
use bytes::Bytes;
use crypto::Keyring;
use proptest::prelude::*;
use statehouse_blobs::{Blobs, Error, LogId};
use std::fs;

fn log() -> LogId {
    LogId::new("plan-1").unwrap()
}

async fn append(blobs: &Blobs, offset: u64, batch: &str) -> Result<u64, Error> {
    blobs.append_log(&log(), offset, Bytes::from(batch.to_owned())).await
}

async fn read_all(blobs: &Blobs) -> Bytes {
    let mut all = Vec::new();
    loop {
        let more = blobs.read_log(&log(), all.len() as u64, 7).await.unwrap();
        if more.is_empty() {
            return Bytes::from(all);
        }
        assert!(more.len() <= 7);
        all.extend_from_slice(&more);
    }
}

#[test]
fn an_id_stays_inside_the_folder_of_logs() {
    for id in ["", "..", "a/b", "a#1"] {
        assert!(matches!(LogId::new(id), Err(Error::Name(_))), "{id:?}");
    }
}

#[tokio::test]
async fn a_log_that_does_not_exist_is_empty() {
    let blobs = Blobs::memory(Keyring::generate());
    assert_eq!(blobs.log_length(&log()).await.unwrap(), 0);
    assert_eq!(blobs.read_log(&log(), 0, 100).await.unwrap(), "");
    blobs.compact_log(&log(), 2).await.unwrap();
    blobs.delete_log(&log()).await.unwrap();
}

#[tokio::test]
async fn batches_follow_each_other_and_are_read_from_any_byte() {
    let folder = Folder::new();
    for blobs in [Blobs::memory(Keyring::generate()), folder.server()] {
        assert_eq!(append(&blobs, 0, "hello ").await.unwrap(), 6);
        assert_eq!(append(&blobs, 6, "world").await.unwrap(), 11);
        assert_eq!(blobs.log_length(&log()).await.unwrap(), 11);
        assert_eq!(blobs.read_log(&log(), 0, 100).await.unwrap(), "hello world");
        assert_eq!(blobs.read_log(&log(), 4, 4).await.unwrap(), "o wo");
        assert_eq!(blobs.read_log(&log(), 11, 100).await.unwrap(), "");
        assert_eq!(blobs.read_log(&log(), u64::MAX, 100).await.unwrap(), "");
        assert_eq!(blobs.read_log(&log(), 0, 0).await.unwrap(), "");
    }
    assert_eq!(folder.files("logs").len(), 2, "one object per batch");
}

#[tokio::test]
async fn a_repeated_or_overlapping_batch_stores_only_what_is_new() {
    let folder = Folder::new();
    let blobs = folder.server();
    append(&blobs, 0, "abc").await.unwrap();
    assert_eq!(append(&blobs, 0, "abc").await.unwrap(), 3);
    assert_eq!(append(&blobs, 1, "b").await.unwrap(), 3);
    assert_eq!(append(&blobs, 3, "").await.unwrap(), 3);
    assert_eq!(folder.files("logs").len(), 1);
    assert_eq!(append(&blobs, 1, "bcde").await.unwrap(), 5);
    assert_eq!(read_all(&blobs).await, "abcde");
}

#[tokio::test]
async fn a_gap_is_refused_with_the_length_to_go_on_from() {
    let blobs = Blobs::memory(Keyring::generate());
    append(&blobs, 0, "abc").await.unwrap();
    let gap = append(&blobs, 4, "e").await.unwrap_err();
    assert!(matches!(gap, Error::Gap { offset: 4, length: 3, .. }), "{gap}");
    assert_eq!(read_all(&blobs).await, "abc");
}

#[tokio::test]
async fn servers_see_what_the_others_appended() {
    let folder = Folder::new();
    let (one, two) = (folder.server(), folder.server());
    assert_eq!(read_all(&two).await, "");
    append(&one, 0, "abc").await.unwrap();
    assert_eq!(read_all(&two).await, "abc");
    append(&one, 3, "de").await.unwrap();
    append(&one, 5, "f").await.unwrap();
    assert_eq!(append(&two, 2, "cdefg").await.unwrap(), 7, "stale, so it looks again");
    assert_eq!(append(&one, 7, "h").await.unwrap(), 8);
    for server in [one, two, folder.server()] {
        assert_eq!(read_all(&server).await, "abcdefgh");
        assert_eq!(server.log_length(&log()).await.unwrap(), 8);
    }
}

#[tokio::test]
async fn writers_that_send_the_same_log_at_once_leave_one_copy() {
    let folder = Folder::new();
    let all = content(3_000);
    let writers = (1..=4_usize).map(|writer| {
        let (blobs, all) = (folder.server(), all.clone());
        tokio::spawn(async move {
            let step = writer * 37;
            for start in (0..all.len()).step_by(step) {
                let batch = all.slice(start..all.len().min(start + step));
                blobs.append_log(&log(), start as u64, batch).await.unwrap();
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    assert_eq!(read_all(&folder.server()).await, all);
}

#[tokio::test]
async fn a_joined_log_is_one_object_with_the_same_bytes() {
    let folder = Folder::new();
    let (writer, reader) = (folder.server(), folder.server());
    for batch in 0..50 {
        append(&writer, batch * 2, "ab").await.unwrap();
    }
    assert_eq!(reader.read_log(&log(), 0, 10).await.unwrap(), "ababababab");
    writer.compact_log(&log(), 2).await.unwrap();
    assert_eq!(folder.files("logs"), ["logs/plan-1/whole"]);
    for server in [&writer, &reader, &folder.server()] {
        assert_eq!(read_all(server).await, "ab".repeat(50));
        assert_eq!(server.log_length(&log()).await.unwrap(), 100);
        assert_eq!(append(server, 98, "ab").await.unwrap(), 100);
    }
    writer.compact_log(&log(), 2).await.unwrap();
    assert_eq!(folder.files("logs"), ["logs/plan-1/whole"]);
}

#[tokio::test]
async fn what_is_appended_to_a_joined_log_by_a_server_that_did_not_know_is_kept() {
    let folder = Folder::new();
    let (one, two) = (folder.server(), folder.server());
    append(&one, 0, "ab").await.unwrap();
    assert_eq!(two.log_length(&log()).await.unwrap(), 2);
    append(&one, 2, "cd").await.unwrap();
    append(&one, 4, "ef").await.unwrap();
    one.compact_log(&log(), 2).await.unwrap();
    // To `two` the log ends at 2, where there is no segment any more.
    assert_eq!(append(&two, 2, "cdefgh").await.unwrap(), 8);
    for server in [&one, &two, &folder.server()] {
        assert_eq!(read_all(server).await, "abcdefgh");
    }
    one.compact_log(&log(), 2).await.unwrap();
    let tail = format!("logs/plan-1/{:020}", 6);
    assert_eq!(folder.files("logs"), [tail, "logs/plan-1/whole".into()]);
    assert_eq!(read_all(&two).await, "abcdefgh");
}

#[tokio::test]
async fn joining_that_was_interrupted_is_taken_up_again() {
    let folder = Folder::new();
    let blobs = folder.server();
    append(&blobs, 0, "ab").await.unwrap();
    append(&blobs, 2, "cd").await.unwrap();
    let segment = folder.file(&format!("logs/plan-1/{:020}", 0));
    let kept = fs::read(&segment).unwrap();
    fs::write(folder.file("logs/plan-1/joining-x"), "half").unwrap();
    fs::write(folder.file("logs/plan-1/joining-y#1"), "half").unwrap();
    assert_eq!(read_all(&folder.server()).await, "abcd", "before the joined blob is in place");
    blobs.compact_log(&log(), 2).await.unwrap();
    // As if it had been killed before the deletions.
    fs::write(&segment, kept).unwrap();
    fs::write(folder.file("logs/plan-1/joining-x"), "half").unwrap();
    assert_eq!(read_all(&folder.server()).await, "abcd", "between placing and deleting");
    folder.server().compact_log(&log(), 2).await.unwrap();
    assert_eq!(folder.files("logs"), ["logs/plan-1/joining-y#1", "logs/plan-1/whole"]);
    assert_eq!(read_all(&blobs).await, "abcd");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_see_the_same_bytes_at_every_moment_of_joining() {
    let folder = Folder::new();
    let writer = folder.server();
    for round in 0..10 {
        let log = LogId::new(&format!("plan-{round}")).unwrap();
        let all = content(400);
        for start in (0..all.len()).step_by(10) {
            writer.append_log(&log, start as u64, all.slice(start..start + 10)).await.unwrap();
        }
        let joining: Vec<_> = (0..2)
            .map(|_| {
                let (server, log) = (folder.server(), log.clone());
                tokio::spawn(async move { server.compact_log(&log, 2).await.unwrap() })
            })
            .collect();
        let polling = folder.server();
        while !joining.iter().all(tokio::task::JoinHandle::is_finished) {
            for server in [&writer, &polling, &folder.server()] {
                assert_eq!(server.read_log(&log, 0, 1_000).await.unwrap(), all);
                assert_eq!(server.log_length(&log).await.unwrap(), 400);
            }
        }
        for task in joining {
            task.await.unwrap();
        }
        let [stored] = &folder.files(&format!("logs/plan-{round}"))[..] else {
            panic!("more than the joined blob is left");
        };
        assert!(stored.ends_with("/whole"));
    }
}

#[tokio::test]
async fn a_deleted_log_is_gone_for_every_server() {
    let folder = Folder::new();
    let (one, two) = (folder.server(), folder.server());
    append(&one, 0, "ab").await.unwrap();
    append(&one, 2, "cd").await.unwrap();
    assert_eq!(read_all(&two).await, "abcd");
    one.delete_log(&log()).await.unwrap();
    assert!(folder.files("logs").is_empty());
    assert_eq!(read_all(&one).await, "");
    assert_eq!(read_all(&two).await, "");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Whichever of three servers appends, repeats, overlaps, joins or forgets: the bytes are
    /// those of one growing text.
    #[test]
    fn a_log_is_always_a_prefix_of_what_was_sent(
        steps in proptest::collection::vec((0..3_usize, 0..12_u64, 0..40_usize), 1..40),
    ) {
        let text = content(2_000);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let folder = Folder::new();
            let servers = [folder.server(), folder.server(), folder.server()];
            let mut length = 0;
            for (server, back, len) in steps {
                let server = &servers[server];
                if back == 11 {
                    server.compact_log(&log(), 2).await.unwrap();
                } else {
                    let start = length - back.min(length);
                    let end = start + len as u64;
                    let batch = text.slice(usize::try_from(start).unwrap()..usize::try_from(end).unwrap());
                    length = end.max(length);
                    prop_assert_eq!(server.append_log(&log(), start, batch).await.unwrap(), length);
                }
                let expected = text.slice(..usize::try_from(length).unwrap());
                for server in &servers {
                    prop_assert_eq!(server.log_length(&log()).await.unwrap(), length);
                    prop_assert_eq!(server.read_log(&log(), 0, 4_000).await.unwrap(), &expected);
                }
            }
            Ok(())
        })?;
    }
}
