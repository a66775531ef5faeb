//! Every provider's deliveries: as small as they may be, with more than we know, and with what is no name.

use serde_json::{Value, json};

use super::*;
use crate::{CommitId, RefName};
use ServiceProvider as P;

const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const B: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
const H: &str = "cccccccccccccccccccccccccccccccccccccccc";
const T: &str = "dddddddddddddddddddddddddddddddddddddddd";
const Z: &str = "0000000000000000000000000000000000000000";

fn commit(text: &str) -> CommitId {
    CommitId::parse(text).unwrap()
}

fn branch(text: &str) -> RefName {
    RefName::parse(text).unwrap()
}

/// The same with a member in each object that nobody knows.
fn with_more(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let known = members.into_iter().map(|(name, value)| (name, with_more(value)));
            known.chain([("unheard_of".to_owned(), json!({"deep": [1, null]}))]).collect()
        }
        Value::Array(items) => items.into_iter().map(with_more).collect(),
        other => other,
    }
}

/// Reads a delivery as small as it may be, and makes sure that more members change nothing.
fn contents(provider: P, name: &str, body: Value) -> Contents {
    let small = read(provider, name, body.to_string().as_bytes()).unwrap();
    let large = read(provider, name, with_more(body).to_string().as_bytes()).unwrap();
    assert_eq!(small, large);
    small
}

fn refused(provider: P, name: &str, body: &Value) -> String {
    match read(provider, name, body.to_string().as_bytes()) {
        Err(Refusal::Unreadable(why)) => why,
        other => panic!("{provider} {name}: {other:?}"),
    }
}

fn pull(contents: Contents) -> PullRequest {
    match contents.events.into_iter().next() {
        Some(Event::PullRequest(pull)) => *pull,
        other => panic!("{other:?}"),
    }
}

fn moved(contents: &Contents) -> &Moved {
    match &contents.events[..] {
        [Event::Push { moved, .. } | Event::Tag { moved, .. }] => moved,
        other => panic!("{other:?}"),
    }
}

fn github_repository() -> Value {
    json!({"id": 7, "full_name": "acme/infra", "default_branch": "main"})
}

fn github_push(reference: &str, before: &str, after: &str) -> Value {
    json!({
        "ref": reference, "before": before, "after": after, "repository": github_repository(),
        "head_commit": if after == Z { Value::Null } else { json!({"id": B, "message": "m", "url": "u"}) },
        "sender": {"login": "ann", "avatar_url": "a", "html_url": "h"},
    })
}

fn github_pull(action: &str) -> Value {
    json!({
        "action": action, "number": 3, "repository": github_repository(), "sender": {"login": "ann"},
        "pull_request": {
            "title": "t", "body": null, "html_url": "p", "draft": true,
            "head": {"ref": "feat", "sha": H, "repo": {"id": 7}},
            "base": {"ref": "main", "sha": A, "repo": {"id": 7}},
        },
    })
}

#[test]
fn a_push_says_the_same_whoever_tells_it() {
    let gitlab = json!({
        "object_kind": "push", "ref": "refs/heads/main", "before": A, "after": B, "checkout_sha": B,
        "user_username": "ann", "user_avatar": "a",
        "project": {"id": 7, "path_with_namespace": "acme/infra", "default_branch": "main", "web_url": "w"},
        "commits": [{"id": B, "message": "m", "url": "u"}], "total_commits_count": 25,
    });
    let cloud = json!({
        "push": {"changes": [{
            "old": {"type": "branch", "name": "main", "target": {"hash": A}},
            "new": {"type": "branch", "name": "main", "target": {"hash": B, "message": "m"}},
        }]},
        "repository": {"uuid": "{r}", "full_name": "acme/infra"},
        "actor": {"nickname": "ann", "links": {"avatar": {"href": "a"}}},
    });
    let data_center = json!({
        "eventKey": "repo:refs_changed", "actor": {"name": "ann"},
        "repository": {"id": 1, "slug": "infra", "project": {"key": "PRJ"}},
        "changes": [{"ref": {"id": "refs/heads/main", "displayId": "main", "type": "BRANCH"},
                     "fromHash": A, "toHash": B, "type": "UPDATE"}],
    });
    let azure = json!({
        "id": "g", "eventType": "git.push", "resource": {
            "refUpdates": [{"name": "refs/heads/main", "oldObjectId": A, "newObjectId": B}],
            "commits": [{"commitId": B, "comment": "m"}],
            "repository": {"id": "g1", "name": "infra", "defaultBranch": "refs/heads/main",
                           "project": {"id": "g2", "name": "proj"}},
            "pushedBy": {"displayName": "ann", "uniqueName": "ann@x"},
        },
    });
    let plain = json!({"ref": "refs/heads/main", "before": A, "after": B});
    for (provider, name, body, id, full_name) in [
        (P::Github, "push", github_push("refs/heads/main", A, B), "7", "acme/infra"),
        (P::Gitea, "push", github_push("refs/heads/main", A, B), "7", "acme/infra"),
        (P::GitlabHosted, "Push Hook", gitlab, "7", "acme/infra"),
        (P::BitbucketHosted, "repo:push", cloud, "{r}", "acme/infra"),
        (P::BitbucketDataCenter, "repo:refs_changed", data_center, "1", "PRJ/infra"),
        (P::AdoServices, "", azure, "g1", "proj/_git/infra"),
        (P::Git, "", plain, "", ""),
    ] {
        let contents = contents(provider, name, body);
        let [Event::Push { branch: pushed, moved }] = &contents.events[..] else {
            panic!("{provider}: {contents:?}")
        };
        assert_eq!((pushed, &moved.before), (&branch("main"), &Some(commit(A))), "{provider}");
        assert_eq!(moved.after, Some(commit(B)), "{provider}");
        if provider == P::Git {
            continue;
        }
        let subject = contents.subject.as_ref().unwrap();
        assert_eq!((subject.id.as_str(), subject.name.as_str()), (id, full_name), "{provider}");
        assert_eq!(contents.sender.as_ref().unwrap().name, "ann", "{provider}");
        if provider != P::BitbucketDataCenter {
            assert_eq!(moved.message.as_deref(), Some("m"), "{provider}");
        }
    }
}

