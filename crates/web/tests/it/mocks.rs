//! The plan of a run as mocks, on its page.

use serde_json::json;

use crate::{
    browser::{Browser, server},
    changes::brought,
    runs::run,
};

#[tokio::test]
async fn whoever_may_download_mocks_orders_them_on_the_page_of_the_run() {
    let server = server().await;
    let ws = server.workspace("networking").await;
    let run = run(&server, &ws).await;
    let path = format!("/app/acme/workspaces/networking/runs/{run}");
    let mut writer = Browser::of(&server, &server.writer(&ws)).await;
    assert!(!writer.get(&path).await.is_ok().text().contains("/mocks"), "there is no plan yet");
    brought(&server, &json!({ "plan_format_version": "1.2", "resource_changes": [] })).await;
    let mut reader = Browser::of(&server, &server.reader(&ws)).await;
    assert!(!reader.get(&path).await.is_ok().text().contains("/mocks"));
    let page = writer.get(&path).await.is_ok();
    assert!(page.text().contains("Make mocks"), "{page}");
    assert_eq!(writer.submit(&page, &format!("{path}/mocks"), &[]).await.redirects(), path);
    assert!(writer.get(&path).await.is_ok().text().contains("They are being made."));
    domain::policy_evaluations::make_exports(&server.system()).await.unwrap();
    let text = writer.get(&path).await.is_ok().text();
    let link = text.split("href=\"").find(|rest| rest.contains(&format!("mocks-{run}"))).unwrap();
    let link = link.split('"').next().unwrap();
    assert!(link.starts_with("/_archivist/"), "{link}");
    writer.get(link).await.is_ok();
    assert!(!reader.get(&path).await.is_ok().text().contains("mocks-"));
}
