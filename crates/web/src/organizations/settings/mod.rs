//! `/app/{organization}/settings`: what holds for the whole organization, its tokens, keys and tags.

mod cidr_range_lists;
mod freezes;
mod lifetimes;
mod retention;
pub mod run_tasks;
mod ssh_keys;
mod tags;

use axum::response::{IntoResponse, Redirect, Response};
use domain::{
    Ctx, Granted, Order, Paging,
    accounts::{self, NewToken, OrganizationTokenKind},
    agent_pools, can,
    entity::workspace::ExecutionMode,
    organizations::{self, Change},
    row::{AgentPool, Organization},
    site_settings,
};
use maud::{Markup, Render, html};
use serde::Deserialize;

use crate::{
    Routes,
    components::{
        About, Button, Card, Cards, Check, Choice, Control, Header, Icon, Kind, Look, Notice,
        Number, Panel, Select, Sheet, Tab, Text, Tone, action, code_block, subnav, time,
    },
    failure::{Result, Wrong},
    forms::{Form, Press, Ticked},
    frame::{Place, Section, page},
    guard::May,
    run_limits,
    visitor::SignedIn,
};

pub fn routes() -> Routes {
    Routes::default()
        .get("/app/{organization_name}/settings", show)
        .post("/app/{organization_name}/settings", save)
        .post("/app/{organization_name}/settings/token", token)
        .post("/app/{organization_name}/settings/token/delete", delete_token)
        .post("/app/{organization_name}/settings/audit-token", audit_token)
        .post("/app/{organization_name}/settings/audit-token/delete", delete_audit_token)
        .get("/app/{organization_name}/settings/freezes", freezes::show)
        .post("/app/{organization_name}/settings/freezes", freezes::create)
        .get("/app/{organization_name}/settings/freezes/{freeze_id}", freezes::edit)
        .post("/app/{organization_name}/settings/freezes/{freeze_id}", freezes::save)
        .post("/app/{organization_name}/settings/freezes/{freeze_id}/delete", freezes::delete)
        .get("/app/{organization_name}/settings/lifetimes", lifetimes::show)
        .post("/app/{organization_name}/settings/lifetimes", lifetimes::save)
        .get("/app/{organization_name}/settings/run-tasks", run_tasks::show)
        .post("/app/{organization_name}/settings/run-tasks", run_tasks::create)
        .get("/app/{organization_name}/settings/run-tasks/{task_id}", run_tasks::edit)
        .post("/app/{organization_name}/settings/run-tasks/{task_id}", run_tasks::save)
        .post("/app/{organization_name}/settings/run-tasks/{task_id}/delete", run_tasks::delete)
        .get("/app/{organization_name}/settings/ssh-keys", ssh_keys::show)
        .post("/app/{organization_name}/settings/ssh-keys", ssh_keys::create)
        .post("/app/{organization_name}/settings/ssh-keys/{ssh_key_id}/delete", ssh_keys::delete)
        .get("/app/{organization_name}/settings/tags", tags::show)
        .post("/app/{organization_name}/settings/tags/delete", tags::delete)
        .get("/app/{organization_name}/settings/retention", retention::show)
        .post("/app/{organization_name}/settings/retention", retention::save)
        .merge(cidr_range_lists::routes())
}

/// A page of the settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    General,
    Lifetimes,
    CidrRangeLists,
    Freezes,
    RunTasks,
    SshKeys,
    Tags,
    Retention,
}

impl Part {
    const ALL: [Self; 8] = [
        Self::General,
        Self::Lifetimes,
        Self::CidrRangeLists,
        Self::Freezes,
        Self::RunTasks,
        Self::SshKeys,
        Self::Tags,
        Self::Retention,
    ];

