//! Run tasks on pages: those of an organization, those of a workspace, and what they said about a run.

use testkit::Answer;

use crate::{
    browser::{Browser, server},
    runs::run,
};

const ORGANIZATION: &str = "/app/acme/settings/run-tasks";
const WORKSPACE: &str = "/app/acme/workspaces/networking/settings/run-tasks";

/// Sends a form that stands on this page.
async fn send(
    browser: &mut Browser<'_>,
    page: &str,
    action: &str,
    fields: &[(&str, &str)],
) -> Answer {
    let page = browser.get(page).await.is_ok();
    browser.submit(&page, action, fields).await
}

#[tokio::test]
async fn a_run_task_is_made_given_to_a_workspace_and_taken_away_again() {
    let server = server().await;
    let ws = server.workspace("networking").await;
    let mut owner = Browser::of(&server, &server.owner()).await;
    let fields = [("name", "scan"), ("url", "https://example.com/scan"), ("hmac-key", "hunter2")];
    send(&mut owner, ORGANIZATION, ORGANIZATION, &fields).await.redirects();
    let text = owner.get(ORGANIZATION).await.is_ok().text();
    assert!(text.contains("scan") && text.contains("not asked"), "{text}");
    assert!(!text.contains("hunter2"), "a key is never shown");
    let wrong = [("name", "two words"), ("url", "https://example.com/")];
    let refused = send(&mut owner, ORGANIZATION, ORGANIZATION, &wrong).await;
    assert_eq!(refused.status, 422);
    assert!(refused.text().contains("can only include letters"), "{refused}");

    let tasks = server.owner().get("/organizations/acme/tasks").await.is_ok();
    let task = tasks.data()[0]["id"].as_str().unwrap().to_owned();
    let fields = [("task", &*task), ("post_plan", "true"), ("enforcement-level", "mandatory")];
    let mut admin = Browser::of(&server, &server.admin_of(&ws)).await;
    send(&mut admin, WORKSPACE, WORKSPACE, &fields).await.redirects();
    let text = admin.get(WORKSPACE).await.is_ok().text();
    assert!(text.contains("After the plan") && text.contains("mandatory"), "{text}");
    let none = [("task", &*task), ("enforcement-level", "advisory")];
    assert_eq!(send(&mut admin, WORKSPACE, WORKSPACE, &none).await.status, 422, "in no stage");
    let one = format!("{ORGANIZATION}/{task}");
    let delete = format!("{one}/delete");
    let refused = send(&mut owner, &one, &delete, &[]).await;
    assert!(refused.text().contains("Detach it from all of them first"), "{refused}");
    let listed = server.owner().get(format!("/workspaces/{}/tasks", ws.id)).await.is_ok();
    let attached = listed.data()[0]["id"].as_str().unwrap().to_owned();
    let edit = format!("{WORKSPACE}/{attached}");
    let changed = [("pre_apply", "true"), ("enforcement-level", "advisory")];
    send(&mut admin, &edit, &edit, &changed).await.redirects();
    let text = admin.get(WORKSPACE).await.is_ok().text();
    assert!(text.contains("Before the apply") && !text.contains("mandatory</td>"), "{text}");
    assert_eq!(
        send(&mut admin, &edit, &edit, &[("enforcement-level", "advisory")]).await.status,
        422
    );
    let remove = format!("{WORKSPACE}/{attached}/delete");
    send(&mut admin, WORKSPACE, &remove, &[]).await.redirects();
    send(&mut owner, &one, &delete, &[]).await.redirects();
    assert!(owner.get(ORGANIZATION).await.is_ok().text().contains("No run tasks yet"));
    let mut reader = Browser::of(&server, &server.reader(&ws)).await;
    let text = reader.get(WORKSPACE).await.is_ok().text();
    assert!(text.contains("can change these") && !text.contains("Add the run task"), "{text}");
}

#[tokio::test]
async fn what_a_run_task_said_stands_at_its_run_as_text() {
    let server = server().await;
    let ws = server.workspace("networking").await;
    let run = run(&server, &ws).await;
    let at = server.app.now().0;
    for statement in [
        format!(
            "INSERT INTO task_stages (id, run_id, stage, status, attempts, status_timestamps, created_at, updated_at) \
             VALUES ('ts-1111111111111111', '{run}', 'post_plan', 'failed', 1, '{{}}', {at}, {at})"
        ),
        format!(
            "INSERT INTO task_results (id, task_stage_id, run_task_id, task_name, task_url, stage, enforcement_level, \
             is_speculative, status, message, url, status_timestamps, created_at, updated_at) \
             VALUES ('taskrs-1111111111111111', 'ts-1111111111111111', 'task-1111111111111111', 'scan', \
             'https://example.com/', 'post_plan', 'mandatory', FALSE, 'failed', 'Two <b>open</b> ports', \
             'https://example.com/report', '{{}}', {at}, {at})"
        ),
        format!(
            "INSERT INTO task_result_outcomes (id, task_result_id, outcome_id, description, tags, body_size, created_at) \
             VALUES ('taskrso-1111111111111111', 'taskrs-1111111111111111', 'X-1', 'Port 22', \
             '{{\"Severity\":[{{\"label\":\"High\",\"level\":\"error\"}}]}}', 40, {at})"
        ),
        format!(
            "INSERT INTO task_result_bodies (outcome_id, content) VALUES ('taskrso-1111111111111111', '{}')",
            server.keyring.seal(
                "task_result_bodies.content",
                "taskrso-1111111111111111",
                b"# <script>x</script> [y](javascript:z)",
            )
        ),
    ] {
        server.execute(&statement).await;
    }
    let mut owner = Browser::of(&server, &server.owner()).await;
    let text =
        owner.get(&format!("/app/acme/workspaces/networking/runs/{run}")).await.is_ok().text();
    for said in [
        "scan",
        "mandatory",
        "Two &lt;b&gt;open&lt;/b&gt; ports",
        "href=\"https://example.com/report\" rel=\"noopener noreferrer nofollow\"",
        "Port 22",
        "Severity: High",
        "# &lt;script&gt;x&lt;/script&gt; [y](javascript:z)",
    ] {
        assert!(text.contains(said), "{said}: {text}");
    }
    assert!(!text.contains("No policy has answered"), "nobody has asked one");
}
