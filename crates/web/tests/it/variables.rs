//! Variables: what a run gets, and what nobody reads again.

use http::StatusCode;
use serde_json::json;

use crate::{
    browser::{Browser, server},
    world::{resource, variable},
};

const HERE: &str = "/app/acme/workspaces/networking/variables";

#[tokio::test]
async fn a_secret_is_never_shown_again_and_keeps_its_value_where_none_is_typed() {
    let server = server().await;
    server.workspace("networking").await;
    let mut owner = Browser::of(&server, &server.owner()).await;
    let page = owner.get(HERE).await.is_ok();
    let fields = [
        ("key", "password"),
        ("value", "hunter2-secret"),
        ("category", "terraform"),
        ("sensitive", "true"),
    ];
    assert_eq!(owner.submit(&page, HERE, &fields).await.redirects(), HERE);
    let list = owner.get(HERE).await.is_ok().text();
    assert!(list.contains("password") && !list.contains("hunter2"), "{list}");
    let edit = list.split("href=\"").find(|part| part.contains("/variables/var-")).unwrap();
    let edit = edit.split('"').next().unwrap().to_owned();
    let page = owner.get(&edit).await.is_ok();
    assert!(!page.text().contains("hunter2"), "{page}");
    // Its box cannot be unticked either.
    assert!(!page.text().contains("name=\"sensitive\""), "{page}");
    let fields =
        [("key", "password"), ("value", ""), ("category", "terraform"), ("description", "Kept")];
    assert_eq!(owner.submit(&page, &edit, &fields).await.redirects(), HERE);
    let list = owner.get(HERE).await.is_ok().text();
    assert!(list.contains("Kept") && list.contains("sensitive"), "{list}");
}

#[tokio::test]
async fn the_longest_value_fits_into_the_form() {
    let server = server().await;
    let ws = server.workspace("networking").await;
    let mut owner = Browser::of(&server, &server.owner()).await;
    let page = owner.get(HERE).await.is_ok();
    // Each grows to three bytes on its way.
    let value = "%".repeat(256 << 10);
    let fields = [("key", "long"), ("value", value.as_str()), ("category", "terraform")];
    assert_eq!(owner.submit(&page, HERE, &fields).await.redirects(), HERE);
    let vars = server.owner().get(format!("/workspaces/{}/vars", ws.id)).await.is_ok();
    assert_eq!(vars.data()[0]["attributes"]["value"].as_str().unwrap().len(), 256 << 10);
}

#[tokio::test]
async fn lines_are_kept_as_engines_end_them() {
    let server = server().await;
    let ws = server.workspace("networking").await;
    let mut owner = Browser::of(&server, &server.owner()).await;
    let page = owner.get(HERE).await.is_ok();
    let fields =
        [("key", "list"), ("value", "[\r\n  1,\r\n]"), ("category", "terraform"), ("hcl", "true")];
    owner.submit(&page, HERE, &fields).await.redirects();
    let vars = server.owner().get(format!("/workspaces/{}/vars", ws.id)).await.is_ok();
    assert_eq!(vars.data()[0]["attributes"]["value"], "[\n  1,\n]");
    assert_eq!(vars.data()[0]["attributes"]["hcl"], true);
}

#[tokio::test]
async fn it_is_said_which_value_wins_and_what_it_overwrites() {
    let server = server().await;
    let ws = server.workspace("networking").await;
    let owner = server.owner();
    variable(&owner, &ws, "region", "own-value", false).await;
    let new = resource("varsets", &json!({ "name": "defaults", "global": true }));
    let set = owner.post("/organizations/acme/varsets", new).await.is_created().id();
    let new = json!({ "key": "region", "value": "set-value", "category": "terraform" });
    let path = format!("/varsets/{set}/relationships/vars");
    owner.post(path, resource("vars", &new)).await.is_created();
    let mut browser = Browser::of(&server, &owner).await;
    let text = browser.get(HERE).await.is_ok().text();
    let (used, overwritten) =
        (text.find("own-value").unwrap(), text.find("<del><code>set-value").unwrap());
    assert!(used < overwritten, "{text}");
    assert!(text.contains("this workspace wins"), "{text}");
    assert!(text.contains("the set defaults, for everywhere"), "{text}");
}