#[test]
fn a_pull_request_says_the_same_whoever_tells_it() {
    let gitlab = json!({
        "object_kind": "merge_request", "user": {"username": "ann", "avatar_url": "a"},
        "project": {"id": 7, "path_with_namespace": "acme/infra"},
        "object_attributes": {
            "iid": 3, "action": "update", "oldrev": A, "title": "t", "description": "", "url": "p",
            "source_branch": "feat", "target_branch": "main", "source_project_id": 7,
            "target_project_id": 7, "draft": true, "last_commit": {"id": H, "message": "m", "url": "u"},
        },
    });
    let cloud = json!({
        "pullrequest": {
            "id": 3, "title": "t", "draft": true,
            "source": {"branch": {"name": "feat"}, "commit": {"hash": &H[..12]}, "repository": {"uuid": "{r}"}},
            "destination": {"branch": {"name": "main"}, "commit": {"hash": &A[..12]}, "repository": {"uuid": "{r}"}},
            "links": {"html": {"href": "p"}},
        },
        "repository": {"uuid": "{r}", "full_name": "acme/infra"}, "actor": {"nickname": "ann"},
    });
    let end = |name: &str, at: &str| json!({"id": format!("refs/heads/{name}"), "displayId": name, "latestCommit": at, "repository": {"id": 1}});
    let data_center = json!({
        "eventKey": "pr:from_ref_updated", "actor": {"name": "ann"},
        "pullRequest": {"id": 3, "title": "t", "draft": true, "fromRef": end("feat", H),
                        "toRef": end("main", A), "links": {"self": [{"href": "p"}]}},
    });
    let azure = json!({
        "id": "g", "eventType": "git.pullrequest.updated", "resource": {
            "pullRequestId": 3, "status": "active", "title": "t", "isDraft": true,
            "sourceRefName": "refs/heads/feat", "targetRefName": "refs/heads/main",
            "lastMergeSourceCommit": {"commitId": H}, "lastMergeCommit": {"commitId": B},
            "repository": {"id": "g1", "name": "infra", "webUrl": "w", "project": {"name": "proj"}},
            "createdBy": {"displayName": "ann"},
        },
    });
    for (provider, name, body) in [
        (P::Github, "pull_request", github_pull("synchronize")),
        (P::Gitea, "pull_request", github_pull("synchronized")),
        (P::GitlabHosted, "Merge Request Hook", gitlab),
        (P::BitbucketHosted, "pullrequest:updated", cloud),
        (P::BitbucketServer, "pr:from_ref_updated", data_center),
        (P::AdoServer, "", azure),
    ] {
        let pull = pull(contents(provider, name, body));
        assert_eq!((pull.action, pull.number), (Action::Updated, 3), "{provider}");
        assert_eq!((pull.title.as_str(), pull.body.as_str()), ("t", ""), "{provider}");
        assert!(
            pull.is_draft && !pull.is_from_fork() && pull.url.is_some(),
            "{provider}: {pull:?}"
        );
        assert_eq!((&pull.head.branch, &pull.base.branch), (&branch("feat"), &branch("main")));
        assert!(H.starts_with(pull.head_commit.as_str()), "{provider}: {pull:?}");
    }
}

