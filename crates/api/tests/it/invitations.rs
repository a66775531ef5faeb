//! Invitations: accepted by their secret. An address that an account merely claims counts for nothing.

use std::time::Duration;

use domain::{
    Error, Site,
    accounts::{self, ExposeSecret, NewPerson},
    can, letters, memberships, organizations,
};
use serde_json::{Value, json};
use testkit::{Answer, Client, Server};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpListener,
    sync::mpsc::{self, UnboundedReceiver},
};

const LIST: &str = "/organizations/acme/organization-memberships";
const PASSWORD: &str = "correct horse battery";

async fn invite(client: &Client<'_>, email: &str, team: Option<&str>) -> Answer {
    let teams: Vec<_> = team.iter().map(|id| json!({ "type": "teams", "id": id })).collect();
    let body = json!({ "data": {
        "type": "organization-memberships",
        "attributes": { "email": email },
        "relationships": { "teams": { "data": teams } },
    } });
    client.post(LIST, body).await
}

async fn owners(server: &Server) -> String {
    let list = server.owner().get("/organizations/acme/teams?filter[names]=owners").await.is_ok();
    list.data()[0]["id"].as_str().unwrap().to_owned()
}

/// The secret in what whoever invites was shown.
fn secret(invited: &Answer) -> String {
    let url = invited.json()["meta"]["invitation-url"].clone();
    let url = url.as_str().unwrap_or_else(|| panic!("an address in {invited}"));
    url.rsplit('/').next().unwrap().to_owned()
}

async fn claim(client: &Client<'_>, email: &str) -> Answer {
    let body = json!({ "data": { "type": "users", "attributes": { "email": email } } });
    client.patch("/account/update", body).await
}

async fn join(server: &Server, secret: &str, username: &str) -> domain::Result<()> {
    let invitation = memberships::find_invitation(&server.app, secret).await?;
    let person = NewPerson { username: username.into(), password: PASSWORD.into() };
    memberships::accept_as_new(&server.app, &invitation, person).await.map(drop)
}

async fn accept(client: &Client<'_>, secret: &str) -> domain::Result<()> {
    let cx = client.cx().await;
    let invitation = memberships::find_invitation(cx.app(), secret).await?;
    let own = cx.check::<can::UseAccount, _>(Site::found())?;
    memberships::accept(&cx, &own, &invitation).await
}

/// A server that sends mail, and what arrives.
async fn with_mail() -> (Server, UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("smtp://{}", listener.local_addr().unwrap());
    let (tell, told) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (read, mut write) = stream.into_split();
            let mut lines = BufReader::new(read).lines();
            write.write_all(b"220 here\r\n").await.unwrap();
            let (mut letter, mut in_letter) = (String::new(), false);
            while let Ok(Some(line)) = lines.next_line().await {
                letter.push_str(&line);
                letter.push('\n');
                let answer: &[u8] = match line.as_str() {
                    "." => b"250 taken\r\n",
                    _ if in_letter => continue,
                    "DATA" => b"354 go on\r\n",
                    "QUIT" => b"221 bye\r\n",
                    _ => b"250 fine\r\n",
                };
                in_letter = line == "DATA";
                write.write_all(answer).await.unwrap();
                if line == "." {
                    tell.send(std::mem::take(&mut letter)).unwrap();
                }
            }
        }
    });
    let server = Server::start_with(|options| {
        let from = "statehouse@example.com".to_owned();
        options.courier.mail = Some(testkit::courier::MailSettings { url: url.into(), from });
    })
    .await;
    (server, told)
}

/// The secret in the next letter, which is sent now.
async fn mailed(server: &Server, told: &mut UnboundedReceiver<String>, path: &str) -> String {
    letters::work(&server.system()).await.unwrap();
    let letter = told.recv().await.unwrap();
    // Long lines are broken in mail.
    let letter = letter.replace("=\n", "");
    let start = letter.find(path).unwrap_or_else(|| panic!("{path} in {letter}")) + path.len();
    letter[start..].split_whitespace().next().unwrap().to_owned()
}

