//! Lists with enough in them that each parameter makes a difference.

use std::{cell::RefCell, collections::BTreeSet, time::Duration};

use serde_json::{Value, json};
use testkit::{Client, Server};

use crate::{
    agent::Agent,
    runs::{run, upload},
};

const DAY: Duration = Duration::from_hours(24);

fn body(kind: &str, attributes: Value) -> Value {
    json!({ "data": { "type": kind, "attributes": attributes } })
}

fn related(mut body: Value, relationships: Value) -> Value {
    body["data"]["relationships"] = relationships;
    body
}

fn one(kind: &str, id: &str) -> Value {
    json!({ "data": { "type": kind, "id": id } })
}

/// The names of the parameters of a query.
fn named(query: &str) -> impl Iterator<Item = &str> {
    query.split('&').filter_map(|pair| pair.split('=').next()).filter(|name| !name.is_empty())
}

/// What has been shown so far, and who looks.
pub struct Lists<'s> {
    client: Client<'s>,
    pub seen: RefCell<BTreeSet<(String, String)>>,
}

impl<'s> Lists<'s> {
    pub fn seen_by(client: Client<'s>) -> Self {
        Self { client, seen: RefCell::default() }
    }

    /// The ids or an attribute of what a list has.
    async fn read(&self, path: &str, query: &str, by: &str) -> Vec<Value> {
        let list = self.client.get(format!("{path}?{query}")).await.is_ok();
        match by {
            "id" => list.data().as_array().unwrap().iter().map(|item| item["id"].clone()).collect(),
            by => list.attributes(by),
        }
    }

    /// With the parameters a list has just this, in this order; without them it is another one.
    async fn acts(&self, route: &str, path: &str, query: &str, by: &str, expected: Value) {
        let found = self.read(path, query, by).await;
        assert_eq!(json!(found), expected, "{path}?{query}");
        assert_ne!(json!(self.read(path, "", by).await), expected, "{path} without {query}");
        self.note(route, query);
    }

    /// Without the parameter it is not known what is meant.
    async fn is_needed(&self, route: &str, query: &str, by: &str, expected: Value) {
        assert_eq!(json!(self.read(route, query, by).await), expected, "{route}?{query}");
        self.client.get(route).await.is_bad_request();
        self.note(route, query);
    }

    /// It must be one of a few words.
    async fn is_refused(&self, path: &str, query: &str) {
        let refused = self.client.get(format!("{path}?{query}")).await.is_bad_request();
        let parameter = &refused.json()["errors"][0]["source"]["parameter"];
        assert_eq!(*parameter, named(query).last().unwrap(), "{refused}");
    }

    fn note(&self, route: &str, query: &str) {
        for name in named(query) {
            self.seen.borrow_mut().insert((route.to_owned(), name.to_owned()));
        }
    }
}

async fn made(owner: &Client<'_>, path: &str, body: Value) -> String {
    owner.post(path, body).await.is_created().id()
}

pub async fn tool_versions(server: &Server, lists: &Lists<'_>) {
    for tool in ["opa-versions", "sentinel-versions", "terraform-versions"] {
        let path = format!("/admin/{tool}");
        for version in ["7.2.3", "7.2.30"] {
            let new = json!({
                "version": version, "url": "https://example.com/t.zip", "sha": "a".repeat(64),
            });
            made(&server.site_admin(), &path, body(tool, new)).await;
        }
        lists.acts(&path, &path, "filter[version]=7.2.3", "version", json!(["7.2.3"])).await;
        let both = json!(["7.2.30", "7.2.3"]);
        made(
            &server.site_admin(),
            &path,
            body(
                tool,
                json!({
                    "version": "8.0.0", "url": "https://example.com/t.zip", "sha": "a".repeat(64),
                }),
            ),
        )
        .await;
        lists.acts(&path, &path, "search[version]=7.2", "version", both).await;
    }
}

