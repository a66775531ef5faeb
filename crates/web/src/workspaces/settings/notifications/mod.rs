//! Who is told what happens in a workspace: each configuration with what was sent, and what was answered.

pub mod one;

use axum::response::{IntoResponse, Redirect, Response};
use domain::{
    Granted, can,
    entity::notification_configuration::{Destination, Trigger},
    notifications::{self, Change, Configuration, Shown, ShownDelivery, Subscribable},
    row::Workspace,
};
use maud::{Markup, Render, html};

use super::{Setting, path};
use crate::{
    components::{
        About, Button, Check, Choice, Control, Head, Icon, Kind, Lines, Panel, Secret, Select,
        Sheet, Table, Text, Tone, badge, count, empty, time,
    },
    failure::{Result, Wrong},
    forms::{Form, Pairs, given},
    guard::May,
    visitor::SignedIn,
};

const DESTINATIONS: [Choice<'_>; 4] = [
    ("generic", "A webhook: any program that takes requests"),
    ("slack", "Slack"),
    ("microsoft-teams", "Microsoft Teams"),
    ("email", "Mail"),
];

/// What a workspace can tell, each with when that is.
const TRIGGERS: [(Trigger, &str); 8] = [
    (Trigger::RunCreated, "A run was made"),
    (Trigger::RunPlanning, "A run plans"),
    (Trigger::RunNeedsAttention, "A run waits for somebody"),
    (Trigger::RunApplying, "A run applies"),
    (Trigger::RunCompleted, "A run has ended well"),
    (Trigger::RunErrored, "A run has failed"),
    (Trigger::AutoDestroyReminder, "It will soon be destroyed, as was scheduled"),
    (Trigger::AutoDestroyRunResults, "What became of a scheduled destruction"),
];

fn here(workspace: &Workspace) -> String {
    format!("{}/settings/notifications", path(workspace))
}

/// The workspace that it is about: paths of workspaces lead to nothing else.
fn workspace_of(of: &Subscribable) -> Result<&Workspace> {
    match of {
        Subscribable::Workspace(workspace) => Ok(workspace),
        Subscribable::Project(_) | Subscribable::Team(_) => Err(domain::Error::NotFound.into()),
    }
}

/// What was typed. The address and the token of one that is there are secrets, and are not shown again.
#[derive(Debug, Default)]
pub struct Input {
    name: String,
    destination_type: String,
    url: String,
    token: String,
    email_addresses: String,
    enabled: bool,
    triggers: Vec<Trigger>,
}

impl Input {
    fn new() -> Self {
        let triggers = [Trigger::RunNeedsAttention, Trigger::RunErrored];
        Self { enabled: true, triggers: triggers.into(), ..Self::default() }
    }

    fn of(shown: &Shown) -> Self {
        let row = &shown.row;
        Self {
            name: row.name.clone(),
            destination_type: row.destination_type.to_string(),
            url: String::new(),
            token: String::new(),
            email_addresses: row.email_addresses.join("\n"),
            enabled: row.enabled,
            triggers: row.triggers.0.clone(),
        }
    }

    fn sent(pairs: &Pairs) -> Self {
        let text = |name: &str| pairs.text(name).to_owned();
        let ticked = |(trigger, _): &&(Trigger, &str)| pairs.has(trigger.as_str());
        Self {
            name: text("name"),
            destination_type: text("destination-type"),
            url: text("url"),
            token: text("token"),
            email_addresses: text("email-addresses"),
            enabled: pairs.has("enabled"),
            triggers: TRIGGERS.iter().filter(ticked).map(|(trigger, _)| *trigger).collect(),
        }
    }