#[tokio::test]
async fn an_address_that_an_account_claims_does_not_get_its_invitation() {
    let server = Server::start().await;
    let thief = server.stranger();
    let user = thief.user().await;
    let claimed = claim(&thief, "boss@example.com").await.is_ok();
    assert_eq!(claimed.attribute("email"), "stranger@example.com");
    assert_eq!(claimed.attribute("unconfirmed-email"), "boss@example.com");
    let invited = invite(&server.owner(), "boss@example.com", Some(&owners(&server).await)).await;
    let invited = invited.is_created();
    assert_eq!(invited.attribute("status"), "invited");
    assert_ne!(invited.related("user"), json!(user.id.as_str()));

    let cx = server.system();
    let site = cx.check::<can::ManageSite, _>(Site::found()).unwrap();
    accounts::reset_password(&cx, &site, &user.id, PASSWORD.into()).await.unwrap();
    accounts::sign_in(&server.app, "stranger", PASSWORD.into(), &accounts::Origin::default())
        .await
        .unwrap();
    let by_claim = accounts::sign_in(
        &server.app,
        "boss@example.com",
        PASSWORD.into(),
        &accounts::Origin::default(),
    )
    .await;
    assert!(matches!(by_claim, Err(Error::Unauthorized)), "nobody signs in by a claim");
    thief.get("/organizations/acme").await.is_not_found();
    assert!(
        thief.get("/organization-memberships").await.is_ok().data().as_array().unwrap().is_empty()
    );

    // Claimed afterwards it helps as little.
    claim(&thief, "other@example.com").await.is_ok();
    claim(&thief, "boss@example.com").await.is_ok();
    accounts::sign_in(&server.app, "stranger", PASSWORD.into(), &accounts::Origin::default())
        .await
        .unwrap();
    thief.get("/organizations/acme").await.is_not_found();
}

#[tokio::test]
async fn a_member_is_not_found_by_an_address_that_they_claim() {
    let server = Server::start().await;
    let (owner, member) = (server.owner(), server.member());
    member.user().await;
    claim(&member, "boss@example.com").await.is_ok();
    for query in ["filter[email]=boss@example.com", "q=boss"] {
        let found = owner.get(format!("{LIST}?{query}")).await.is_ok();
        assert_eq!(found.data(), json!([]), "{query}");
    }
    let found = owner.get(format!("{LIST}?filter[email]=member@example.com")).await.is_ok();
    assert_eq!(found.attributes("email"), ["member@example.com"]);
    invite(&owner, "boss@example.com", None).await.is_created();
}

#[tokio::test]
async fn a_link_that_the_inviter_saw_lets_a_person_in_and_confirms_nothing() {
    let server = Server::start().await;
    let invited = invite(&server.owner(), "new@example.com", Some(&owners(&server).await)).await;
    let secret = secret(&invited.is_created());
    join(&server, &secret, "newcomer").await.unwrap();
    let list = server.owner().get(format!("{LIST}?q=newcomer")).await.is_ok();
    assert_eq!(list.attributes("status"), ["active"]);
    assert_eq!(list.attributes("email"), ["new@example.com"], "as the organization knows them");
    let user = accounts::find_by_name(&server.system(), "newcomer").await.unwrap().unwrap();
    assert_eq!((user.email, user.unconfirmed_email.as_deref()), (None, Some("new@example.com")));
    // By the address nobody signs in and nobody else's invitation arrives.
    let by_address = accounts::sign_in(
        &server.app,
        "new@example.com",
        PASSWORD.into(),
        &accounts::Origin::default(),
    )
    .await;
    assert!(matches!(by_address, Err(Error::Unauthorized)));
    accounts::sign_in(&server.app, "newcomer", PASSWORD.into(), &accounts::Origin::default())
        .await
        .unwrap();
    let body = json!({ "data": { "type": "organization-memberships",
        "attributes": { "email": "new@example.com" } } });
    let path = "/organizations/elsewhere/organization-memberships";
    let elsewhere = server.foreigner().post(path, body).await.is_created();
    assert_ne!(elsewhere.related("user"), json!(user.id.as_str()));
}

