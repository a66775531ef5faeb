//! The whole way by every provider: connected by a token, told of pushes, tags and pull requests in the provider's own
//! words, statuses said, and what becomes of all that when something goes wrong there.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::{can, connected_repositories, ingress, oauth_clients, vcs_connections};
use futures::future::join_all;
use serde_json::{Value, json};
use testkit::{
    vcs_fake::{Mood, News, Proposal},
    world::resource,
};

use super::World;
use crate::agent::Agent;

/// What is particular about a provider.
#[derive(Clone, Copy)]
struct Way {
    provider: &'static str,
    source: &'static str,
    pending: &'static str,
    success: &'static str,
    /// Pull requests of forks can be planned, where the site allows it.
    forks: bool,
    /// How long it wants to be left alone when its limit is reached. GitHub and Gitea name a time that is far away here;
    /// nobody waits for longer than an hour.
    limited: Duration,
}

const GITHUB: Way = Way {
    provider: "github",
    source: "github",
    pending: "pending",
    success: "success",
    forks: true,
    limited: Duration::from_hours(1),
};
const GITLAB: Way = Way {
    provider: "gitlab_community_edition",
    source: "gitlab",
    pending: "running",
    success: "success",
    forks: false,
    limited: Duration::from_secs(17),
};
const BITBUCKET: Way = Way {
    provider: "bitbucket_hosted",
    source: "bitbucket",
    pending: "INPROGRESS",
    success: "SUCCESSFUL",
    ..GITLAB
};
const WAYS: [Way; 8] = [
    GITHUB,
    Way { provider: "github_enterprise", ..GITHUB },
    Way { provider: "forgejo", source: "forgejo", ..GITHUB },
    Way { provider: "gitea", source: "gitea", ..GITHUB },
    GITLAB,
    BITBUCKET,
    Way { provider: "bitbucket_data_center", ..BITBUCKET },
    Way {
        provider: "ado_services",
        source: "ado",
        pending: "pending",
        success: "succeeded",
        forks: true,
        ..GITLAB
    },
];

/// Each with a server of its own, side by side.
async fn by_all(walk: impl AsyncFn(&World, Way)) {
    join_all(WAYS.map(async |way| walk(&World::of(way.provider).await, way).await)).await;
}

#[tokio::test]
async fn a_push_runs_once_where_its_branch_is_followed_and_a_tag_where_tags_are() {
    by_all(async |world, Way { provider, source, .. }| {
        let owner = world.server.owner();
        vcs_connections::work(&world.server.system()).await.unwrap();
        let token = owner.get(format!("/oauth-tokens/{}", world.token)).await.is_ok();
        assert_eq!(token.attribute("service-provider-user"), "bot", "{provider}");
        let branch = world.workspace("branch", json!({ "queue-all-runs": true })).await;
        let repo = json!({ "tags-regex": "^v\\d+\\.\\d+$" });
        let tags = json!({
            "queue-all-runs": true, "file-triggers-enabled": false, "vcs-repo": repo,
        });
        let tagged = world.workspace("tagged", tags).await;
        assert_eq!(world.runs(&branch).await.len(), 1, "{provider}: that of being connected");

        let origin = &world.fake.origin;
        origin.write("main.tf", "b");
        let before = world.fake.head.to_string();
        let after = origin.push("Add a network\n\nIt was asked for.").to_string();
        let moved = News::Moved { branch: "main", before: Some(&before), after: Some(&after) };
        let told = world.fake.tells("d-1", moved);
        world.send(&told, &told.headers("guessed")).await.is_unauthorized();
        world.send(&told, &[]).await.is_unauthorized();
        assert_eq!(world.server.row_counts().await["webhook_deliveries"], 0, "{provider}");
        for _ in 0..2 {
            world.told(&told).await;
        }
        assert_eq!(world.server.row_counts().await["webhook_deliveries"], 1, "{provider}");
        let runs = world.runs(&branch).await;
        assert_eq!(runs.len(), 2, "{provider}");
        assert_eq!(runs[0]["attributes"]["message"], "Add a network", "{provider}");
        let ingress = world.ingress(&runs[0]).await;
        assert_eq!(ingress.attribute("commit-sha"), after, "{provider}");
        assert_eq!(ingress.attribute("branch"), "main", "{provider}");
        assert_eq!(ingress.attribute("on-default-branch"), true, "{provider}");
        assert_eq!(ingress.attribute("sender-username"), "ann", "{provider}");
        let version = runs[0]["relationships"]["configuration-version"]["data"]["id"].clone();
        let version = format!("/configuration-versions/{}", version.as_str().unwrap());
        let version = owner.get(version).await.is_ok();
        assert_eq!(version.attribute("status"), "uploaded", "{provider}");
        assert_eq!(version.attribute("source"), source, "{provider}");
        assert_eq!(version.attribute("changed-files"), json!(["main.tf"]), "{provider}");

        world.news("d-2", News::Moved { branch: "main", before: Some(&after), after: None }).await;
        origin.git(&["tag", "-a", "-m", "the second", "v2.0"]);
        origin.git(&["push", "-q", "origin", "v2.0"]);
        let object = origin.git(&["rev-parse", "v2.0"]);
        world.news("d-3", News::Tagged { tag: "v2.0", object: &object, commit: &after }).await;
        assert_eq!(world.runs(&branch).await.len(), 2, "{provider}: neither runs a branch");
        let runs = world.runs(&tagged).await;
        assert_eq!(runs.len(), 1, "{provider}");
        let ingress = world.ingress(&runs[0]).await;
        assert_eq!(ingress.attribute("tag"), "v2.0", "{provider}");
        assert_eq!(ingress.attribute("commit-sha"), after, "{provider}");
    })
    .await;
}

