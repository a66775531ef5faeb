//! Invitations: accepted by their secret, and by nothing that an account says of itself.
//!
//! The secret is signed rather than kept. It says whether it left by mail, which proves to whom the address belongs, or
//! was shown to whoever invited, which proves nothing: it lets a person in and confirms no address, and only for as long
//! as whoever saw it could still invite to all that it leads to, by the same token if they came by one. It says, too,
//! which one of those that were made it is, because a newer one ends the older.

use db::{
    entity::{
        organization_membership::{self as membership, Status},
        user,
    },
    id::{OrganizationMembershipId, UserId},
    sea_orm::{ConnectionTrait, EntityTrait},
};
use secrecy::SecretString;
use serde_json::json;

use super::subject;
use crate::{
    App, Ctx, Error, Granted, Happened, Result, Site, Tx,
    accounts::{self, Bearer, NewPerson},
    can, letters, organizations, site_settings, teams,
};

const PURPOSE: &str = "invitation";
const LIFETIME_MS: i64 = 7 * 24 * 60 * 60 * 1000;
const RECIPIENT: &str = "recipient";

/// What an invitation is to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum To {
    /// An organization, by the membership that waits.
    Organization(OrganizationMembershipId),
    /// The site alone, by the account that waits.
    Site(UserId),
}

/// Who has seen the secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// Whoever reads the mail of the address.
    ByRecipient,
    /// Whoever invited.
    ByInviter(Bearer),
}

/// The address of a page that accepts, good once, for a week, and until `number` is not the newest any more.
pub(crate) fn link(app: &App, to: &To, number: i64, seen: &Seen) -> SecretString {
    let (kind, id) = match to {
        To::Organization(id) => ("organization", id.as_str()),
        To::Site(id) => ("site", id.as_str()),
    };
    let seen = match seen {
        Seen::ByRecipient => RECIPIENT.to_owned(),
        Seen::ByInviter(bearer) => bearer.text(),
    };
    let payload = format!("{kind}:{id}:{seen}:{number}");
    let secret = app.signer().sign(PURPOSE, &payload, app.now().0 + LIFETIME_MS);
    app.url(format_args!("/invitations/{secret}")).into()
}

fn read(app: &App, secret: &str) -> Option<(To, Seen, i64)> {
    let payload = app.signer().verify(PURPOSE, secret, app.now().0).ok()?;
    let (kind, rest) = payload.split_once(':')?;
    let (id, rest) = rest.split_once(':')?;
    let (seen, number) = rest.split_once(':')?;
    let to = match kind {
        "organization" => To::Organization(id.parse().ok()?),
        "site" => To::Site(id.parse().ok()?),
        _ => return None,
    };
    let seen = match seen {
        RECIPIENT => Seen::ByRecipient,
        bearer => Seen::ByInviter(Bearer::parse(bearer)?),
    };
    Some((to, seen, number.parse().ok()?))
}

/// Sends the secret by mail or, where no mail is set up, gives it to whoever invites, this once.
pub(crate) async fn deliver(
    tx: &Tx,
    to: &To,
    number: i64,
    email: &str,
) -> Result<Option<SecretString>> {
    if site_settings::has_mail(tx.cx()).await? {
        letters::invite(tx, to, email).await?;
        return Ok(None);
    }
    // Who takes a token away takes away what was done with it; a session that ends was only left.
    let cx = tx.cx();
    Ok(Some(link(cx, to, number, &Seen::ByInviter(Bearer::of(cx)))))
}

/// Whether this invitation is the newest, and has not been accepted.
fn waits(row: &membership::Model, number: i64) -> bool {
    row.status == Status::Invited && row.invitations == number
}

/// An invitation that waits to be accepted.
#[derive(Clone, Debug)]
pub struct Invitation {
    /// None for one to the site alone.
    pub organization: Option<String>,
    pub email: String,
    /// The account that waits for the person, or that the person has.
    pub username: String,
    /// Nobody has the account yet: whoever accepts sets its password.
    pub is_for_somebody_new: bool,
    to: To,
    seen: Seen,
    number: i64,
    user: UserId,
}

/// # Errors
/// NotFound for a secret that is forged, has expired, was used, was followed by a newer one, whose invitation was taken
/// back, or whose inviter could not invite any more.
pub async fn find(app: &App, secret: &str) -> Result<Invitation> {
    let (to, seen, number) = read(app, secret).ok_or(Error::NotFound)?;
    let db = app.db().read();
    let (organization, email, user_id) = match &to {
        To::Organization(id) => {
            let row = membership::Entity::find_by_id(id.clone()).one(db).await?;
            let row = row.filter(|row| waits(row, number)).ok_or(Error::NotFound)?;
            (Some(row.organization_name), row.email, row.user_id)
        }
        To::Site(id) => (None, None, id.clone()),
    };
    let user = user::Entity::find_by_id(user_id).one(db).await?.ok_or(Error::NotFound)?;
    if organization.is_none() && !(user.is_awaited && user.invitations == number) {
        return Err(Error::NotFound);
    }
    let invitation = Invitation {
        organization,
        email: email.or(user.unconfirmed_email).or(user.email).unwrap_or_default(),
        username: user.username,
        is_for_somebody_new: user.is_awaited,
        to,
        seen,
        number,
        user: user.id,
    };
    holds(app, db, &invitation).await?;
    Ok(invitation)
}