#[tokio::test]
async fn a_secret_works_once_and_not_for_ever() {
    let server = Server::start().await;
    server.stop_clock();
    let owner = server.owner();
    let invited = invite(&owner, "new@example.com", None).await.is_created();
    let first = secret(&invited);
    for forged in ["guess", &format!("{first}x"), ""] {
        let found = memberships::find_invitation(&server.app, forged).await;
        assert!(matches!(found, Err(Error::NotFound)), "{forged}");
    }
    server.pass(Duration::from_hours(7 * 24));
    assert!(matches!(join(&server, &first, "newcomer").await, Err(Error::NotFound)));
    let path = format!("/organization-memberships/{}/actions/invite-again", invited.id());
    let again = secret(&owner.post(&path, ()).await.is_ok());
    join(&server, &again, "newcomer").await.unwrap();
    assert!(matches!(join(&server, &again, "second").await, Err(Error::NotFound)));
    owner.post(&path, ()).await.is_conflict();

    let taken_back = invite(&owner, "gone@example.com", None).await.is_created();
    owner.delete(format!("/organization-memberships/{}", taken_back.id())).await.is_no_content();
    let gone = join(&server, &secret(&taken_back), "gone").await;
    assert!(matches!(gone, Err(Error::NotFound)));
    assert!(accounts::find_by_name(&server.system(), "gone").await.unwrap().is_none());
}

#[tokio::test]
async fn what_somebody_new_decides_has_to_be_right() {
    let server = Server::start().await;
    server.stranger().user().await;
    let secret = secret(&invite(&server.owner(), "new@example.com", None).await.is_created());
    let before = server.row_counts().await;
    for (username, password) in [("a b", PASSWORD), ("stranger", PASSWORD), ("new", "short")] {
        let invitation = memberships::find_invitation(&server.app, &secret).await.unwrap();
        let person = NewPerson { username: username.into(), password: password.into() };
        let refused = memberships::accept_as_new(&server.app, &invitation, person).await;
        assert!(matches!(refused, Err(Error::Invalid { .. } | Error::Taken { .. })), "{username}");
    }
    assert_eq!(server.row_counts().await, before);
    join(&server, &secret, "newcomer").await.unwrap();
}

#[tokio::test]
async fn whoever_has_an_account_accepts_with_it_and_keeps_the_teams_of_the_invitation() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let (owner, stranger) = (server.owner(), server.stranger());
    let team = json!({ "data": { "type": "teams", "attributes": {
        "name": "readers", "organization-access": { "read-workspaces": true } } } });
    let team = owner.post("/organizations/acme/teams", team).await.is_created().id();
    let invited = invite(&owner, "another@example.com", Some(&team)).await.is_created();
    let awaited = invited.related("user");
    stranger.get(format!("/workspaces/{}", ws.id)).await.is_not_found();
    accept(&stranger, &secret(&invited)).await.unwrap();
    stranger.get(format!("/workspaces/{}", ws.id)).await.is_ok();
    let shown = owner.get(format!("/organization-memberships/{}", invited.id())).await.is_ok();
    assert_eq!(shown.related("user"), json!(stranger.user().await.id.as_str()));
    assert_eq!(shown.attribute("email"), "stranger@example.com");
    owner.get(format!("/users/{}", awaited.as_str().unwrap())).await.is_not_found();
    // Nobody joins twice.
    let second = invite(&owner, "third@example.com", None).await.is_created();
    let twice = accept(&stranger, &secret(&second)).await;
    assert!(matches!(twice, Err(Error::Conflict(_))), "{twice:?}");
}

#[tokio::test]
async fn an_invitation_to_somebody_with_an_account_is_theirs_alone() {
    let server = Server::start().await;
    let (owner, stranger) = (server.owner(), server.stranger());
    let user = stranger.user().await;
    let invited = invite(&owner, "Stranger@example.com", Some(&owners(&server).await)).await;
    let invited = invited.is_created();
    assert_eq!(invited.related("user"), json!(user.id.as_str()));
    let secret = secret(&invited);
    assert!(matches!(join(&server, &secret, "thief").await, Err(Error::NotFound)));
    let other = accept(&server.foreigner(), &secret).await;
    assert!(matches!(other, Err(Error::Forbidden(_))), "{other:?}");
    stranger.get("/organizations/acme").await.is_not_found();
    accept(&stranger, &secret).await.unwrap();
    stranger.get("/organizations/acme").await.is_ok();
}