#[tokio::test]
async fn a_wrong_key_comes_back_in_its_field_with_the_value() {
    let server = server().await;
    server.workspace("networking").await;
    let mut owner = Browser::of(&server, &server.owner()).await;
    let page = owner.get(HERE).await.is_ok();
    let before = server.row_counts().await;
    let fields = [("key", "a b"), ("value", "<kept> & \"so\""), ("category", "env"), ("hcl", "")];
    let answer = owner.submit(&page, HERE, &fields).await;
    let text = answer.has_status(StatusCode::UNPROCESSABLE_ENTITY).text();
    assert!(text.contains("new-key-wrong"), "{text}");
    assert!(
        text.contains("&lt;kept&gt; &amp; &quot;so&quot;") && !text.contains("<kept>"),
        "{text}"
    );
    assert!(text.contains("<option value=\"env\" selected>"), "{text}");
    assert_eq!(server.row_counts().await, before);
}

#[tokio::test]
async fn a_refused_secret_comes_back_in_no_page() {
    let server = server().await;
    let ws = server.workspace("networking").await;
    let mut owner = Browser::of(&server, &server.owner()).await;
    variable(&server.owner(), &ws, "open", "plain", false).await;
    let page = owner.get(HERE).await.is_ok();
    let list = page.text();
    let edit = list.split("href=\"").find(|part| part.contains("/variables/var-")).unwrap();
    let edit = edit.split('"').next().unwrap().to_owned();
    let before = server.row_counts().await;
    for (at, page) in [(HERE, page), (edit.as_str(), owner.get(&edit).await.is_ok())] {
        for (key, value, hcl) in [
            ("a b", "hunter2-secret", "false"),
            ("a", "[\"hunter2-secret\"", "true"),
            ("", "<<EOT\r\nhunter2-secret", "true"),
        ] {
            let fields = [
                ("key", key),
                ("value", value),
                ("category", "terraform"),
                ("sensitive", "true"),
                ("hcl", hcl),
            ];
            let answer = owner.submit(&page, at, &fields).await;
            let text = answer.has_status(StatusCode::UNPROCESSABLE_ENTITY).text();
            assert!(!text.contains("hunter2"), "{at}: {text}");
            assert!(text.contains("enter it again"), "{at}: {text}");
            // It is still to be a secret.
            let rest = text.split_once("name=\"sensitive\"").unwrap().1;
            assert!(rest.split_once('>').unwrap().0.contains("checked"), "{at}: {text}");
        }
    }
    assert_eq!(server.row_counts().await, before);
}

#[tokio::test]
async fn who_may_only_read_gets_no_form_and_who_may_not_even_that_no_page() {
    let server = server().await;
    let ws = server.workspace("networking").await;
    let id = variable(&server.owner(), &ws, "region", "eu-1", false).await;
    let mut reader = Browser::of(&server, &server.reader(&ws)).await;
    let text = reader.get(HERE).await.is_ok().text();
    assert!(text.contains("eu-1") && !text.contains("Add a variable"), "{text}");
    assert!(!text.contains(&id), "{text}");
    reader.get(&format!("{HERE}/{id}")).await.is_not_found();
    let mut custom = Browser::of(&server, &server.custom_in(&ws)).await;
    custom.get(HERE).await.is_not_found();
    let page = custom.get("/app/acme/workspaces/networking").await.is_ok().text();
    assert!(!page.contains(HERE), "{page}");
}

const PASTE: &str = "/app/acme/workspaces/networking/paste-variables";

