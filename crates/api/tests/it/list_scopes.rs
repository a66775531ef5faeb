//! A list shows its caller what he could also ask for one by one, and nothing else: held against random worlds, for every
//! list of things that have an address of their own.

use std::collections::BTreeSet;

use domain::{can, workspaces};
use proptest::{
    collection::vec,
    option,
    prelude::*,
    sample::{select, subsequence},
    strategy::ValueTree as _,
    test_runner::TestRunner,
};
use serde_json::{Map, Value, json};
use testkit::{Client, Server};

use crate::runs::upload_to;

const WORLDS: usize = 10;
const TEAMS: usize = 3;

/// Rights of a team in all of its organization, each with those that it needs.
const EVERYWHERE: [&[&str]; 11] = [
    &["access-secret-teams", "manage-membership"],
    &["manage-agent-pools"],
    &["manage-membership"],
    &["manage-organization-access", "manage-teams", "manage-membership"],
    &["manage-policies"],
    &["manage-policy-overrides"],
    &["manage-projects"],
    &["manage-vcs-settings"],
    &["manage-workspaces"],
    &["read-projects", "read-workspaces"],
    &["read-workspaces"],
];

/// What one team may do, and where.
#[derive(Clone, Debug)]
struct Team {
    is_secret: bool,
    everywhere: Vec<&'static str>,
    /// In the first project, and in the second.
    projects: [Option<Value>; 2],
    /// In the workspace of the first project, of the second, and of none of them.
    workspaces: [Option<Value>; 3],
}

fn team() -> impl Strategy<Value = Team> {
    // Most teams have few rights: whoever may do everything sees everything.
    let everywhere = prop_oneof![
        3 => Just(Vec::new()),
        2 => subsequence(EVERYWHERE.to_vec(), 1..=2).prop_map(|rights| rights.concat()),
    ];
    let project = || option::weighted(0.3, project_access());
    let workspace = || option::weighted(0.3, workspace_access());
    let projects = [project(), project()];
    let workspaces = [workspace(), workspace(), workspace()];
    (any::<bool>(), everywhere, projects, workspaces).prop_map(
        |(is_secret, everywhere, projects, workspaces)| Team {
            is_secret,
            everywhere,
            projects,
            workspaces,
        },
    )
}

fn workspace_access() -> impl Strategy<Value = Value> {
    let fixed = select(vec!["read", "plan", "write", "admin"]);
    let custom = (
        select(vec!["read", "plan", "apply"]),
        select(vec!["none", "read", "write"]),
        select(vec!["none", "read-outputs", "read", "write"]),
    );
    prop_oneof![
        fixed.prop_map(|level| json!({ "access": level })),
        custom.prop_map(|(runs, variables, states)| json!({ "access": "custom", "runs": runs,
            "variables": variables, "state-versions": states })),
    ]
}

fn project_access() -> impl Strategy<Value = Value> {
    let fixed = select(vec!["read", "write", "maintain", "admin"]);
    let custom = (
        select(vec!["none", "read", "manage"]),
        select(vec!["none", "read", "write"]),
        select(vec!["read", "plan", "apply"]),
        select(vec!["none", "read", "write"]),
    );
    prop_oneof![
        fixed.prop_map(|level| json!({ "access": level })),
        custom.prop_map(|(teams, sets, runs, variables)| json!({ "access": "custom",
            "project-access": { "teams": teams, "variable-sets": sets },
            "workspace-access": { "runs": runs, "variables": variables } })),
    ]
}

/// How a workspace shares its state.
fn sharing() -> impl Strategy<Value = Value> {
    select(vec![
        json!({}),
        json!({ "global-remote-state": true }),
        json!({ "project-remote-state": true }),
    ])
}

/// Lists, and where each of their rows is, `*` being its id.
fn lists(place: &Place) -> Vec<(String, String)> {
    let of_organization = [
        "workspaces",
        "projects",
        "teams",
        "varsets",
        "agent-pools",
        "policies",
        "policy-sets",
        "runs",
        "ssh-keys",
        "organization-memberships",
    ];
    let mut lists = vec![("/organizations".to_owned(), "/organizations/*".to_owned())];
    let mut add = |list: String, rows: &str| lists.push((list, rows.to_owned()));
    for noun in of_organization {
        add(format!("/organizations/acme/{noun}"), &format!("/{noun}/*"));
    }
    for id in &place.projects {
        add(format!("/team-projects?filter[project][id]={id}"), "/team-projects/*");
        add(format!("/projects/{id}/varsets"), "/varsets/*");
        let told = "notification-configurations";
        add(format!("/projects/{id}/{told}"), &format!("/{told}/*"));
    }
    for (name, id) in WORKSPACES.iter().zip(&place.workspaces) {
        let by_name = format!("filter[organization][name]=acme&filter[workspace][name]={name}");
        add(format!("/state-versions?{by_name}"), "/state-versions/*");
        add(format!("/vars?{by_name}"), &format!("/workspaces/{id}/vars/*"));
        add(format!("/team-workspaces?filter[workspace][id]={id}"), "/team-workspaces/*");
        for (list, rows) in [
            ("vars", &*format!("/workspaces/{id}/vars/*")),
            ("runs", "/runs/*"),
            ("configuration-versions", "/configuration-versions/*"),
            // Whoever reads the workspace's variables reads those of its sets too, wherever these belong.
            ("varsets", &*format!("/workspaces/{id}/varsets/*/relationships/vars")),
            ("run-triggers?filter[run-trigger][type]=inbound", "/run-triggers/*"),
            ("run-triggers?filter[run-trigger][type]=outbound", "/run-triggers/*"),
            ("notification-configurations", "/notification-configurations/*"),
            ("relationships/remote-state-consumers", "/workspaces/*"),
        ] {
            add(format!("/workspaces/{id}/{list}"), rows);
        }
    }
    lists
}

