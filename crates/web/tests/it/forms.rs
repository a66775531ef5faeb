//! What all forms have in common.

use http::StatusCode;

use crate::browser::{Browser, person, server};

#[tokio::test]
async fn what_is_refused_stands_in_its_field_with_what_was_typed() {
    let server = server().await;
    server.let_everybody_create_organizations().await;
    person(&server, "ada").await;
    let mut browser = Browser::signed_in(&server, "ada").await;
    let page = browser.get("/organizations/new").await.is_ok();
    assert!(!page.text().contains("aria-invalid"), "{page}");
    let fields = [("name", "a <b>"), ("email", "ops@people.example")];
    let answer = browser.submit(&page, "/organizations/new", &fields).await;
    let text = answer.has_status(StatusCode::UNPROCESSABLE_ENTITY).text();
    let name = element(&text, "id=\"organization-name\"");
    assert!(name.contains("aria-invalid=\"true\""), "{name}");
    assert!(name.contains("value=\"a &lt;b&gt;\""), "{name}");
    let described = "organization-name-hint organization-name-wrong";
    assert!(name.contains(described) && text.contains("id=\"organization-name-wrong\""), "{name}");
    let email = element(&text, "id=\"organization-email\"");
    assert!(!email.contains("aria-invalid") && email.contains("ops@people.example"), "{email}");
    // It is said once: not above the form as well.
    assert!(!text.contains("role=\"alert\""), "{text}");
}

#[tokio::test]
async fn what_belongs_to_no_field_stands_above_them() {
    let server = server().await;
    person(&server, "ada").await;
    let mut browser = Browser::new(&server);
    let text = browser.sign_in("ada", "wrong").await.has_status(StatusCode::UNAUTHORIZED).text();
    assert!(text.contains("role=\"alert\"") && !text.contains("aria-invalid"), "{text}");
    let name = element(&text, "id=\"sign-in-username\"");
    assert!(name.contains("value=\"ada\""), "{name}");
    let password = element(&text, "id=\"sign-in-password\"");
    assert!(!password.contains("value="), "{password}");
}

/// The tag in which this stands.
fn element<'t>(page: &'t str, part: &str) -> &'t str {
    let at = page.find(part).unwrap_or_else(|| panic!("there is no {part} in {page}"));
    let start = page[..at].rfind('<').unwrap();
    &page[start..start + page[start..].find('>').unwrap()]
}
