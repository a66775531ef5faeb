//! States: their versions, their outputs, and what is not shown of them.

use crate::{
    browser::{Browser, server},
    world::state,
};

const HERE: &str = "/app/acme/workspaces/networking/states";

#[tokio::test]
async fn a_version_shows_its_outputs_but_no_sensitive_one() {
    let server = server().await;
    let ws = server.workspace("networking").await;
    let id = state(&server.owner(), &ws).await;
    let mut owner = Browser::of(&server, &server.owner()).await;
    let list = owner.get(HERE).await.is_ok().text();
    assert!(list.contains(&format!("{HERE}/{id}")) && list.contains("current"), "{list}");
    for path in [format!("{HERE}/{id}"), "/app/acme/workspaces/networking".into()] {
        let text = owner.get(&path).await.is_ok().text();
        assert!(text.contains("colour") && text.contains("blue"), "{text}");
        assert!(text.contains("password") && !text.contains("hunter2"), "{text}");
    }
    server.workspace("other").await;
    owner.get(&format!("/app/acme/workspaces/other/states/{id}")).await.is_not_found();
}

#[tokio::test]
async fn a_state_is_downloaded_from_the_page_by_whoever_may_read_it() {
    let server = server().await;
    let ws = server.workspace("networking").await;
    let id = state(&server.owner(), &ws).await;
    let mut reader = Browser::of(&server, &server.reader(&ws)).await;
    let text = reader.get(&format!("{HERE}/{id}")).await.is_ok().text();
    let link = text.split("href=\"").find(|part| part.starts_with("/_archivist/")).unwrap();
    let link = link.split('"').next().unwrap();
    let state = reader.get(link).await.is_ok().text();
    assert!(state.contains("\"lineage\":\"7f9e8d6c-1a2b\""), "{state}");
    let mut custom = Browser::of(&server, &server.custom_in(&ws)).await;
    custom.get(HERE).await.is_not_found();
    custom.get(&format!("{HERE}/{id}")).await.is_not_found();
}