pub async fn organizations(admin: &Client<'_>, lists: &Lists<'_>) {
    for (name, email) in [("zulu", "ops@whiskey.example"), ("yankee", "ops@example.com")] {
        made(
            admin,
            "/organizations",
            body("organizations", json!({ "name": name, "email": email })),
        )
        .await;
    }
    for query in ["q=zul", "q[name]=ZUL", "q[email]=whisk"] {
        lists.acts("/organizations", "/organizations", query, "name", json!(["zulu"])).await;
    }
}

pub async fn agents(server: &Server, owner: &Client<'_>, lists: &Lists<'_>) {
    let pools = "/organizations/acme/agent-pools";
    let ws = server.workspace("of-pools").await;
    let project = server.project("Pooled").await;
    let mut first = String::new();
    for (name, scoped, relations) in [
        ("b-wide", true, json!({})),
        (
            "a-narrow",
            false,
            json!({ "allowed-workspaces": { "data": [one("workspaces", ws.id.as_str())["data"]] } }),
        ),
        (
            "c-project",
            false,
            json!({ "allowed-projects": { "data": [one("projects", project.id.as_str())["data"]] } }),
        ),
    ] {
        server.pass(DAY);
        let new = body("agent-pools", json!({ "name": name, "organization-scoped": scoped }));
        let id = made(owner, pools, related(new, relations)).await;
        first = if first.is_empty() { id } else { first };
    }
    for spelling in ["allowed-workspaces", "allowed_workspaces"] {
        let query = format!("filter[{spelling}][name]=of-pools");
        lists.acts(pools, pools, &query, "name", json!(["b-wide", "a-narrow"])).await;
    }
    let of_project = "filter[allowed_projects][name]=Pooled";
    lists.acts(pools, pools, of_project, "name", json!(["b-wide", "c-project"])).await;
    lists.acts(pools, pools, "q=narr", "name", json!(["a-narrow"])).await;
    let by_name = json!(["c-project", "b-wide", "a-narrow"]);
    lists.acts(pools, pools, "sort=-name", "name", by_name).await;
    lists.is_refused(pools, "sort=colour").await;

    let tokens = format!("/agent-pools/{first}/authentication-tokens");
    let token = owner.post(tokens, body("authentication-tokens", json!({ "description": "x" })));
    let token = token.await.is_created().attribute("token").as_str().unwrap().to_owned();
    let _early = Agent::register_with(server, &token).await;
    server.pass(DAY);
    let since = server.app.now().iso8601();
    let late = body("authentication-tokens", json!({ "description": "y" }));
    let late = owner.post(format!("/agent-pools/{first}/authentication-tokens"), late).await;
    let late = late.is_created().attribute("token").as_str().unwrap().to_owned();
    let _late = Agent::register_with(server, &late).await;
    let (route, path) = ("/agent-pools/{pool}/agents", format!("/agent-pools/{first}/agents"));
    let all = lists.read(&path, "", "id").await;
    assert_eq!(all.len(), 2);
    let query = format!("filter[last-ping-since]={since}");
    lists.acts(route, &path, &query, "id", json!([all[1]])).await;
    lists.acts(route, &path, "sort=-created-at", "id", json!([all[1], all[0]])).await;
    lists.is_refused(&path, "sort=colour").await;
}

