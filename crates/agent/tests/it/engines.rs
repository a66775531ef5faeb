//! Engines: found, downloaded, checked.

use std::io::Write as _;

use protocol::{EngineKind, LocalEngine, PhaseResult};
use sha2::Digest as _;

use crate::bench::{Bench, ENGINE};

/// An archive whose binary hands over to the real engine.
fn zipped(name: &str) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file("LICENSE.txt", zip::write::SimpleFileOptions::default()).unwrap();
    zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
    write!(zip, "#!/bin/sh\nexec {} \"$@\"\n", ENGINE.0.display()).unwrap();
    zip.finish().unwrap().into_inner()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_engines_at_hand_are_registered() {
    let bench = Bench::start().await;
    bench.execute(&bench.plan(&[])).await;
    let world = bench.server.world();
    let expected = LocalEngine { kind: EngineKind::Terraform, version: ENGINE.1.clone() };
    assert_eq!(world.registrations[0].engines, [expected]);
    assert_eq!(world.registrations[0].name, "bench");
    assert!(world.registrations[0].address.is_some_and(|address| address.is_loopback()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_is_downloaded_once() {
    let bench = Bench::start().await;
    let archive = zipped("terraform");
    let sum = hex::encode(sha2::Sha256::digest(&archive));
    let url = bench.server.blob("engine.zip", archive);
    let mut jobs = [bench.plan(&[]), bench.plan(&[])];
    for job in &mut jobs {
        job.engine.version = "99.0.0".into();
        job.engine.url = Some(url.clone());
        job.engine.sha256 = Some(sum.clone());
    }
    let (first, second) = tokio::join!(bench.execute(&jobs[0]), bench.execute(&jobs[1]));
    assert_eq!(first.outcome().result, PhaseResult::Finished, "{}", first.text());
    assert_eq!(second.outcome().result, PhaseResult::Finished, "{}", second.text());
    assert_eq!(bench.server.world().downloads["engine.zip"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_that_is_not_what_it_should_be_is_never_unpacked() {
    let bench = Bench::start().await;
    let (good, bad) = (zipped("terraform"), zipped("other"));
    let sum = |bytes: &[u8]| hex::encode(sha2::Sha256::digest(bytes));
    let (wrong, right) = ("0".repeat(64), sum(&good));
    let address = bench.server.blob("good.zip", good);
    let nobody = "http://127.0.0.1:1/engine.zip".to_owned();
    let empty = bench.server.blob("bad.zip", bad.clone());
    let cases = [
        (Some(address.clone()), Some(wrong.clone()), vec![address.clone(), wrong, right.clone()]),
        (Some(address.clone()), None, vec!["no SHA-256".into(), address]),
        (Some(nobody.clone()), Some(right), vec!["could not be downloaded".into(), nobody]),
        (Some(empty.clone()), Some(sum(&bad)), vec!["no “terraform” at its root".into(), empty]),
        (None, None, vec!["99.0.0 is not on this agent's machine".into()]),
    ];
    for (url, sha256, expected) in cases {
        let mut job = bench.plan(&[]);
        job.engine.version = "99.0.0".into();
        job.engine.url = url;
        job.engine.sha256 = sha256;
        let record = bench.execute(&job).await;
        assert_eq!(record.outcome().result, PhaseResult::Errored);
        let message = record.outcome().message.as_deref().unwrap();
        for part in expected {
            assert!(message.contains(&part), "{message} lacks {part}");
        }
        assert!(record.text().contains(message), "the log says it too");
    }
    let cached = std::fs::read_dir(bench.path("cache/engines")).unwrap().count();
    assert_eq!(cached, 0);
}
