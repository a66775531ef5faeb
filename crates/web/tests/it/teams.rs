//! Teams and members.

use http::StatusCode;

use crate::{
    browser::{Browser, server},
    world,
};

#[tokio::test]
async fn a_team_gets_what_is_ticked_and_loses_what_is_not() {
    let server = server().await;
    let api = server.owner();
    let mut owner = Browser::of(&server, &api).await;
    let page = owner.get("/app/acme/teams").await.is_ok();
    let here = owner.submit(&page, "/app/acme/teams", &[("name", "ops")]).await.redirects();
    let id = here.rsplit('/').next().unwrap().to_owned();
    let page = owner.get(&here).await.is_ok();
    let fields = [("manage-workspaces", "true"), ("read-projects", "true")];
    owner.submit(&page, &here, &fields).await.redirects();
    let access = api.get(format!("/teams/{id}")).await.is_ok().attribute("organization-access");
    assert_eq!(access["manage-workspaces"], true);
    let page = owner.get(&here).await.is_ok();
    owner.submit(&page, &here, &[("read-projects", "true")]).await.redirects();
    let access = api.get(format!("/teams/{id}")).await.is_ok().attribute("organization-access");
    assert_eq!(access["manage-workspaces"], false);
    assert_eq!(access["read-projects"], true);
    // What needs another right is refused, and said.
    let page = owner.get(&here).await.is_ok();
    let answer = owner.submit(&page, &here, &[("manage-teams", "true")]).await;
    let text = answer.has_status(StatusCode::UNPROCESSABLE_ENTITY).text();
    assert!(text.contains("needs manage-membership"), "{text}");
}

#[tokio::test]
async fn people_come_into_a_team_and_the_last_owner_stays() {
    let server = server().await;
    let (_, names) = Box::pin(world::made(&server)).await;
    let mut owner = Browser::of(&server, &server.owner()).await;
    let here = format!("/app/acme/teams/{}", names["team_id"]);
    let page = owner.get(&here).await.is_ok();
    let (add, remove) = (format!("{here}/add"), format!("{here}/remove"));
    let answer = owner.submit(&page, &add, &[("username", "nobody-here")]).await;
    let text = answer.has_status(StatusCode::BAD_REQUEST).text();
    assert!(text.contains("nobody-here is not a member"), "{text}");
    owner.submit(&page, &add, &[("username", "member")]).await.redirects();
    let page = owner.get(&here).await.is_ok();
    assert!(page.text().contains("value=\"member\""), "{page}");
    owner.submit(&page, &remove, &[("username", "member")]).await.redirects();
    assert!(!owner.get(&here).await.is_ok().text().contains("value=\"member\""));

    let teams = owner.get("/app/acme/teams").await.is_ok().text();
    let owners = teams.split("<a href=\"").find(|part| part.contains(">owners<")).unwrap();
    let owners = owners.split('"').next().unwrap().to_owned();
    let page = owner.get(&owners).await.is_ok();
    let answer = owner.submit(&page, &format!("{owners}/remove"), &[("username", "owner")]).await;
    let text = answer.has_status(StatusCode::FORBIDDEN).text();
    assert!(text.contains("The last owner"), "{text}");
}

#[tokio::test]
async fn a_team_token_is_shown_once_and_works() {
    let server = server().await;
    let (_, names) = Box::pin(world::made(&server)).await;
    let mut owner = Browser::of(&server, &server.owner()).await;
    let here = format!("/app/acme/teams/{}", names["team_id"]);
    let page = owner.get(&here).await.is_ok();
    let made = owner.submit(&page, &format!("{here}/token"), &[]).await.is_ok().text();
    let secret = made.split("<code>").find(|part| part.contains(".atlasv1.")).unwrap();
    let secret = secret.split('<').next().unwrap().to_owned();
    server.bearer(&secret).get("/organizations/acme").await.is_ok();
    assert!(!owner.get(&here).await.is_ok().text().contains(&secret));
}

#[tokio::test]
async fn who_is_invited_without_mail_gets_an_address_that_the_page_shows_once() {
    let server = server().await;
    let mut owner = Browser::of(&server, &server.owner()).await;
    let here = "/app/acme/members";
    let page = owner.get(here).await.is_ok();
    let answer = owner.submit(&page, here, &[("email", "no address"), ("team", "")]).await;
    let text = answer.has_status(StatusCode::UNPROCESSABLE_ENTITY).text();
    assert!(text.contains("invite-email-wrong") && text.contains("value=\"no address\""), "{text}");
    let fields = [("email", "ben@people.example"), ("team", "")];
    let text = owner.submit(&page, here, &fields).await.is_ok().text();
    let link = text.split("https://statehouse.test").find(|part| part.starts_with("/invitations/"));
    let link = link.unwrap().split('<').next().unwrap().to_owned();
    Browser::new(&server).get(&link).await.is_ok();
    let list = owner.get("/app/acme/members?q=ben").await.is_ok().text();
    assert!(list.contains("invited") && !list.contains(&link), "{list}");
}

#[tokio::test]
async fn members_see_themselves_alone_and_may_leave() {
    let server = server().await;
    server.owner().get("/organizations/acme").await.is_ok();
    let mut member = Browser::of(&server, &server.member()).await;
    let page = member.get("/app/acme/members").await.is_ok();
    let text = page.text();
    assert!(text.contains("member@example.com") && !text.contains("acme@example.com"), "{text}");
    assert!(!text.contains("Invite somebody"), "{text}");
    let leave =
        text.split("action=\"").find(|part| part.starts_with("/app/acme/members/")).unwrap();
    let leave = leave.split('"').next().unwrap().to_owned();
    assert_eq!(member.submit(&page, &leave, &[]).await.redirects(), "/");
    member.get("/app/acme/members").await.is_not_found();
}
