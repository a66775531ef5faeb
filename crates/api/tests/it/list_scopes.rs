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
use testkit::{Client, Server, world::states};

use crate::runs::upload_to;

/// More or fewer with `PROPTEST_CASES`.
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

/// Lists that may show less than there is, and where each of their rows is, `*` being its id.
const NARROWED: &[(&str, &str)] = &[
    ("/agent-pools/{agent_pool_id}/authentication-tokens", "/authentication-tokens/*"),
    ("/organizations", "/organizations/*"),
    ("/organizations/{organization_name}/agent-pools", "/agent-pools/*"),
    ("/organizations/{organization_name}/oauth-clients", "/oauth-clients/*"),
    ("/organizations/{organization_name}/organization-memberships", "/organization-memberships/*"),
    ("/organizations/{organization_name}/policies", "/policies/*"),
    ("/organizations/{organization_name}/policy-replays", "/policy-replays/*"),
    ("/organizations/{organization_name}/policy-sets", "/policy-sets/*"),
    ("/organizations/{organization_name}/projects", "/projects/*"),
    ("/organizations/{organization_name}/runs", "/runs/*"),
    ("/organizations/{organization_name}/runs/queue", "/runs/*"),
    ("/organizations/{organization_name}/ssh-keys", "/ssh-keys/*"),
    ("/organizations/{organization_name}/tasks", "/tasks/*"),
    ("/organizations/{organization_name}/team-tokens", "/authentication-tokens/*"),
    ("/organizations/{organization_name}/teams", "/teams/*"),
    ("/organizations/{organization_name}/varsets", "/varsets/*"),
    ("/organizations/{organization_name}/workspaces", "/workspaces/*"),
    ("/projects/{project_id}/notification-configurations", "/notification-configurations/*"),
    ("/projects/{project_id}/varsets", "/varsets/*"),
    ("/runs?workspace_id={workspace_id}", "/runs/*"),
    (
        "/state-versions?filter[organization][name]=acme&filter[workspace][name]={workspace_name}",
        "/state-versions/*",
    ),
    ("/team-projects?filter[project][id]={project_id}", "/team-projects/*"),
    ("/team-workspaces?filter[workspace][id]={workspace_id}", "/team-workspaces/*"),
    ("/teams/{team_id}/authentication-tokens", "/authentication-tokens/*"),
    ("/teams/{team_id}/notification-configurations", "/notification-configurations/*"),
    ("/users/{user_id}/authentication-tokens", "/authentication-tokens/*"),
    (
        "/vars?filter[organization][name]=acme&filter[workspace][name]={workspace_name}",
        "/workspaces/{workspace_id}/vars/*",
    ),
    ("/workspaces/{workspace_id}/applicable-varsets", "/varsets/*"),
    ("/workspaces/{workspace_id}/configuration-versions", "/configuration-versions/*"),
    ("/workspaces/{workspace_id}/notification-configurations", "/notification-configurations/*"),
    ("/workspaces/{workspace_id}/relationships/remote-state-consumers", "/workspaces/*"),
    (
        "/workspaces/{workspace_id}/run-triggers?filter[run-trigger][type]=inbound",
        "/run-triggers/*",
    ),
    (
        "/workspaces/{workspace_id}/run-triggers?filter[run-trigger][type]=outbound",
        "/run-triggers/*",
    ),
    ("/workspaces/{workspace_id}/runs", "/runs/*"),
    ("/workspaces/{workspace_id}/state-versions", "/state-versions/*"),
    ("/workspaces/{workspace_id}/tasks", "/workspaces/{workspace_id}/tasks/*"),
    ("/workspaces/{workspace_id}/vars", "/workspaces/{workspace_id}/vars/*"),
    // Whoever reads the workspace's variables reads those of its sets too, wherever these belong.
    (
        "/workspaces/{workspace_id}/varsets",
        "/workspaces/{workspace_id}/varsets/*/relationships/vars",
    ),
];

