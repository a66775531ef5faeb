//! Projects.

use http::StatusCode;

use crate::browser::{Browser, server};

#[tokio::test]
async fn a_project_is_made_renamed_and_deleted_once_it_is_empty() {
    let server = server().await;
    let ws = server.workspace("networking").await;
    let mut owner = Browser::of(&server, &server.owner()).await;
    let new = "/app/acme/new-project";
    let page = owner.get(new).await.is_ok();
    let wrong = owner.submit(&page, new, &[("name", "x"), ("description", "Kept")]).await;
    let text = wrong.has_status(StatusCode::UNPROCESSABLE_ENTITY).text();
    assert!(text.contains("project-name-wrong") && text.contains("Kept"), "{text}");
    let here = owner.submit(&page, new, &[("name", "payments")]).await.redirects();
    let page = owner.get(&here).await.is_ok();
    assert_eq!(owner.submit(&page, &here, &[("name", "billing")]).await.redirects(), here);
    assert!(owner.get("/app/acme/projects?q=BILL").await.is_ok().text().contains(&here));
    let page = owner.get(&here).await.is_ok();
    let to = owner.submit(&page, &format!("{here}/delete"), &[]).await.redirects();
    assert_eq!(to, "/app/acme/projects");
    owner.get(&here).await.is_not_found();

    let default = format!("/app/acme/projects/{}", ws.project_id);
    let page = owner.get(&default).await.is_ok();
    let answer = owner.submit(&page, &format!("{default}/delete"), &[]).await.is_conflict();
    assert!(answer.text().contains("cannot be deleted"), "{answer}");
}

#[tokio::test]
async fn a_project_of_another_organization_is_not_found_below_ones_own() {
    let server = server().await;
    let ws = server.workspace("networking").await;
    let mut foreigner = Browser::of(&server, &server.foreigner()).await;
    foreigner.get(&format!("/app/elsewhere/projects/{}", ws.project_id)).await.is_not_found();
    let mut owner = Browser::of(&server, &server.owner()).await;
    owner.get(&format!("/app/acme/projects/{}", ws.project_id)).await.is_ok();
    owner.get(&format!("/app/elsewhere/projects/{}", ws.project_id)).await.is_not_found();
}
