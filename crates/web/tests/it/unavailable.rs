//! Without its database the server says so on its pages as well, and when to look again.

use domain::accounts;
use http::{Method, StatusCode};

use crate::{
    browser::{Browser, server},
    sent, world,
};

#[tokio::test]
async fn every_page_and_form_says_503_and_when_to_look_again() {
    let server = server().await;
    let (_, names) = Box::pin(world::made(&server)).await;
    let mut browser = Browser::of(&server, &server.owner()).await;
    let session = browser.cookies["__Host-statehouse-session"].clone();
    server.app.close().await;
    let mut asked = 0;
    for route in statehouse_web::table() {
        let mut path = route.path.to_owned();
        for (name, value) in &names {
            path = path.replace(&format!("{{{name}}}"), value);
        }
        let answer = if route.method == Method::GET {
            browser.get(&path).await
        } else {
            let mut fields = sent::with(route.path, &names);
            fields.insert("form_token".into(), accounts::form_token(&session));
            browser.post(&path, &fields).await
        };
        // What needs no database, or is refused before one is asked.
        if route.guard == "Anyone" && !answer.status.is_server_error() {
            continue;
        }
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{route:?}: {answer}");
        assert_eq!(answer.headers["retry-after"], "5", "{route:?}: {answer}");
        asked += 1;
    }
    assert!(asked > 20, "only {asked} were asked");
}