#[tokio::test]
async fn a_mailed_invitation_is_shown_to_nobody_and_confirms_the_address() {
    let (server, mut told) = with_mail().await;
    let invited = invite(&server.owner(), "new@example.com", None).await.is_created();
    assert_eq!(invited.json()["meta"]["invitation-url"], Value::Null);
    let secret = mailed(&server, &mut told, "/invitations/").await;
    assert!(!server.everything().await.contains(&secret));
    join(&server, &secret, "newcomer").await.unwrap();
    accounts::sign_in(
        &server.app,
        "NEW@example.com",
        PASSWORD.into(),
        &accounts::Origin::default(),
    )
    .await
    .unwrap();
    let body = json!({ "data": { "type": "organization-memberships",
        "attributes": { "email": "new@example.com" } } });
    let path = "/organizations/elsewhere/organization-memberships";
    let elsewhere = server.foreigner().post(path, body).await.is_created();
    let user = accounts::find_by_name(&server.system(), "newcomer").await.unwrap().unwrap();
    assert_eq!(elsewhere.related("user"), json!(user.id.as_str()), "now it is known whose it is");
}

#[tokio::test]
async fn a_claimed_address_is_confirmed_by_whoever_claims_it_and_reads_its_mail() {
    let (server, mut told) = with_mail().await;
    let (stranger, other) = (server.stranger(), server.foreigner());
    claim(&stranger, "better@example.com").await.is_ok();
    let secret = mailed(&server, &mut told, "/account/confirm-email/").await;
    let confirm = async |client: &Client<'_>| {
        let cx = client.cx().await;
        let own = cx.check::<can::UseAccount, _>(Site::found()).unwrap();
        accounts::confirm_own_email(&cx, &own, &secret).await.map(|user| user.email)
    };
    assert!(matches!(confirm(&other).await, Err(Error::NotFound)), "it is for one account");
    assert_eq!(confirm(&stranger).await.unwrap().as_deref(), Some("better@example.com"));
    let me = stranger.get("/account/details").await.is_ok();
    assert_eq!(me.attribute("email"), "better@example.com");
    assert_eq!(me.attribute("unconfirmed-email"), Value::Null);
    assert!(matches!(confirm(&stranger).await, Err(Error::NotFound)), "it works once");
}

#[tokio::test]
async fn a_site_administrator_confirms_what_somebody_claims() {
    let server = Server::start().await;
    let (admin, member) = (server.site_admin(), server.member());
    let path = format!("/admin/users/{}/actions/confirm-email", member.user().await.id);
    admin.post(&path, ()).await.is_conflict();
    claim(&member, "better@example.com").await.is_ok();
    server.owner().post(&path, ()).await.is_not_found();
    admin.post(&path, ()).await.is_ok();
    let list = server.owner().get(format!("{LIST}?filter[email]=better@example.com")).await;
    assert_eq!(list.is_ok().attributes("email"), ["better@example.com"]);
    // Two may claim one address, one may have it.
    claim(&server.stranger(), "better@example.com")
        .await
        .is_unprocessable("/data/attributes/email");
}

#[tokio::test]
async fn an_invitation_to_the_site_alone_makes_an_account_and_nothing_else() {
    let server = Server::start().await;
    let cx = server.system();
    let site = cx.check::<can::ManageSite, _>(Site::found()).unwrap();
    let (user, link) = accounts::invite_to_site(&cx, &site, "new@example.com").await.unwrap();
    let link = link.unwrap();
    let secret = link.expose_secret().rsplit('/').next().unwrap().to_owned();
    let refused = accept(&server.stranger(), &secret).await;
    assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
    join(&server, &secret, "newcomer").await.unwrap();
    let joined = accounts::find_by_name(&cx, "newcomer").await.unwrap().unwrap();
    assert_eq!((joined.id, joined.email), (user.id, None));
    assert!(matches!(join(&server, &secret, "second").await, Err(Error::NotFound)));
    let taken = accounts::invite_to_site(&cx, &site, "owner@example.com").await;
    assert!(matches!(taken, Err(Error::Taken { .. })), "{taken:?}");
}