/// Lists that show all there is to whoever may see one of it: list and row ask for the same permission on the same.
const ALIKE: &[(&str, &str)] = &[
    ("/admin/organizations", "/admin/organizations/{organization_name}"),
    ("/admin/workspaces", "/admin/workspaces/{workspace_id}"),
    ("/admin/opa-versions", "/admin/opa-versions/{opa_version_id}"),
    ("/admin/sentinel-versions", "/admin/sentinel-versions/{sentinel_version_id}"),
    ("/admin/terraform-versions", "/admin/terraform-versions/{terraform_version_id}"),
    ("/agent-pools/{agent_pool_id}/agents", "/agents/{agent_id}"),
    (
        "/cidr-range-lists/{cidr_range_list_id}/relationships/cidr-ranges",
        "/cidr-ranges/{cidr_range_id}",
    ),
    (
        "/organizations/{organization_name}/cidr-range-lists",
        "/cidr-range-lists/{cidr_range_list_id}",
    ),
    ("/oauth-clients/{oauth_client_id}/oauth-tokens", "/oauth-tokens/{oauth_token_id}"),
    ("/organizations/{organization_name}/oauth-tokens", "/oauth-tokens/{oauth_token_id}"),
    (
        "/policy-evaluations/{policy_evaluation_id}/policy-set-outcomes",
        "/policy-set-outcomes/{policy_set_outcome_id}",
    ),
    (
        "/policy-sets/{policy_set_id}/parameters",
        "/policy-sets/{policy_set_id}/parameters/{parameter_id}",
    ),
    ("/organizations/{organization_name}/freezes", "/freezes/{freeze_id}"),
    ("/workspaces/{workspace_id}/run-schedules", "/run-schedules/{run_schedule_id}"),
    ("/policy-sets/{policy_set_id}/versions", "/policy-set-versions/{policy_set_version_id}"),
    ("/runs/{run_id}/comments", "/comments/{comment_id}"),
    ("/runs/{run_id}/policy-checks", "/policy-checks/{policy_check_id}"),
    ("/runs/{run_id}/run-events", "/run-events/{run_event_id}"),
    ("/runs/{run_id}/task-stages", "/task-stages/{task_stage_id}"),
    (
        "/state-versions/{state_version_id}/outputs",
        "/state-version-outputs/{state_version_output_id}",
    ),
    ("/task-results/{task_result_id}/outcomes", "/task-result-outcomes/{task_result_outcome_id}"),
    (
        "/task-stages/{task_stage_id}/policy-evaluations",
        "/policy-evaluations/{policy_evaluation_id}",
    ),
    (
        "/varsets/{varset_id}/relationships/vars",
        "/varsets/{varset_id}/relationships/vars/{varset_variable_id}",
    ),
    (
        "/workspaces/{workspace_id}/current-state-version-outputs",
        "/state-version-outputs/{state_version_output_id}",
    ),
    (
        "/workspaces/{workspace_id}/varsets/{varset_id}/relationships/vars",
        "/workspaces/{workspace_id}/varsets/{varset_id}/relationships/vars/{varset_variable_id}",
    ),
];

/// Lists whose rows nobody can ask for one by one, and why.
const WITHOUT_ROWS: &[(&str, &str)] = &[
    ("/admin/runs", "how runs stand, for administrators of the site"),
    ("/admin/users", "accounts, each of which administrators of the site may read"),
    ("/admin/feature-sets", "there is one, for everybody"),
    ("/feature-sets", "there is one, for everybody"),
    ("/organizations/{organization_name}/feature-sets", "there is one, for everybody"),
    // `vcs/github_app.rs` shows who sees which.
    ("/github-app-installations", "made by GitHub alone"),
    ("/github-app/installations", "made by GitHub alone"),
    ("/organizations/{organization_name}/github-app-installations", "made by GitHub alone"),
    ("/users/{user_id}/github-app-oauth-tokens", "there are none"),
    ("/oauth-tokens/{oauth_token_id}/authorized-repos", "what the provider shows"),
    ("/oauth-tokens/{oauth_token_id}/vcs-organizations", "what the provider shows"),
    ("/organization-memberships", "one's own, of those that one may read"),
    ("/organizations/{organization_name}/reserved-tag-keys", "known by all who belong to it"),
    ("/organizations/{organization_name}/tags", "known by all who belong to it"),
    ("/organizations/{organization_name}/token-ttl-policies", "settings of an organization"),
    ("/organizations/{organization_name}/vcs-events", "what is told to those who look after it"),
    ("/plans/{plan_id}/changes", "parts of a plan"),
    ("/runs/{run_id}/confirmations", "parts of a run"),
    ("/tasks/integrations", "where run tasks are called, for whoever asks"),
    ("/policy-replays/{policy_replay_id}/results", "parts of a replay"),
    ("/projects/{project_id}/effective-tag-bindings", "parts of a project"),
    ("/projects/{project_id}/relationships/tag-bindings", "parts of a project"),
    ("/projects/{project_id}/tag-bindings", "parts of a project"),
    // `run_tasks.rs` shows that those of other people's workspaces are left out.
    (
        "/tasks/{task_id}/relationships/workspace-tasks",
        "identifiers, whose addresses have a workspace",
    ),
    (
        "/teams/{team_id}/relationships/organization-memberships",
        "identifiers, as a team shows them",
    ),
    ("/workspaces/{workspace_id}/all-vars", "those of `vars` and of its sets, which have lists"),
    ("/workspaces/{workspace_id}/effective-tag-bindings", "parts of a workspace"),
    ("/workspaces/{workspace_id}/relationships/tag-bindings", "parts of a workspace"),
    ("/workspaces/{workspace_id}/relationships/tags", "parts of a workspace"),
    ("/workspaces/{workspace_id}/resources", "parts of a state"),
    ("/workspaces/{workspace_id}/tag-bindings", "parts of a workspace"),
];

