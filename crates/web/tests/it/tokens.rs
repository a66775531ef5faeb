//! The page of one's tokens.

use crate::browser::{Browser, person, server};

const PATH: &str = "/app/settings/tokens";

#[tokio::test]
async fn a_token_is_shown_once_works_and_can_be_revoked() {
    let server = server().await;
    person(&server, "ada").await;
    let mut browser = Browser::signed_in(&server, "ada").await;
    let page = browser.get(PATH).await.is_ok();
    assert!(page.text().contains("You have no tokens"));
    let made = browser.submit(&page, PATH, &[("description", "<laptop>")]).await.is_ok();
    let text = made.text();
    assert!(text.contains("&lt;laptop&gt;") && !text.contains("<laptop>"));
    let end = text.find(".atlasv1.").expect("the token is shown") + 9 + 67;
    let token = &text[end - 67 - 9 - 14..end];
    server.bearer(token).get("/account/details").await.is_ok();
    // And as a block to paste, for whichever scheme this server has.
    let text = text.replace("&quot;", "\"");
    assert!(text.contains(&format!("token = \"{token}\"")), "{text}");
    let plain = server.app.settings().public_url.starts_with("http://");
    assert_eq!(text.contains("\"tfe.v2\" = \"http://"), plain, "{text}");

    let page = browser.get(PATH).await.is_ok();
    assert!(!page.text().contains(token));
    let text = page.text();
    let start = text.find("/app/settings/tokens/at-").expect("it can be revoked");
    let revoke = &text[start..start + text[start..].find('"').unwrap()];
    browser.submit(&page, revoke, &[]).await.redirects();
    server.bearer(token).get("/account/details").await.is_unauthorized();
}

#[tokio::test]
async fn nobody_revokes_what_is_somebody_elses() {
    let server = server().await;
    person(&server, "ada").await;
    let token = server.owner().token().await;
    let owner = server.owner().user().await;
    let path = format!("/users/{}/authentication-tokens", owner.id);
    let list = server.owner().get(&path).await.is_ok();
    let id = list.data()[0]["id"].as_str().unwrap().to_owned();
    let mut browser = Browser::signed_in(&server, "ada").await;
    let page = browser.get("/").await.text();
    let fields = crate::browser::hidden_fields(&page, "/session/delete").into_iter().collect();
    browser.post(&format!("{PATH}/{id}/revoke"), &fields).await.is_not_found();
    server.bearer(&token).get("/account/details").await.is_ok();
}
