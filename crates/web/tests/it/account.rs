//! One's own account: where one is signed in, how pages look, and the first steps.

use crate::browser::{Browser, person, server};

#[tokio::test]
async fn sessions_are_listed_and_others_are_ended() {
    let server = server().await;
    person(&server, "ada").await;
    let mut here = Browser::signed_in(&server, "ada").await;
    let mut there = Browser::signed_in(&server, "ada").await;
    let mut other = Browser::of(&server, &server.owner()).await;
    let page = here.get("/app/settings/sessions").await.is_ok();
    let text = page.text();
    assert_eq!(text.matches("this browser</span>").count(), 1, "{text}");
    assert_eq!(text.matches("Sign out").count(), 2, "the menu's, and that of the other browser");
    let key = text.split("name=\"session\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let key = key.to_owned();
    // Somebody else's has no such name.
    let page_of_other = other.get("/app/settings/sessions").await.is_ok();
    let mut fields: std::collections::BTreeMap<_, _> =
        crate::browser::hidden_fields(&page_of_other.text(), "/app/settings/theme")
            .into_iter()
            .collect();
    fields.insert("session".into(), key.clone());
    other.post("/app/settings/sessions/end", &fields).await.is_not_found();
    there.get("/app/settings/sessions").await.is_ok();
    here.submit(&page, "/app/settings/sessions/end", &[("session", &key)]).await.redirects();
    let to = there.get("/app/settings/sessions").await.redirects();
    assert!(to.starts_with("/session/new"), "{to}");
    here.get("/app/settings/sessions").await.is_ok();
}

#[tokio::test]
async fn pages_are_light_or_dark_as_this_browser_wants_them() {
    let server = server().await;
    let mut owner = Browser::of(&server, &server.owner()).await;
    let here = "/app/settings/sessions";
    let page = owner.get(here).await.is_ok();
    assert!(!page.text().contains("data-theme"), "{page}");
    for (theme, shown) in [("dark", true), ("light", true), ("<x>", false), ("system", false)] {
        owner.submit(&page, "/app/settings/theme", &[("theme", theme)]).await.redirects();
        let text = owner.get("/").await.is_ok().text();
        assert_eq!(text.contains(&format!("data-theme=\"{theme}\"")), shown, "{theme}: {text}");
        assert_eq!(text.contains("data-theme"), shown, "{theme}");
    }
}

#[tokio::test]
async fn first_steps_say_what_is_done_and_what_to_copy() {
    let server = server().await;
    person(&server, "ada").await;
    let mut ada = Browser::signed_in(&server, "ada").await;
    let text = ada.get("/first-steps").await.is_ok().text();
    assert!(text.contains("Make an organization") && !text.contains(">done<"), "{text}");
    assert!(text.contains("my-organization"), "{text}");

    let ws = server.workspace("networking").await;
    let mut owner = Browser::of(&server, &server.owner()).await;
    let text = owner.get("/first-steps").await.is_ok().text();
    assert!(text.contains("organization = &quot;acme&quot;"), "{text}");
    assert!(text.contains("terraform plan</code> starts it"), "{text}");
    let run = crate::runs::run(&server, &ws).await;
    let text = owner.get("/first-steps/progress").await.is_ok().text();
    assert!(text.contains(&run) && text.matches("done").count() >= 3, "{text}");
    // Of an organization that one is not in, nothing is told.
    let text = ada.get("/first-steps?organization=acme").await.is_ok().text();
    assert!(!text.contains("<b>acme</b>") && !text.contains("&quot;acme"), "{text}");
}
