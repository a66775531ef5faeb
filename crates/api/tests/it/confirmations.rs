//! Runs that several people have to confirm, or another one than who has queued them.

use domain::row::Workspace;
use serde_json::{Value, json};
use testkit::{
    Answer, Client, Server,
    world::{related, resource},
};

use crate::{
    agent::Agent,
    runs::{run, upload},
};

async fn rule(server: &Server, ws: &Workspace, attributes: Value) -> Answer {
    let path = format!("/workspaces/{}", ws.id);
    server.owner().patch(path, resource("workspaces", &attributes)).await
}

/// Queued by the owner, and planned.
async fn planned(server: &Server, agent: &Agent<'_>, ws: &Workspace) -> String {
    let owner = server.owner();
    upload(&owner, ws, false).await;
    let id = owner.post("/runs", run(ws, json!({}))).await.is_created().id();
    server.advance().await;
    agent.must_claim().await.execute().await;
    assert_eq!(status(server, &id).await, "planned");
    id
}

async fn status(server: &Server, run: &str) -> Value {
    server.owner().get(format!("/runs/{run}")).await.is_ok().attribute("status")
}

async fn confirm(client: &Client<'_>, run: &str) -> Answer {
    client.post(format!("/runs/{run}/actions/apply"), json!({ "comment": "good" })).await
}

/// What becomes of a run for which nobody may be missing any more.
async fn go_on(server: &Server, run: &str) -> Value {
    domain::runs::go_on_with_enough(&server.system()).await.unwrap();
    status(server, run).await
}