    fn tab<'a>(self, cx: &Ctx, organization: &Organization, on: Self) -> Option<Tab<'a>> {
        let (label, end, is_there) = match self {
            Self::General => ("General", "", cx.may::<can::UpdateOrganization>(organization)),
            Self::Lifetimes => {
                let may = cx.may::<can::ManageTokenTtl>(organization);
                ("Lifetimes of tokens", "/lifetimes", may)
            }
            Self::CidrRangeLists => {
                let may = cx.may::<can::ManageCidrRangeLists>(organization);
                ("IP allow lists", "/cidr-range-lists", may)
            }
            Self::Freezes => ("Freezes", "/freezes", true),
            Self::RunTasks => {
                ("Run tasks", "/run-tasks", cx.may::<can::ReadRunTasks>(organization))
            }
            Self::SshKeys => ("SSH keys", "/ssh-keys", cx.may::<can::ReadSshKeys>(organization)),
            Self::Tags => ("Tags", "/tags", true),
            Self::Retention => {
                ("Retention", "/retention", cx.may::<can::UpdateOrganization>(organization))
            }
        };
        let href = format!("{}{end}", here(&organization.name));
        is_there.then_some(Tab { label, href, is_here: self == on, count: None })
    }
}

/// The frame of a page of the settings.
async fn draw(
    visitor: &SignedIn,
    organization: &Organization,
    here: Part,
    content: &Markup,
) -> Result<Markup> {
    let all = Part::ALL.into_iter();
    let tabs: Vec<_> = all.filter_map(|part| part.tab(&visitor.cx, organization, here)).collect();
    let main = html! {
        (Header { title: "Settings", ..Header::default() })
        div class="beside left" {
            (subnav("Settings", &tabs))
            div.stack { (content) }
        }
    };
    let title = format!("Settings of {}", organization.name);
    page(visitor, Place::In(&organization.name, Section::Settings), &title, &main).await
}

