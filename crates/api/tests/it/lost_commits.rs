//! The database keeps something and nobody hears of it: what is stored stays, and who asks again is told what is true.
//! A file is at the end of no cable.

use std::time::Duration;

use bytes::Bytes;
use domain::{
    App, Ctx, Error, Granted, can,
    id::StateVersionId,
    row::{StateVersion, Workspace},
    states::{self, Incoming, New},
};
use futures::stream;
use testkit::{Blob, Cable, Server};

use crate::{
    states::{content_of, digest_of, lock},
    states_of_runs::running,
};

async fn granted(cx: &Ctx, ws: &Workspace) -> Granted<can::CreateStateVersion> {
    let found = domain::workspaces::find(cx, &ws.id).await.unwrap();
    cx.check::<can::CreateStateVersion, _>(found).unwrap()
}

async fn create(cx: &Ctx, ws: &Workspace, serial: i64) -> domain::Result<StateVersion> {
    let granted = granted(cx, ws).await;
    let content = content_of(serial);
    let mut incoming = Incoming::of_next(cx, &granted);
    let new = New { serial, md5: digest_of(&content), ..New::default() };
    incoming.take_state(stream::iter([Ok::<_, std::io::Error>(Bytes::from(content))])).await?;
    states::create(cx, &granted, new, incoming).await
}

/// A server behind a cable, and its owner there.
async fn behind(server: &Server, cable: &Cable) -> (App, Ctx) {
    let app = server.beside_through(cable).await;
    let token = server.owner().token().await;
    let cx = domain::accounts::authenticate(&app, &token).await.unwrap();
    (app, cx)
}

async fn is_kept(server: &Server, id: &StateVersionId, content: &str) {
    let path = format!("/state-versions/{id}/download");
    assert_eq!(server.owner().get(path).await.is_ok().text(), content);
}

/// What is told where nobody knows.
fn is_unknown<T: std::fmt::Debug>(answer: &domain::Result<T>) {
    assert!(matches!(answer, Err(Error::InDoubt(_))), "{answer:?}");
}

/// The current version, once it is another than this: the database may still be at the commit that nobody hears of.
async fn after(server: &Server, ws: &Workspace, before: Option<&StateVersionId>) -> StateVersionId {
    let path = format!("/workspaces/{}/current-state-version", ws.id);
    let owner = server.owner();
    let found = async {
        loop {
            let now = owner.get(&path).await;
            let id = (now.status == http::StatusCode::OK).then(|| now.id().parse().unwrap());
            if id.is_some() && id.as_ref() != before {
                break id;
            }
        }
    };
    let found = tokio::time::timeout(Duration::from_secs(30), found).await;
    found.expect("the commit never came").unwrap()
}

#[tokio::test]
async fn a_state_whose_commit_nobody_heard_of_is_there_with_its_content() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    lock(&server.owner(), &ws).await;
    let Some(cable) = server.cable().await else {
        assert!(create(&server.owner().cx().await, &ws, 1).await.is_ok());
        return;
    };
    let (_app, cx) = behind(&server, &cable).await;
    // The same connection does not hear of it, and the next one does.
    cable.cut_commits();
    let first = create(&cx, &ws, 1).await.unwrap();
    cable.mend();
    is_kept(&server, &first.id, &content_of(1)).await;

    cable.cut_at_commit();
    is_unknown(&create(&cx, &ws, 2).await);
    cable.mend();
    let second = after(&server, &ws, Some(&first.id)).await;
    is_kept(&server, &second, &content_of(2)).await;
    assert_eq!(create(&cx, &ws, 2).await.unwrap().id, second);

    cable.cut_at_commit();
    is_unknown(&states::rollback(&cx, &granted(&cx, &ws).await, &first.id).await);
    cable.mend();
    let third = after(&server, &ws, Some(&second)).await;
    is_kept(
        &server,
        &third,
        &content_of(1).replace("\"serial\": 1,\n  \"lineage", "\"serial\": 3,\n  \"lineage"),
    )
    .await;
    assert_eq!(server.count_blobs(Blob::State).await, 3);
}

#[tokio::test]
async fn a_state_that_certainly_was_not_kept_leaves_nothing() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    lock(&server.owner(), &ws).await;
    let cx = server.owner().cx().await;
    server.execute("ALTER TABLE events RENAME TO elsewhere").await;
    let answer = create(&cx, &ws, 1).await;
    assert!(matches!(answer, Err(Error::Internal(_))), "{answer:?}");
    assert_eq!(server.count_blobs(Blob::State).await, 0);
}

#[tokio::test]
async fn so_is_the_state_of_a_run() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let run = running(&server, &ws).await;
    let Some(cable) = server.cable().await else { return is_a_file(&server) };
    let app = server.beside_through(&cable).await;
    let cx = app.system("agent");
    let content = content_of(1);
    let pieces = || stream::iter([Ok::<_, std::io::Error>(Bytes::from(content_of(1)))]);
    cable.cut_at_commit();
    is_unknown(&states::save_from_run(&cx, &run, pieces(), true).await);
    cable.mend();
    let kept = after(&server, &ws, None).await;
    is_kept(&server, &kept, &content).await;
    assert_eq!(states::save_from_run(&cx, &run, pieces(), true).await.unwrap().id, kept);
    assert_eq!(server.count_blobs(Blob::State).await, 1);
}

/// Tests of files are elsewhere.
fn is_a_file(server: &Server) {
    assert!(!server.db.is_postgres());
}
