//! What comes over, how often, and what does not.

use std::{collections::BTreeMap, sync::atomic::Ordering};

use futures::FutureExt as _;
use secrecy::SecretString;
use statehouse_moving::{
    Steps,
    apply::{Options, Outcome, apply},
    client::{Access, Client},
    compare::{bytes, differences},
    folder::{Folder, export},
    gather::{gather, table},
    inventory::{Inventory, Secret},
    plan::{Names, Plan},
    read::{Choice, Reader},
    source::Source,
};
use testkit::Server;

use crate::{
    front::Front,
    world::{LINEAGE, fill, push, state},
};

fn client(address: &str, token: String) -> Client {
    let address = address.parse().unwrap();
    Client::new(Access { address, token: token.into(), rate: 0, ca: None }).unwrap()
}

fn quiet() -> Steps<'static> {
    Steps::new(|_| {})
}

async fn source(server: &Server, address: &str) -> Source {
    let client = client(address, server.owner().token().await);
    Source::Server { client, organization: Server::ORGANIZATION.into() }
}

async fn plan(source: &Source, target: &Client, organization: &str) -> Plan {
    let choice = Choice::default();
    let inventory = source.inventory(&choice, &quiet()).await.unwrap();
    Plan::new(inventory, choice, target, organization, Names::new()).await.unwrap()
}

async fn inventory(client: &Client, organization: &str) -> Inventory {
    let everything = Choice::default();
    let reader = Reader::open(client, organization, &everything).await.unwrap();
    reader.inventory(&everything, &quiet()).await.unwrap()
}

fn secrets() -> BTreeMap<Secret, SecretString> {
    [("ssh-keys", "deploy", "value"), ("workspaces", "ws_0-X", "terraform/password")]
        .into_iter()
        .map(|(kind, name, key)| {
            let secret = Secret { kind: kind.into(), name: name.into(), key: key.into() };
            (secret, SecretString::from("given by hand"))
        })
        .collect()
}

fn failures(outcome: &Outcome) -> Vec<String> {
    outcome.failed.iter().map(|note| format!("{}: {}", note.of, note.what)).collect()
}

#[tokio::test]
async fn an_organization_comes_over_whole_and_a_second_time_does_nothing() {
    let (from, to) = (Server::listen().await, Server::listen().await);
    to.let_everybody_create_organizations().await;
    fill(&from, 5).await;
    let front = Front::of(from.url(), &[]).await;
    front.every.store(7, Ordering::SeqCst);
    let source = source(&from, &front.address).await;
    let target = client(to.url(), to.owner().token().await);
    let plan = plan(&source, &target, "moved").await;
    assert!(plan.present.is_empty());
    assert!(plan.report().contains("password"), "{}", plan.report());
    let written = serde_json::to_string(&plan).unwrap();
    assert!(!written.contains("hunter2") && !written.contains("_archivist"));
    let plan: Plan = serde_json::from_str(&written).unwrap();

    let told = quiet();
    let options = Options::default();
    let first = apply(&source, &target, &plan, &options, &told).await.unwrap();
    assert_eq!(failures(&first), [] as [&str; 0]);
    assert_eq!(first.missing.len(), 2);
    let wanted = plan.renamed();
    let found = differences(&wanted, &inventory(&target, "moved").await, false);
    assert_eq!(
        found,
        [
            "ssh-keys deploy: its value was not given yet",
            "workspaces ws_0-X: ssh-key are [deploy] there and [] here",
            "workspaces ws_0-X: variables terraform/password: its value was not given yet",
        ]
    );
    // Nobody runs anything without the password.
    let path = "/organizations/moved/workspaces/ws_0-X";
    assert_eq!(to.owner().get(path).await.attribute("locked"), true);
    let other = to.owner().get("/organizations/moved/workspaces/ws_1-X").await;
    assert_eq!(other.attribute("locked"), false);
    // At the source they are locked, and say where they went.
    let left = from.owner().get("/organizations/acme/workspaces/ws_1-X").await;
    let reason = left.attribute("locked-reason").to_string();
    assert!(reason.contains("/app/moved/workspaces/ws_1-X"), "{reason}");

    let options = Options { secrets: secrets(), ..Options::default() };
    let second = apply(&source, &target, &plan, &options, &told).await.unwrap();
    assert_eq!(failures(&second), [] as [&str; 0]);
    assert_eq!(second.taken.len(), 2);
    assert_eq!(to.owner().get(path).await.attribute("locked"), false);
    let found = differences(&wanted, &inventory(&target, "moved").await, false);
    assert_eq!(found, [] as [&str; 0]);

    let options = Options { invite: true, ..options };
    let third = apply(&source, &target, &plan, &options, &told).await.unwrap();
    assert_eq!(
        third.made.into_iter().collect::<Vec<_>>(),
        [("organization-memberships".into(), 1)]
    );
    let found = differences(&wanted, &inventory(&target, "moved").await, true);
    assert_eq!(found, [] as [&str; 0]);
    let fourth = apply(&source, &target, &plan, &options, &told).await.unwrap();
    assert!(fourth.made.is_empty(), "{fourth:?}");
    let Source::Server { client, .. } = &source else { unreachable!("it is a server") };
    assert!(client.calls().1 > 0, "the source wanted to be left alone for a while");

    // Every byte of every state.
    let here = inventory(&target, "moved").await;
    let target = Source::Server { client: target, organization: "moved".into() };
    let fresh = source.inventory(&Choice::default(), &told).await.unwrap();
    let fresh = Plan { inventory: fresh, ..plan.clone() }.renamed();
    let found = bytes(&source, &fresh, &target, &here, &told).await.unwrap();
    assert_eq!(found, [] as [&str; 0]);
    let raw = to.owner().get("/organizations/moved/workspaces/ws_2-X").await;
    let listed = to.owner().get(format!("/workspaces/{}/state-versions", raw.id())).await;
    assert_eq!(listed.attributes("serial"), [4, 2]);
    for (version, serial) in listed.data().as_array().unwrap().iter().zip([4, 2]) {
        let path = format!("/state-versions/{}/download", version["id"].as_str().unwrap());
        let text = to.owner().get(path).await.is_ok().text();
        assert_eq!(text, state(&format!("{LINEAGE}-2"), serial));
    }
}

