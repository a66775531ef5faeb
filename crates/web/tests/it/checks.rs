//! What is asked about a run between its phases.

use crate::{
    browser::{Browser, server},
    runs::{run, set_status},
};

#[tokio::test]
async fn a_run_that_policies_disagree_with_says_so_and_asks_whoever_may_override() {
    let server = server().await;
    let ws = server.workspace("networking").await;
    let run = run(&server, &ws).await;
    let at = server.app.now().0;
    let stage = format!(
        "INSERT INTO task_stages (id, run_id, stage, status, attempts, status_timestamps, created_at, updated_at) \
         VALUES ('ts-1111111111111111', '{run}', 'post_plan', 'awaiting_override', 1, '{{}}', {at}, {at})"
    );
    server.execute(&stage).await;
    set_status(&server, &run, "post_plan_awaiting_decision").await;
    let path = format!("/app/acme/workspaces/networking/runs/{run}");
    let mut owner = Browser::of(&server, &server.owner()).await;
    let text = owner.get(&path).await.is_ok().text();
    for said in ["Policies disagree", "You may override", "Override and go on", "id=\"checks\""] {
        assert!(text.contains(said), "{said}: {text}");
    }
    assert!(text.contains("Post-plan checks") && text.contains("needs override"), "{text}");
    assert!(owner.get("/waiting").await.is_ok().text().contains(&run));
    let mut writer = Browser::of(&server, &server.writer(&ws)).await;
    let text = writer.get(&path).await.is_ok().text();
    assert!(text.contains("Whoever may override policies in networking"), "{text}");
    assert!(!text.contains("Override and go on") && text.contains("Discard run"), "{text}");
    assert!(!writer.get("/waiting").await.is_ok().text().contains(&run));
}

#[tokio::test]
async fn a_run_about_which_nothing_is_asked_has_no_checks() {
    let server = server().await;
    let ws = server.workspace("networking").await;
    let run = run(&server, &ws).await;
    let mut owner = Browser::of(&server, &server.owner()).await;
    let path = format!("/app/acme/workspaces/networking/runs/{run}");
    let text = owner.get(&path).await.is_ok().text();
    assert!(!text.contains("#checks") && !text.contains("id=\"checks\""), "{text}");
}

#[tokio::test]
async fn what_a_policy_check_says_stands_at_its_run() {
    let server = server().await;
    let ws = server.workspace("networking").await;
    let run = run(&server, &ws).await;
    let at = server.app.now().0;
    let check = "polchk-1111111111111111";
    let rest = "x".repeat(300 << 10);
    let findings = serde_json::json!({
        "sentinel": { "data": { "all": { "policies": [
            { "policy": { "name": "all/sizes", "enforcement-level": "advisory" }, "result": true,
                "error": null, "trace": { "description": "", "print": "", "rules": {} } },
            { "policy": { "name": "all/tags", "enforcement-level": "hard-mandatory" }, "result": false,
                "error": null, "trace": { "description": "Each <thing> has an owner.",
                    "print": "\u{1b}[31ma bucket\u{1b}[0m has none", "rules": { "owned": {
                        "position": { "filename": "./tags.sentinel", "line": 7, "column": 1 },
                        "value": ["<bucket>"] } } } },
        ] } } },
        "log": format!("## Policy 1: all/tags (advisory)\n\u{1b}[31mno <b>tags</b>\u{1b}[0m here\n{rest}"),
    });
    let said = server.keyring.seal("policy_checks.said", check, findings.to_string().as_bytes());
    server
        .execute(&format!(
            "INSERT INTO policy_checks (id, run_id, status, counts, said, status_timestamps, created_at) \
             VALUES ('{check}', '{run}', 'hard_failed', '{{\"passed\":0,\"advisory-failed\":0,\"soft-failed\":0,\"hard-failed\":1,\"duration-ms\":1}}', '{said}', '{{}}', {at})"
        ))
        .await;
    let path = format!("/app/acme/workspaces/networking/runs/{run}");
    let mut owner = Browser::of(&server, &server.owner()).await;
    let text = owner.get(&path).await.is_ok().text();
    for said in ["Policy check", "hard failed", "## Policy 1: all/tags (advisory)"] {
        assert!(text.contains(said), "{said}");
    }
    assert!(text.contains("no &lt;b&gt;tags&lt;/b&gt; here"), "neither markup nor colours");
    for said in [
        "Each &lt;thing&gt; has an owner.",
        "./tags.sentinel:7:1 owned is [&quot;&lt;bucket&gt;&quot;]",
        "a bucket has none",
    ] {
        assert!(text.contains(said), "{said}");
    }
    assert!(text.find("all/tags") < text.find("all/sizes"), "what speaks against it comes first");
    assert!(!text.contains(&rest) && text.contains("policy-checks/polchk-1111111111111111/output"));
}
