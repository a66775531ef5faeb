//! While a backup copies what rows named a moment ago, nobody deletes it.

use std::time::Duration;

use domain::{cleanup, installation::holds::Hold};
use testkit::{Blob, Server};

use crate::states::push;

#[tokio::test]
async fn what_lost_its_row_is_kept_while_somebody_holds_and_deleted_afterwards() {
    let server = Server::start().await;
    let now = server.stop_clock();
    let ws = server.workspace("networking").await;
    let owner = server.owner();
    push(&owner, &ws, 1).await;
    let current = owner.get(format!("/workspaces/{}/current-state-version", ws.id)).await.is_ok();
    let state = current.id().clone();

    let (one, other) = (Hold::new(&server.db), Hold::new(&server.db));
    for hold in [&one, &other] {
        hold.renew(now).await.unwrap();
    }
    owner.delete(format!("/workspaces/{}", ws.id)).await.is_no_content();
    assert_eq!(cleanup::work(&server.system()).await.unwrap(), 0);
    one.release(now).await.unwrap();
    assert_eq!(cleanup::work(&server.system()).await.unwrap(), 0);
    assert_eq!(cleanup::sweep_orphans(&server.system(), Duration::ZERO).await.unwrap(), 0);
    assert!(server.has_blob(Blob::State, &state).await);

    // The other one was killed: it holds up nobody for long.
    drop(other);
    server.pass(Duration::from_mins(11));
    assert!(cleanup::work(&server.system()).await.unwrap() > 0);
    assert!(!server.has_blob(Blob::State, &state).await);
}
