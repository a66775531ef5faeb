//! No documented parameter of a list is ignored in silence: each is shown to act here, or in a test that is named here.
//! Parameters that nobody has documented are ignored, as HCP Terraform does it.

mod lists;

use http::StatusCode;
use testkit::Server;

use lists::{Lists, agents, organizations, people, policies, runs, tool_versions, workspaces};

/// What the API's documents, their OpenAPI document and HashiCorp's Go client name, for every list that is served. Pages
/// are the same everywhere, and what `include` may name has tests of its own.
const DOCUMENTED: &[(&str, &[&str])] = &[
    ("/admin/feature-sets", &["q"]),
    ("/admin/opa-versions", &["filter[version]", "search[version]"]),
    ("/admin/organizations", &["filter[module_producer]", "q", "q[email]", "q[name]"]),
    ("/admin/runs", &["filter[from]", "filter[status]", "filter[to]", "q"]),
    ("/admin/sentinel-versions", &["filter[version]", "search[version]"]),
    ("/admin/terraform-versions", &["filter[version]", "search[version]"]),
    ("/admin/users", &["filter[admin]", "filter[suspended]", "q"]),
    ("/admin/workspaces", &["filter[current_run][status]", "q", "sort"]),
    ("/agent-pools/{pool}/agents", &["filter[last-ping-since]", "sort"]),
    ("/assessment-results/{result}/log-output", &["limit", "offset", "tail"]),
    ("/github-app/installations", &["filter[installation_id]", "filter[name]"]),
    ("/oauth-clients/{client}", &["show_affected_workspaces"]),
    ("/oauth-tokens/{token}/authorized-repos", &["organization"]),
    ("/organization/audit-trail", &["since"]),
    ("/organizations", &["q", "q[email]", "q[name]"]),
    (
        "/organizations/acme/agent-pools",
        &[
            "filter[allowed-workspaces][name]",
            "filter[allowed_workspaces][name]",
            "filter[allowed_projects][name]",
            "q",
            "sort",
        ],
    ),
    ("/organizations/acme/authentication-token", &["token"]),
    ("/organizations/acme/cidr-range-lists", &["q"]),
    ("/organizations/acme/oauth-clients", &["show_affected_workspaces"]),
    ("/organizations/acme/oauth-tokens", &["filter[provider]"]),
    ("/organizations/acme/organization-memberships", &["filter[email]", "filter[status]", "q"]),
    ("/organizations/acme/policies", &["filter[kind]", "search[name]", "sort"]),
    ("/organizations/acme/policy-sets", &["filter[kind]", "filter[versioned]", "search[name]"]),
    (
        "/organizations/acme/projects",
        &[
            "filter[names]",
            "filter[permissions][create-workspace]",
            "filter[permissions][update]",
            "q",
            "sort",
        ],
    ),
    ("/organizations/acme/runs", RUNS),
    ("/organizations/acme/tags", &["filter[exclude][taggable][id]", "q"]),
    ("/organizations/acme/team-tokens", &["filter[expiry_status]", "q", "sort"]),
    ("/organizations/acme/teams", &["filter[names]", "q"]),
    ("/organizations/acme/varsets", &["filter[global]", "q", "scope"]),
    (
        "/organizations/acme/vcs-events",
        &["filter[from]", "filter[levels]", "filter[oauth_client_external_ids]", "filter[to]"],
    ),
    (
        "/organizations/acme/workspaces",
        &[
            "filter[current-run][status]",
            "filter[project][id]",
            "filter[tag-union]",
            "filter[tag-value-default-null]",
            "filter[tagged][0][key]",
            "filter[tagged][0][value]",
            "search[exclude-tags]",
            "search[name]",
            "search[tags]",
            "search[wildcard-name]",
            "sort",
        ],
    ),
    (
        "/policy-evaluations/{evaluation}/policy-set-outcomes",
        &["filter[0][enforcementLevel]", "filter[0][status]"],
    ),
    ("/projects/{project}/varsets", &["q", "scope"]),
    ("/runs", &["filter[operation]", "filter[status]", "organization_name", "workspace_id"]),
    (
        "/state-versions",
        &["filter[organization][name]", "filter[status]", "filter[workspace][name]"],
    ),
    ("/team-projects", &["filter[project][id]", "filter[team][id]"]),
    ("/team-workspaces", &["filter[team][id]", "filter[workspace][id]"]),
    (
        "/teams/{team}/relationships/organization-memberships",
        &["filter[is_service_account]", "filter[status]", "sort"],
    ),
    ("/vars", &["filter[organization][name]", "filter[workspace][name]"]),
    ("/workspaces/{ws}/applicable-varsets", &["q"]),
    ("/workspaces/{ws}/relationships/remote-state-consumers", &["show_only_configured"]),
    ("/workspaces/{ws}/relationships/tags", &["name"]),
    ("/workspaces/{ws}/resources", &["q", "sort"]),
    ("/workspaces/{ws}/run-triggers", &["filter[run-trigger][type]"]),
    ("/workspaces/{ws}/runs", RUNS_OF_WORKSPACE),
    ("/workspaces/{ws}/varsets", &["q"]),
];