pub async fn people(server: &Server, owner: &Client<'_>, lists: &Lists<'_>) {
    let members = "/organizations/acme/organization-memberships";
    let new = body("organization-memberships", json!({ "email": "new@example.net" }));
    let invited = made(owner, members, new).await;
    let address = json!(["new@example.net"]);
    for query in ["filter[email]=new@example.net", "filter[status]=invited", "q=example.net"] {
        lists.acts(members, members, query, "email", address.clone()).await;
    }
    lists.client.get(format!("{members}?filter[status]=fish")).await.is_bad_request();

    let teams = "/organizations/acme/teams";
    let mut ids = Vec::new();
    for name in ["edge", "core"] {
        let team = made(owner, teams, body("teams", json!({ "name": name }))).await;
        let token = body("authentication-tokens", json!({ "description": name }));
        made(owner, &format!("/teams/{team}/authentication-tokens"), token).await;
        ids.push(team);
        server.pass(DAY);
    }
    lists.acts(teams, teams, "filter[names]=edge", "name", json!(["edge"])).await;
    lists.acts(teams, teams, "q=cor", "name", json!(["core"])).await;
    let tokens = "/organizations/acme/team-tokens";
    lists.acts(tokens, tokens, "q=cor", "description", json!(["core"])).await;
    let newest = lists.read(tokens, "sort=-created-at", "description").await;
    let oldest = lists.read(tokens, "sort=created-at", "description").await;
    assert_eq!(json!(newest), json!(["core", "edge"]));
    assert_eq!(json!(oldest), json!(["edge", "core"]));
    lists.note(tokens, "sort=");
    lists.is_refused(tokens, "sort=colour").await;

    let here = format!("/teams/{}/relationships/organization-memberships", ids[0]);
    let active = server.member().user().await;
    let active = lists.read(members, &format!("q={}", active.username), "id").await;
    let both = json!({ "data": [
        { "type": "organization-memberships", "id": active[0] },
        { "type": "organization-memberships", "id": invited },
    ] });
    owner.post(&here, both).await.is_no_content();
    let route = "/teams/{team}/relationships/organization-memberships";
    let up = lists.read(&here, "sort=status", "status").await;
    let mut down = lists.read(&here, "sort=-status", "status").await;
    assert_eq!(up.len(), 2);
    assert_ne!(up, down);
    down.reverse();
    assert_eq!(up, down);
    lists.note(route, "sort=");
    lists.is_refused(&here, "sort=colour").await;

    let ws = server.workspace("of-teams").await;
    for team in &ids {
        for (path, relation, id) in [
            ("/team-workspaces", "workspace", ws.id.as_str()),
            ("/team-projects", "project", ws.project_id.as_str()),
        ] {
            let kind = format!("{relation}s");
            let access = related(
                body("", json!({ "access": "read" })),
                json!({ "team": one("teams", team), relation: one(&kind, id) }),
            );
            made(owner, path, access).await;
        }
    }
    for (path, of) in [
        ("/team-workspaces", format!("filter[workspace][id]={}", ws.id)),
        ("/team-projects", format!("filter[project][id]={}", ws.project_id)),
    ] {
        let all = lists.read(path, &of, "id").await;
        lists.is_needed(path, &of, "id", json!(all)).await;
        let own = lists.read(path, &format!("{of}&filter[team][id]={}", ids[0]), "id").await;
        assert_eq!((all.len(), own.len()), (2, 1), "{path}");
        let of_team = format!("filter[team][id]={}", ids[0]);
        assert_eq!(lists.read(path, &of_team, "id").await, own, "{path}");
        lists.note(path, "filter[team][id]=");
    }
}

pub async fn policies(owner: &Client<'_>, lists: &Lists<'_>) {
    let (path, sets) = ("/organizations/acme/policies", "/organizations/acme/policy-sets");
    for (name, kind) in [("ports", "opa"), ("disks", "sentinel")] {
        let query = (kind == "opa").then_some("data.x.rule");
        let new = json!({ "name": name, "kind": kind, "query": query });
        made(owner, path, body("policies", new)).await;
        let set =
            made(owner, sets, body("policy-sets", json!({ "name": name, "kind": kind }))).await;
        if kind == "opa" {
            made(owner, &format!("/policy-sets/{set}/versions"), json!({})).await;
        }
    }
    lists.acts(path, path, "filter[kind]=opa", "name", json!(["ports"])).await;
    lists.acts(path, path, "search[name]=isk", "name", json!(["disks"])).await;
    lists.acts(path, path, "sort=-name", "name", json!(["ports", "disks"])).await;
    lists.is_refused(path, "sort=colour").await;
    lists.acts(sets, sets, "filter[kind]=sentinel", "name", json!(["disks"])).await;
    lists.acts(sets, sets, "filter[versioned]=true", "name", json!(["ports"])).await;
    lists.acts(sets, sets, "search[name]=ort", "name", json!(["ports"])).await;
}