#[test]
fn what_is_gone_has_no_commit_after_it() {
    let gone = |body| json!({"repository": {"uuid": "{r}"}, "push": {"changes": [body]}});
    for (provider, name, body) in [
        (P::Github, "push", github_push("refs/heads/old", A, Z)),
        (P::Gitea, "delete", json!({"ref": "old", "ref_type": "branch"})),
        (
            P::GitlabHosted,
            "",
            json!({"object_kind": "push", "ref": "refs/heads/old", "before": A, "after": Z,
                   "checkout_sha": null}),
        ),
        (
            P::BitbucketHosted,
            "repo:push",
            gone(json!({"old": {"type": "branch", "name": "old", "target": {"hash": A}},
                        "new": null, "closed": true})),
        ),
        (
            P::BitbucketDataCenter,
            "repo:refs_changed",
            json!({"changes": [{"ref": {"id": "refs/heads/old"}, "fromHash": A, "toHash": Z,
                                "type": "DELETE"}]}),
        ),
        (
            P::AdoServices,
            "",
            json!({"eventType": "git.push", "resource": {"refUpdates": [
                {"name": "refs/heads/old", "oldObjectId": A, "newObjectId": Z}]}}),
        ),
        (P::Git, "", json!({"ref": "refs/heads/old", "before": A, "after": Z})),
    ] {
        let contents = contents(provider, name, body);
        let [Event::Push { branch: gone, moved }] = &contents.events[..] else {
            panic!("{provider}: {contents:?}")
        };
        assert_eq!((gone, &moved.after), (&branch("old"), &None), "{provider}");
    }
}

#[test]
fn the_commit_of_an_annotated_tag_is_told_and_not_the_tag() {
    let github = contents(P::Gitea, "push", github_push("refs/tags/v1", Z, T));
    assert_eq!(moved(&github).after, Some(commit(B)));
    let gitlab = json!({"object_kind": "tag_push", "ref": "refs/tags/v1", "before": Z, "after": T,
                        "checkout_sha": B});
    let gitlab = contents(P::GitlabEnterpriseEdition, "", gitlab);
    assert_eq!(moved(&gitlab).after, Some(commit(B)));
    assert!(matches!(&gitlab.events[..], [Event::Tag { tag, .. }] if tag.as_str() == "v1"));
    let gone = contents(P::Github, "push", github_push("refs/tags/v1", T, Z));
    assert_eq!(moved(&gone).after, None);
}

#[test]
fn bitbucket_cloud_tells_of_several_branches_and_tags_at_once() {
    let end = |kind: &str, name: &str, at: &str| json!({"type": kind, "name": name, "target": {"hash": at}});
    let body = json!({"push": {"changes": [
        {"old": null, "new": end("branch", "feat", B)},
        {"old": null, "new": end("tag", "v1", B)},
        {"old": end("bookmark", "x", A), "new": null},
        {"old": end("branch", "main", A), "new": end("branch", "main", B), "forced": true},
    ]}});
    let contents = contents(P::BitbucketHosted, "repo:push", body);
    let names: Vec<_> = contents
        .events
        .iter()
        .map(|event| match event {
            Event::Push { branch, moved } => format!("{branch} {}", moved.is_forced),
            Event::Tag { tag, .. } => format!("tag {tag}"),
            other => format!("{other:?}"),
        })
        .collect();
    assert_eq!(
        names,
        ["feat false", "tag v1", "Unknown { name: \"push to a bookmark\" }", "main true"]
    );
}

