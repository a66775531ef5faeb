//! Schedules, freezes, costs and several people's yes, on pages.

use crate::{
    browser::{Browser, server},
    runs::run,
};

const SCHEDULES: &str = "/app/acme/workspaces/networking/settings/schedules";
const FREEZES: &str = "/app/acme/settings/freezes";

#[tokio::test]
async fn a_schedule_is_made_changed_and_deleted() {
    let server = server().await;
    let ws = server.workspace("networking").await;
    let mut admin = Browser::of(&server, &server.admin_of(&ws)).await;
    let page = admin.get(SCHEDULES).await.is_ok();
    let wrong = [("kind", "plan"), ("cron", "tomorrow"), ("time-zone", "UTC"), ("enabled", "true")];
    let refused = admin.submit(&page, SCHEDULES, &wrong).await;
    assert_eq!(refused.status, 422);
    assert!(refused.text().contains("must have the five fields"), "{refused}");
    let fields = [
        ("kind", "apply"),
        ("cron", "30 6 * * mon"),
        ("time-zone", "Europe/Vienna"),
        ("enabled", "true"),
    ];
    admin.submit(&page, SCHEDULES, &fields).await.redirects();
    let text = admin.get(SCHEDULES).await.is_ok().text();
    assert!(text.contains("30 6 * * mon") && text.contains("Plan and apply"), "{text}");
    let path = format!("/workspaces/{}/run-schedules", ws.id);
    let listed = server.owner().get(path).await.is_ok();
    let one = format!("{SCHEDULES}/{}", listed.data()[0]["id"].as_str().unwrap());
    let page = admin.get(&one).await.is_ok();
    let off = [("kind", "plan"), ("cron", "30 6 * * mon"), ("time-zone", "UTC")];
    admin.submit(&page, &one, &off).await.redirects();
    assert!(admin.get(SCHEDULES).await.is_ok().text().contains("switched off"));
    let mut reader = Browser::of(&server, &server.reader(&ws)).await;
    let text = reader.get(SCHEDULES).await.is_ok().text();
    assert!(text.contains("30 6 * * mon") && !text.contains("Save the schedule"), "{text}");
    let page = admin.get(&one).await.is_ok();
    admin.submit(&page, &format!("{one}/delete"), &[]).await.redirects();
    assert!(admin.get(SCHEDULES).await.is_ok().text().contains("No schedules yet"));
}

#[tokio::test]
async fn a_freeze_is_said_where_it_holds_and_an_owner_lets_a_run_through() {
    let server = server().await;
    let ws = server.workspace("networking").await;
    let run = run(&server, &ws).await;
    let mut owner = Browser::of(&server, &server.owner()).await;
    let page = owner.get(FREEZES).await.is_ok();
    let window = [("starts-at", "2000-01-01T00:00:00Z"), ("ends-at", "2199-01-01T00:00:00Z")];
    let named = |name, value| {
        [&window[..], &[("name", "audit"), ("time-zone", "UTC"), (name, value)]].concat()
    };
    let refused = owner.submit(&page, FREEZES, &named("workspace", "nowhere")).await;
    assert!(refused.text().contains("There is none of that name"), "{refused}");
    owner.submit(&page, FREEZES, &named("workspace", "networking")).await.redirects();
    let text = owner.get(FREEZES).await.is_ok().text();
    assert!(text.contains("audit") && text.contains("nothing is applied"), "{text}");
    server.execute(&format!("UPDATE runs SET status = 'confirmed' WHERE id = '{run}'")).await;
    let here = format!("/app/acme/workspaces/networking/runs/{run}");
    let page = owner.get(&here).await.is_ok();
    assert!(page.text().contains("the freeze “audit” holds it up"), "{page}");
    assert!(page.text().contains("You may let it through, with a reason."), "{page}");
    let mut admin = Browser::of(&server, &server.admin_of(&ws)).await;
    assert!(!admin.get(&here).await.is_ok().text().contains("Let it through"));
    let fields = [("comment", "The house is on fire.")];
    owner.submit(&page, &format!("{here}/break-freeze"), &fields).await.redirects();
    let text = owner.get(&here).await.is_ok().text();
    assert!(!text.contains("holds it up") && text.contains("The house is on fire."), "{text}");
    let listed = server.owner().get("/organizations/acme/freezes").await.is_ok();
    let one = format!("{FREEZES}/{}", listed.data()[0]["id"].as_str().unwrap());
    let page = owner.get(&one).await.is_ok();
    let nights = [
        ("name", "nights"),
        ("cron", "0 22 * * *"),
        ("duration-minutes", "480"),
        ("time-zone", "UTC"),
    ];
    owner.submit(&page, &one, &nights).await.redirects();
    let page = owner.get(&one).await.is_ok();
    owner.submit(&page, &format!("{one}/delete"), &[]).await.redirects();
    assert!(owner.get(FREEZES).await.is_ok().text().contains("No freezes yet"));
}