async fn reason(server: &Server, run: &str) -> String {
    let shown = server.owner().get(format!("/runs/{run}")).await.is_ok();
    shown.attribute("waiting-reason").as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_run_goes_on_when_as_many_people_have_confirmed_it_as_its_workspace_wants() {
    let server = Server::start().await;
    let agent = Agent::register(&server).await;
    let ws = server.workspace("networking").await;
    rule(&server, &ws, json!({ "confirmations-required": 2 })).await.is_ok();
    let id = planned(&server, &agent, &ws).await;
    assert_eq!(
        reason(&server, &id).await,
        "Nobody has confirmed it yet. 2 more people have to confirm it."
    );
    let (owner, writer) = (server.owner(), server.writer(&ws));
    confirm(&server.planner(&ws), &id).await.is_not_found();
    confirm(&owner, &id).await.is_accepted();
    server.advance().await;
    assert_eq!(status(&server, &id).await, "planned", "one is not enough");
    assert!(agent.claim().await.is_none());
    let said = reason(&server, &id).await;
    assert_eq!(said, "Confirmed by owner. One more person has to confirm it.");
    let again = confirm(&owner, &id).await.is_conflict();
    assert!(again.error().contains("You have confirmed this run already"), "{again}");
    confirm(&server.team_token(&ws), &id).await.has_status(http::StatusCode::FORBIDDEN);
    let path = format!("/runs/{id}/confirmations");
    let shown = server.reader(&ws).get(format!("{path}?include=user")).await.is_ok();
    assert_eq!(
        shown.data()[0]["relationships"]["user"]["data"]["id"],
        owner.user().await.id.as_str()
    );
    assert!(shown.data()[0]["links"].is_null(), "they are shown here and nowhere else");
    assert_eq!(
        shown.json()["meta"]["confirmations"],
        json!({ "required": 2, "by-others": false, "missing": 1, "another-is-missing": false })
    );
    confirm(&writer, &id).await.is_accepted();
    assert_eq!(status(&server, &id).await, "confirmed");
    let shown = owner.get(format!("/runs/{id}")).await.is_ok();
    assert_eq!(shown.related("confirmed-by"), writer.user().await.id.as_str());
    assert_eq!(owner.get(path).await.is_ok().data().as_array().unwrap().len(), 2);
    server.advance().await;
    agent.must_claim().await.execute().await;
    assert_eq!(status(&server, &id).await, "applied");
    confirm(&owner, &id).await.is_conflict();

    // The next run begins with nobody.
    let next = planned(&server, &agent, &ws).await;
    assert!(reason(&server, &next).await.starts_with("Nobody has confirmed it yet."));
    confirm(&owner, &next).await.is_accepted();
    assert_eq!(go_on(&server, &next).await, "planned");
    rule(&server, &ws, json!({ "confirmations-required": 1 })).await.is_ok();
    let said = reason(&server, &next).await;
    assert_eq!(said, "Confirmed by owner. Nobody is missing: it goes on by itself.");
    assert_eq!(go_on(&server, &next).await, "confirmed", "what is enough now is enough");
    let shown = owner.get(format!("/runs/{next}")).await.is_ok();
    assert_eq!(shown.related("confirmed-by"), owner.user().await.id.as_str());
    let told = server.everything().await;
    assert!(told.contains("run_confirmation_given"));
}

#[tokio::test]
async fn who_has_queued_a_run_may_not_be_the_only_one_to_confirm_it() {
    let server = Server::start().await;
    let agent = Agent::register(&server).await;
    let ws = server.workspace("networking").await;
    rule(&server, &ws, json!({ "confirmed-by-others": true })).await.is_ok();
    let id = planned(&server, &agent, &ws).await;
    confirm(&server.owner(), &id).await.is_accepted();
    assert_eq!(status(&server, &id).await, "planned");
    assert!(reason(&server, &id).await.contains("Somebody else than who has queued it"));
    confirm(&server.writer(&ws), &id).await.is_accepted();
    assert_eq!(status(&server, &id).await, "confirmed");
    server.advance().await;
    agent.must_claim().await.execute().await;
    let id = planned(&server, &agent, &ws).await;
    confirm(&server.writer(&ws), &id).await.is_accepted();
    assert_eq!(status(&server, &id).await, "confirmed", "one of the others is enough");
}

#[tokio::test]
async fn a_run_of_which_nobody_knows_who_has_queued_it_takes_two_people() {
    let server = Server::start().await;
    server.stop_clock();
    let mut agent = Agent::register(&server).await;
    let ws = server.workspace("networking").await;
    rule(&server, &ws, json!({ "confirmed-by-others": true })).await.is_ok();
    let (owner, writer) = (server.owner(), server.writer(&ws));
    upload(&owner, &ws, false).await;
    let by_token = async || {
        server.team_token(&ws).post("/runs", run(&ws, json!({}))).await.is_created();
    };
    let by_the_calendar = async || {
        let new = json!({ "kind": "apply", "cron": "0 * * * *" });
        let path = format!("/workspaces/{}/run-schedules", ws.id);
        owner.post(path, resource("run-schedules", &new)).await.is_created();
        server.pass(std::time::Duration::from_hours(1));
        domain::run_schedules::queue_due(&server.system()).await.unwrap();
    };
    for is_by_token in [true, false] {
        if is_by_token {
            by_token().await;
        } else {
            by_the_calendar().await;
        }
        agent.introduce().await;
        server.advance().await;
        let job = agent.must_claim().await;
        job.execute().await;
        let id = job.run().to_owned();
        assert_eq!(status(&server, &id).await, "planned");
        assert!(reason(&server, &id).await.contains("2 more people have to confirm it"));
        confirm(&owner, &id).await.is_accepted();
        assert_eq!(status(&server, &id).await, "planned", "they may have queued it themselves");
        let shown = owner.get(format!("/runs/{id}/confirmations")).await.is_ok();
        assert_eq!(
            shown.json()["meta"]["confirmations"],
            json!({ "required": 1, "by-others": true, "missing": 1, "another-is-missing": true })
        );
        confirm(&owner, &id).await.is_conflict();
        confirm(&writer, &id).await.is_accepted();
        assert_eq!(status(&server, &id).await, "confirmed");
        server.advance().await;
        agent.must_claim().await.execute().await;
    }
}

/// Takes the rights away that a team has in a workspace, which it is returned.
async fn take_rights(server: &Server, ws: &Workspace, level: &str) -> String {
    let owner = server.owner();
    let path = format!("/team-workspaces?filter[workspace][id]={}", ws.id);
    let all = owner.get(path).await.is_ok();
    let given = all.data().as_array().unwrap().clone();
    let given: Vec<_> = given.iter().filter(|one| one["attributes"]["access"] == level).collect();
    assert_eq!(given.len(), 1, "{given:?}");
    let path = format!("/team-workspaces/{}", given[0]["id"].as_str().unwrap());
    owner.delete(path).await.is_no_content();
    given[0]["relationships"]["team"]["data"]["id"].as_str().unwrap().to_owned()
}

async fn give_rights(server: &Server, ws: &Workspace, level: &str, team: &str) {
    let new = related(
        resource("team-workspaces", &json!({ "access": level })),
        &json!({
            "team": { "data": { "type": "teams", "id": team } },
            "workspace": { "data": { "type": "workspaces", "id": ws.id } },
        }),
    );
    server.owner().post("/team-workspaces", new).await.is_created();
}

#[tokio::test]
async fn the_yes_of_somebody_who_may_not_give_it_any_more_does_not_count() {
    let server = Server::start().await;
    let agent = Agent::register(&server).await;
    let ws = server.workspace("networking").await;
    rule(&server, &ws, json!({ "confirmations-required": 2 })).await.is_ok();
    let (owner, writer, admin) = (server.owner(), server.writer(&ws), server.admin_of(&ws));
    let id = planned(&server, &agent, &ws).await;
    confirm(&owner, &id).await.is_accepted();
    confirm(&writer, &id).await.is_accepted();
    assert_eq!(status(&server, &id).await, "confirmed");
    let planned_at = |shown: &Answer| shown.attribute("status-timestamps")["planned-at"].clone();
    let before = planned_at(&owner.get(format!("/runs/{id}")).await.is_ok());
    take_rights(&server, &ws, "write").await;
    server.advance().await;
    let shown = owner.get(format!("/runs/{id}")).await.is_ok();
    assert_eq!(shown.attribute("status"), "planned", "it waits for people again");
    assert_eq!(planned_at(&shown), before);
    assert_eq!(shown.attribute("actions")["is-confirmable"], true);
    assert!(shown.data()["relationships"]["confirmed-by"].is_null());
    assert!(agent.claim().await.is_none());
    let name = writer.user().await.username;
    assert_eq!(
        reason(&server, &id).await,
        format!(
            "Confirmed by owner. The yes of {name} counts no more: they may not give it now. One more person has to \
             confirm it."
        )
    );
    let given = owner.get(format!("/runs/{id}/confirmations")).await.is_ok();
    assert_eq!(given.json()["meta"]["confirmations"]["missing"], 1);
    assert_eq!(go_on(&server, &id).await, "planned");
    confirm(&owner, &id).await.is_conflict();
    confirm(&writer, &id).await.is_not_found();
    confirm(&admin, &id).await.is_accepted();
    assert_eq!(status(&server, &id).await, "confirmed");
    server.advance().await;
    agent.must_claim().await.execute().await;
    assert_eq!(status(&server, &id).await, "applied");

    // One who gets the right back need not say it again.
    let id = planned(&server, &agent, &ws).await;
    confirm(&owner, &id).await.is_accepted();
    confirm(&admin, &id).await.is_accepted();
    let admins = take_rights(&server, &ws, "admin").await;
    server.advance().await;
    assert_eq!(status(&server, &id).await, "planned");
    assert_eq!(go_on(&server, &id).await, "planned");
    give_rights(&server, &ws, "admin", &admins).await;
    assert!(reason(&server, &id).await.ends_with("Nobody is missing: it goes on by itself."));
    assert_eq!(go_on(&server, &id).await, "confirmed");
    server.advance().await;
    agent.must_claim().await.execute().await;
    assert_eq!(status(&server, &id).await, "applied");

    // Neither does one that was given before the others.
    let id = planned(&server, &agent, &ws).await;
    confirm(&admin, &id).await.is_accepted();
    take_rights(&server, &ws, "admin").await;
    confirm(&owner, &id).await.is_accepted();
    assert_eq!(status(&server, &id).await, "planned");
    assert!(reason(&server, &id).await.ends_with("One more person has to confirm it."));
}

#[tokio::test]
async fn a_saved_plan_that_loses_a_yes_gives_way_to_others() {
    let server = Server::start().await;
    let agent = Agent::register(&server).await;
    let ws = server.workspace("networking").await;
    rule(&server, &ws, json!({ "confirmed-by-others": true })).await.is_ok();
    let (owner, writer) = (server.owner(), server.writer(&ws));
    upload(&owner, &ws, false).await;
    let saved = owner.post("/runs", run(&ws, json!({ "save-plan": true }))).await.is_created().id();
    server.advance().await;
    agent.must_claim().await.execute().await;
    assert_eq!(status(&server, &saved).await, "planned_and_saved");
    confirm(&writer, &saved).await.is_accepted();
    assert_eq!(status(&server, &saved).await, "confirmed");
    let next = owner.post("/runs", run(&ws, json!({}))).await.is_created().id();
    take_rights(&server, &ws, "write").await;
    server.advance().await;
    assert_eq!(status(&server, &saved).await, "planned_and_saved");
    server.advance().await;
    assert_eq!(agent.must_claim().await.run(), next);
    let shown = owner.get(format!("/workspaces/{}", ws.id)).await.is_ok();
    assert_eq!(shown.related("locked-by"), next.as_str());
}

#[tokio::test]
async fn what_several_people_confirm_never_applies_by_itself() {
    let server = Server::start().await;
    server.stop_clock();
    let mut agent = Agent::register(&server).await;
    let ws = server.workspace("networking").await;
    let owner = server.owner();
    upload(&owner, &ws, false).await;
    for strict in [json!({ "confirmations-required": 2 }), json!({ "confirmed-by-others": true })] {
        for by_itself in ["auto-apply", "auto-apply-run-trigger"] {
            let mut both = strict.clone();
            both[by_itself] = json!(true);
            let refused = rule(&server, &ws, both).await;
            refused.is_unprocessable(&format!("/data/attributes/{by_itself}"));
        }
    }
    // One that was queued before people were asked.
    let early = owner.post("/runs", run(&ws, json!({ "auto-apply": true }))).await.is_created();
    rule(&server, &ws, json!({ "confirmations-required": 2 })).await.is_ok();
    rule(&server, &ws, json!({ "auto-apply": true }))
        .await
        .is_unprocessable("/data/attributes/auto-apply");
    let refused = owner.post("/runs", run(&ws, json!({ "auto-apply": true }))).await;
    refused.is_unprocessable("/data/attributes/auto-apply");
    server.advance().await;
    agent.must_claim().await.execute().await;
    assert_eq!(status(&server, &early.id()).await, "planned");
    owner.post(format!("/runs/{}/actions/discard", early.id()), ()).await.is_accepted();
    // Nor does what comes by the calendar.
    let new = json!({ "kind": "apply", "cron": "0 * * * *" });
    let path = format!("/workspaces/{}/run-schedules", ws.id);
    owner.post(path, resource("run-schedules", &new)).await.is_created();
    server.pass(std::time::Duration::from_hours(1));
    domain::run_schedules::queue_due(&server.system()).await.unwrap();
    agent.introduce().await;
    server.advance().await;
    let job = agent.must_claim().await;
    job.execute().await;
    let shown = owner.get(format!("/runs/{}", job.run())).await.is_ok();
    assert_eq!(shown.attribute("trigger-reason"), "schedule");
    assert_eq!(shown.attribute("status"), "planned");
}
