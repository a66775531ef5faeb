//! Archives that want out of their directory.

use protocol::PhaseResult;
use tar::{EntryType, Header};

use crate::bench::{Bench, packed};
use crate::server::Record;

/// Adds an entry whose name the library would not write.
fn raw(tar: &mut tar::Builder<Vec<u8>>, kind: EntryType, name: &str, link: &str, data: &[u8]) {
    let mut header = Header::new_gnu();
    header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name.as_bytes());
    header.as_gnu_mut().unwrap().linkname[..link.len()].copy_from_slice(link.as_bytes());
    header.set_entry_type(kind);
    header.set_size(data.len() as u64);
    header.set_mode(0o755);
    header.set_cksum();
    tar.append(&header, data).unwrap();
}

type Entries<'a> = Vec<(EntryType, &'a str, &'a str)>;

async fn unpacked(bench: &Bench, fill: impl FnOnce(&mut tar::Builder<Vec<u8>>)) -> Record {
    let mut job = bench.plan(&[]);
    let url = bench.server.blob(&format!("hostile-{}", job.id), packed(fill));
    job.configuration_url = Some(url);
    bench.execute(&job).await
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_written_outside() {
    use EntryType::{Char, Directory, Fifo, Link, Regular, Symlink};
    let bench = Bench::start().await;
    let target = bench.path("target");
    std::fs::create_dir(&target).unwrap();
    std::fs::write(target.join("file"), "untouched").unwrap();
    let absolute = target.join("new").display().to_string();
    let outside = target.display().to_string();
    let cases: [(&str, Entries); 9] = [
        ("leaves its root", vec![(Regular, "../../../../target/new", "")]),
        ("leaves its root", vec![(Regular, &absolute, "")]),
        ("leaves its root", vec![(Directory, "a/../../../x", "")]),
        ("leaves its root", vec![(Symlink, "out", &outside), (Regular, "out/new", "")]),
        ("leaves its root", vec![(Symlink, "a/out", "../../x")]),
        ("leaves its root", vec![(Link, "hard", "../../../../target/file")]),
        (
            // By its letters the second link stays inside; over the first one it does not.
            "leaves its root",
            vec![
                (Directory, "d/e", ""),
                (Symlink, "d/e/up", "../.."),
                (Symlink, "y", "d/e/up/../.."),
            ],
        ),
        ("neither file, folder nor link", vec![(Fifo, "pipe", "")]),
        ("neither file, folder nor link", vec![(Char, "device", "")]),
    ];
    for (complaint, entries) in cases {
        let record = unpacked(&bench, |tar| {
            for (kind, name, link) in &entries {
                raw(tar, *kind, name, link, if *kind == Regular { b"evil" } else { b"" });
            }
        })
        .await;
        assert_eq!(record.outcome().result, PhaseResult::Errored, "{entries:?}");
        let message = record.outcome().message.as_deref().unwrap();
        assert!(message.contains(complaint), "{entries:?}: {message}");
    }
    let names: Vec<_> =
        std::fs::read_dir(&target).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["file"]);
    assert_eq!(std::fs::read(target.join("file")).unwrap(), b"untouched");
}

#[tokio::test(flavor = "multi_thread")]
async fn links_inside_work() {
    let bench = Bench::start().await;
    let record = unpacked(&bench, |tar| {
        raw(tar, EntryType::Directory, "shared/", "", b"");
        raw(tar, EntryType::Regular, "shared/x.tf", "", b"output \"x\" { value = 1 }\n");
        raw(tar, EntryType::Directory, "env/prod/", "", b"");
        raw(tar, EntryType::Symlink, "env/prod/m", "../../shared", b"");
        raw(
            tar,
            EntryType::Regular,
            "main.tf",
            "",
            b"module \"m\" { source = \"./env/prod/m\" }\n",
        );
    })
    .await;
    assert_eq!(record.outcome().result, PhaseResult::Finished, "{}", record.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_archive_is_an_error_with_a_reason() {
    let bench = Bench::start().await;
    let mut job = bench.plan(&[]);
    job.configuration_url = Some(bench.server.blob("noise", "this is not gzip"));
    let record = bench.execute(&job).await;
    let message = record.outcome().message.as_deref().unwrap();
    assert!(message.contains("not a readable gzip tar"), "{message}");
    let mut job = bench.plan(&[]);
    job.configuration_url = Some(format!("{}/blobs/never-there", bench.server.address));
    let record = bench.execute(&job).await;
    let message = record.outcome().message.as_deref().unwrap();
    assert!(message.contains("configuration cannot be fetched"), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_unpacked_is_named_without_a_path_of_this_machine() {
    use EntryType::{Directory, Regular, Symlink};
    let bench = Bench::start().await;
    let long = format!("a/{}", "n".repeat(90));
    let cases: [(&str, Entries); 5] = [
        ("a/b", vec![(Regular, "a", ""), (Regular, "a/b", "")]),
        ("a", vec![(Regular, "a/b", ""), (Regular, "a", "")]),
        ("d", vec![(Regular, "d", ""), (Directory, "d", "")]),
        ("x/y", vec![(Symlink, "x", "x"), (Regular, "x/y", "")]),
        (&long, vec![(Regular, "a", ""), (Symlink, &long, "a")]),
    ];
    let folder = bench.folder.path().canonicalize().unwrap().display().to_string();
    for (name, entries) in cases {
        let record = unpacked(&bench, |tar| {
            for (kind, name, link) in &entries {
                raw(tar, *kind, name, link, b"");
            }
        })
        .await;
        assert_eq!(record.outcome().result, PhaseResult::Errored, "{entries:?}");
        let message = record.outcome().message.as_deref().unwrap();
        assert!(message.contains(&format!("“{name}”")), "{entries:?}: {message}");
        for text in [message, &record.text()] {
            assert!(!text.contains(&folder) && !text.contains("/jobs/"), "{text}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_content_ends_the_phase_at_once_and_says_so() {
    let bench = Bench::start().await;
    let mut job = bench.plan(&[("main.tf", "locals { a = 1 }\n")]);
    job.state_url = Some(format!("{}/damaged/state", bench.server.address));
    let record = bench.execute(&job).await;
    let message = record.outcome().message.as_deref().unwrap();
    assert_eq!(
        message,
        "The state cannot be fetched: what the server has stored of it is damaged."
    );
    assert_eq!(bench.server.world().downloads["damaged"], 1);
}
