//! What each provider can do, asked of its fake.

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use secrecy::SecretString;
use serde_json::Value;
use statehouse_vcs::git::{Remote, Wanted};
use statehouse_vcs::provider::{Hook, Provider, ProviderError, State, Status, Wait, head_of};
use statehouse_vcs::{RefName, Reference, RepositoryName, ServiceProvider as P};

use crate::kit::{Carrier, Place};
use vcs_fake::{Fake, LIMITED_UNTIL, Mood, TOKEN};

const FAMILIES: [P; 7] = [
    P::GithubEnterprise,
    P::Forgejo,
    P::GitlabCommunityEdition,
    P::BitbucketHosted,
    P::BitbucketDataCenter,
    P::BitbucketServer,
    P::AdoServices,
];

async fn opened(provider: P) -> (Fake, Box<dyn Provider>, Arc<Carrier>) {
    let (fake, carrier) = (Fake::new(provider).await, Arc::new(Carrier::new()));
    let provider = fake.connection().open(carrier.clone());
    (fake, provider, carrier)
}

fn branch(name: &str) -> RefName {
    RefName::parse(name).unwrap()
}

fn hook(secret: &str) -> Hook {
    let secret = SecretString::from(secret);
    Hook { url: "https://statehouse.example/webhooks/vcs/u1".into(), secret }
}

fn status(fake: &Fake, state: State) -> Status {
    Status {
        commit: fake.head.clone(),
        state,
        context: "Statehouse/acme/a-workspace-with-a-very-long-name-indeed".into(),
        description: "ä".repeat(300),
        url: "https://statehouse.example/run".into(),
        branch: Some(branch("feat")),
    }
}

#[tokio::test]
async fn repositories_are_listed_to_the_last_page_and_fetched_with_the_token() {
    for provider in FAMILIES {
        let (fake, opened, carrier) = opened(provider).await;
        assert_eq!(opened.user().await.unwrap().name, "bot", "{provider}");
        let mut names = Vec::new();
        let mut from = None;
        loop {
            let page = opened.repositories(from.as_ref()).await.unwrap();
            names.extend(page.items.into_iter().map(|repository| repository.display));
            from = page.next;
            if from.is_none() {
                break;
            }
        }
        let expected: &[&str] = match provider {
            P::BitbucketDataCenter | P::BitbucketServer => &["PRJ/infra", "PRJ/other"],
            // All at once.
            P::AdoServices => &["proj/infra"],
            _ => &["acme/infra", "acme/other"],
        };
        assert_eq!(names, expected, "{provider}");

        let repository = opened.repository(&fake.name()).await.unwrap();
        assert_eq!(repository.default_branch.as_deref(), Some("main"), "{provider}");
        assert!(!repository.id.is_empty() && !repository.url.is_empty(), "{provider}");
        let place = Place::new();
        let remote =
            Remote { address: repository.address().unwrap(), access: fake.connection().access() };
        let wanted = Wanted { commit: Some(fake.head.clone()), reference: None };
        let fetched = place.git.repository("x", remote).fetch(&wanted).await.unwrap();
        assert_eq!(fetched, fake.head, "{provider}");
        let addresses = carrier.addresses.lock().unwrap();
        assert!(addresses.iter().all(|address| !address.contains(TOKEN)), "{provider}");
        assert!(!format!("{opened:?}").contains(TOKEN), "{provider}");
    }
}

#[tokio::test]
async fn branches_and_tags_lead_to_commits() {
    for provider in FAMILIES {
        let (fake, opened, _) = opened(provider).await;
        let name = fake.name();
        for (listed, expected) in [
            (opened.branches(&name, None).await.unwrap(), "main"),
            (opened.tags(&name, None).await.unwrap(), "v1"),
        ] {
            let found = listed.items.iter().find(|branch| branch.name == expected);
            assert_eq!(found.unwrap().commit, fake.head, "{provider} {expected}");
        }
        for reference in [Reference::Branch(branch("main")), Reference::Tag(branch("v1"))] {
            let commit = opened.commit(&name, &reference).await.unwrap();
            assert_eq!(commit.id, fake.head, "{provider} {reference}");
            assert_eq!(commit.message, "a message", "{provider}");
            assert_eq!(commit.author.as_deref(), Some("Ann"), "{provider}");
        }
        let gone = opened.commit(&name, &Reference::Branch(branch("gone"))).await;
        assert!(matches!(gone, Err(ProviderError::Gone(_))), "{provider}: {gone:?}");
    }
}

#[tokio::test]
async fn a_pull_request_that_is_asked_for_is_as_one_that_is_told() {
    for provider in FAMILIES {
        let (fake, opened, _) = opened(provider).await;
        let pull = opened.pull_request(&fake.name(), 3).await.unwrap();
        assert_eq!((pull.number, pull.title.as_str()), (3, "t"), "{provider}");
        assert!(fake.head.as_str().starts_with(pull.head_commit.as_str()), "{provider}");
        assert_eq!(pull.head.branch, branch("feat"), "{provider}");
        assert_eq!(pull.base.branch, branch("main"), "{provider}");
        assert!(!pull.is_from_fork(), "{provider}: {pull:?}");
        let gone = opened.pull_request(&fake.name(), 4).await;
        assert!(matches!(gone, Err(ProviderError::Gone(_))), "{provider}: {gone:?}");
    }
}

