//! Mail to people about their accounts: written down in the transaction that is its reason, sent by the worker. Secrets
//! are made when a letter is sent, and lie nowhere.

use db::{
    entity::{organization_membership as membership, user},
    id::{OrganizationMembershipId, UserId},
    sea_orm::EntityTrait,
};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};

use crate::{
    Ctx, Error, Result, Tx, accounts,
    entity::organization_membership::Status,
    memberships::invitations::{self, Seen, To},
    site_settings, tasks,
};

const TASK: &str = "letter";
/// The last try is about an hour after the first.
const TRIES: i64 = 5;

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Letter {
    InvitationToOrganization(OrganizationMembershipId),
    InvitationToSite { user: UserId, email: String },
    Confirmation { user: UserId, email: String },
}

pub(crate) async fn invite(tx: &Tx, to: &To, email: &str) -> Result<()> {
    let letter = match to {
        To::Organization(id) => Letter::InvitationToOrganization(id.clone()),
        To::Site(user) => Letter::InvitationToSite { user: user.clone(), email: email.to_owned() },
    };
    tx.later(TASK, letter).await
}

/// Asks whether an address is that of the person who claims it.
pub(crate) async fn confirm(tx: &Tx, user: &UserId, email: &str) -> Result<()> {
    let letter = Letter::Confirmation { user: user.clone(), email: email.to_owned() };
    tx.later(TASK, letter).await
}

/// Sends what is due.
pub async fn work(cx: &Ctx) -> Result<()> {
    for task in tasks::claim(cx, TASK).await? {
        let outcome = match serde_json::from_value(task.payload.0.clone()) {
            Ok(letter) => send(cx, letter).await.map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        tasks::settle(cx, &task, outcome, Some(TRIES)).await?;
    }
    Ok(())
}

/// What has been settled in the meantime is not sent.
async fn send(cx: &Ctx, letter: Letter) -> Result<()> {
    let site = &cx.settings().public_url;
    let (to, subject, text) = match letter {
        Letter::InvitationToOrganization(id) => {
            let row = membership::Entity::find_by_id(id.clone()).one(cx.read()).await?;
            let Some(row) = row.filter(|row| row.status == Status::Invited) else { return Ok(()) };
            let Some(email) = row.email else { return Ok(()) };
            let name = row.organization_name;
            let to = To::Organization(id);
            let link = invitations::link(cx, &to, row.invitations, &Seen::ByRecipient);
            let text = format!(
                "You are invited to the organization {name} on {site}.\n\nTo accept, open\n\n{}\n\n\
                 The address works once, for a week. If you do not know what this is about, do nothing.\n",
                link.expose_secret()
            );
            (email, format!("Invitation to {name}"), text)
        }
        Letter::InvitationToSite { user, email } => {
            let row = user::Entity::find_by_id(user.clone()).one(cx.read()).await?;
            let Some(row) = row.filter(|row| row.is_awaited) else { return Ok(()) };
            let link = invitations::link(cx, &To::Site(user), row.invitations, &Seen::ByRecipient);
            let text = format!(
                "You are invited to {site}.\n\nTo accept, open\n\n{}\n\nThe address works once, for a \
                 week. If you do not know what this is about, do nothing.\n",
                link.expose_secret()
            );
            (email, "Invitation to Statehouse".to_owned(), text)
        }
        Letter::Confirmation { user, email } => {
            let row = user::Entity::find_by_id(user.clone()).one(cx.read()).await?;
            let Some(row) = row.filter(|row| row.unconfirmed_email.as_ref() == Some(&email)) else {
                return Ok(());
            };
            let link = accounts::confirmation_link(cx, &user, &email);
            let text = format!(
                "Somebody with the account {} on {site} says that this is their address.\n\nIf that is \
                 you, sign in there with this account and open\n\n{}\n\nIf it is not, do nothing.\n",
                row.username,
                link.expose_secret()
            );
            (email, "Confirm your address".to_owned(), text)
        }
    };
    site_settings::send_mail(cx, &[to], &subject, &text)
        .await?
        .map_err(|error| Error::Unavailable(error.to_string()))
}
