//! The endpoints of gad gets, for those who may and those who may not.

use serde_json::json;
use testkit::{Server, world::resource};

const PATH: &str = "/organizations/acme/gad-gets";

#[tokio::test]
async fn a_gad_get_is_made_shown_changed_and_deleted() {
    let server = Server::start().await;
    let owner = server.owner();
    let new = resource("gad-gets", &json!({ "name": "first" }));
    let made = owner.post(PATH, new).await.is_created();
    let path = format!("/gad-gets/{}", made.id());
    assert_eq!(owner.get(PATH).await.is_ok().data()[0]["id"], json!(made.id()));
    let change = resource("gad-gets", &json!({ "name": "other" }));
    owner.patch(&path, change).await.is_ok();
    assert_eq!(owner.get(&path).await.is_ok().attribute("name"), "other");
    owner.delete(&path).await.is_no_content();
    owner.get(&path).await.is_not_found();
}

#[tokio::test]
async fn a_gad_get_needs_a_name_of_its_own() {
    let server = Server::start().await;
    let new = |name: &str| resource("gad-gets", &json!({ "name": name }));
    let nameless = server.owner().post(PATH, resource("gad-gets", &json!({}))).await;
    nameless.is_unprocessable("/data/attributes/name");
    server.owner().post(PATH, new("first")).await.is_created();
    let second = server.owner().post(PATH, new("first")).await;
    second.is_unprocessable("/data/attributes/name");
}

#[tokio::test]
async fn gad_gets_do_what_they_are_for() {
    panic!("say here what gad gets are for, and make it true in crates/domain/src/gad_gets");
}