#[tokio::test]
async fn a_move_that_is_killed_anywhere_goes_on_where_it_was() {
    let (from, to) = (Server::listen().await, Server::listen().await);
    to.let_everybody_create_organizations().await;
    fill(&from, 6).await;
    let front = Front::of(to.url(), &[]).await;
    let source = source(&from, from.url()).await;
    let token = to.owner().token().await;
    let plan = plan(&source, &client(&front.address, token.clone()), "moved").await;
    let options = Options { secrets: secrets(), ..Options::default() };
    let told = quiet();
    let mut kills = 0;
    // Each life is longer than the one before, and no two end at the same point.
    for life in 0.. {
        front.silence.notified().now_or_never();
        front.be_silent_after(10 + life * 2);
        let target = client(&front.address, token.clone());
        let done = tokio::select! {
            outcome = apply(&source, &target, &plan, &options, &told) => Some(outcome.unwrap()),
            () = front.silence.notified() => None,
        };
        if let Some(outcome) = done {
            assert_eq!(failures(&outcome), [] as [&str; 0]);
            break;
        }
        kills += 1;
    }
    assert!(kills >= 20, "it was killed {kills} times only");
    let here = inventory(&client(to.url(), token), "moved").await;
    assert_eq!(differences(&plan.renamed(), &here, false), [] as [&str; 0]);
}