fn here(organization: &str) -> String {
    format!("/app/{organization}/settings")
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Input {
    email: String,
    default_execution_mode: String,
    default_agent_pool_id: String,
    allow_force_delete_workspaces: Ticked,
    user_tokens_enabled: Ticked,
    cost_estimation_enabled: Ticked,
    policy_http_enabled: Ticked,
    ask_name_above: String,
    #[serde(flatten)]
    limits: run_limits::Input,
}

impl Input {
    fn of(row: &Organization) -> Self {
        let pool = row.default_agent_pool_id.as_ref();
        Self {
            email: row.email.clone(),
            default_execution_mode: row.default_execution_mode.to_string(),
            default_agent_pool_id: pool.map(ToString::to_string).unwrap_or_default(),
            allow_force_delete_workspaces: Ticked(row.allow_force_delete_workspaces),
            user_tokens_enabled: Ticked(row.user_tokens_enabled),
            cost_estimation_enabled: Ticked(row.cost_estimation_enabled),
            policy_http_enabled: Ticked(row.policy_http_enabled),
            ask_name_above: row.ask_name_above.map(|number| number.to_string()).unwrap_or_default(),
            limits: run_limits::Input::of(&row.run_limits.0),
        }
    }

    /// Where nobody estimates costs there is no box to tick.
    fn wanted(&self, estimates_costs: bool) -> domain::Result<Change> {
        let mode: ExecutionMode = self.default_execution_mode.parse().map_err(|_| {
            domain::Error::invalid("default-execution-mode", "is none that there is")
        })?;
        let pool = if mode == ExecutionMode::Agent {
            Some(self.default_agent_pool_id.parse().map_err(|_| {
                domain::Error::invalid("default-agent-pool-id", "must be chosen for runs on agents")
            })?)
        } else {
            None
        };
        let above = match self.ask_name_above.trim() {
            "" => None,
            number => Some(number.parse().map_err(|_| {
                domain::Error::invalid("ask-name-above", "must be a number, or nothing")
            })?),
        };
        Ok(Change {
            ask_name_above: Some(above),
            email: Some(self.email.trim().to_owned()),
            default_execution_mode: Some(mode),
            default_agent_pool_id: Some(pool),
            allow_force_delete_workspaces: Some(self.allow_force_delete_workspaces.0),
            user_tokens_enabled: Some(self.user_tokens_enabled.0),
            cost_estimation_enabled: estimates_costs.then_some(self.cost_estimation_enabled.0),
            policy_http_enabled: Some(self.policy_http_enabled.0),
            run_limits: self.limits.wanted()?,
            ..Change::default()
        })
    }
}

async fn show(organization: May<can::UpdateOrganization>) -> Result<Markup> {
    let input = Input::of(&organization);
    drawn(&organization.visitor, &organization, &input, None, None).await
}

async fn save(
    organization: May<can::UpdateOrganization>,
    Form(input): Form<Input>,
) -> Result<Response> {
    let visitor = &organization.visitor;
    let site = site_settings::current(&visitor.cx).await?;
    let saved = match input.wanted(site.estimates_costs()) {
        Ok(change) => organizations::update(&visitor.cx, &organization, change).await.map(drop),
        Err(error) => Err(error),
    };
    match saved {
        Ok(()) => Ok(Redirect::to(&here(&organization.name)).into_response()),
        Err(error) => {
            let wrong = Wrong::of(error)?;
            let page = drawn(visitor, &organization, &input, Some(&wrong), None).await?;
            Ok(wrong.shown_in(page))
        }
    }
}

/// Shows the new token in the answer itself. The one before stops working.
async fn minted(
    organization: &May<can::ManageOrganizationToken>,
    kind: OrganizationTokenKind,
) -> Result<Markup> {
    let visitor = &organization.visitor;
    let cx = &visitor.cx;
    let minted =
        accounts::create_organization_token(cx, organization, kind, NewToken::default()).await?;
    let granted = visitor.organization::<can::UpdateOrganization>(&organization.name).await?;
    let input = Input::of(&granted);
    drawn(visitor, &granted, &input, None, Some(minted.secret.expose())).await
}

async fn revoked(
    organization: &May<can::ManageOrganizationToken>,
    kind: OrganizationTokenKind,
) -> Result<Redirect> {
    accounts::delete_organization_token(&organization.visitor.cx, organization, kind).await?;
    Ok(Redirect::to(&here(&organization.name)))
}

async fn token(organization: May<can::ManageOrganizationToken>, _: Press) -> Result<Markup> {
    minted(&organization, OrganizationTokenKind::Full).await
}

async fn delete_token(
    organization: May<can::ManageOrganizationToken>,
    _: Press,
) -> Result<Redirect> {
    revoked(&organization, OrganizationTokenKind::Full).await
}

async fn audit_token(organization: May<can::ManageOrganizationToken>, _: Press) -> Result<Markup> {
    minted(&organization, OrganizationTokenKind::AuditTrails).await
}

async fn delete_audit_token(
    organization: May<can::ManageOrganizationToken>,
    _: Press,
) -> Result<Redirect> {
    revoked(&organization, OrganizationTokenKind::AuditTrails).await
}

const MODES: [Card<'_>; 3] = [
    Card { value: "remote", label: "On this server", means: "In its sandbox. Right for most." },
    Card {
        value: "agent",
        label: "On agents",
        means: "Where the network is. Choose a pool below.",
    },
    Card {
        value: "local",
        label: "Where somebody types",
        means: "This server keeps the state and nothing else.",
    },
];

async fn pools(visitor: &SignedIn, organization: &Organization) -> Result<Vec<AgentPool>> {
    let cx = &visitor.cx;
    let granted = visitor.organization::<can::ReadAgentPools>(&organization.name).await?;
    let order = (agent_pools::Sort::Name, Order::Ascending);
    let paging = Paging { number: 1, size: 500 };
    let filter = agent_pools::Filter::default();
    Ok(agent_pools::list(cx, &granted, filter, order, paging).await?.items)
}

async fn drawn(
    visitor: &SignedIn,
    organization: &Granted<can::UpdateOrganization>,
    input: &Input,
    wrong: Option<&Wrong>,
    secret: Option<&str>,
) -> Result<Markup> {
    let content = html! {
        @if let Some(secret) = secret {
            (Notice::answer(Tone::Good, &html! {
                h2 { "Copy the new token now" }
                p { "It is not shown again. The one before does not work any more." }
                (code_block("organization-secret", "Token", secret))
            }))
        }
        (general(visitor, organization, input, wrong).await?)
        (token_panel(visitor, organization, OrganizationTokenKind::Full).await?)
        (token_panel(visitor, organization, OrganizationTokenKind::AuditTrails).await?)
    };
    draw(visitor, organization, Part::General, &content).await
}

async fn general(
    visitor: &SignedIn,
    organization: &Organization,
    input: &Input,
    wrong: Option<&Wrong>,
) -> Result<Markup> {
    let about = |name, label, hint| About { name, label, hint, optional: false };
    let email = Text {
        about: about("email", "E-mail", Some("Whom to reach about the organization as a whole.")),
        kind: Kind::Email,
        value: &input.email,
        ..Text::default()
    };
    let mode = Cards {
        about: about(
            "default-execution-mode",
            "Where runs happen, unless a project or a workspace says otherwise",
            None,
        ),
        cards: &MODES,
        value: &input.default_execution_mode,
    };
    let pools = pools(visitor, organization).await?;
    let mut choices: Vec<Choice<'_>> = vec![("", "none")];
    choices.extend(pools.iter().map(|pool| (pool.id.as_str(), pool.name.as_str())));
    let pool = Select {
        about: about("default-agent-pool-id", "Agent pool", Some("For runs on agents.")),
        choices: &choices,
        value: &input.default_agent_pool_id,
    };
    let force = Check {
        about: about(
            "allow-force-delete-workspaces",
            "Administrators of a workspace may delete it while it manages something",
            None,
        ),
        is_on: input.allow_force_delete_workspaces.0,
        must: false,
    };
    let above = Number {
        about: About {
            name: "ask-name-above",
            label: "Ask for the workspace's name where a plan destroys more resources than",
            hint: Some(
                "Whoever confirms it on a page types the name first. Nobody is asked where this is empty.",
            ),
            optional: true,
        },
        value: &input.ask_name_above,
        min: 0,
    };
    let tokens = Check {
        about: about("user-tokens-enabled", "API tokens of people are taken", None),
        is_on: input.user_tokens_enabled.0,
        must: false,
    };
    let costs = Check {
        about: about("cost-estimation-enabled", "Runs are told what they would cost", None),
        is_on: input.cost_estimation_enabled.0,
        must: false,
    };
    let network = Check {
        about: about(
            "policy-http-enabled",
            "Policies may send requests to the outside",
            Some(
                "For Sentinel's import \"http\". Whoever writes policies can then send what plans hold to any public address.",
            ),
        ),
        is_on: input.policy_http_enabled.0,
        must: false,
    };
    let mut controls: Vec<&dyn Control> = vec![&email, &mode];
    if !pools.is_empty() {
        controls.push(&pool);
    }
    controls.extend([&force as &dyn Control, &tokens, &network, &above]);
    if site_settings::current(&visitor.cx).await?.estimates_costs() {
        controls.push(&costs);
    }
    let limits = input.limits.controls();
    let controls = run_limits::behind(&controls, &limits);
    let form = Sheet {
        id: "general",
        action: &here(&organization.name),
        token: &visitor.form_token(),
        wrong,
        hidden: &[],
        controls: &controls,
        send: Button { label: "Save", ..Button::default() },
    };
    let panel =
        Panel { id: "o-general", title: "General", content: form.render(), ..Panel::default() };
    Ok(panel.render())
}

async fn token_panel(
    visitor: &SignedIn,
    organization: &Organization,
    kind: OrganizationTokenKind,
) -> Result<Markup> {
    let cx = &visitor.cx;
    let granted = visitor.organization::<can::ManageOrganizationToken>(&organization.name).await?;
    let (id, title, part, means) = match kind {
        OrganizationTokenKind::Full => (
            "o-token",
            "The organization's token",
            "token",
            "It manages teams, workspaces and variables of the organization, but starts no run and writes no state.",
        ),
        OrganizationTokenKind::AuditTrails => (
            "o-audit",
            "The token for the audit trail",
            "audit-token",
            "It reads who did what in the organization, and nothing else.",
        ),
    };
    let now = match accounts::organization_token(cx, &granted, kind).await {
        Ok(token) => Some(token),
        Err(domain::Error::NotFound) => None,
        Err(other) => return Err(other.into()),
    };
    let at = format!("{}/{part}", here(&organization.name));
    let new = Button {
        label: "New token",
        look: Look::Plain,
        icon: Some(Icon::Key),
        ..Button::default()
    };
    let revoke = Button { label: "Revoke it", look: Look::Danger, ..Button::default() };
    let content = html! {
        p { (means) }
        @match &now {
            None => p { "There is none." },
            Some(token) => p {
                "Made " (time(token.created_at))
                @if let Some(at) = token.last_used_at { ", used last " (time(at)) }
                @else { ", never used" }
                "."
            },
        }
        div.row {
            (action(&at, &visitor.form_token(), &new))
            @if now.is_some() { (action(&format!("{at}/delete"), &visitor.form_token(), &revoke)) }
        }
    };
    Ok(Panel { id, title, content, ..Panel::default() }.render())
}