const WORKSPACES: [&str; 3] = ["alpha", "beta", "gamma"];

struct Place {
    projects: Vec<String>,
    workspaces: Vec<String>,
    /// Of the teams.
    tokens: Vec<String>,
    /// Of the engine of a run in the first workspace.
    engine: String,
}

fn document(kind: &str, attributes: Value, relationships: Value) -> Value {
    json!({ "data": { "type": kind, "attributes": attributes, "relationships": relationships } })
}

fn one(kind: &str, id: &str) -> Value {
    json!({ "data": { "type": kind, "id": id } })
}

async fn build(server: &Server, teams: &[Team], sharing: &[Value]) -> Place {
    let owner = server.owner();
    let mut runs = Vec::new();
    let mut place = Place {
        projects: Vec::new(),
        workspaces: Vec::new(),
        tokens: Vec::new(),
        engine: String::new(),
    };
    for name in ["One", "Two"] {
        let project = server.project(name).await.id.to_string();
        let set = document(
            "varsets",
            json!({ "name": name, "global": false }),
            json!({
            "parent": one("projects", &project), "projects": { "data": [{ "type": "projects", "id": project }] } }),
        );
        owner.post("/organizations/acme/varsets", set).await.is_created();
        place.projects.push(project);
    }
    let set = document("varsets", json!({ "name": "Everywhere", "global": true }), json!({}));
    owner.post("/organizations/acme/varsets", set).await.is_created();
    for (number, (name, sharing)) in WORKSPACES.into_iter().zip(sharing).enumerate() {
        let mut attributes = sharing.clone();
        attributes["name"] = name.into();
        let relationships = place
            .projects
            .get(number)
            .map_or_else(|| json!({}), |project| json!({ "project": one("projects", project) }));
        let workspace = document("workspaces", attributes, relationships);
        let id = owner.post("/organizations/acme/workspaces", workspace).await.is_created().id();
        runs.push(fill(&owner, &id).await);
        place.workspaces.push(id);
    }
    let trigger = document(
        "run-triggers",
        json!({}),
        json!({
        "sourceable": one("workspaces", &place.workspaces[0]) }),
    );
    owner
        .post(format!("/workspaces/{}/run-triggers", place.workspaces[1]), trigger)
        .await
        .is_created();
    if sharing[1].as_object().is_some_and(Map::is_empty) {
        let consumers = json!({ "data": [{ "type": "workspaces", "id": place.workspaces[0] }] });
        let path =
            format!("/workspaces/{}/relationships/remote-state-consumers", place.workspaces[1]);
        owner.post(path, consumers).await.is_no_content();
    }
    for (path, kind, attributes) in [
        ("agent-pools", "agent-pools", json!({ "name": "pool", "organization-scoped": false })),
        ("ssh-keys", "ssh-keys", json!({ "name": "key", "value": "secret" })),
        ("policy-sets", "policy-sets", json!({ "name": "set", "kind": "opa" })),
        (
            "policies",
            "policies",
            json!({ "name": "policy", "kind": "opa", "query": "data.x.y",
            "enforcement-level": "advisory" }),
        ),
    ] {
        let body = document(kind, attributes, json!({}));
        owner.post(format!("/organizations/acme/{path}"), body).await.is_created();
    }
    for (number, team) in teams.iter().enumerate() {
        place.tokens.push(settle(&owner, &place, number, team).await);
    }
    let first = workspaces::find(&server.system(), &place.workspaces[0].parse().unwrap()).await;
    let first = server.system().check::<can::ReadWorkspace, _>(first.unwrap()).unwrap();
    place.engine = server.engine(&runs[0].parse().unwrap(), &first).await.token().await;
    place
}