/// The part of a list's address that its route has.
fn route_of(list: &str) -> &str {
    list.split('?').next().unwrap_or_default()
}

/// What is wrong with these lists, each as its route without `/api/v2`: what no law holds of, and what is alike no more.
pub fn unlawful<'r>(lists: impl Iterator<Item = &'r str>) -> Vec<String> {
    let table = statehouse_api::table();
    let guard = |path: &str| {
        let is_it = |route: &&statehouse_api::Route| {
            route.method == http::Method::GET && route.path.strip_prefix("/api/v2") == Some(path)
        };
        table.iter().find(is_it).map(|route| route.guard)
    };
    let mut wrong = Vec::new();
    for list in lists {
        let is_narrowed = NARROWED.iter().any(|(known, _)| route_of(known) == list);
        let is_without = WITHOUT_ROWS.iter().any(|(known, _)| *known == list);
        let alike = ALIKE.iter().find(|(known, _)| *known == list);
        match alike {
            Some((_, row)) if guard(list) != guard(row) => {
                wrong.push(format!(
                    "{list} asks for {:?}, {row} for {:?}",
                    guard(list),
                    guard(row)
                ));
            }
            None if !is_narrowed && !is_without => {
                wrong.push(format!("{list}: say in list_scopes.rs where its rows are"));
            }
            _ => {}
        }
    }
    wrong
}

/// The narrowed lists of a place, and where their rows are there.
fn lists(place: &Place) -> Vec<(String, String)> {
    let mut lists = Vec::new();
    for (list, row) in NARROWED {
        let named = place.named();
        let names = |(parameter, _): &(&str, &str)| list.contains(&format!("{{{parameter}}}"));
        let sets: Vec<_> = named.iter().filter(|set| set.iter().any(names)).collect();
        if sets.is_empty() {
            lists.push(((*list).to_owned(), (*row).to_owned()));
        }
        for set in sets {
            let put = |text: &str| {
                set.iter().fold(text.to_owned(), |text, (parameter, value)| {
                    text.replace(&format!("{{{parameter}}}"), value)
                })
            };
            lists.push((put(list), put(row)));
        }
    }
    lists
}

const WORKSPACES: [&str; 3] = ["alpha", "beta", "gamma"];

struct Place {
    projects: Vec<String>,
    workspaces: Vec<String>,
    teams: Vec<String>,
    /// Of the teams.
    tokens: Vec<String>,
    pool: String,
    /// Of the owner.
    user: String,
    /// Of the engine of a run in the first workspace.
    engine: String,
}