#[tokio::test]
async fn a_hook_is_made_once_mended_where_it_is_and_removed_for_good() {
    for provider in FAMILIES {
        let (fake, opened, _) = opened(provider).await;
        let name = fake.name();
        let id = opened.ensure_hook(&name, &hook("first")).await.unwrap();
        let made = fake.shared.hooks.lock().unwrap().clone();
        assert!(made.values().all(|hook| hook.to_string().contains("first")), "{provider}");
        // Somebody has switched it off; and the secret is another now.
        for hook in fake.shared.hooks.lock().unwrap().values_mut() {
            if !hook["active"].is_null() {
                hook["active"] = false.into();
            }
        }
        assert_eq!(opened.ensure_hook(&name, &hook("second")).await.unwrap(), id, "{provider}");
        let mended = fake.shared.hooks.lock().unwrap().clone();
        assert!(made.keys().eq(mended.keys()), "{provider}: no second one");
        for hook in mended.values() {
            assert!(hook.to_string().contains("second"), "{provider}: {hook}");
            assert_ne!(hook["active"], Value::Bool(false), "{provider}: {hook}");
        }
        opened.remove_hook(&name, &id).await.unwrap();
        assert!(fake.shared.hooks.lock().unwrap().is_empty(), "{provider}");
        opened.remove_hook(&name, &id).await.unwrap();
        fake.is(Mood::Forbidden);
        let refused = opened.ensure_hook(&name, &hook("third")).await;
        assert!(matches!(refused, Err(ProviderError::Forbidden(_))), "{provider}: {refused:?}");
    }
}

#[tokio::test]
async fn statuses_are_said_in_the_words_of_each_provider() {
    for (provider, expected) in [
        (P::Github, ["pending", "success", "failure", "error"]),
        (P::Gitea, ["pending", "success", "failure", "error"]),
        (P::GitlabHosted, ["running", "success", "failed", "canceled"]),
        (P::BitbucketHosted, ["INPROGRESS", "SUCCESSFUL", "FAILED", "STOPPED"]),
        (P::BitbucketServer, ["INPROGRESS", "SUCCESSFUL", "FAILED", "FAILED"]),
        (P::AdoServer, ["pending", "succeeded", "failed", "error"]),
    ] {
        let (fake, opened, _) = opened(provider).await;
        for state in [State::Pending, State::Success, State::Failure, State::Canceled] {
            opened.set_status(&fake.name(), &status(&fake, state)).await.unwrap();
        }
        // Said twice is as good as said once.
        opened.set_status(&fake.name(), &status(&fake, State::Canceled)).await.unwrap();
        let said = fake.shared.statuses.lock().unwrap().clone();
        let states: Vec<&str> =
            said.iter().take(4).map(|status| status["state"].as_str().unwrap()).collect();
        assert_eq!(states, expected, "{provider}");
        for status in &said {
            let description = status["description"].as_str().unwrap();
            let limit = if matches!(provider, P::Github | P::Gitea) { 140 } else { 255 };
            assert_eq!(description.chars().count(), limit, "{provider}");
            assert!(status.to_string().contains("a-workspace-with"), "{provider}: {status}");
            assert!(status.to_string().contains("https://statehouse.example/run"), "{provider}");
        }
        if provider == P::AdoServer {
            assert_eq!(said[0]["context"]["genre"], "Statehouse/acme");
        }
        if provider == P::GitlabHosted {
            assert_eq!(said[0]["ref"], "feat");
        }
    }
}

#[tokio::test]
async fn a_comment_is_written_over_and_made_anew_when_somebody_has_removed_it() {
    for provider in FAMILIES {
        let (fake, opened, _) = opened(provider).await;
        let name = fake.name();
        let id = opened.comment(&name, 3, None, "one").await.unwrap();
        assert_eq!(opened.comment(&name, 3, Some(&id), "two").await.unwrap(), id, "{provider}");
        let said: Vec<Value> = fake.shared.comments.lock().unwrap().values().cloned().collect();
        assert_eq!(said, ["two"], "{provider}");
        fake.shared.comments.lock().unwrap().clear();
        fake.shared.say("somebody else's".into());
        let gone = if provider == P::AdoServices { "999/1" } else { "999" };
        let new = opened.comment(&name, 3, Some(gone), "three").await.unwrap();
        assert_ne!(new, id, "{provider}");
        let said: Vec<Value> = fake.shared.comments.lock().unwrap().values().cloned().collect();
        assert_eq!(said, ["somebody else's", "three"], "{provider}");
    }
}

