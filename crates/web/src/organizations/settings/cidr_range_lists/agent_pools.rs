//! The agent pools that an IP allow list is assigned to.

use axum::response::Redirect;
use domain::{
    Granted, Order, agent_pools, can,
    cidr_range_lists::{self, Held},
    id::AgentPoolId,
    row::AgentPool,
};
use maud::{Markup, Render, html};
use serde::Deserialize;

use super::{MOST, page_of};
use crate::{
    Routes,
    components::{
        About, Button, Choice, Head, Icon, Look, Panel, Select, Sheet, Table, action, empty,
    },
    failure::Result,
    forms::Form,
    guard::May,
    visitor::SignedIn,
};

pub fn routes() -> Routes {
    let pools =
        "/app/{organization_name}/settings/cidr-range-lists/{cidr_range_list_id}/agent-pools";
    let delete = "/app/{organization_name}/settings/cidr-range-lists/{cidr_range_list_id}/agent-pools/delete";
    Routes::default().post(pools, assign).post(delete, unassign)
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Which {
    agent_pool: AgentPoolId,
}

async fn assign(
    list: May<can::ManageCidrRangeLists, Held>,
    Form(Which { agent_pool }): Form<Which>,
) -> Result<Redirect> {
    cidr_range_lists::assign(&list.visitor.cx, &list, vec![agent_pool]).await?;
    Ok(Redirect::to(&page_of(&list)))
}

async fn unassign(
    list: May<can::ManageCidrRangeLists, Held>,
    Form(Which { agent_pool }): Form<Which>,
) -> Result<Redirect> {
    cidr_range_lists::unassign(&list.visitor.cx, &list, vec![agent_pool]).await?;
    Ok(Redirect::to(&page_of(&list)))
}

pub async fn panel(
    visitor: &SignedIn,
    list: &Granted<can::ManageCidrRangeLists, Held>,
) -> Result<Markup> {
    let cx = &visitor.cx;
    let granted = visitor.organization::<can::ReadAgentPools>(&list.of.name).await?;
    let order = (agent_pools::Sort::Name, Order::Ascending);
    let filter = agent_pools::Filter::default();
    let pools = agent_pools::list(cx, &granted, filter, order, MOST).await?.items;
    let details = cidr_range_lists::details(cx, vec![list.row.clone()]).await?;
    let is_assigned = |pool: &AgentPool| details.iter().any(|it| it.agent_pools.contains(&pool.id));
    let (assigned, others): (Vec<_>, Vec<_>) = pools.into_iter().partition(is_assigned);
    let (to, token) = (format!("{}/agent-pools", page_of(list)), visitor.form_token());
    let row = |pool: &AgentPool| {
        let remove = Button {
            label: "Remove",
            look: Look::Danger,
            small: true,
            sends: Some(("agent-pool", pool.id.as_str())),
            about: Some(&pool.name),
            ..Button::default()
        };
        vec![html! { (pool.name) }, action(&format!("{to}/delete"), &token, &remove)]
    };
    let choices: Vec<Choice<'_>> =
        others.iter().map(|pool| (pool.id.as_str(), pool.name.as_str())).collect();
    let pool = Select {
        about: About { name: "agent-pool", label: "Agent pool", ..About::default() },
        choices: &choices,
        value: "",
    };
    let form = Sheet {
        id: "pool",
        action: &to,
        token: &token,
        wrong: None,
        hidden: &[],
        controls: &[&pool],
        send: Button { label: "Assign it", icon: Some(Icon::Plus), ..Button::default() },
    };
    let heads = [Head::new("Agent pool"), Head::unseen("Actions")];
    let table = if assigned.is_empty() {
        let text = "The list counts for the agents of the pools that it is assigned to.";
        html! { div.in { (empty(Icon::Shield, "Assigned to no agent pool", text, &html! {})) } }
    } else {
        Table { caption: "Agent pools", heads: &heads, rows: assigned.iter().map(row).collect() }
            .render()
    };
    Ok(html! {
        (Panel { id: "o-pools", title: "Agent pools", content: table, is_table: true, ..Panel::default() })
        @if !others.is_empty() {
            (Panel { id: "o-pool", title: "Assign it to a pool", content: form.render(), ..Panel::default() })
        }
    })
}
