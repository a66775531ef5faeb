//! Runs that are started by hand.

use domain::row::Workspace;
use http::StatusCode;
use testkit::Server;

use crate::{
    browser::{Browser, server},
    runs::{run, set_status},
};

const HERE: &str = "/app/acme/workspaces/networking/start-run";

/// With a configuration that was uploaded before.
async fn workspace(server: &Server) -> Workspace {
    let ws = server.workspace("networking").await;
    let first = run(server, &ws).await;
    set_status(server, &first, "applied").await;
    server.execute("UPDATE runs SET is_final = TRUE").await;
    server.execute("UPDATE workspaces SET lock_kind = NULL, lock_holder_id = NULL").await;
    ws
}

#[tokio::test]
async fn a_run_does_what_was_chosen_and_nothing_else() {
    let server = server().await;
    Box::pin(workspace(&server)).await;
    let mut owner = Browser::of(&server, &server.owner()).await;
    let page = owner.get(HERE).await.is_ok();
    for (kind, attribute) in [
        ("plan", "plan-only"),
        ("save", "save-plan"),
        ("refresh", "refresh-only"),
        ("destroy", "is-destroy"),
    ] {
        let fields = [
            ("kind", kind),
            ("message", "Because <I> say so"),
            ("target-addrs", "  a.b\r\n\r\nc.d[0]\r\n"),
            ("variables", "size = 3\r\nname=\"x=y\""),
        ];
        let fields = if kind == "refresh" { &fields[..2] } else { &fields[..] };
        let to = owner.submit(&page, HERE, fields).await.redirects();
        let id = to.rsplit('/').next().unwrap().to_owned();
        let shown = server.owner().get(format!("/runs/{id}")).await.is_ok();
        for other in ["plan-only", "save-plan", "refresh-only", "is-destroy"] {
            assert_eq!(shown.attribute(other), other == attribute, "{kind}: {other}");
        }
        assert_eq!(shown.attribute("source"), "tfe-ui");
        assert_eq!(shown.attribute("message"), "Because <I> say so");
        if kind != "refresh" {
            assert_eq!(shown.attribute("target-addrs"), serde_json::json!(["a.b", "c.d[0]"]));
            let variables = shown.attribute("variables");
            assert_eq!(variables[1]["key"], "name");
            assert_eq!(variables[1]["value"], "\"x=y\"");
        }
    }
}

#[tokio::test]
async fn what_is_wrong_starts_nothing_and_is_said_in_its_field() {
    let server = server().await;
    Box::pin(workspace(&server)).await;
    let mut owner = Browser::of(&server, &server.owner()).await;
    let page = owner.get(HERE).await.is_ok();
    let before = server.row_counts().await;
    for (fields, field) in [
        ([("kind", "plan"), ("variables", "size 3")], "variables"),
        ([("kind", "nonsense"), ("variables", "")], "kind"),
    ] {
        let answer = owner.submit(&page, HERE, &fields).await;
        let text = answer.has_status(StatusCode::UNPROCESSABLE_ENTITY).text();
        assert!(text.contains(&format!("start-{field}-wrong")), "{text}");
    }
    assert_eq!(server.row_counts().await, before);
}

#[tokio::test]
async fn who_may_only_plan_is_not_offered_destruction_and_who_may_only_read_no_run() {
    let server = server().await;
    let ws = Box::pin(workspace(&server)).await;
    let mut planner = Browser::of(&server, &server.planner(&ws)).await;
    let page = planner.get(HERE).await.is_ok();
    assert!(!page.text().contains("value=\"destroy\""), "{page}");
    let mut reader = Browser::of(&server, &server.reader(&ws)).await;
    reader.get(HERE).await.is_not_found();
}

#[tokio::test]
async fn a_run_is_repeated_with_what_it_was_asked_for() {
    let server = server().await;
    let ws = Box::pin(workspace(&server)).await;
    let mut owner = Browser::of(&server, &server.owner()).await;
    let page = owner.get(HERE).await.is_ok();
    let fields = [
        ("kind", "plan"),
        ("message", "Look <once>"),
        ("target-addrs", "a.b\nc.d[0]"),
        ("variables", "size = 3"),
    ];
    let first = owner.submit(&page, HERE, &fields).await.redirects();
    let id = first.rsplit('/').next().unwrap();
    let before = server.owner().get(format!("/runs/{id}")).await.is_ok();
    set_status(&server, id, "planned_and_finished").await;
    server.execute("UPDATE runs SET is_final = TRUE").await;
    let shown = owner.get(&first).await.is_ok().text();
    let again = format!("{HERE}?from={id}");
    assert!(shown.contains(&format!("href=\"{again}\"")), "{shown}");
    let page = owner.get(&again).await.is_ok();
    for part in ["Look &lt;once&gt;", "a.b\nc.d[0]", "size = 3", "value=\"plan\" checked"] {
        assert!(page.text().contains(part), "{part}: {page}");
    }
    let second = owner.submit(&page, HERE, &fields).await.redirects();
    let id = second.rsplit('/').next().unwrap();
    let after = server.owner().get(format!("/runs/{id}")).await.is_ok();
    let configuration = |run: &testkit::Answer| {
        run.data()["relationships"]["configuration-version"]["data"]["id"].clone()
    };
    assert_eq!(configuration(&before), configuration(&after));
    // Of another workspace nothing is repeated here.
    server.workspace("storage").await;
    let elsewhere = again.replace("networking", "storage");
    owner.get(&elsewhere).await.is_not_found();
    let mut reader = Browser::of(&server, &server.reader(&ws)).await;
    let shown = reader.get(&first).await.is_ok().text();
    assert!(!shown.contains("Run it again"), "{shown}");
}