#[tokio::test]
async fn what_is_here_already_is_never_changed() {
    let (from, to) = (Server::listen().await, Server::listen().await);
    for name in ["mine", "same", "running"] {
        from.workspace(name).await;
    }
    let owner = from.owner();
    let id = |name: &'static str| {
        let owner = owner.clone();
        async move { owner.get(format!("/organizations/acme/workspaces/{name}")).await.id() }
    };
    push(&owner, &id("mine").await, "theirs", 3).await;
    push(&owner, &id("same").await, "one", 2).await;
    let there = to.workspace("mine").await;
    push(&to.owner(), there.id.as_str(), "ours", 9).await;

    let source = source(&from, from.url()).await;
    let target = client(to.url(), to.owner().token().await);
    let plan = plan(&source, &target, "acme").await;
    assert_eq!(plan.present["workspaces"], ["mine"]);
    let told = quiet();
    let options = Options { no_lock: true, ..Options::default() };
    let outcome = apply(&source, &target, &plan, &options, &told).await.unwrap();
    let failed = failures(&outcome);
    assert_eq!(failed.len(), 1, "{failed:?}");
    assert!(failed[0].contains("lineage ours") && failed[0].contains("--rename"), "{failed:?}");
    let path = format!("/workspaces/{}/current-state-version", there.id);
    assert_eq!(to.owner().get(&path).await.attribute("serial"), 9);
    let left = owner.get("/organizations/acme/workspaces/same").await;
    assert_eq!(left.attribute("locked"), false, "it was only tried out");

    // A state that is made at the source in the meantime comes over; one that is made here stays.
    push(&owner, &id("same").await, "one", 4).await;
    let names = Names::from([("workspaces".into(), [("mine".into(), "theirs".into())].into())]);
    let plan = Plan { names, ..plan };
    let outcome = apply(&source, &target, &plan, &options, &told).await.unwrap();
    assert_eq!(failures(&outcome), [] as [&str; 0]);
    let same = to.owner().get("/organizations/acme/workspaces/same").await.id();
    let path = format!("/workspaces/{same}/current-state-version");
    assert_eq!(to.owner().get(&path).await.attribute("serial"), 4);
    push(&to.owner(), &same, "one", 8).await;
    let outcome = apply(&source, &target, &plan, &options, &told).await.unwrap();
    assert_eq!(to.owner().get(&path).await.attribute("serial"), 8);
    assert!(
        outcome.differs.iter().any(|note| note.what.contains("has gone on here")),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn what_a_token_may_not_see_is_said() {
    let (from, to) = (Server::listen().await, Server::listen().await);
    from.workspace("net").await;
    let front = Front::of(from.url(), &["/policies", "/notification-configurations"]).await;
    let source = source(&from, &front.address).await;
    let target = client(to.url(), to.owner().token().await);
    let plan = plan(&source, &target, "acme").await;
    let unseen: Vec<_> = plan.inventory.notes.iter().map(|note| note.of.as_str()).collect();
    assert_eq!(
        unseen,
        [
            "all policies",
            "notifications of projects",
            "notifications of teams",
            "notifications of workspaces",
        ]
    );
    assert!(plan.report().contains("all policies: cannot be seen"), "{}", plan.report());
}

#[tokio::test]
async fn what_is_exported_is_imported_into_an_empty_server_with_nothing_lost() {
    let from = Server::listen().await;
    fill(&from, 4).await;
    let server = source(&from, from.url()).await;
    let everything = Choice::default();
    let was = server.inventory(&everything, &quiet()).await.unwrap();
    let root = tempfile::tempdir().unwrap();
    let folder = Folder(root.path().join("acme"));
    export(&server, &was, &folder, &quiet()).await.unwrap();
    // A second time nothing is read again, and all is as it was.
    export(&server, &was, &folder, &quiet()).await.unwrap();
    let text = std::fs::read_to_string(folder.0.join("workspaces/ws_2-X/terraform.tfstate"));
    assert_eq!(text.unwrap(), state(&format!("{LINEAGE}-2"), 4));
    assert!(folder.0.join("policies/no-public.sentinel").exists());
    drop(from);

    let to = Server::listen().await;
    to.let_everybody_create_organizations().await;
    let target = client(to.url(), to.owner().token().await);
    let source = Source::Folder(folder.clone());
    let plan = plan(&source, &target, "again").await;
    let options = Options { secrets: secrets(), invite: true, ..Options::default() };
    let outcome = apply(&source, &target, &plan, &options, &quiet()).await.unwrap();
    assert_eq!(failures(&outcome), [] as [&str; 0]);
    let here = inventory(&target, "again").await;
    assert_eq!(
        differences(&Plan { inventory: was, ..plan }.renamed(), &here, true),
        [] as [&str; 0]
    );

    std::fs::remove_file(folder.0.join("export.json")).unwrap();
    let half = source.inventory(&everything, &quiet()).await.unwrap_err();
    assert!(half.to_string().contains("no whole export"), "{half:#}");
}

#[tokio::test]
async fn plain_states_come_over_by_a_table() {
    let root = tempfile::tempdir().unwrap();
    let states = root.path().join("bucket");
    std::fs::create_dir_all(states.join("env/prod")).unwrap();
    std::fs::write(states.join("env/prod/terraform.tfstate"), state("one", 7)).unwrap();
    std::fs::write(states.join("db.tfstate"), state("two", 3)).unwrap();
    let lines = table("env/prod/terraform.tfstate,net,Prod\ndb.tfstate,db\n").unwrap();
    let folder = Folder(root.path().join("export"));
    assert_eq!(gather(&states, &lines, "acme", &folder).unwrap(), 2);

    let to = Server::listen().await;
    let target = client(to.url(), to.owner().token().await);
    let source = Source::Folder(folder);
    let plan = plan(&source, &target, "acme").await;
    let outcome = apply(&source, &target, &plan, &Options::default(), &quiet()).await.unwrap();
    assert_eq!(failures(&outcome), [] as [&str; 0]);
    let here = inventory(&target, "acme").await;
    assert_eq!(differences(&plan.renamed(), &here, false), [] as [&str; 0]);
    let net = to.owner().get("/organizations/acme/workspaces/net").await.id();
    let path = format!("/workspaces/{net}/current-state-version");
    assert_eq!(to.owner().get(path).await.attribute("lineage"), "one");
}