const RUNS: &[&str] = &[
    "filter[agent_pool_names]",
    "filter[operation]",
    "filter[source]",
    "filter[status]",
    "filter[status_group]",
    "filter[timeframe]",
    "filter[workspace_names]",
    "search[basic]",
    "search[commit]",
    "search[user]",
];

const RUNS_OF_WORKSPACE: &[&str] = &[
    "filter[agent_pool_names]",
    "filter[operation]",
    "filter[source]",
    "filter[status]",
    "filter[status_group]",
    "filter[timeframe]",
    "search[basic]",
    "search[commit]",
    "search[user]",
];

/// What takes more to show than a few rows, and the file whose tests show it.
const ELSEWHERE: &[(&str, &str, &str)] = &[
    ("/organizations/acme/authentication-token", "token=audit-trails", include_str!("tokens.rs")),
    ("/admin/feature-sets", "?q=", include_str!("subscriptions.rs")),
    ("/admin/organizations", "filter[module_producer]=", include_str!("admin_organizations.rs")),
    ("/admin/organizations", "q=whisk", include_str!("admin_organizations.rs")),
    ("/admin/organizations", "q[email]=", include_str!("admin_organizations.rs")),
    ("/admin/organizations", "q[name]=", include_str!("admin_organizations.rs")),
    ("/admin/runs", "filter[from]=", include_str!("admin_runs.rs")),
    ("/admin/runs", "filter[status]=", include_str!("admin_runs.rs")),
    ("/admin/runs", "filter[to]=", include_str!("admin_runs.rs")),
    ("/admin/runs", "q=NETWORK", include_str!("admin_runs.rs")),
    ("/admin/users", "filter[admin]=", include_str!("admin_users.rs")),
    ("/admin/users", "filter[suspended]=", include_str!("admin_users.rs")),
    ("/admin/users", "?q=", include_str!("admin_users.rs")),
    (
        "/admin/workspaces",
        "filter[current_run][status]=errored",
        include_str!("admin_workspaces.rs"),
    ),
    ("/admin/workspaces", "q=ARB", include_str!("admin_workspaces.rs")),
    ("/admin/workspaces", "sort=-name", include_str!("admin_workspaces.rs")),
    ("/assessment-results/{result}/log-output", "limit=", include_str!("assessments.rs")),
    ("/assessment-results/{result}/log-output", "offset=", include_str!("assessments.rs")),
    ("/assessment-results/{result}/log-output", "tail=", include_str!("assessments.rs")),
    ("/github-app/installations", "filter[installation_id]=6", include_str!("vcs/github_app.rs")),
    ("/github-app/installations", "filter[name]=other", include_str!("vcs/github_app.rs")),
    ("/oauth-clients/{client}", "show_affected_workspaces=", include_str!("oauth_clients.rs")),
    (
        "/oauth-tokens/{token}/authorized-repos",
        "?organization=",
        include_str!("vcs/connections.rs"),
    ),
    ("/organization/audit-trail", "?since=", include_str!("audit.rs")),
    ("/organizations/acme/cidr-range-lists", "?q=", include_str!("cidr_range_lists.rs")),
    (
        "/organizations/acme/oauth-clients",
        "PATH}?show_affected_workspaces=",
        include_str!("oauth_clients.rs"),
    ),
    (
        "/organizations/acme/oauth-tokens",
        "filter[provider]=gitea",
        include_str!("oauth_clients.rs"),
    ),
    ("/organizations/acme/vcs-events", "filter[from]=", include_str!("vcs/connections.rs")),
    ("/organizations/acme/vcs-events", "filter[levels]=", include_str!("vcs/connections.rs")),
    (
        "/organizations/acme/vcs-events",
        "filter[oauth_client_external_ids]=",
        include_str!("vcs/connections.rs"),
    ),
    ("/organizations/acme/vcs-events", "filter[to]=", include_str!("vcs/connections.rs")),
    ("/organizations/acme/projects", "[create-workspace]=true", include_str!("projects.rs")),
    ("/organizations/acme/projects", "[permissions][update]=true", include_str!("projects.rs")),
    ("/organizations/acme/team-tokens", "filter[expiry_status]=active", include_str!("tokens.rs")),
    (
        "/organizations/acme/workspaces",
        "filter[current-run][status]=planning",
        include_str!("workspaces_reference.rs"),
    ),
    ("/organizations/acme/workspaces", "filter[tag-union]=true", include_str!("tags.rs")),
    (
        "/organizations/acme/workspaces",
        "filter[tag-value-default-null]=true",
        include_str!("tags.rs"),
    ),
    (
        "/policy-evaluations/{evaluation}/policy-set-outcomes",
        "filter[0][enforcementLevel]=",
        include_str!("policies_in_runs/verdicts.rs"),
    ),
    (
        "/policy-evaluations/{evaluation}/policy-set-outcomes",
        "filter[0][status]=",
        include_str!("policies_in_runs/verdicts.rs"),
    ),
    ("/projects/{project}/varsets", "?scope=owned", include_str!("variable_sets.rs")),
    (
        "/teams/{team}/relationships/organization-memberships",
        "filter[is_service_account]=true",
        include_str!("memberships.rs"),
    ),
    (
        "/teams/{team}/relationships/organization-memberships",
        "filter[status]=invited",
        include_str!("memberships.rs"),
    ),
    ("/workspaces/{ws}/applicable-varsets", "q=", include_str!("variable_sets.rs")),
    ("/workspaces/{ws}/varsets", "varsets?q=", include_str!("variable_sets.rs")),
    (
        "/workspaces/{ws}/relationships/remote-state-consumers",
        "show_only_configured=true",
        include_str!("state_sharing.rs"),
    ),
    (
        "/workspaces/{ws}/run-triggers",
        "filter[run-trigger][type]=",
        include_str!("run_triggers.rs"),
    ),
];

