//! Deliveries: only those that the provider has signed, each once.

use http::StatusCode;
use serde_json::json;
use testkit::vcs_fake::{Delivery, push};

use super::World;

#[tokio::test]
async fn a_delivery_counts_once_however_often_it_comes_and_only_if_the_provider_has_signed_it() {
    let world = World::new().await;
    let workspace = world.workspace("networking", json!({ "queue-all-runs": true })).await;
    assert_eq!(world.runs(&workspace).await.len(), 1, "the first run is queued at once");
    let origin = &world.fake.origin;
    origin.write("main.tf", "b");
    let (before, after) = (world.fake.head.to_string(), origin.push("Two").to_string());
    let delivery = push("d-1", "main", Some(&before), Some(&after));

    // Nobody's, somebody else's, a changed one: nothing is stored of them.
    let rows = world.server.row_counts().await;
    let unsigned = delivery.headers("another secret");
    for headers in [&[] as &[_], &unsigned, &unsigned[..2]] {
        world.send(&delivery, headers).await.is_unauthorized();
    }
    let hook = world.fake.shared.hooks.lock().unwrap().values().next().cloned().unwrap();
    let secret = hook["config"]["secret"].as_str().unwrap();
    let other = push("d-1", "main", Some(&before), Some(&before));
    world.send(&other, &delivery.headers(secret)).await.is_unauthorized();
    assert_eq!(world.server.row_counts().await["webhook_deliveries"], 0);
    assert_eq!(world.server.row_counts().await["tasks"], rows["tasks"]);

    for _ in 0..10 {
        world.deliver(&delivery).await.has_status(StatusCode::ACCEPTED);
    }
    // The body that is sent again under another name is known, too.
    let replayed = Delivery { id: "d-2".into(), ..delivery.clone() };
    world.deliver(&replayed).await.has_status(StatusCode::ACCEPTED);
    assert_eq!(world.server.row_counts().await["webhook_deliveries"], 1);
    world.work().await;
    assert_eq!(world.runs(&workspace).await.len(), 2);
    // The same commit told as something else that has happened is none the less the same commit.
    world.told(&push("d-3", "main", None, Some(&after))).await;
    assert_eq!(world.runs(&workspace).await.len(), 2);

    let everything = world.server.everything().await;
    assert!(!everything.contains(secret), "the secret of a hook is sealed");
}

#[tokio::test]
async fn a_hook_that_is_not_there_is_not_found_and_a_huge_or_strange_body_is_refused() {
    let world = World::new().await;
    let workspace = world.workspace("networking", json!({ "queue-all-runs": true })).await;
    let nobody = world.server.nobody();
    let unknown = "/webhooks/vcs/00000000-0000-4000-8000-000000000000";
    nobody.raw(http::Method::POST, unknown, "{}").await.is_not_found();

    let hook = world.fake.shared.hooks.lock().unwrap().values().next().cloned().unwrap();
    let url = hook["config"]["url"].as_str().unwrap();
    let path = url.strip_prefix(world.server.url()).unwrap().to_owned();
    let huge = vec![b' '; (25 << 20) + 1];
    nobody.raw(http::Method::POST, &path, huge).await.has_status(StatusCode::PAYLOAD_TOO_LARGE);

    // Signed, but of another repository, or nothing that a provider says.
    let mut foreign = push("d-1", "main", None, Some(world.fake.head.as_str()));
    foreign.body["repository"]["id"] = json!(8);
    world.told(&foreign).await;
    let strange = Delivery { id: "d-2".into(), body: json!({ "ref": 7 }), ..foreign.clone() };
    world.told(&strange).await;
    let mut hostile = push("d-3", "main", None, Some(world.fake.head.as_str()));
    hostile.body["ref"] = json!("refs/heads/a'; touch x\n--upload-pack=x");
    world.told(&hostile).await;
    let gone = push("d-4", "main", Some(world.fake.head.as_str()), None);
    world.told(&gone).await;
    assert_eq!(world.runs(&workspace).await.len(), 1);
    // And the next one is worked off all the same.
    world.fake.origin.write("main.tf", "b");
    let after = world.fake.origin.push("Two").to_string();
    world.told(&push("d-5", "main", Some(world.fake.head.as_str()), Some(&after))).await;
    assert_eq!(world.runs(&workspace).await.len(), 2);
}

#[tokio::test]
async fn a_hook_goes_with_the_last_workspace_of_its_repository() {
    let world = World::new().await;
    let one = world.workspace("one", json!({})).await;
    let two = world.workspace("two", json!({})).await;
    assert_eq!(world.fake.shared.hooks.lock().unwrap().len(), 1, "one for both");
    let owner = world.server.owner();
    owner.delete(format!("/workspaces/{one}")).await.is_no_content();
    world.work().await;
    assert_eq!(world.fake.shared.hooks.lock().unwrap().len(), 1);
    let alone = json!({ "data": { "type": "workspaces", "attributes": { "vcs-repo": null } } });
    owner.patch(format!("/workspaces/{two}"), alone).await.is_ok();
    world.work().await;
    assert_eq!(world.fake.shared.hooks.lock().unwrap().len(), 0);
    assert_eq!(world.server.row_counts().await["repositories"], 0);
}