pub async fn workspaces(server: &Server, owner: &Client<'_>, lists: &Lists<'_>) {
    let projects = "/organizations/acme/projects";
    let storage = server.project("Storage").await;
    for query in ["filter[names]=storage", "q=stor"] {
        lists.acts(projects, projects, query, "name", json!(["Storage"])).await;
    }
    let by_name = lists.read(projects, "sort=name", "name").await;
    let by_name_again = lists.read(projects, "sort=-name", "name").await;
    assert_eq!(by_name.iter().rev().collect::<Vec<_>>(), by_name_again.iter().collect::<Vec<_>>());
    lists.note(projects, "sort=");
    lists.is_refused(projects, "sort=colour").await;

    let path = "/organizations/acme/workspaces";
    let moved = json!({ "project": one("projects", storage.id.as_str()) });
    let alpha =
        made(owner, path, related(body("workspaces", json!({ "name": "alpha" })), moved)).await;
    let beta = made(owner, path, body("workspaces", json!({ "name": "beta" }))).await;
    let flat = json!({ "data": [{ "type": "tags", "attributes": { "name": "blue" } },
                                { "type": "tags", "attributes": { "name": "green" } }] });
    owner.post(format!("/workspaces/{alpha}/relationships/tags"), flat).await.is_no_content();
    let keyed = json!({ "data": [{ "type": "tag-bindings", "attributes": { "key": "env", "value": "dev" } }] });
    owner.patch(format!("/workspaces/{alpha}/tag-bindings"), keyed).await.is_ok();
    let only_alpha = json!(["alpha"]);
    let in_project = format!("filter[project][id]={}", storage.id);
    for query in [
        in_project.as_str(),
        "filter[tagged][0][key]=env",
        "filter[tagged][0][value]=dev",
        "search[name]=lph",
        "search[tags]=blue",
        "search[wildcard-name]=alp*",
    ] {
        lists.acts(path, path, query, "name", only_alpha.clone()).await;
    }
    let others = lists.read(path, "search[exclude-tags]=blue", "name").await;
    assert!(!others.contains(&json!("alpha")) && others.contains(&json!("beta")));
    lists.note(path, "search[exclude-tags]=");
    let mut down = lists.read(path, "sort=-name", "name").await;
    down.reverse();
    lists
        .acts(path, path, "sort=-name", "name", json!(down.iter().rev().collect::<Vec<_>>()))
        .await;
    lists.is_refused(path, "sort=colour").await;
    lists.is_refused(path, "filter[project][id]=fish").await;

    let (route, tags) =
        ("/workspaces/{ws}/relationships/tags", format!("/workspaces/{alpha}/relationships/tags"));
    lists.acts(route, &tags, "name=gre", "name", json!(["green"])).await;
    let known = "/organizations/acme/tags";
    lists.acts(known, known, "q=lu", "name", json!(["blue"])).await;
    let without = format!("filter[exclude][taggable][id]={alpha}");
    lists.acts(known, known, &without, "name", json!([])).await;

    for (ws, key) in [(&alpha, "of_alpha"), (&beta, "of_beta")] {
        let new = body("vars", json!({ "key": key, "category": "env" }));
        made(owner, &format!("/workspaces/{ws}/vars"), new).await;
    }
    let of_alpha = "filter[organization][name]=acme&filter[workspace][name]=alpha";
    lists.is_needed("/vars", of_alpha, "key", json!(["of_alpha"])).await;

    states(owner, lists, &alpha).await;
    variable_sets(owner, lists, &alpha, storage.id.as_str()).await;
}