#[tokio::test]
async fn a_pull_request_is_planned_once_for_each_of_its_heads() {
    by_all(async |world, Way { provider, forks, .. }| {
        let workspace = world.workspace("networking", json!({})).await;
        let origin = &world.fake.origin;
        origin.git(&["checkout", "-q", "-b", "feat"]);
        origin.write("main.tf", "b");
        let head = origin.push("One").to_string();
        let proposed = |what, head| News::Proposed { what, head, is_fork: false };
        world.news("d-1", proposed(Proposal::Opened, &head)).await;
        let runs = world.runs(&workspace).await;
        assert_eq!(runs.len(), 1, "{provider}");
        assert_eq!(runs[0]["attributes"]["plan-only"], true, "{provider}");
        assert_eq!(runs[0]["attributes"]["message"], "Three more", "{provider}");
        let ingress = world.ingress(&runs[0]).await;
        assert_eq!(ingress.attribute("commit-sha"), head, "{provider}");
        assert_eq!(ingress.attribute("branch"), "feat", "{provider}");
        assert_eq!(ingress.attribute("pull-request-number"), 3, "{provider}");
        let url = ingress.attribute("pull-request-url");
        assert!(url.as_str().is_some_and(|url| url.ends_with("/3")), "{provider}: {url}");
        world.news("d-2", proposed(Proposal::Edited, &head)).await;
        assert_eq!(world.runs(&workspace).await.len(), 1, "{provider}: its head is the same");

        origin.write("main.tf", "c");
        let head = origin.push("Two").to_string();
        world.news("d-3", proposed(Proposal::Updated, &head)).await;
        let runs = world.runs(&workspace).await;
        let statuses: Vec<_> = runs.iter().map(|run| &run["attributes"]["status"]).collect();
        assert_eq!(statuses, ["pending", "canceled"], "{provider}");
        assert_eq!(world.ingress(&runs[0]).await.attribute("commit-sha"), head, "{provider}");

        // Of a fork the repository has what the provider puts beside the branches.
        origin.write("main.tf", "d");
        let head = origin.commit("From elsewhere").to_string();
        for reference in ["refs/pull/3/head", "refs/pull/3/merge"] {
            origin.git(&["push", "-q", "origin", &format!("HEAD:{reference}")]);
        }
        let foreign = |what| News::Proposed { what, head: &head, is_fork: true };
        world.news("d-4", foreign(Proposal::Opened)).await;
        assert_eq!(world.runs(&workspace).await.len(), 2, "{provider}: nobody has allowed it");
        let name = "allow-speculative-plans-on-pull-requests-from-forks";
        let allowed = resource("general-settings", &json!({ name: true }));
        world.server.site_admin().patch("/admin/general-settings", allowed).await.is_ok();
        world.news("d-5", foreign(Proposal::Updated)).await;
        assert_eq!(world.runs(&workspace).await.len(), 2 + usize::from(forks), "{provider}");
        let told = world.events().await;
        assert!(!told.iter().any(|line| line.starts_with("error")), "{provider}: {told:?}");
    })
    .await;
}

#[tokio::test]
async fn a_status_is_said_again_until_it_is_heard_and_not_before_the_provider_wants_to() {
    by_all(async |world, way @ Way { provider, .. }| {
        world.server.stop_clock();
        let agent = Agent::register(&world.server).await;
        world.workspace("networking", json!({})).await;
        let origin = &world.fake.origin;
        origin.git(&["checkout", "-q", "-b", "feat"]);
        origin.write("main.tf", "b");
        let head = origin.push("One").to_string();
        let opened = News::Proposed { what: Proposal::Opened, head: &head, is_fork: false };
        world.news("d-1", opened).await;
        let told = async || {
            let said = world.statuses().await;
            let of = std::mem::take(&mut *world.fake.shared.commits.lock().unwrap());
            let state = |one: &Value| one["state"].as_str().unwrap().to_owned();
            of.into_iter().zip(said.iter().map(state)).collect::<BTreeMap<_, _>>()
        };
        let state = |commit: &String, state: &str| (commit.clone(), state.to_owned());
        let nothing = BTreeMap::new();
        let asked = || world.fake.shared.calls.lock().unwrap().len();
        world.fake.is(Mood::Down);
        assert_eq!(told().await, nothing, "{provider}");
        world.fake.is(Mood::Well);
        world.server.pass(Duration::from_secs(10));
        assert_eq!(told().await, BTreeMap::from([state(&head, way.pending)]), "{provider}");

        world.server.advance().await;
        let job = agent.must_claim().await;
        job.execute().await;
        world.fake.is(Mood::Limited);
        assert_eq!(told().await, nothing, "{provider}");
        world.fake.is(Mood::Well);
        let before = asked();
        world.server.pass(way.limited.saturating_sub(Duration::from_secs(2)));
        // Not for what is news either.
        origin.write("main.tf", "c");
        let newer = origin.push("Two").to_string();
        let updated = News::Proposed { what: Proposal::Updated, head: &newer, is_fork: false };
        world.news("d-2", updated).await;
        assert_eq!(told().await, nothing, "{provider}");
        assert_eq!(asked(), before, "{provider}: it is left alone");
        world.server.pass(Duration::from_secs(2));
        let expected = [state(&head, way.success), state(&newer, way.pending)];
        assert_eq!(told().await, BTreeMap::from(expected), "{provider}");
    })
    .await;
}

