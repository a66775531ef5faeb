//! Which repository a workspace takes its configuration from, and which of its changes start runs.

use axum::{
    extract::Query,
    response::{IntoResponse, Redirect, Response},
};
use domain::{
    Paging, can,
    connected_repositories::{self, Shown},
    github_app,
    id::GithubAppInstallationId,
    oauth_clients::{self, Token},
    organizations,
    repositories::Change as Repository,
    row::{GithubAppInstallation, Workspace},
    workspaces::{self, Change},
};
use maud::{Markup, Render, html};
use serde::Deserialize;

use super::{Setting, path, repositories};
use crate::{
    components::{
        About, Button, Card, Cards, Check, Choice, Control, Lines, Notice, Panel, Select, Sheet,
        Text, Tone,
    },
    connections,
    failure::{Result, Wrong},
    forms::{Form, Ticked},
    guard::May,
};

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Input {
    /// Of the connection, or of an installation of the GitHub App. Empty for no repository.
    oauth_token_id: String,
    working_directory: String,
    identifier: String,
    branch: String,
    ingress_submodules: Ticked,
    /// One of [`STARTS`].
    starts: String,
    trigger_prefixes: String,
    trigger_patterns: String,
    tags_regex: String,
    queue_all_runs: Ticked,
    speculative_enabled: Ticked,
}

const STARTS: [Card<'_>; 4] = [
    Card { value: "all", label: "Every change of the branch", means: "Whatever it is about." },
    Card {
        value: "prefixes",
        label: "Changes in some folders",
        means: "In the working directory, and in those below.",
    },
    Card {
        value: "patterns",
        label: "Changes of some files",
        means: "That match a pattern below.",
    },
    Card { value: "tags", label: "New tags", means: "That match the expression below." },
];

fn as_it_is(row: &Workspace) -> Input {
    let repo = row.vcs_repo.as_ref().map(|repo| repo.0.clone()).unwrap_or_default();
    let starts = if repo.tags_regex.is_some() {
        "tags"
    } else if !row.file_triggers_enabled {
        "all"
    } else if row.trigger_patterns.is_empty() {
        "prefixes"
    } else {
        "patterns"
    };
    Input {
        oauth_token_id: repo.oauth_token_id.or(repo.github_app_installation_id).unwrap_or_default(),
        working_directory: row.working_directory.clone(),
        identifier: repo.identifier,
        branch: repo.branch,
        ingress_submodules: Ticked(repo.ingress_submodules),
        starts: starts.to_owned(),
        trigger_prefixes: row.trigger_prefixes.join("\n"),
        trigger_patterns: row.trigger_patterns.join("\n"),
        tags_regex: repo.tags_regex.unwrap_or_default(),
        queue_all_runs: Ticked(row.queue_all_runs),
        speculative_enabled: Ticked(row.speculative_enabled),
    }
}

impl Input {
    fn wanted(&self) -> Change {
        if self.oauth_token_id.is_empty() {
            return Change { vcs_repo: Some(None), ..Change::default() };
        }
        let lines = |text: &str, of: &str| {
            let all = text.lines().map(str::trim).filter(|line| !line.is_empty());
            if self.starts == of { all.map(str::to_owned).collect() } else { Vec::new() }
        };
        let by_tags = self.starts == "tags";
        let by_app = self.oauth_token_id.starts_with(GithubAppInstallationId::PREFIX);
        let way = |is_it: bool| is_it.then(|| Some(self.oauth_token_id.clone()));
        let repository = Repository {
            identifier: Some(self.identifier.trim().to_owned()),
            branch: Some(self.branch.trim().to_owned()),
            ingress_submodules: Some(self.ingress_submodules.0),
            oauth_token_id: way(!by_app),
            github_app_installation_id: way(by_app),
            tags_regex: Some(if by_tags {
                self.tags_regex.trim().to_owned()
            } else {
                String::new()
            }),
        };
        Change {
            vcs_repo: Some(Some(repository)),
            working_directory: Some(self.working_directory.trim().to_owned()),
            file_triggers_enabled: Some(matches!(&*self.starts, "prefixes" | "patterns")),
            trigger_prefixes: Some(lines(&self.trigger_prefixes, "prefixes")),
            trigger_patterns: Some(lines(&self.trigger_patterns, "patterns")),
            queue_all_runs: Some(self.queue_all_runs.0),
            speculative_enabled: Some(self.speculative_enabled.0),
            ..Change::default()
        }
    }
}