async fn states(owner: &Client<'_>, lists: &Lists<'_>, ws: &str) {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    use md5::{Digest as _, Md5};

    owner.post(format!("/workspaces/{ws}/actions/lock"), ()).await.is_ok();
    let resource = |name: &str, kind: &str| {
        json!({ "mode": "managed", "type": kind, "name": name, "instances": [{}],
                "provider": format!("provider[\"registry.terraform.io/hashicorp/{kind}\"]") })
    };
    let state = json!({
        "version": 4, "serial": 1, "lineage": "x", "outputs": {},
        "resources": [resource("one", "zeta"), resource("two", "alpha")],
    })
    .to_string();
    let digest = |text: &str| hex::encode(Md5::digest(text));
    let versions = format!("/workspaces/{ws}/state-versions");
    let whole = json!({ "serial": 1, "md5": digest(&state), "state": STANDARD.encode(&state) });
    let first = made(owner, &versions, body("state-versions", whole)).await;
    let announced = json!({ "serial": 2, "md5": digest("later"), "lineage": "x" });
    let second = made(owner, &versions, body("state-versions", announced)).await;
    let of = "filter[organization][name]=acme&filter[workspace][name]=alpha";
    lists.is_needed("/state-versions", of, "id", json!([second, first])).await;
    let pending =
        lists.read("/state-versions", &format!("{of}&filter[status]=pending"), "id").await;
    assert_eq!(json!(pending), json!([second]));
    lists.note("/state-versions", "filter[status]=");
    lists.is_refused("/state-versions", &format!("{of}&filter[status]=fish")).await;

    let (route, path) = ("/workspaces/{ws}/resources", format!("/workspaces/{ws}/resources"));
    lists.acts(route, &path, "q=TWO", "name", json!(["two"])).await;
    for key in ["name", "nameIndex", "provider", "providerType", "module", "updatedAt"] {
        assert_eq!(lists.read(&path, &format!("sort={key}:desc"), "name").await.len(), 2, "{key}");
    }
    lists.acts(route, &path, "sort=name:asc", "name", json!(["one", "two"])).await;
    lists.acts(route, &path, "sort=providerType:desc", "name", json!(["one", "two"])).await;
    for wrong in ["sort=colour:asc", "sort=name:up"] {
        lists.is_refused(&path, wrong).await;
    }
}

async fn variable_sets(owner: &Client<'_>, lists: &Lists<'_>, ws: &str, project: &str) {
    let path = "/organizations/acme/varsets";
    made(owner, path, body("varsets", json!({ "name": "everywhere", "global": true }))).await;
    let parent = json!({ "parent": one("projects", project) });
    made(owner, path, related(body("varsets", json!({ "name": "theirs" })), parent)).await;
    made(owner, path, body("varsets", json!({ "name": "spare" }))).await;
    lists.acts(path, path, "filter[global]=true", "name", json!(["everywhere"])).await;
    lists.acts(path, path, "q=spar", "name", json!(["spare"])).await;
    lists.acts(path, path, "scope=owned", "name", json!(["everywhere", "spare"])).await;
    lists.is_refused(path, "scope=fish").await;
    let of_project = format!("/projects/{project}/varsets");
    let route = "/projects/{project}/varsets";
    lists.acts(route, &of_project, "q=their", "name", json!(["theirs"])).await;
    assert!(!ws.is_empty());
}