#[tokio::test]
async fn what_a_run_would_cost_stands_at_it() {
    let server = server().await;
    let ws = server.workspace("networking").await;
    let run = run(&server, &ws).await;
    let at = server.app.now().0;
    for statement in [
        format!(
            "INSERT INTO cost_estimates (id, run_id, status, matched, unmatched, prior_monthly_cost, \
             proposed_monthly_cost, delta_monthly_cost, status_timestamps, created_at) \
             VALUES ('ce-1111111111111111', '{run}', 'finished', 1, 1, '10.0', '34.5', '24.5', '{{}}', {at})"
        ),
        "INSERT INTO cost_estimate_resources (cost_estimate_id, resources) VALUES ('ce-1111111111111111', \
         '{\"matched\":[{\"address\":\"a.b[\\\"<i>\\\"]\",\"prior-monthly-cost\":\"10.0\",\"proposed-monthly-cost\":\
         \"34.5\",\"delta-monthly-cost\":\"24.5\"}],\"unmatched\":[{\"address\":\"x.y\"}]}')"
            .to_owned(),
    ] {
        server.execute(&statement).await;
    }
    let mut owner = Browser::of(&server, &server.owner()).await;
    let here = format!("/app/acme/workspaces/networking/runs/{run}");
    let text = owner.get(&here).await.is_ok().text();
    for part in
        ["+24.5 a month", "Monthly cost", "1 of 2 resources have a price", "no price", "&lt;i&gt;"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[tokio::test]
async fn a_run_says_who_has_confirmed_it_and_who_is_missing() {
    let server = server().await;
    let ws = server.workspace("networking").await;
    let mut admin = Browser::of(&server, &server.admin_of(&ws)).await;
    let settings = "/app/acme/workspaces/networking/settings";
    let page = admin.get(settings).await.is_ok();
    let rule = |by_itself: &'static [(&'static str, &'static str)]| {
        let all = [
            ("name", "networking"),
            ("terraform-version", "1.12.2"),
            ("confirmations-required", "2"),
        ];
        [&all[..], by_itself].concat()
    };
    let refused = admin.submit(&page, settings, &rule(&[("auto-apply", "true")])).await;
    assert!(refused.text().contains("cannot be switched on where several people"), "{refused}");
    admin.submit(&page, settings, &rule(&[])).await.redirects();
    let run = run(&server, &ws).await;
    server.execute(&format!("UPDATE runs SET status = 'planned' WHERE id = '{run}'")).await;
    let here = format!("/app/acme/workspaces/networking/runs/{run}");
    let page = admin.get(&here).await.is_ok();
    assert!(page.text().contains("Nobody has confirmed it yet. 2 more people"), "{page}");
    admin.submit(&page, &format!("{here}/apply"), &[]).await.redirects();
    let text = admin.get(&here).await.is_ok().text();
    assert!(
        text.contains("Confirmed by ") && text.contains("One more person has to confirm it."),
        "{text}"
    );
}