/// Somebody new accepts: the account that waited becomes theirs. Gives the cookie of their first session.
///
/// # Errors
/// NotFound if somebody else was faster, or a newer invitation; otherwise as for any new account.
pub async fn accept_as_new(
    app: &App,
    invitation: &Invitation,
    person: NewPerson,
) -> Result<SecretString> {
    let prepared = person.prepared(&invitation.email).await?;
    let cx = app.system("invitation");
    let tx = cx.write().await?;
    hold(app, &tx, invitation).await?;
    let row = tx.lock::<user::Entity>(invitation.user.clone()).await?.ok_or(Error::NotFound)?;
    let is_newest =
        invitation.to != To::Site(row.id.clone()) || row.invitations == invitation.number;
    if !row.is_awaited || !is_newest {
        return Err(Error::NotFound);
    }
    let email = (invitation.seen == Seen::ByRecipient).then_some(invitation.email.as_str());
    let user = accounts::take(&tx, row, prepared, email).await?;
    if let To::Organization(id) = &invitation.to {
        activate(&tx, id, invitation, &user).await?;
    }
    tx.commit().await?;
    accounts::start_session(app, user).await
}

/// Somebody who has an account accepts while signed in.
///
/// # Errors
/// Forbidden for an invitation to another account; conflict for members, and where there is nothing to join.
pub async fn accept(
    cx: &Ctx,
    _own: &Granted<can::UseAccount>,
    invitation: &Invitation,
) -> Result<()> {
    let own = cx.actor().user_id().ok_or(Error::NotFound)?;
    let To::Organization(id) = &invitation.to else {
        return Err(Error::conflict("You have an account already; the invitation is to make one."));
    };
    let tx = cx.write().await?;
    hold(cx, &tx, invitation).await?;
    if invitation.user != own {
        let awaited =
            tx.lock::<user::Entity>(invitation.user.clone()).await?.ok_or(Error::NotFound)?;
        if !awaited.is_awaited {
            return Err(Error::Forbidden(
                "This invitation is for another account: sign in with that one.".into(),
            ));
        }
        take_over(&tx, id, &own).await?;
    }
    let user = user::Entity::find_by_id(own.clone()).one(tx.db()).await?.ok_or(Error::NotFound)?;
    let row = activate(&tx, id, invitation, &user).await?;
    if invitation.user != own {
        teams::move_all(&tx, &row.organization_name, &invitation.user, &own).await?;
        accounts::forget_awaited(&tx, &invitation.user).await?;
    }
    if invitation.seen == Seen::ByRecipient {
        accounts::confirm_read_address(&tx, &own, &invitation.email).await?;
    }
    tx.commit().await
}

/// The membership that waited for somebody new becomes that of somebody who has an account.
async fn take_over(tx: &Tx, id: &OrganizationMembershipId, user: &UserId) -> Result<()> {
    let mut row = tx.lock::<membership::Entity>(id.clone()).await?.ok_or(Error::NotFound)?;
    if super::of_user(tx, &row.organization_name, user).await?.is_some() {
        return Err(Error::conflict("You belong to the organization already."));
    }
    row.user_id = user.clone();
    tx.update(row).await?;
    Ok(())
}

async fn activate(
    tx: &Tx,
    id: &OrganizationMembershipId,
    invitation: &Invitation,
    user: &user::Model,
) -> Result<membership::Model> {
    let mut row = tx.lock::<membership::Entity>(id.clone()).await?.ok_or(Error::NotFound)?;
    if !waits(&row, invitation.number) || row.user_id != user.id {
        return Err(Error::NotFound);
    }
    row.status = Status::Active;
    match &invitation.seen {
        Seen::ByRecipient => row.is_proven = true,
        Seen::ByInviter(_) => {
            // Whoever accepts need not be who was meant: they are known by what is theirs.
            row.is_proven = user.email.is_some();
            row.email = user.email.clone().or(row.email.take());
        }
    }
    let row = tx.update(row).await?;
    tx.emit(Happened::MemberJoined, subject(&row), json!({ "user": user.id.as_str() })).await?;
    Ok(row)
}

/// The same as [`holds`], of a membership that nobody changes meanwhile.
async fn hold(app: &App, tx: &Tx, invitation: &Invitation) -> Result<()> {
    if let To::Organization(id) = &invitation.to {
        tx.lock::<membership::Entity>(id.clone()).await?.ok_or(Error::NotFound)?;
    }
    holds(app, tx.db(), invitation).await
}

/// Whether whoever was shown the secret could still invite to all that it leads to; what was mailed stays good.
///
/// # Errors
/// NotFound for a link that is dead, whatever the reason.
async fn holds(app: &App, db: &impl ConnectionTrait, invitation: &Invitation) -> Result<()> {
    let Seen::ByInviter(bearer) = &invitation.seen else { return Ok(()) };
    let cx = match bearer.now(app).await {
        Err(Error::Unauthorized) => return Err(Error::NotFound),
        inviter => inviter?,
    };
    let may = match &invitation.to {
        To::Site(_) => cx.may::<can::ManageSite>(&Site),
        To::Organization(id) => {
            let row = membership::Entity::find_by_id(id.clone()).one(db).await?;
            let row = row.ok_or(Error::NotFound)?;
            let of = organizations::by_name(&cx, &row.organization_name).await?;
            cx.may::<can::ManageMembership>(&of.ok_or(Error::NotFound)?)
                && super::may_invite_into_all(&cx, db, &row).await?
        }
    };
    if may { Ok(()) } else { Err(Error::NotFound) }
}