pub async fn runs(server: &Server, owner: &Client<'_>, lists: &Lists<'_>) {
    let _site = Agent::register(server).await;
    let (near, far) = (server.workspace("near").await, server.workspace("far").await);
    let pool = body("agent-pools", json!({ "name": "cellar" }));
    let pool = made(owner, "/organizations/acme/agent-pools", pool).await;
    let remote = json!({ "execution-mode": "agent", "agent-pool-id": pool });
    owner.patch(format!("/workspaces/{}", far.id), body("workspaces", remote)).await.is_ok();
    let old_year = server.app.now().iso8601()[..4].to_owned();
    upload(owner, &near, false).await;
    let old = made(owner, "/runs", run(&near, json!({ "message": "long ago" }))).await;
    owner.post(format!("/runs/{old}/actions/discard"), json!({})).await.is_accepted();
    server.pass(DAY * 500);
    let writer = server.writer(&near);
    let plan = made(&writer, "/runs", run(&near, json!({ "plan-only": true }))).await;
    upload(owner, &far, false).await;
    server.pass(DAY);
    let waiting = made(owner, "/runs", run(&far, json!({ "message": "far away" }))).await;

    let all = "/organizations/acme/runs";
    let of_near = format!("/workspaces/{}/runs", near.id);
    let (old, plan, waiting) = (json!([old]), json!([plan]), json!([waiting]));
    let name = writer.user().await.username;
    let cases = [
        ("filter[operation]=plan_only".to_owned(), plan.clone()),
        ("filter[operation]=fish".to_owned(), json!([])),
        ("filter[source]=tfe-ui".to_owned(), json!([])),
        ("filter[source]=fish".to_owned(), json!([])),
        ("filter[status]=discarded".to_owned(), old.clone()),
        ("filter[status]=discarded,fish".to_owned(), old.clone()),
        ("filter[status]=fish".to_owned(), json!([])),
        ("filter[status_group]=final".to_owned(), old.clone()),
        (format!("filter[timeframe]={old_year}"), old.clone()),
        ("search[basic]=LONG".to_owned(), old.clone()),
        (format!("search[basic]={name}"), plan.clone()),
        (format!("search[user]={name}"), plan.clone()),
        ("search[commit]=0123abc".to_owned(), json!([])),
    ];
    for (query, expected) in cases {
        lists.acts(all, all, &query, "id", expected.clone()).await;
        lists.acts("/workspaces/{ws}/runs", &of_near, &query, "id", expected).await;
    }
    let recent = json!([waiting[0], plan[0]]);
    lists.acts(all, all, "filter[timeframe]=year", "id", recent).await;
    lists.acts(all, all, "filter[workspace_names]=far", "id", waiting.clone()).await;
    lists.acts(all, all, "filter[agent_pool_names]=cellar", "id", waiting.clone()).await;
    let none = "filter[agent_pool_names]=cellar";
    lists.acts("/workspaces/{ws}/runs", &of_near, none, "id", json!([])).await;
    // The pool that a project or the organization has given counts as well.
    let own = body("workspaces", json!({ "setting-overwrites": { "execution-mode": false } }));
    owner.patch(format!("/workspaces/{}", far.id), own).await.is_ok();
    assert_eq!(lists.read(all, none, "id").await, Vec::<Value>::new());
    let default = json!({ "default-execution-mode": "agent", "default-agent-pool-id": pool });
    owner.patch("/organizations/acme", body("organizations", default.clone())).await.is_ok();
    assert!(lists.read(all, none, "id").await.contains(&waiting[0]));
    owner
        .patch("/organizations/acme", body("", json!({ "default-execution-mode": "remote" })))
        .await
        .is_ok();
    owner.patch(format!("/projects/{}", far.project_id), body("projects", default)).await.is_ok();
    assert!(lists.read(all, none, "id").await.contains(&waiting[0]));
    for path in [all, &of_near] {
        for wrong in ["filter[status_group]=fish", "filter[timeframe]=fish", "filter[timeframe]=99"]
        {
            lists.is_refused(path, wrong).await;
        }
    }

    lists.is_needed("/runs", &format!("workspace_id={}", far.id), "id", waiting).await;
    lists.is_needed("/runs", "organization_name=acme&filter[status]=discarded", "id", old).await;
    lists
        .is_needed("/runs", "organization_name=acme&filter[operation]=plan_only", "id", plan)
        .await;
}