/// Makes what a workspace has in the lists that hang on it; its run.
async fn fill(owner: &Client<'_>, id: &str) -> String {
    let variable = json!({ "key": "size", "value": "1", "category": "terraform" });
    let variable = document("vars", variable, json!({}));
    owner.post(format!("/workspaces/{id}/vars"), variable).await.is_created();
    let told = document(
        "notification-configurations",
        json!({ "name": "told", "destination-type": "generic", "enabled": false,
            "url": "https://example.com/", "triggers": ["run:created"] }),
        json!({}),
    );
    let path = format!("/workspaces/{id}/notification-configurations");
    owner.post(path, told).await.is_created();
    upload_to(owner, id, false).await;
    let run = document("runs", json!({}), json!({ "workspace": one("workspaces", id) }));
    owner.post("/runs", run).await.is_created().id()
}

/// Makes a team with its access; its token.
async fn settle(owner: &Client<'_>, place: &Place, number: usize, team: &Team) -> String {
    let rights: Map<String, Value> =
        team.everywhere.iter().map(|right| ((*right).to_owned(), json!(true))).collect();
    let visibility = if team.is_secret { "secret" } else { "organization" };
    let body = document(
        "teams",
        json!({ "name": format!("team-{number}"), "visibility": visibility,
            "organization-access": rights }),
        json!({}),
    );
    let id = owner.post("/organizations/acme/teams", body).await.is_created().id();
    let access = |kind: &str, on: &str, place: &str, attributes: &Value| {
        let places = format!("{on}s");
        document(
            kind,
            attributes.clone(),
            json!({ "team": one("teams", &id), on: one(&places, place) }),
        )
    };
    for (project, attributes) in place.projects.iter().zip(&team.projects) {
        let Some(attributes) = attributes else { continue };
        let body = access("team-projects", "project", project, attributes);
        owner.post("/team-projects", body).await.is_created();
    }
    for (workspace, attributes) in place.workspaces.iter().zip(&team.workspaces) {
        let Some(attributes) = attributes else { continue };
        let body = access("team-workspaces", "workspace", workspace, attributes);
        owner.post("/team-workspaces", body).await.is_created();
    }
    let token = owner.post(format!("/teams/{id}/authentication-token"), ()).await.is_created();
    token.attribute("token").as_str().unwrap().to_owned()
}

/// What a list shows, if it lets the caller look at all.
async fn shown(client: &Client<'_>, list: &str) -> Option<BTreeSet<String>> {
    let separator = if list.contains('?') { '&' } else { '?' };
    let answer = client.get(format!("{list}{separator}page[size]=100")).await;
    (answer.status == 200).then(|| {
        let data = answer.data();
        let rows = data.as_array().unwrap().iter();
        rows.map(|row| row["id"].as_str().unwrap().to_owned()).collect()
    })
}

type List = (String, String, BTreeSet<String>);

/// Where a caller is shown something else than he may read.
async fn differences(caller: &str, client: &Client<'_>, all: &[List]) -> Vec<String> {
    let mut differences = Vec::new();
    for (list, address, rows) in all {
        let Some(shown) = shown(client, list).await else { continue };
        let mut readable = BTreeSet::new();
        for id in rows.union(&shown) {
            if client.get(address.replace('*', id)).await.status == 200 {
                readable.insert(id.clone());
            }
        }
        if shown != readable {
            differences.push(format!("{caller}, {list}: shown {shown:?}, readable {readable:?}"));
        }
    }
    differences
}

async fn check(server: &Server, place: &Place) -> Vec<String> {
    let mut callers = vec![
        ("the owner".to_owned(), server.owner()),
        ("a member".to_owned(), server.member()),
        ("the organization's token".to_owned(), server.organization_token()),
        ("a foreigner".to_owned(), server.foreigner()),
        ("an engine".to_owned(), server.bearer(&place.engine)),
    ];
    let teams = place.tokens.iter().enumerate();
    callers.extend(teams.map(|(number, token)| (format!("team {number}"), server.bearer(token))));
    // Everybody is there before anything is counted.
    for (_, caller) in &callers {
        caller.get("/organizations").await;
    }
    let owner = server.owner();
    let mut all = Vec::new();
    for (list, address) in lists(place) {
        // Somebody sees everything, or the law would hold of nothing.
        let rows = shown(&owner, &list).await.unwrap_or_else(|| panic!("the owner sees no {list}"));
        all.push((list, address, rows));
    }
    let mut found = Vec::new();
    for (name, caller) in &callers {
        found.extend(differences(name, caller, &all).await);
    }
    found
}

#[tokio::test]
async fn a_list_shows_what_its_caller_may_read_and_nothing_else() {
    let mut runner = TestRunner::deterministic();
    let world = (vec(team(), TEAMS), [sharing(), sharing(), sharing()]);
    for _ in 0..WORLDS {
        let (teams, sharing) = world.new_tree(&mut runner).unwrap().current();
        let server = Server::start().await;
        let place = build(&server, &teams, &sharing).await;
        let found = Box::pin(check(&server, &place)).await;
        // The seed is fixed, so the same worlds come again.
        assert!(found.is_empty(), "{teams:#?}\n{sharing:?}\n{found:#?}");
    }
}