    /// Of one that is there, empty secrets mean those that it has.
    fn wanted(&self, now: Option<&Configuration>) -> domain::Result<Change> {
        let destination: Destination = match now {
            Some(now) => now.destination_type,
            None => self
                .destination_type
                .parse()
                .map_err(|_| domain::Error::invalid("destination-type", "must be chosen"))?,
        };
        let is_mail = destination == Destination::Email;
        let addresses = self.email_addresses.lines().map(str::trim);
        let addresses: Vec<String> =
            addresses.filter(|line| !line.is_empty()).map(str::to_owned).collect();
        let (url, token) = (given(&self.url).map(Into::into), given(&self.token).map(Into::into));
        // This form knows triggers of runs; whatever else a program has chosen stays.
        let known = |trigger: &Trigger| TRIGGERS.iter().any(|(one, _)| one == trigger);
        let mut triggers = self.triggers.clone();
        triggers.extend(now.iter().flat_map(|now| now.triggers.iter()).filter(|one| !known(one)));
        Ok(Change {
            name: Some(self.name.trim().to_owned()),
            destination_type: Some(destination),
            enabled: Some(self.enabled),
            url: url.filter(|_| !is_mail).map(Some),
            token: token.filter(|_| destination == Destination::Generic).map(Some),
            triggers: Some(triggers),
            email_addresses: is_mail.then_some(addresses),
            // Whoever was chosen by a program stays chosen.
            users: now.map(|now| now.user_ids.0.clone()),
        })
    }
}

pub async fn show(subscribable: May<can::ManageNotifications>) -> Result<Markup> {
    draw(&subscribable.visitor, &subscribable, &Input::new(), None).await
}

pub async fn create(
    subscribable: May<can::ManageNotifications>,
    Form(pairs): Form<Pairs>,
) -> Result<Response> {
    let visitor = &subscribable.visitor;
    let input = Input::sent(&pairs);
    let made = match input.wanted(None) {
        Ok(change) => Box::pin(notifications::create(&visitor.cx, &subscribable, change)).await,
        Err(error) => Err(error),
    };
    match made {
        Ok(made) => {
            let at = here(workspace_of(&subscribable)?);
            Ok(Redirect::to(&format!("{at}/{}", made.row.id)).into_response())
        }
        Err(error) => {
            let wrong = Wrong::of(error)?;
            Ok(wrong.shown_in(draw(visitor, &subscribable, &input, Some(&wrong)).await?))
        }
    }
}

async fn draw(
    visitor: &SignedIn,
    subscribable: &Granted<can::ManageNotifications>,
    input: &Input,
    wrong: Option<&Wrong>,
) -> Result<Markup> {
    let workspace = workspace_of(subscribable)?;
    let list = notifications::list(&visitor.cx, subscribable, None).await?;
    let heads =
        [Head::new("Name"), Head::new("To"), Head::new("Of what"), Head::new("Last delivery")];
    let rows = list.items.iter().map(|one| row(workspace, one)).collect();
    let content = if list.items.is_empty() {
        let text = "Let a chat or a program know when a run waits for somebody, or has failed.";
        html! { div.in { (empty(Icon::Bell, "Nobody is told anything yet", text, &html! {})) } }
    } else {
        Table { caption: "Notifications", heads: &heads, rows }.render()
    };
    let beside = count(list.total);
    let all = Panel {
        id: "n-all",
        title: "Notifications",
        beside,
        content,
        is_table: true,
        is_risk: false,
    };
    let form = sheet(visitor, &here(workspace), input, None, wrong);
    let content = html! {
        (all)
        (Panel { id: "n-new", title: "Tell somebody", content: form, ..Panel::default() })
    };
    super::draw(visitor, workspace, Setting::Notifications, &content).await
}

fn destination(of: Destination) -> &'static str {
    match of {
        Destination::Generic => "a webhook",
        Destination::Slack => "Slack",
        Destination::MicrosoftTeams => "Microsoft Teams",
        Destination::Email => "mail",
    }
}