#[tokio::test]
async fn what_is_wrong_is_told_apart_by_who_can_mend_it() {
    for provider in FAMILIES {
        let (fake, opened, _) = opened(provider).await;
        let name = fake.name();
        let asked = async |mood| {
            fake.is(mood);
            opened.repository(&name).await.unwrap_err()
        };
        assert_eq!(asked(Mood::Revoked).await, ProviderError::Revoked, "{provider}");
        assert_eq!(asked(Mood::Forbidden).await, ProviderError::Forbidden("not yours".into()));
        let limited = asked(Mood::Limited).await;
        let until = Wait::Until(LIMITED_UNTIL);
        let expected = match provider {
            P::GithubEnterprise | P::Forgejo => until,
            _ => Wait::For(Duration::from_secs(17)),
        };
        assert_eq!(limited, ProviderError::Limited(expected), "{provider}");
        let down = asked(Mood::Down).await;
        assert!(
            matches!(down, ProviderError::Away(_)) && down.is_passing(),
            "{provider}: {down:?}"
        );
        fake.is(Mood::Well);
        let other = RepositoryName::parse("acme/proj/_git/nowhere").unwrap();
        let gone = opened.repository(&other).await.unwrap_err();
        assert!(matches!(&gone, ProviderError::Gone(said) if said == "it is not here"), "{gone:?}");
    }
}

#[tokio::test]
async fn a_renamed_repository_is_followed_but_not_to_another_server() {
    let (fake, opened, _) = opened(P::GithubEnterprise).await;
    let named = |name: &str| RepositoryName::parse(name).unwrap();
    let found = opened.repository(&named("acme/old")).await.unwrap();
    assert_eq!(found.name, fake.name());
    let astray = opened.repository(&named("acme/astray")).await;
    assert_eq!(astray.unwrap_err(), ProviderError::Revoked);
    // What changes something is not sent on.
    let refused = opened.ensure_hook(&named("acme/astray"), &hook("x")).await;
    assert!(refused.is_err(), "{refused:?}");
    let calls = fake.shared.calls.lock().unwrap();
    assert!(calls.iter().all(|call| call.method == Method::GET), "nothing was changed");
}

#[tokio::test]
async fn names_stay_inside_of_their_part_of_an_address() {
    let (fake, opened, carrier) = opened(P::GitlabHosted).await;
    let name = RepositoryName::parse("acme/in fra%2F..%2Fadmin&x").unwrap();
    let gone = opened.repository(&name).await;
    assert!(matches!(gone, Err(ProviderError::Gone(_))), "{gone:?}");
    let strange = Reference::Branch(branch("it's-\"#&/x%2e"));
    let gone = opened.commit(&fake.name(), &strange).await;
    assert!(matches!(gone, Err(ProviderError::Gone(_))), "{gone:?}");
    let addresses = carrier.addresses.lock().unwrap();
    assert!(
        addresses[0].ends_with("/projects/acme%2Fin%20fra%252F..%252Fadmin&x"),
        "{addresses:?}"
    );
    assert!(
        addresses[1].ends_with("/commits/refs%2Fheads%2Fit's-%22%23&%2Fx%252e"),
        "{addresses:?}"
    );
}

#[tokio::test]
async fn a_page_on_another_server_is_not_asked_for() {
    let (_fake, opened, carrier) = opened(P::BitbucketHosted).await;
    let evil = statehouse_vcs::provider::Cursor("http://169.254.169.254/latest".into());
    let refused = opened.repositories(Some(&evil)).await;
    assert!(matches!(refused, Err(ProviderError::Unreadable(_))), "{refused:?}");
    assert!(carrier.addresses.lock().unwrap().is_empty());
}

#[tokio::test]
async fn plain_git_has_a_repository_and_nothing_else() {
    let (fake, opened, carrier) = opened(P::Git).await;
    let found = opened.repository(&fake.name()).await.unwrap();
    assert_eq!(found.clone_url, format!("{}/", fake.url));
    let refused = opened.set_status(&fake.name(), &status(&fake, State::Success)).await;
    assert!(matches!(refused, Err(ProviderError::Unsupported(_))), "{refused:?}");
    assert!(carrier.addresses.lock().unwrap().is_empty());
}

#[test]
fn the_head_of_a_fork_is_in_the_repository_that_it_leads_to() {
    let of = |provider| head_of(provider, 3).map(|reference| reference.full());
    assert_eq!(of(P::Github).as_deref(), Some("refs/pull/3/head"));
    assert_eq!(of(P::GitlabHosted).as_deref(), Some("refs/merge-requests/3/head"));
    // The provider's own merge, which brings it along.
    assert_eq!(of(P::AdoServices).as_deref(), Some("refs/pull/3/merge"));
    assert_eq!(of(P::BitbucketServer).as_deref(), Some("refs/pull-requests/3/from"));
    assert_eq!(of(P::BitbucketHosted), None);
}