#[tokio::test]
async fn a_token_that_is_revoked_is_told_where_connections_are_looked_after() {
    by_all(async |world, Way { provider, .. }| {
        world.server.stop_clock();
        let workspace = world.workspace("networking", json!({ "queue-all-runs": true })).await;
        let cx = world.server.system();
        ingress::look(&cx).await.unwrap();
        world.fake.is(Mood::Revoked);
        world.fake.origin.write("main.tf", "b");
        let before = world.fake.head.to_string();
        let after = world.fake.origin.push("Two").to_string();
        let moved = News::Moved { branch: "main", before: Some(&before), after: Some(&after) };
        world.news("d-1", moved).await;
        assert_eq!(world.runs(&workspace).await.len(), 1, "{provider}");
        let asked = world.fake.shared.calls.lock().unwrap().len();
        for _ in 0..3 {
            world.server.pass(Duration::from_mins(1));
            world.work().await;
        }
        assert_eq!(world.fake.shared.calls.lock().unwrap().len(), asked, "{provider}: no storm");
        let told = world.events().await;
        assert!(told.iter().any(|line| line.starts_with("error: What happened in")), "{told:?}");
        let token = format!("/oauth-tokens/{}", world.token);
        let last_error = async || {
            let shown = world.server.owner().get(&token).await.is_ok();
            shown.attribute("last-error")
        };
        let warning = last_error().await;
        let expected = "The provider does not accept the token any more: connect again.";
        assert_eq!(warning, expected, "{provider}");

        // It was a mistake over there: the warning goes, and what was missed runs.
        world.fake.is(Mood::Well);
        world.server.pass(Duration::from_hours(2));
        ingress::look(&cx).await.unwrap();
        world.work().await;
        assert_eq!(last_error().await, Value::Null, "{provider}");
        assert_eq!(world.runs(&workspace).await.len(), 2, "{provider}");
    })
    .await;
}

#[tokio::test]
async fn where_no_hook_may_be_made_its_address_and_secret_are_told_and_it_works_by_hand() {
    by_all(async |world, Way { provider, .. }| {
        let owner = world.server.owner();
        world.fake.is(Mood::Unhooked);
        let workspace = world.workspace("networking", json!({ "queue-all-runs": true })).await;
        let told = world.events().await;
        let refused = format!("error: No webhook could be made for {}", world.fake.name());
        assert!(told.iter().any(|line| line.starts_with(&refused)), "{provider}: {told:?}");
        let shown = owner.get(format!("/workspaces/{workspace}")).await.is_ok();
        let address = shown.attribute("vcs-repo")["webhook-url"].clone();
        let cx = world.server.system();
        let token = owner.get(format!("/oauth-tokens/{}", world.token)).await.is_ok();
        let client = token.related("oauth-client").as_str().unwrap().parse().unwrap();
        let client = oauth_clients::find(&cx, &client).await.unwrap();
        let client = cx.check::<can::ManageVcsSettings, _>(client).unwrap();
        let hooks = connected_repositories::by_hand(&cx, &client).await.unwrap();
        let [hook] = &*hooks else { panic!("{provider}: one hook: {hooks:?}") };
        assert_eq!(address, hook.url, "{provider}");

        world.fake.origin.write("main.tf", "b");
        let before = world.fake.head.to_string();
        let after = world.fake.origin.push("Two").to_string();
        let moved = News::Moved { branch: "main", before: Some(&before), after: Some(&after) };
        let told = world.fake.tells("d-1", moved);
        let headers = told.headers(secrecy::ExposeSecret::expose_secret(&hook.secret));
        let answer = world.send_to(&hook.url, &told, &headers).await;
        answer.has_status(http::StatusCode::ACCEPTED);
        world.work().await;
        assert_eq!(world.runs(&workspace).await.len(), 2, "{provider}");
    })
    .await;
}