#[tokio::test]
async fn a_new_invitation_ends_the_one_before_it() {
    let server = Server::start().await;
    let owner = server.owner();
    let invited = invite(&owner, "new@example.com", None).await.is_created();
    let first = secret(&invited);
    let path = format!("/organization-memberships/{}/actions/invite-again", invited.id());
    let again = owner.post(&path, ()).await.is_ok();
    let second = secret(&again);
    assert!(matches!(join(&server, &first, "thief").await, Err(Error::NotFound)));
    assert!(matches!(accept(&server.stranger(), &first).await, Err(Error::NotFound)));
    // Found before, accepted after.
    let found = memberships::find_invitation(&server.app, &second).await.unwrap();
    let third = secret(&owner.post(&path, ()).await.is_ok());
    let person = NewPerson { username: "thief".into(), password: PASSWORD.into() };
    let late = memberships::accept_as_new(&server.app, &found, person).await;
    assert!(matches!(late, Err(Error::NotFound)), "{:?}", late.map(drop));
    join(&server, &third, "newcomer").await.unwrap();
}

#[tokio::test]
async fn nobody_is_invited_again_into_teams_by_who_could_not_invite_there() {
    let server = Server::start().await;
    let owner = server.owner();
    let rights = json!({ "manage-membership": true, "manage-teams": true });
    let team = json!({ "name": "desk", "organization-access": rights });
    let team = json!({ "data": { "type": "teams", "attributes": team } });
    let desk = owner.post("/organizations/acme/teams", team).await.is_created().id();
    let clerk = server.member();
    let users = json!({ "data": [{ "type": "users", "id": clerk.user().await.username }] });
    owner.post(format!("/teams/{desk}/relationships/users"), users).await.is_no_content();
    let chief =
        invite(&owner, "chief@example.com", Some(&owners(&server).await)).await.is_created();
    let guest = invite(&owner, "guest@example.com", None).await.is_created();
    let again =
        |who: &Answer| format!("/organization-memberships/{}/actions/invite-again", who.id());
    clerk.post(again(&chief), ()).await.is_forbidden();
    clerk.post(again(&guest), ()).await.is_ok();
    // The address that the owner has goes on being good.
    join(&server, &secret(&chief), "chief").await.unwrap();
}

/// Somebody who may invite, and change no team.
async fn clerk(server: &Server) -> Client<'_> {
    let team = json!({ "name": "desk", "organization-access": { "manage-membership": true } });
    let team = json!({ "data": { "type": "teams", "attributes": team } });
    let desk = server.owner().post("/organizations/acme/teams", team).await.is_created().id();
    let clerk = server.member();
    let users = json!({ "data": [{ "type": "users", "id": clerk.user().await.username }] });
    server.owner().post(format!("/teams/{desk}/relationships/users"), users).await.is_no_content();
    clerk
}

#[tokio::test]
async fn a_link_leads_nowhere_that_its_inviter_could_not_invite_to() {
    let server = Server::start().await;
    let (owner, clerk) = (server.owner(), clerk(&server).await);
    let guest = invite(&clerk, "guest@example.com", None).await.is_created();
    let members = json!({ "data": [{ "type": "organization-memberships", "id": guest.id() }] });
    let path = format!("/teams/{}/relationships/organization-memberships", owners(&server).await);
    owner.post(path, members).await.is_no_content();
    for late in [
        join(&server, &secret(&guest), "guest").await,
        accept(&server.stranger(), &secret(&guest)).await,
    ] {
        assert!(matches!(late, Err(Error::NotFound)), "{late:?}");
    }
    let again = format!("/organization-memberships/{}/actions/invite-again", guest.id());
    join(&server, &secret(&owner.post(again, ()).await.is_ok()), "guest").await.unwrap();
}