#[tokio::test]
async fn a_file_is_pasted_looked_at_and_saved_as_a_whole() {
    let server = server().await;
    let ws = server.workspace("networking").await;
    let api = server.owner();
    variable(&api, &ws, "region", "eu-1", false).await;
    variable(&api, &ws, "same", "so", false).await;
    variable(&api, &ws, "key", "hunter2-old", true).await;
    let mut owner = Browser::of(&server, &api).await;
    let page = owner.get(PASTE).await.is_ok();
    let before = server.row_counts().await;
    let text = "region = \"eu-<2>\"\r\nsame = \"so\"\r\nkey = \"hunter2-new\"\r\nsizes = [\r\n  1,\r\n]\r\n";
    let fields = [("format", "tfvars"), ("text", text)];
    let preview = owner.submit(&page, PASTE, &fields).await.is_ok();
    let shown = preview.text();
    assert!(shown.contains("<del><code>eu-1</code></del> <code>eu-&lt;2&gt;</code>"), "{shown}");
    assert!(shown.contains("Add 1 and change 2") && !shown.contains("hunter2"), "{shown}");
    assert_eq!(server.row_counts().await, before, "a look changes nothing");

    // What has changed meanwhile is looked at again.
    let save = format!("{PASTE}/save");
    let other =
        owner.submit(&page, PASTE, &[("format", "tfvars"), ("text", "region = \"x\"")]).await;
    owner.submit(&other.is_ok(), &save, &[]).await.redirects();
    let conflict = owner.submit(&preview, &save, &[]).await;
    assert!(conflict.has_status(StatusCode::CONFLICT).text().contains("region has changed"));

    let preview = owner.submit(&page, PASTE, &fields).await.is_ok();
    owner.submit(&preview, &save, &[]).await.redirects();
    let vars = api.get(format!("/workspaces/{}/vars", ws.id)).await.is_ok();
    let of = |key: &str| {
        let data = vars.data();
        let all = data.as_array().unwrap();
        all.iter().find(|one| one["attributes"]["key"] == key).unwrap()["attributes"].clone()
    };
    assert_eq!(of("region")["value"], "eu-<2>");
    assert_eq!(of("sizes")["value"], "[\n  1,\n]");
    assert_eq!((&of("sizes")["hcl"], &of("region")["hcl"]), (&true.into(), &false.into()));
    assert_eq!(of("key")["sensitive"], true);
    // Sealed for whom it was shown to, and for nobody else.
    let mut writer = Browser::of(&server, &server.writer(&ws)).await;
    let sealed = crate::browser::hidden_fields(&preview.text(), &save);
    let sealed = sealed.iter().find(|(name, _)| name == "pasted").unwrap().1.clone();
    let page = writer.get(PASTE).await.is_ok();
    let token = crate::browser::hidden_fields(&page.text(), PASTE).into_iter().collect();
    let mut fields: std::collections::BTreeMap<String, String> = token;
    fields.insert("pasted".into(), sealed);
    writer.post(&save, &fields).await.has_status(StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_pasted_file_with_a_wrong_line_saves_nothing_and_shows_no_secret_again() {
    let server = server().await;
    server.workspace("networking").await;
    let mut owner = Browser::of(&server, &server.owner()).await;
    let page = owner.get(PASTE).await.is_ok();
    for (format, text, why) in [
        ("tfvars", "a = 1\nb", "Line 2: should be key = value."),
        ("env", "A=1\nA=2", "Line 2: A has a value in line 1 already."),
        ("env", "# nothing", "The text has no variable in it."),
    ] {
        let answer = owner.submit(&page, PASTE, &[("format", format), ("text", text)]).await;
        let shown = answer.has_status(StatusCode::UNPROCESSABLE_ENTITY).text();
        assert!(shown.contains("paste-text-wrong") && shown.contains(why), "{shown}");
        assert!(shown.contains(text), "{shown}");
    }
    let fields = [("format", "env"), ("text", "a b=hunter2"), ("sensitive", "true")];
    let shown = owner.submit(&page, PASTE, &fields).await.is_ok().text();
    assert!(shown.contains("refused") && !shown.contains("hunter2"), "{shown}");
    assert!(!shown.contains("paste-variables/save"), "{shown}");
    let fields = [("format", "env"), ("text", "hunter2"), ("sensitive", "true")];
    let answer = owner.submit(&page, PASTE, &fields).await;
    let shown = answer.has_status(StatusCode::UNPROCESSABLE_ENTITY).text();
    assert!(!shown.contains("hunter2"), "{shown}");
}