/// One that was picked from those of a connection, and is not saved yet.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Picked {
    connection: String,
    identifier: String,
}

pub async fn show(
    workspace: May<can::UpdateWorkspace>,
    Query(picked): Query<Picked>,
) -> Result<Markup> {
    let mut input = as_it_is(&workspace);
    if !picked.connection.is_empty() {
        (input.oauth_token_id, input.identifier) = (picked.connection, picked.identifier);
    }
    draw(&workspace, &input, None).await
}

pub async fn save(
    workspace: May<can::UpdateWorkspace>,
    Form(input): Form<Input>,
) -> Result<Response> {
    let missing = input.starts == "tags" && input.tags_regex.trim().is_empty();
    let saved = if missing {
        Err(domain::Error::invalid("tags-regex", "can't be blank where tags start runs"))
    } else {
        Box::pin(workspaces::update(&workspace.visitor.cx, &workspace, input.wanted())).await
    };
    match saved {
        Ok(row) => {
            let to = format!("{}/settings/version-control", path(&row));
            Ok(Redirect::to(&to).into_response())
        }
        Err(error) => {
            let wrong = Wrong::of(error)?;
            Ok(wrong.shown_in(draw(&workspace, &input, Some(&wrong)).await?))
        }
    }
}

/// Those of the organization, for whoever may see them.
async fn tokens(workspace: &May<can::UpdateWorkspace>) -> Result<Vec<Token>> {
    let cx = &workspace.visitor.cx;
    let found = organizations::find(cx, &workspace.organization_name).await?;
    let Ok(granted) = cx.check::<can::ReadOauthClients, _>(found) else { return Ok(Vec::new()) };
    Ok(oauth_clients::tokens(cx, &granted, None, Paging { number: 1, size: 500 }).await?.items)
}

/// Those of the GitHub App that the organization may use, for whoever may see them.
async fn installations(
    workspace: &May<can::UpdateWorkspace>,
) -> Result<Vec<GithubAppInstallation>> {
    let cx = &workspace.visitor.cx;
    let found = organizations::find(cx, &workspace.organization_name).await?;
    let Ok(granted) = cx.check::<can::ReadOauthClients, _>(found) else { return Ok(Vec::new()) };
    Ok(github_app::of_organization(cx, &granted).await?)
}

/// What a connection is called in a list of them.
fn label(token: &Token) -> domain::Result<String> {
    let client = &token.client;
    let name = connections::title(client)?;
    Ok(format!("{name} ({})", client.http_url))
}

/// Whether the provider tells what happens, and what last went wrong.
fn hook_of(workspace: &Workspace, known: &Shown) -> Markup {
    html! {
        @if let Some(error) = &known.last_error {
            (Notice::new(Tone::Bad, &html! { p { (error) } }))
        }
        @if let Some(why) = &known.hook_error {
            (Notice::new(Tone::Waiting, &html! {
                p {
                    "The provider lets this server make no webhook (" (why) "), so that the repository is looked at from time \
                     to time. Whoever manages connections finds the address and the secret for one by hand under "
                    a href=(connections::list_path(&workspace.organization_name)) { "Version control" }
                    "."
                }
            }))
        }
    }
}