#[tokio::test]
async fn a_link_ends_with_the_right_of_whoever_was_shown_it() {
    let server = Server::start().await;
    let (owner, clerk) = (server.owner(), clerk(&server).await);
    let guest = invite(&clerk, "guest@example.com", None).await.is_created();
    let name = clerk.user().await.username;
    let own = owner.get(format!("{LIST}?q={name}")).await.is_ok().data()[0]["id"].clone();
    let own = own.as_str().unwrap();
    owner.delete(format!("/organization-memberships/{own}")).await.is_no_content();
    let late = join(&server, &secret(&guest), "newcomer").await;
    assert!(matches!(late, Err(Error::NotFound)), "{late:?}");
    assert!(accounts::find_by_name(&server.system(), "newcomer").await.unwrap().is_none());
}

#[tokio::test]
async fn whoever_accepts_by_a_link_is_not_found_by_the_address_that_was_meant() {
    let server = Server::start().await;
    let owner = server.owner();
    let chief = invite(&owner, "chief@example.com", None).await.is_created();
    accept(&server.stranger(), &secret(&chief)).await.unwrap();
    let mail = invite(&owner, "mail@example.com", None).await.is_created();
    join(&server, &secret(&mail), "newcomer").await.unwrap();
    for address in ["chief@example.com", "mail@example.com"] {
        for query in [format!("filter[email]={address}"), format!("q={address}")] {
            let found = owner.get(format!("{LIST}?{query}")).await.is_ok();
            assert!(found.data().as_array().unwrap().is_empty(), "{found}");
        }
        // Whose address it is can still be invited, and is found as such.
        invite(&owner, address, None).await.is_created();
        let found = owner.get(format!("{LIST}?filter[email]={address}")).await.is_ok();
        assert_eq!(found.attributes("status"), ["invited"]);
    }
    // Whoever has an address of their own is known by that.
    let theirs = server.stranger().user().await.email.unwrap();
    let found = owner.get(format!("{LIST}?filter[email]={theirs}")).await.is_ok();
    assert_eq!(found.attributes("email"), [theirs]);
}

#[tokio::test]
async fn a_new_invitation_to_the_site_ends_the_one_before_it() {
    let server = Server::start().await;
    let cx = server.system();
    let site = cx.check::<can::ManageSite, _>(Site::found()).unwrap();
    let mut secrets = Vec::new();
    for email in ["new@example.com", "New@example.com"] {
        let (_, link) = accounts::invite_to_site(&cx, &site, email).await.unwrap();
        secrets.push(link.unwrap().expose_secret().rsplit('/').next().unwrap().to_owned());
    }
    assert!(matches!(join(&server, &secrets[0], "thief").await, Err(Error::NotFound)));
    join(&server, &secrets[1], "newcomer").await.unwrap();
}

#[tokio::test]
async fn a_letter_that_waits_leaves_with_the_newest_address() {
    let (server, mut told) = with_mail().await;
    let owner = server.owner();
    let invited = invite(&owner, "new@example.com", None).await.is_created();
    let first = mailed(&server, &mut told, "/invitations/").await;
    owner
        .post(format!("/organization-memberships/{}/actions/invite-again", invited.id()), ())
        .await
        .is_ok();
    assert!(matches!(join(&server, &first, "thief").await, Err(Error::NotFound)));
    let second = mailed(&server, &mut told, "/invitations/").await;
    join(&server, &second, "newcomer").await.unwrap();
}

#[tokio::test]
async fn nobody_is_invited_by_what_is_no_address() {
    let server = Server::start().await;
    let owner = server.owner();
    owner.token().await;
    let before = server.row_counts().await;
    for bad in [
        "nowhere",
        "\u{430}da@example.com",
        "ada@ex\u{430}mple.com",
        "adm\u{131}n@example.com",
        "ada\u{200b}@example.com",
        "ada@example.com\n",
        "ada@example.com,eve@example.com",
    ] {
        invite(&owner, bad, None).await.is_unprocessable("/data/attributes/email");
    }
    assert_eq!(server.row_counts().await, before);
}

