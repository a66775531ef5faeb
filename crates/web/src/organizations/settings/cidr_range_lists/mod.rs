//! From where an organization and its agent pools are reached: IP allow lists, a page for each.

mod agent_pools;
mod ranges;

use axum::response::{IntoResponse, Redirect, Response};
use domain::{
    Granted, Paging, can,
    cidr_range_lists::{self, Change, Details, Held},
    entity::cidr_range_list::EnforcementScope,
};
use maud::{Markup, Render, html};
use serde::Deserialize;

use super::{Part, here};
use crate::{
    Routes,
    components::{
        About, Button, Card, Cards, Head, Icon, Look, Panel, Sheet, Table, Text, action, count,
        empty,
    },
    failure::{Result, Wrong},
    forms::{Form, Press},
    guard::May,
    visitor::SignedIn,
};

/// More than an organization has.
const MOST: Paging = Paging { number: 1, size: 500 };

pub fn routes() -> Routes {
    let all = "/app/{organization_name}/settings/cidr-range-lists";
    let one = "/app/{organization_name}/settings/cidr-range-lists/{cidr_range_list_id}";
    let delete_one =
        "/app/{organization_name}/settings/cidr-range-lists/{cidr_range_list_id}/delete";
    Routes::default()
        .get(all, show)
        .post(all, create)
        .get(one, edit)
        .post(one, save)
        .post(delete_one, delete)
        .merge(agent_pools::routes())
        .merge(ranges::routes())
}

fn at(organization: &str) -> String {
    format!("{}/cidr-range-lists", here(organization))
}

/// Where a list is changed.
fn page_of(list: &Held) -> String {
    format!("{}/{}", at(&list.of.name), list.row.id)
}

const SCOPES: [Card<'_>; 3] = [
    Card {
        value: "organization",
        label: "For the whole organization",
        means: "Its people, teams and tokens, wherever they are on no list. Owners always get in; agents have lists of their own.",
    },
    Card {
        value: "all_agent_pools",
        label: "For the agents of all pools",
        means: "Agents from elsewhere get no jobs.",
    },
    Card {
        value: "selected_agent_pools",
        label: "For the agents of some pools",
        means: "Those that it is assigned to.",
    },
];

fn label(scope: EnforcementScope) -> &'static str {
    let card = SCOPES.iter().find(|card| card.value == scope.as_str());
    card.map_or(scope.as_str(), |card| card.label)
}

#[derive(Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Input {
    name: String,
    description: String,
    enforcement_scope: String,
}

impl Default for Input {
    fn default() -> Self {
        Self {
            name: String::new(),
            description: String::new(),
            enforcement_scope: EnforcementScope::SelectedAgentPools.to_string(),
        }
    }
}

impl Input {
    fn of(list: &Held) -> Self {
        Self {
            name: list.row.name.clone(),
            description: list.row.description.clone(),
            enforcement_scope: list.row.enforcement_scope.to_string(),
        }
    }

    fn wanted(&self) -> domain::Result<Change> {
        let scope = self.enforcement_scope.parse();
        Ok(Change {
            name: Some(self.name.trim().to_owned()),
            description: Some(self.description.trim().to_owned()),
            enforcement_scope: Some(
                scope.map_err(|why: String| domain::Error::invalid("enforcement-scope", why))?,
            ),
        })
    }

    fn sheet(&self, to: &str, visitor: &SignedIn, wrong: Option<&Wrong>) -> Markup {
        let about = |name, label, hint, optional| About { name, label, hint, optional };
        let name = Text {
            about: about("name", "Name", None, false),
            value: &self.name,
            ..Text::default()
        };
        let description = Text {
            about: about("description", "Description", None, true),
            value: &self.description,
            ..Text::default()
        };
        let hint = Some("A list without ranges lets in nobody whom it counts for: add them first.");
        let scope = Cards {
            about: about("enforcement-scope", "For whom it counts", hint, false),
            cards: &SCOPES,
            value: &self.enforcement_scope,
        };
        Sheet {
            id: "list",
            action: to,
            token: &visitor.form_token(),
            wrong,
            hidden: &[],
            controls: &[&name, &description, &scope],
            send: Button { label: "Save the list", ..Button::default() },
        }
        .render()
    }
}

async fn show(organization: May<can::ManageCidrRangeLists>) -> Result<Markup> {
    draw(&organization.visitor, &organization, &Input::default(), None).await
}

async fn create(
    organization: May<can::ManageCidrRangeLists>,
    Form(input): Form<Input>,
) -> Result<Response> {
    let visitor = &organization.visitor;
    let made = match input.wanted() {
        Ok(change) => cidr_range_lists::create(&visitor.cx, &organization, change).await,
        Err(error) => Err(error),
    };
    match made {
        Ok(row) => {
            let page = format!("{}/{}", at(&organization.name), row.id);
            Ok(Redirect::to(&page).into_response())
        }
        Err(error) => {
            let wrong = Wrong::of(error)?;
            Ok(wrong.shown_in(draw(visitor, &organization, &input, Some(&wrong)).await?))
        }
    }
}