async fn draw(
    workspace: &May<can::UpdateWorkspace>,
    input: &Input,
    wrong: Option<&Wrong>,
) -> Result<Markup> {
    let visitor = &workspace.visitor;
    let about = |name, label, hint| About { name, label, hint, optional: false };
    let rare = |name, label, hint| About { optional: true, ..about(name, label, hint) };
    let tokens = tokens(workspace).await?;
    let labels = tokens.iter().map(label).collect::<domain::Result<Vec<_>>>()?;
    let mut choices: Vec<Choice<'_>> = vec![("", "none: configurations are uploaded")];
    let named = tokens.iter().zip(&labels);
    choices.extend(named.map(|(token, label)| (token.row.id.as_str(), label.as_str())));
    let installed = installations(workspace).await?;
    let names: Vec<_> =
        installed.iter().map(|one| format!("GitHub App of {}", one.account)).collect();
    let apps = installed.iter().zip(&names);
    choices.extend(apps.map(|(one, name)| (one.id.as_str(), name.as_str())));
    let there = choices.len();
    if choices.iter().all(|(value, _)| *value != input.oauth_token_id) {
        choices.push((&input.oauth_token_id, "one that is not there any more"));
    }
    let connection = Select {
        about: about("oauth-token-id", "Connection", None),
        choices: &choices,
        value: &input.oauth_token_id,
    };
    let text = |about, value| Text { about, value, mono: true, ..Text::default() };
    let hint = "With its owner: owner/name. At Azure DevOps: organization/project/_git/name.";
    let identifier = text(rare("identifier", "Repository", Some(hint)), input.identifier.as_str());
    let hint = "Empty for the repository's default branch.";
    let branch = text(rare("branch", "Branch", Some(hint)), input.branch.as_str());
    let tick = |name, label, is_on: Ticked| Check {
        about: about(name, label, None),
        is_on: is_on.0,
        must: false,
    };
    let submodules = tick("ingress-submodules", "Fetch submodules", input.ingress_submodules);
    let hint = "The folder that is planned and applied; empty for the repository's root.";
    let folder =
        text(rare("working-directory", "Folder", Some(hint)), input.working_directory.as_str());
    let starts = Cards {
        about: about("starts", "What starts runs", None),
        cards: &STARTS,
        value: &input.starts,
    };
    let hint = "One a line, from the repository's root.";
    let prefixes = Lines {
        about: rare("trigger-prefixes", "Folders", Some(hint)),
        value: &input.trigger_prefixes,
    };
    let hint = "One a line, from the repository's root, such as /modules/**/*.tf.";
    let patterns = Lines {
        about: rare("trigger-patterns", "Patterns", Some(hint)),
        value: &input.trigger_patterns,
    };
    let hint = r"Such as ^v\d+\.\d+\.\d+$.";
    let tags = text(rare("tags-regex", "Tags", Some(hint)), input.tags_regex.as_str());
    let first = tick(
        "queue-all-runs",
        "Run before anybody has started a run by hand",
        input.queue_all_runs,
    );
    let plans = tick("speculative-enabled", "Plan pull requests", input.speculative_enabled);
    let controls: [&dyn Control; 11] = [
        &connection,
        &identifier,
        &branch,
        &folder,
        &submodules,
        &starts,
        &prefixes,
        &patterns,
        &tags,
        &first,
        &plans,
    ];
    let form = Sheet {
        id: "repository",
        action: &format!("{}/settings/version-control", path(workspace)),
        token: &visitor.form_token(),
        wrong,
        hidden: &[],
        controls: &controls,
        send: Button { label: "Save", ..Button::default() },
    };
    let reachable = &choices[1..there];
    let trouble = tokens.iter().find(|token| token.row.id.as_str() == input.oauth_token_id);
    let trouble = trouble.and_then(|token| token.row.trouble.as_deref());
    let is_alone = tokens.is_empty() && installed.is_empty();
    let content = html! {
        @if let Some(trouble) = trouble { (Notice::new(Tone::Bad, &html! { p { (trouble) } })) }
        (standing(workspace, is_alone).await?)
        @if !is_alone { (repositories::finder(workspace, reachable, &input.oauth_token_id)) }
        (form)
    };
    let panel = Panel { id: "c-all", title: "Version control", content, ..Panel::default() };
    super::draw(visitor, workspace, Setting::VersionControl, &panel.render()).await
}

/// How its repository stands, and where more is told of it.
async fn standing(workspace: &May<can::UpdateWorkspace>, is_alone: bool) -> Result<Markup> {
    let cx = &workspace.visitor.cx;
    let known = connected_repositories::shown(cx, workspace.repository_id.iter()).await?;
    let known = known.into_values().next().filter(|_| workspace.vcs_repo.is_some());
    Ok(html! {
        @if let Some(known) = &known {
            (hook_of(workspace, known))
            p.hint {
                a href={ (path(workspace)) "/settings/version-control/preview" } {
                    "What the last ten commits would have started"
                }
            }
        }
        @if is_alone {
            p.hint {
                "There is no connection yet. "
                a href=(connections::list_path(&workspace.organization_name)) { "Version control of the organization" }
                " has them."
            }
        }
    })
}