/// Law: nothing is given to an account that waits, as whoever opens its link would have it.
#[tokio::test]
async fn an_account_that_waits_gets_nothing_before_somebody_has_it() {
    let server = Server::start().await;
    let invited = invite(&server.owner(), "new@example.com", None).await.is_created();
    let awaited: domain::id::UserId = invited.related("user").as_str().unwrap().parse().unwrap();
    let cx = server.system();
    let site = cx.check::<can::ManageSite, _>(Site::found()).unwrap();
    let admin = server.site_admin();
    admin.user().await;
    let before = server.row_counts().await;

    let path = format!("/admin/users/{awaited}/actions/confirm-email");
    let refused = admin.post(&path, ()).await.is_conflict();
    assert!(refused.error().contains("Nobody has accepted"), "{refused}");
    let change = organizations::Change {
        name: Some("theirs".into()),
        email: Some("new@example.com".into()),
        ..organizations::Change::default()
    };
    for (verb, given) in [
        ("confirm", accounts::confirm_email(&cx, &site, &awaited).await.map(drop)),
        ("token", accounts::mint_user_token(&cx, &site, &awaited, None).await.map(drop)),
        (
            "password",
            accounts::reset_password(&cx, &site, &awaited, PASSWORD.into()).await.map(drop),
        ),
        ("owner", organizations::create_for(&cx, &site, awaited.clone(), change).await.map(drop)),
    ] {
        assert!(matches!(given, Err(Error::Conflict(_))), "{verb}: {given:?}");
    }
    assert_eq!(server.row_counts().await, before);

    // Whoever comes has what the invitation says, and no more.
    join(&server, &secret(&invited), "newcomer").await.unwrap();
    let user = accounts::find_by_name(&cx, "newcomer").await.unwrap().unwrap();
    assert_eq!((user.id, user.email, user.is_site_admin), (awaited.clone(), None, false));
    // From then on they are as everybody else.
    admin.post(&path, ()).await.is_ok();
    accounts::mint_user_token(&cx, &site, &awaited, None).await.unwrap();
}

#[tokio::test]
async fn a_link_ends_with_the_token_or_the_account_that_made_it_and_not_with_a_session() {
    let server = Server::start().await;
    let clerk = clerk(&server).await;
    let user = clerk.user().await;
    let dead = async |secret: &str| {
        let found = memberships::find_invitation(&server.app, secret).await;
        assert!(matches!(found, Err(Error::NotFound)), "{found:?}");
    };
    let cx = server.system();
    let site = cx.check::<can::ManageSite, _>(Site::found()).unwrap();

    // By a token.
    let minted = accounts::mint_user_token(&cx, &site, &user.id, None).await.unwrap();
    let by_token = accounts::authenticate(&server.app, minted.secret.expose()).await.unwrap();
    let link_by = async |cx: &domain::Ctx, email: &str| {
        let found = organizations::find(cx, "acme").await.unwrap();
        let acme = cx.check::<can::ManageMembership, _>(found).unwrap();
        let link = memberships::invite(cx, &acme, email, &[]).await.unwrap().link.unwrap();
        link.expose_secret().rsplit('/').next().unwrap().to_owned()
    };
    let first = link_by(&by_token, "first@example.com").await;
    let found = memberships::find_invitation(&server.app, &first).await.unwrap();
    let own = format!("/authentication-tokens/{}", minted.row.id);
    clerk.delete(own).await.is_no_content();
    dead(&first).await;
    let person = NewPerson { username: "late".into(), password: PASSWORD.into() };
    let late = memberships::accept_as_new(&server.app, &found, person).await;
    assert!(matches!(late, Err(Error::NotFound)), "{:?}", late.map(drop));

    // In a session, which ends.
    accounts::reset_password(&cx, &site, &user.id, PASSWORD.into()).await.unwrap();
    let origin = accounts::Origin::default();
    let signed_in =
        accounts::sign_in(&server.app, &user.username, PASSWORD.into(), &origin).await.unwrap();
    let cookie = signed_in.session.expose_secret();
    let in_session =
        accounts::person_by_session(&server.app, cookie, accounts::Use::ByPerson).await.unwrap();
    let second = link_by(&in_session, "second@example.com").await;
    let third = link_by(&in_session, "third@example.com").await;
    accounts::sign_out(&server.app, cookie).await.unwrap();
    join(&server, &second, "second").await.unwrap();

    // By somebody who is suspended then.
    server.execute("UPDATE users SET is_suspended = TRUE WHERE username = 'member'").await;
    dead(&third).await;
}