#[tokio::test]
async fn every_documented_parameter_acts_or_is_refused() {
    let server = Server::start().await;
    server.stop_clock();
    let owner = server.owner();
    let lists = Lists::seen_by(server.owner());
    let of_admin = Lists::seen_by(server.site_admin());
    Box::pin(tool_versions(&server, &of_admin)).await;
    Box::pin(organizations(&server.site_admin(), &of_admin)).await;
    Box::pin(agents(&server, &owner, &lists)).await;
    Box::pin(people(&server, &owner, &lists)).await;
    Box::pin(policies(&owner, &lists)).await;
    Box::pin(workspaces(&server, &owner, &lists)).await;
    Box::pin(runs(&server, &owner, &lists)).await;

    let mut seen = lists.seen.into_inner();
    seen.extend(of_admin.seen.into_inner());
    for (route, parameter, tests) in ELSEWHERE {
        assert!(tests.contains(parameter), "no test has {parameter}");
        let whole = DOCUMENTED.iter().find(|(path, _)| path == route).unwrap().1;
        let is_it = |name: &&&str| {
            let shown = parameter.trim_start_matches(['?', '&']);
            let shown = shown.rsplit('?').next().unwrap().split('=').next().unwrap();
            name.ends_with(shown)
        };
        let name = whole.iter().find(is_it).unwrap_or_else(|| panic!("{route} has no {parameter}"));
        seen.insert(((*route).to_owned(), (*name).to_owned()));
    }
    let silent: Vec<_> = DOCUMENTED
        .iter()
        .flat_map(|(route, names)| names.iter().map(move |name| (*route, *name)))
        .filter(|(route, name)| !seen.contains(&((*route).to_owned(), (*name).to_owned())))
        .collect();
    assert_eq!(silent, Vec::<(&str, &str)>::new());
}

#[tokio::test]
async fn a_parameter_that_nobody_has_documented_is_ignored() {
    let server = Server::start().await;
    server.workspace("networking").await;
    let path = "/organizations/acme/workspaces?colour=blue&filter[colour]=blue&TagBindings=%7B%7D";
    let list = server.owner().get(path).await.has_status(StatusCode::OK);
    assert_eq!(list.attributes("name"), ["networking"]);
}
