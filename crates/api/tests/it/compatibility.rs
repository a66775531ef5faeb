//! `docs/compatibility.md` says what is served; this compares it with the routes, and writes it anew with
//! `UPDATE_COMPATIBILITY=1`. The rows, and what differs, are written by hand.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

const PAGE: &str = "../../docs/compatibility.md";
const ACCESS: &str =
    include_str!("snapshots/it__access__every_route_answers_every_caller_as_the_table_says.snap");
/// What no world with people in it can show, and the test in which somebody's call succeeds.
const PROOFS: [(&str, &str, &str); 12] = [
    (
        // Something has to have been applied.
        "POST /api/v2/workspaces/{workspace_id}/actions/assess",
        include_str!("assessments.rs"),
        "what_an_assessment_finds_is_shown_to_those_who_may_see_it",
    ),
    (
        "GET /admin/retrieve-iact",
        include_str!("accounts.rs"),
        "a_script_makes_the_first_administrator_as_in_terraform_enterprise",
    ),
    (
        "POST /admin/initial-admin-user",
        include_str!("accounts.rs"),
        "a_script_makes_the_first_administrator_as_in_terraform_enterprise",
    ),
    (
        // They need a repository with somebody who says what was pushed to it.
        "GET /api/v2/configuration-versions/{id}/ingress-attributes",
        include_str!("vcs/pushes.rs"),
        "a_push_runs_the_commit_that_it_brings",
    ),
    (
        "POST /webhooks/vcs/{id}",
        include_str!("vcs/pushes.rs"),
        "a_push_runs_the_commit_that_it_brings",
    ),
    (
        "GET /api/v2/github-app-installations/{id}/repos",
        include_str!("vcs/github_app.rs"),
        "a_site_that_is_a_github_app_runs_what_is_pushed_where_it_is_installed",
    ),
    (
        "GET /api/v2/organizations/{name}/github-app-installations/{id}/repos",
        include_str!("vcs/github_app.rs"),
        "a_site_that_is_a_github_app_runs_what_is_pushed_where_it_is_installed",
    ),
    (
        "POST /webhooks/github-app",
        include_str!("vcs/github_app.rs"),
        "a_site_that_is_a_github_app_runs_what_is_pushed_where_it_is_installed",
    ),
    (
        // They need a provider who is asked.
        "GET /api/v2/organizations/{name}/vcs/repo",
        include_str!("vcs/connections.rs"),
        "what_can_be_connected_is_asked_of_the_provider_before_it_is",
    ),
    (
        "GET /api/v2/organizations/{name}/vcs/tree",
        include_str!("vcs/connections.rs"),
        "what_can_be_connected_is_asked_of_the_provider_before_it_is",
    ),
    (
        // It needs a token that is good for one answer.
        "PATCH /api/v2/task-results/{id}/callback",
        include_str!("task_results.rs"),
        "what_a_run_task_says_is_checked_and_kept",
    ),
    (
        // It needs somebody outside who answers.
        "POST /api/v2/notification-configurations/{id}/actions/verify",
        include_str!("notifications.rs"),
        "a_configuration_is_verified_and_enabled_by_hand",
    ),
];
/// Served beside the API, with routes of their own.
const SURFACES: [&str; 2] = ["../web/src", "../statehouse/src"];

/// `GET /api/v2/runs/{}`: what the parameters are called does not matter.
fn plain(operation: &str) -> String {
    let parts = operation.split('/').map(|part| if part.starts_with('{') { "{}" } else { part });
    parts.collect::<Vec<_>>().join("/")
}

/// Whether somebody's call succeeded, for each operation of the API: in the table of all routes and callers, or in a
/// test of its own.
fn seen() -> BTreeMap<String, bool> {
    let mut all = BTreeMap::new();
    let mut current = None;
    for line in ACCESS.lines() {
        if let Some((operation, _)) = line.split_once("  [") {
            all.insert(plain(operation), false);
            current = Some(plain(operation));
        } else if let Some(operation) = &current
            && (line.starts_with("  2") || line.starts_with("  3"))
        {
            all.insert(operation.clone(), true);
        }
    }
    for (operation, tests, name) in PROOFS {
        assert!(tests.contains(&format!("async fn {name}()")), "{name} has gone");
        let shown = all.insert(plain(operation), true);
        assert_eq!(shown, Some(false), "{operation} needs no test of its own");
    }
    all
}

/// Paths that pages and other surfaces serve.
fn beside() -> BTreeSet<String> {
    fn files(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                files(&path, found);
            } else {
                found.push(path);
            }
        }
    }

    let mut all = Vec::new();
    for folder in SURFACES {
        files(Path::new(folder), &mut all);
    }
    let mut paths = BTreeSet::new();
    for file in all.iter().filter(|path| path.extension().is_some_and(|it| it == "rs")) {
        for line in fs::read_to_string(file).unwrap().lines() {
            let mut quoted = line.split('"').skip(1).step_by(2);
            paths.extend(quoted.find(|text| text.starts_with('/')).map(plain));
        }
    }
    paths
}

/// A page as it should be: each row's operation and last cell are kept, what stands between is found out.
fn written(page: &str) -> String {
    let (seen, beside) = (seen(), beside());
    let mut counts = (0, 0, 0);
    let mut lines: Vec<String> = Vec::new();
    for line in page.lines() {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        let &["", operation, _, _, differs, ""] = cells.as_slice() else {
            lines.push(line.to_owned());
            continue;
        };
        let Some(operation) = operation.strip_prefix('`').and_then(|it| it.strip_suffix('`'))
        else {
            lines.push(line.to_owned());
            continue;
        };
        let path = operation.split(' ').nth(1).unwrap();
        let (served, tested) = match seen.get(&plain(operation)) {
            Some(true) => ("yes", "yes"),
            Some(false) => ("yes", "refusals"),
            None if beside.contains(&plain(path)) => ("yes", "as a page"),
            None => ("not yet", ""),
        };
        counts.0 += 1;
        counts.1 += u32::from(served == "yes");
        counts.2 += u32::from(tested == "refusals");
        let row = format!("| `{operation}` | {served} | {tested} | {differs} |");
        lines.push(row.replace("|  |", "| |").replace("|  |", "| |"));
    }
    let (all, served, refused) = counts;
    let total = format!(
        "**{served} of {all}** operations are served; of {refused} the tests of all routes show refusals only."
    );
    for line in &mut lines {
        if line.starts_with("**") && line.contains("operations are served") {
            line.clone_from(&total);
        }
    }
    lines.join("\n") + "\n"
}

#[test]
fn the_page_about_compatibility_says_what_the_router_serves() {
    let page = fs::read_to_string(PAGE).unwrap();
    let right = written(&page);
    assert!(right.matches("| `").count() > 400, "the page has lost its rows");
    if std::env::var_os("UPDATE_COMPATIBILITY").is_some() {
        fs::write(PAGE, right).unwrap();
    } else {
        let wrong: Vec<_> = right.lines().filter(|line| !page.contains(line)).collect();
        assert!(
            page == right,
            "docs/compatibility.md and the routes disagree; run this test with \
             UPDATE_COMPATIBILITY=1. It should say:\n{}",
            wrong.join("\n")
        );
    }
}