async fn edit(list: May<can::ManageCidrRangeLists, Held>) -> Result<Markup> {
    let forms = Forms { list: Input::of(&list), ..Forms::default() };
    page(&list.visitor, &list, &forms).await
}

async fn save(
    list: May<can::ManageCidrRangeLists, Held>,
    Form(input): Form<Input>,
) -> Result<Response> {
    let saved = match input.wanted() {
        Ok(change) => cidr_range_lists::update(&list.visitor.cx, &list, change).await.map(drop),
        Err(error) => Err(error),
    };
    match saved {
        Ok(()) => Ok(Redirect::to(&page_of(&list)).into_response()),
        Err(error) => {
            let wrong = Some(Wrong::of(error)?);
            let forms = Forms { list: input, wrong_list: wrong, ..Forms::default() };
            forms.shown(&list.visitor, &list).await
        }
    }
}

async fn delete(list: May<can::ManageCidrRangeLists, Held>, _: Press) -> Result<Redirect> {
    cidr_range_lists::delete(&list.visitor.cx, &list).await?;
    Ok(Redirect::to(&at(&list.of.name)))
}

/// What stands in the forms of a list's page, and what is wrong with it.
#[derive(Default)]
struct Forms {
    list: Input,
    wrong_list: Option<Wrong>,
    range: ranges::Input,
    wrong_range: Option<Wrong>,
}

impl Forms {
    /// The page with what was refused.
    async fn shown(
        self,
        visitor: &SignedIn,
        list: &Granted<can::ManageCidrRangeLists, Held>,
    ) -> Result<Response> {
        let page = page(visitor, list, &self).await?;
        Ok(match self.wrong_list.or(self.wrong_range) {
            Some(wrong) => wrong.shown_in(page),
            None => page.into_response(),
        })
    }
}

async fn page(
    visitor: &SignedIn,
    list: &Granted<can::ManageCidrRangeLists, Held>,
    forms: &Forms,
) -> Result<Markup> {
    let to = page_of(list);
    let delete = Button {
        label: "Delete the list",
        look: Look::Danger,
        icon: Some(Icon::Trash),
        ..Button::default()
    };
    let is_for_selected = list.row.enforcement_scope == EnforcementScope::SelectedAgentPools;
    let title = format!("The IP allow list {}", list.row.name);
    let content = html! {
        (ranges::panels(visitor, list, &forms.range, forms.wrong_range.as_ref()).await?)
        @if is_for_selected { (agent_pools::panel(visitor, list).await?) }
        (Panel {
            id: "o-list", title: &title,
            content: forms.list.sheet(&to, visitor, forms.wrong_list.as_ref()),
            ..Panel::default()
        })
        (Panel {
            id: "o-delete", title: "Delete it", is_risk: true,
            content: action(&format!("{to}/delete"), &visitor.form_token(), &delete),
            ..Panel::default()
        })
    };
    super::draw(visitor, &list.of, Part::CidrRangeLists, &content).await
}

async fn draw(
    visitor: &SignedIn,
    organization: &Granted<can::ManageCidrRangeLists>,
    input: &Input,
    wrong: Option<&Wrong>,
) -> Result<Markup> {
    let cx = &visitor.cx;
    let to = at(&organization.name);
    let lists = cidr_range_lists::list(cx, organization, None, MOST).await?;
    let all = cidr_range_lists::details(cx, lists.items).await?;
    let row = |Details { list, ranges, agent_pools }: &Details| {
        vec![
            html! {
                a href={ (to) "/" (list.id) } { (list.name) }
                @if !list.description.is_empty() { span.under { (list.description) } }
            },
            html! {
                (label(list.enforcement_scope))
                @if list.enforcement_scope == EnforcementScope::SelectedAgentPools {
                    span.under { "assigned to " (agent_pools.len()) }
                }
            },
            html! { (ranges.len()) },
        ]
    };
    let heads = [Head::new("List"), Head::new("Counts"), Head::number("Ranges")];
    let table = if all.is_empty() {
        let text = "Without one, the organization and its agents are reached from everywhere.";
        html! { div.in { (empty(Icon::Shield, "No IP allow lists yet", text, &html! {})) } }
    } else {
        let rows = all.iter().map(row).collect();
        Table { caption: "IP allow lists", heads: &heads, rows }.render()
    };
    let content = html! {
        (Panel {
            id: "o-lists", title: "IP allow lists", beside: count(lists.total), content: table,
            is_table: true, is_risk: false,
        })
        (Panel {
            id: "o-list", title: "New IP allow list", content: input.sheet(&to, visitor, wrong),
            ..Panel::default()
        })
    };
    super::draw(visitor, organization, Part::CidrRangeLists, &content).await
}