#[test]
fn edits_of_words_are_told_from_new_commits_and_new_targets() {
    let github = |action: &str, changes: Value, merged: bool| {
        let mut body = github_pull(action);
        body["changes"] = changes;
        body["pull_request"]["merged"] = merged.into();
        pull(contents(P::Github, "pull_request", body)).action
    };
    for (action, changes, merged, expected) in [
        ("opened", json!({}), false, Action::Opened),
        ("reopened", json!({}), false, Action::Opened),
        ("synchronize", json!({}), false, Action::Updated),
        ("edited", json!({"title": {"from": "x"}}), false, Action::Edited),
        ("edited", json!({"base": {"ref": {"from": "x"}}}), false, Action::Updated),
        ("edited", json!({"ref": {"from": "x"}}), false, Action::Updated),
        ("labeled", json!({}), false, Action::Edited),
        ("closed", json!({}), false, Action::Closed),
        ("closed", json!({}), true, Action::Merged),
    ] {
        assert_eq!(github(action, changes, merged), expected, "{action}");
    }
    let gitlab = |action: &str, more: Value| {
        let mut body = json!({
            "object_kind": "merge_request",
            "object_attributes": {"iid": 3, "action": action, "title": "t", "source_branch": "feat",
                "target_branch": "main", "source_project_id": 7, "target_project_id": 7,
                "last_commit": {"id": H}},
        });
        if more.is_string() {
            body["object_attributes"]["oldrev"] = more;
        } else {
            body["changes"] = more;
        }
        pull(contents(P::GitlabHosted, "", body)).action
    };
    for (action, more, expected) in [
        ("open", json!({}), Action::Opened),
        ("reopen", json!({}), Action::Opened),
        ("update", json!({"title": {}}), Action::Edited),
        ("update", json!(A), Action::Updated),
        ("update", json!({"target_branch": {"previous": "x"}}), Action::Updated),
        ("approved", json!({}), Action::Edited),
        ("close", json!({}), Action::Closed),
        ("merge", json!({}), Action::Merged),
    ] {
        assert_eq!(gitlab(action, more), expected, "{action}");
    }
}

#[test]
fn a_fork_is_told_by_ids_also_when_it_is_gone() {
    for head in [json!({"id": 8}), Value::Null] {
        let mut body = github_pull("opened");
        body["pull_request"]["head"]["repo"] = head;
        assert!(pull(contents(P::Github, "pull_request", body)).is_from_fork());
    }
    let azure = json!({"eventType": "git.pullrequest.created", "resource": {
        "pullRequestId": 3, "sourceRefName": "refs/heads/feat", "targetRefName": "refs/heads/main",
        "lastMergeSourceCommit": {"commitId": H}, "repository": {"id": "g1"},
        "forkSource": {"repository": {"id": "g9"}}}});
    assert!(pull(contents(P::AdoServices, "", azure)).is_from_fork());
}

#[test]
fn trials_installations_and_what_concerns_nobody_are_known() {
    let of = |provider, name, body| contents(provider, name, body).events.remove(0);
    assert_eq!(of(P::Github, "ping", json!({"zen": "x"})), Event::Ping);
    assert_eq!(of(P::BitbucketDataCenter, "diagnostics:ping", json!({"test": true})), Event::Ping);
    let installed = json!({"action": "deleted", "installation": {"id": 5}});
    let contents = contents(P::Github, "installation", installed);
    assert_eq!(contents.installation.as_deref(), Some("5"));
    assert_eq!(contents.events, [Event::Installation { action: "deleted".into() }]);
    for (provider, name, body) in [
        (P::Github, "issues", json!({"action": "opened"})),
        (P::Gitea, "issue_comment", json!({"action": "created"})),
        (P::GitlabHosted, "", json!({"object_kind": "note"})),
        (P::BitbucketHosted, "repo:fork", json!({})),
        (P::BitbucketServer, "repo:comment:added", json!({})),
        (P::AdoServices, "", json!({"eventType": "workitem.created", "resource": {}})),
        (P::Git, "", json!({"ref": "refs/notes/x", "before": A, "after": B})),
    ] {
        assert!(matches!(of(provider, name, body), Event::Unknown { .. }), "{provider} {name}");
    }
}

#[test]
fn names_that_would_be_options_or_lines_are_refused() {
    for name in ["refs/heads/--upload-pack=x", "refs/heads/a\nb", "refs/heads/", "refs/tags/../x"] {
        let why = refused(P::Github, "push", &github_push(name, A, B));
        assert!(why.contains("no name of a branch or tag"), "{why}");
    }
    let why =
        refused(P::Git, "", &json!({"ref": "refs/heads/main", "before": A, "after": "--all"}));
    assert!(why.contains("no name of a commit"), "{why}");
    let quoted = contents(P::Github, "push", github_push("refs/heads/it's-\"$(id)\"", A, B));
    assert!(matches!(&quoted.events[..], [Event::Push { .. }]));
}

#[test]
fn what_is_missing_is_named() {
    let mut body = github_push("refs/heads/main", A, B);
    body.as_object_mut().unwrap().remove("after");
    assert_eq!(refused(P::Github, "push", &body), "it has no after");
    let why = refused(P::BitbucketHosted, "repo:push", &json!({}));
    assert_eq!(why, "it does not say what repo:push is about");
    let bottomless = "[".repeat(100_000);
    for provider in P::ALL {
        for junk in ["", "null", "[]", "\u{0}", bottomless.as_str()] {
            assert!(read(provider, "push", junk.as_bytes()).is_err(), "{provider} {}", junk.len());
        }
    }
}