impl Place {
    /// What stands for the parameters of its lists, of which each is about one thing: that one's parameters are together.
    fn named(&self) -> Vec<Vec<(&'static str, &str)>> {
        let mut all = vec![
            vec![("organization_name", Server::ORGANIZATION)],
            vec![("agent_pool_id", &*self.pool)],
            vec![("user_id", &*self.user)],
        ];
        all.extend(self.projects.iter().map(|id| vec![("project_id", &**id)]));
        all.extend(self.teams.iter().map(|id| vec![("team_id", &**id)]));
        for (name, id) in WORKSPACES.iter().zip(&self.workspaces) {
            all.push(vec![("workspace_id", &**id), ("workspace_name", name)]);
        }
        all
    }
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
        teams: Vec::new(),
        tokens: Vec::new(),
        pool: String::new(),
        user: owner.user().await.id.to_string(),
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
        tell(&owner, &format!("/projects/{project}"), "run:created").await;
        place.projects.push(project);
    }
    let task = document(
        "tasks",
        json!({ "name": "scan", "category": "task", "url": "https://example.com/", "enabled": false }),
        json!({}),
    );
    let task = owner.post("/organizations/acme/tasks", task).await.is_created().id();
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
        runs.push(fill(&owner, &id, &task).await);
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
    let pool =
        document("agent-pools", json!({ "name": "pool", "organization-scoped": false }), json!({}));
    place.pool = owner.post("/organizations/acme/agent-pools", pool).await.is_created().id();
    let token = document("authentication-tokens", json!({ "description": "of it" }), json!({}));
    let path = format!("/agent-pools/{}/authentication-tokens", place.pool);
    owner.post(path, token).await.is_created();
    for (path, kind, attributes) in [
        (
            "oauth-clients",
            "oauth-clients",
            json!({ "service-provider": "git", "http-url": "https://git.example/acme/infra",
            "oauth-token-string": "me:of the token", "key": "app", "secret": "of the app" }),
        ),
        (
            "policy-replays",
            "policy-replays",
            json!({ "kind": "sentinel", "files": { "draft.sentinel": "main = true" } }),
        ),
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
        let (id, token) = settle(&owner, &place, number, team).await;
        place.teams.push(id);
        place.tokens.push(token);
    }
    let first = workspaces::find(&server.system(), &place.workspaces[0].parse().unwrap()).await;
    let first = server.system().check::<can::ReadWorkspace, _>(first.unwrap()).unwrap();
    place.engine = server.engine(&runs[0].parse().unwrap(), &first).await.token().await;
    place
}

/// Makes what a workspace has in the lists that hang on it; its run.
async fn fill(owner: &Client<'_>, id: &str, task: &str) -> String {
    // Before the run, which locks the workspace.
    states::in_world(owner, id).await;
    let attached = document(
        "workspace-tasks",
        json!({ "enforcement-level": "advisory" }),
        json!({ "task": one("tasks", task) }),
    );
    owner.post(format!("/workspaces/{id}/tasks"), attached).await.is_created();
    let variable = json!({ "key": "size", "value": "1", "category": "terraform" });
    let variable = document("vars", variable, json!({}));
    owner.post(format!("/workspaces/{id}/vars"), variable).await.is_created();
    tell(owner, &format!("/workspaces/{id}"), "run:created").await;
    upload_to(owner, id, false).await;
    let run = document("runs", json!({}), json!({ "workspace": one("workspaces", id) }));
    owner.post("/runs", run).await.is_created().id()
}

/// Has somebody told of something.
async fn tell(owner: &Client<'_>, about: &str, trigger: &str) {
    let told = document(
        "notification-configurations",
        json!({ "name": "told", "destination-type": "generic", "enabled": false,
            "url": "https://example.com/", "triggers": [trigger] }),
        json!({}),
    );
    owner.post(format!("{about}/notification-configurations"), told).await.is_created();
}

/// Makes a team with its access; the team and its token.
async fn settle(owner: &Client<'_>, place: &Place, number: usize, team: &Team) -> (String, String) {
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
    tell(owner, &format!("/teams/{id}"), "change_request:created").await;
    let token = owner.post(format!("/teams/{id}/authentication-token"), ()).await.is_created();
    (id, token.attribute("token").as_str().unwrap().to_owned())
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
    let worlds = std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok());
    for _ in 0..worlds.unwrap_or(WORLDS) {
        let (teams, sharing) = world.new_tree(&mut runner).unwrap().current();
        let server = Server::start().await;
        let place = build(&server, &teams, &sharing).await;
        let found = Box::pin(check(&server, &place)).await;
        // The seed is fixed, so the same worlds come again.
        assert!(found.is_empty(), "{teams:#?}\n{sharing:?}\n{found:#?}");
    }
}