fn row(workspace: &Workspace, one: &Shown) -> Vec<Markup> {
    let words = one.row.triggers.iter().map(|trigger| word(*trigger)).collect::<Vec<_>>();
    vec![
        html! {
            a href={ (here(workspace)) "/" (one.row.id) } { (one.row.name) }
            @if !one.row.enabled { " " (badge(Tone::Neutral, Icon::StStop, "off")) }
        },
        html! { (destination(one.row.destination_type)) },
        html! { @if words.is_empty() { span.faint { "nothing" } } @else { (words.join("; ")) } },
        html! {
            @if let Some(last) = one.deliveries.first() { (answer(last)) " " (time(last.row.sent_at)) }
            @else { span.faint { "none yet" } }
        },
    ]
}

fn word(trigger: Trigger) -> &'static str {
    let known = TRIGGERS.iter().find(|(one, _)| *one == trigger);
    known.map_or(trigger.as_str(), |(_, label)| label)
}

fn answer(one: &ShownDelivery) -> Markup {
    let text = match (one.row.successful, one.row.code) {
        (true, Some(code)) => format!("taken, {code}"),
        (true, None) => "taken".to_owned(),
        (false, Some(code)) => format!("refused, {code}"),
        (false, None) => "no answer".to_owned(),
    };
    if one.row.successful {
        badge(Tone::Good, Icon::StGood, &text)
    } else {
        badge(Tone::Bad, Icon::StBad, &text)
    }
}

fn sheet(
    visitor: &SignedIn,
    action: &str,
    input: &Input,
    now: Option<&Configuration>,
    wrong: Option<&Wrong>,
) -> Markup {
    let is_there = now.is_some();
    let about = |name, label, hint| About { name, label, hint, optional: false };
    let rare = |name, label, hint| About { optional: true, ..about(name, label, hint) };
    let name = Text { about: about("name", "Name", None), value: &input.name, ..Text::default() };
    let to = Select {
        about: about("destination-type", "To", None),
        choices: &DESTINATIONS,
        value: &input.destination_type,
    };
    let url = Text {
        about: rare("url", "Address", Some("Where requests are sent; not for mail.")),
        kind: Kind::Url,
        value: &input.url,
        ..Text::default()
    };
    let kept = "Nobody reads it again here. Leave it empty to keep what it has.";
    let new_url = Secret { about: rare("url", "Address", Some(kept)), autocomplete: "off" };
    let hint = if is_there {
        kept
    } else {
        "Requests are signed with it: X-TFE-Notification-Signature. For webhooks."
    };
    let token = Secret { about: rare("token", "Token", Some(hint)), autocomplete: "off" };
    let addresses = Lines {
        about: rare("email-addresses", "Mail addresses", Some("One a line; for mail.")),
        value: &input.email_addresses,
    };
    let enabled = Check {
        about: about("enabled", "It is on", Some("A trial is sent first, and has to be taken.")),
        is_on: input.enabled,
        must: false,
    };
    let triggers: Vec<Check<'_>> = TRIGGERS
        .iter()
        .map(|(trigger, label)| Check {
            about: about(trigger.as_str(), label, None),
            is_on: input.triggers.contains(trigger),
            must: false,
        })
        .collect();
    let kind = now.map(|now| now.destination_type);
    let mut controls: Vec<&dyn Control> = vec![&name];
    match kind {
        None => controls.extend([&to as &dyn Control, &url, &token, &addresses]),
        Some(Destination::Email) => controls.push(&addresses),
        Some(Destination::Generic) => controls.extend([&new_url as &dyn Control, &token]),
        Some(Destination::Slack | Destination::MicrosoftTeams) => controls.push(&new_url),
    }
    controls.extend(triggers.iter().map(|check| check as &dyn Control));
    controls.push(&enabled);
    let label = if is_there { "Save" } else { "Add the notification" };
    Sheet {
        id: "notification",
        action,
        token: &visitor.form_token(),
        wrong,
        hidden: &[],
        controls: &controls,
        send: Button { label, ..Button::default() },
    }
    .render()
}
