//! What people say of a set: its name, what it is applied to, whether it stands above all else.

use domain::{
    Paging, can,
    id::{ProjectId, WorkspaceId},
    projects,
    variable_sets::{Change, Overview},
    workspaces,
};
use maud::{Markup, Render};
use serde::Deserialize;

use crate::{
    components::{About, Button, Card, Cards, Check, Control, Lines, Sheet, Text, TextArea},
    failure::{Result, Wrong},
    forms::Ticked,
    visitor::SignedIn,
};

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Input {
    name: String,
    description: String,
    global: String,
    priority: Ticked,
    workspaces: String,
    projects: String,
}

const SCOPES: [Card<'_>; 2] = [
    Card {
        value: "true",
        label: "Everywhere",
        means: "Every workspace of the organization has it, later ones included.",
    },
    Card {
        value: "false",
        label: "What is named below",
        means: "Projects, and single workspaces.",
    },
];

fn names(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty())
}

impl Input {
    /// Of a set as it is. What the visitor may not see of what it is applied to is not named.
    pub async fn of(visitor: &SignedIn, set: &Overview) -> Result<Self> {
        let cx = &visitor.cx;
        let workspaces = workspaces::load(cx, &set.workspace_ids).await?;
        let projects = projects::load(cx, &set.project_ids).await?;
        let mut workspaces: Vec<_> = workspaces.into_iter().map(|row| row.name).collect();
        let mut projects: Vec<_> = projects.into_iter().map(|row| row.name).collect();
        workspaces.sort();
        projects.sort();
        Ok(Self {
            name: set.set.name.clone(),
            description: set.set.description.clone(),
            global: set.set.is_global.to_string(),
            priority: Ticked(set.set.is_priority),
            workspaces: workspaces.join("\n"),
            projects: projects.join("\n"),
        })
    }

    pub fn new() -> Self {
        Self { global: "false".to_owned(), ..Self::default() }
    }

    /// With what is named looked up in the organization. `hidden` is what the set is applied to beside that, out of the
    /// visitor's sight: it stays.
    pub async fn wanted(&self, visitor: &SignedIn, organization: &str) -> Result<Change> {
        let is_global = self.global == "true";
        let (mut workspaces, mut projects) = (Vec::new(), Vec::new());
        if !is_global {
            for name in names(&self.workspaces) {
                workspaces.push(workspace(visitor, organization, name).await?);
            }
            projects = projects_named(visitor, organization, &self.projects).await?;
        }
        Ok(Change {
            name: Some(self.name.trim().to_owned()),
            description: Some(self.description.trim().to_owned()),
            is_global: Some(is_global),
            is_priority: Some(self.priority.0),
            workspaces: Some(workspaces),
            projects: Some(projects),
            variables: Vec::new(),
        })
    }
}

async fn workspace(visitor: &SignedIn, organization: &str, name: &str) -> Result<WorkspaceId> {
    let cx = &visitor.cx;
    let found = workspaces::find_by_name(cx, organization, name).await;
    match found.and_then(|found| cx.check::<can::ReadWorkspace, _>(found)) {
        Ok(workspace) => Ok(workspace.id.clone()),
        Err(domain::Error::NotFound) => {
            let why = format!("There is no workspace {name} that you may see.");
            Err(domain::Error::invalid("workspaces", why).into())
        }
        Err(other) => Err(other.into()),
    }
}

async fn projects_named(
    visitor: &SignedIn,
    organization: &str,
    text: &str,
) -> Result<Vec<ProjectId>> {
    let cx = &visitor.cx;
    let wanted: Vec<String> = names(text).map(str::to_owned).collect();
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let organization = visitor.organization::<can::ReadOrganization>(organization).await?;
    let filter = projects::Filter { names: Some(wanted.clone()), ..projects::Filter::default() };
    let paging = Paging { number: 1, size: 1_000 };
    let found = projects::list(cx, &organization, filter, None, paging).await?.items;
    let is =
        |row: &domain::row::Project, name: &str| row.name.to_lowercase() == name.to_lowercase();
    if let Some(name) = wanted.iter().find(|name| !found.iter().any(|row| is(row, name))) {
        let why = format!("There is no project {name} that you may see.");
        return Err(domain::Error::invalid("projects", why).into());
    }
    Ok(found.into_iter().map(|row| row.id).collect())
}

/// `of_project` has no choice: it is applied within its project alone.
pub fn sheet(
    visitor: &SignedIn,
    action: &str,
    input: &Input,
    label: &str,
    of_project: bool,
    wrong: Option<&Wrong>,
) -> Markup {
    let about = |name, label, hint| About { name, label, hint, optional: false };
    let rare = |name, label, hint| About { optional: true, ..about(name, label, hint) };
    let name = Text { about: about("name", "Name", None), value: &input.name, ..Text::default() };
    let description = TextArea {
        about: rare("description", "Description", None),
        value: &input.description,
        mono: false,
    };
    let global = Cards {
        about: about("global", "Which workspaces have it", None),
        cards: &SCOPES,
        value: &input.global,
    };
    let projects = Lines {
        about: rare("projects", "Projects", Some("Names, one a line: all of their workspaces.")),
        value: &input.projects,
    };
    let workspaces = Lines {
        about: rare("workspaces", "Workspaces", Some("Names, one a line.")),
        value: &input.workspaces,
    };
    let hint = "Then its values win over those of a workspace, and of the command line.";
    let priority = Check {
        about: about("priority", "Its values stand above all others", Some(hint)),
        is_on: input.priority.0,
        must: false,
    };
    let mut controls: Vec<&dyn Control> = vec![&name, &description];
    if !of_project {
        controls.push(&global);
    }
    controls.extend([&projects as &dyn Control, &workspaces, &priority]);
    Sheet {
        id: "set",
        action,
        token: &visitor.form_token(),
        wrong,
        hidden: &[],
        controls: &controls,
        send: Button { label, ..Button::default() },
    }
    .render()
}
