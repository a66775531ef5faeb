//! Lists made of a real plan and of rare ones.

use super::{
    boil::{self, Boiled},
    *,
};
use crate::differences::{Shown, What};

/// Made by Terraform 1.15.5, without what is not read.
const HARD: &str = include_str!("hard.json");

fn find<'a>(boiled: &'a Boiled, address: &str) -> &'a Change {
    let mut all = boiled.changes.iter().map(|(_, change)| change);
    all.find(|change| change.address == address).unwrap_or_else(|| panic!("no {address}"))
}

fn row<'a>(change: &'a Change, name: &str) -> &'a What {
    let mut rows = change.difference.rows.iter();
    &rows.find(|row| row.name == name).unwrap_or_else(|| panic!("no {name}: {change:?}")).what
}

fn values(before: Shown, after: Shown) -> What {
    What::Values { before, after }
}

fn value(text: &str) -> Shown {
    Shown::Value(text.to_owned())
}

fn of(changes: &str) -> Boiled {
    boil::plan(format!(r#"{{"plan_format_version":"1.2",{changes}}}"#).as_bytes())
}

#[test]
fn every_action_of_a_real_plan_is_told_apart() {
    use Action as A;
    let plan = boil::plan(HARD.as_bytes());
    let all: Vec<_> = plan
        .changes
        .iter()
        .filter(|(part, _)| *part == Part::Resources)
        .map(|(_, it)| (it.address.as_str(), it.action, it.then, it.how))
        .collect();
    let expected = [
        ("terraform_data.cbd", A::Replace, None, Some(How::CreateFirst)),
        ("terraform_data.counted[1]", A::Delete, None, None),
        ("terraform_data.dbc", A::Replace, None, Some(How::DestroyFirst)),
        ("terraform_data.forgotten", A::Forget, None, None),
        ("terraform_data.gone", A::Delete, None, None),
        ("terraform_data.json", A::Update, None, None),
        ("terraform_data.keyed[\"a \\\"quoted\\\" <b>\"]", A::Create, None, None),
        ("terraform_data.keyed[\"\\u202ekey\"]", A::Create, None, None),
        ("terraform_data.multi", A::Update, None, None),
        ("terraform_data.new_name", A::Move, None, None),
        ("terraform_data.taken", A::Import, Some(A::Update), None),
        ("terraform_data.web", A::Update, None, None),
        ("module.m.terraform_data.inner", A::Create, None, None),
    ];
    assert_eq!(all, expected);
    assert_eq!(plan.state, State::Whole);
    let moved = find(&plan, "terraform_data.new_name");
    assert_eq!(moved.moved_from.as_deref(), Some("terraform_data.old_name"));
    let taken = find(&plan, "terraform_data.taken");
    assert_eq!(taken.imported, Some(Import::Id("4e3a0f2b".into())));
    let gone = find(&plan, "terraform_data.counted[1]");
    assert_eq!(
        (gone.reason.as_deref(), gone.key.as_deref()),
        (Some("delete_because_count_index"), Some("1"))
    );
    let forgotten = find(&plan, "terraform_data.forgotten");
    assert_eq!(forgotten.reason.as_deref(), Some("delete_because_no_resource_config"));
    let inner = find(&plan, "module.m.terraform_data.inner");
    assert_eq!(
        (&*inner.module, &*inner.kind, &*inner.name),
        ("module.m", "terraform_data", "inner")
    );
    let cbd = find(&plan, "terraform_data.cbd");
    assert_eq!(cbd.forced_by, ["triggers_replace"]);
    assert!(cbd.difference.rows.iter().any(|row| row.forces && row.name == "triggers_replace"));
}

#[test]
fn what_a_real_plan_marks_as_sensitive_or_unknown_has_no_value() {
    let plan = boil::plan(HARD.as_bytes());
    let web = find(&plan, "terraform_data.web");
    assert_eq!(*row(web, "pw"), values(Shown::Sensitive, Shown::Sensitive));
    assert_eq!(*row(web, "size"), values(value("1"), value("2")));
    assert_eq!(*row(web, "big"), values(Shown::Missing, value("9007199254740993")));
    assert_eq!(*row(find(&plan, "pw"), "value"), values(Shown::Sensitive, Shown::Sensitive));
    // Unknown is not null.
    assert_eq!(*row(find(&plan, "fresh"), "value"), values(Shown::Missing, Shown::Unknown));
    assert_eq!(*row(find(&plan, "gone"), "value"), values(value("\"x\""), Shown::Missing));
    let inner = find(&plan, "module.m.terraform_data.inner");
    assert_eq!(*row(inner, "a"), values(Shown::Missing, Shown::Null));
    assert_eq!(*row(inner, "b"), values(Shown::Missing, value("\"\"")));
    assert_eq!(*row(inner, "c"), values(Shown::Missing, value("[]")));
    assert_eq!(*row(inner, "d"), values(Shown::Missing, value("{}")));
    assert!(matches!(
        row(find(&plan, "terraform_data.json"), "input"),
        What::Lines { as_json: true, .. }
    ));
    assert!(matches!(
        row(find(&plan, "terraform_data.multi"), "input"),
        What::Lines { as_json: false, .. }
    ));
}

#[test]
fn checks_say_what_they_came_to_although_the_plan_may_be_applied() {
    let plan = boil::plan(HARD.as_bytes());
    let verdict = |name| find(&plan, name).verdict.unwrap();
    assert_eq!(verdict("check.fine"), Verdict::Pass);
    assert_eq!(verdict("check.later"), Verdict::Unknown);
    assert_eq!(verdict("check.tall"), Verdict::Fail);
    assert_eq!(find(&plan, "check.tall").said, ["It is not tall."]);
}

#[test]
fn masks_may_be_a_bare_word_or_an_object() {
    let plan = of(r#""resource_changes":[{"address":"a.b","change":{"actions":["delete"],
        "before":{"p":"hunter2","q":1},"after":null,"before_sensitive":{"p":true},"after_sensitive":false}},
        {"address":"a.c","change":{"actions":["create"],"before":null,"after":{"p":"hunter2"},
        "before_sensitive":false,"after_sensitive":{"p":true}}},
        {"address":"a.d","change":{"actions":["update"],"before":{"p":"hunter2"},"after":{"p":"hunter3"},
        "before_sensitive":true,"after_sensitive":{}}}]"#);
    assert!(!format!("{plan:?}").contains("hunter"), "{plan:?}");
    assert_eq!(*row(find(&plan, "a.b"), "p"), values(Shown::Sensitive, Shown::Missing));
    assert_eq!(*row(find(&plan, "a.c"), "p"), values(Shown::Missing, Shown::Sensitive));
    assert_eq!(*row(find(&plan, "a.d"), "value"), values(Shown::Sensitive, Shown::Sensitive));
}

#[test]
fn rare_things_are_kept_apart_from_the_usual_ones() {
    let plan = of(r#""complete":false,
        "resource_changes":[
            {"address":"a.b","deposed":"4f2c1a","change":{"actions":["delete"],"before":{"x":1}}},
            {"address":"a.c","change":{"actions":["create","forget"]}},
            {"address":"a.d","change":{"actions":["dance","sing"]}},
            {"address":"a.e","change":{"actions":["no-op"],"importing":{"unknown":true}}},
            {"address":"a.f","change":{"actions":["update"],"before":{"x":1},"after":{"x":1},
                "before_identity":{"i":1},"after_identity":{"i":2}}}],
        "deferred_changes":[{"reason":"instance_count_unknown","resource_change":
            {"address":"a.g","change":{"actions":["create"]}}}],
        "action_invocations":[{"address":"action.x.y","type":"x","name":"y",
            "config_values":{"k":"hunter2","o":1},"config_sensitive":{"k":true}}],
        "resource_drift":[{"address":"a.h","change":{"actions":["update"],"before":{"x":1},"after":{"x":2}}},
            {"address":"a.i","change":{"actions":["delete"]}}],
        "relevant_attributes":[{"resource":"a.h","attribute":["x"]}]"#);
    assert_eq!(plan.state, State::Incomplete);
    let part = |address: &str| plan.changes.iter().find(|(_, it)| it.address == address).unwrap().0;
    assert_eq!(find(&plan, "a.b").deposed.as_deref(), Some("4f2c1a"));
    assert_eq!(find(&plan, "a.c").how, Some(How::LeaveOld));
    assert_eq!(find(&plan, "a.d").words.as_deref(), Some("dance, sing"));
    assert_eq!(
        (find(&plan, "a.e").then, &find(&plan, "a.e").imported),
        (None, &Some(Import::Unknown))
    );
    assert_eq!(*row(find(&plan, "a.f"), "i"), values(value("1"), value("2")));
    assert_eq!(part("a.g"), Part::Deferred);
    assert_eq!(find(&plan, "a.g").reason.as_deref(), Some("instance_count_unknown"));
    assert_eq!(part("action.x.y"), Part::Invocations);
    assert_eq!(*row(find(&plan, "action.x.y"), "k"), values(Shown::Missing, Shown::Sensitive));
    assert_eq!((part("a.h"), part("a.i")), (Part::Drift, Part::OtherDrift));
}

#[test]
fn plans_of_other_times_are_read_as_far_as_they_go() {
    assert_eq!(boil::plan(b"{}").state, State::Whole);
    assert_eq!(of(r#""errored":true"#).state, State::Failed);
    let newer = br#"{"plan_format_version":"2.0","resource_changes":[{"address":1}]}"#;
    assert_eq!(boil::plan(newer).state, State::Newer);
    for broken in [&b"[]"[..], b"", b"{\"resource_changes\":{}}"] {
        assert_eq!(boil::plan(broken).state, State::Unreadable);
    }
    let old =
        of(r#""resource_changes":[{"address":"a.b","change":{"actions":["create"],"after":{"x":1},
        "after_unknown":{"id":true}}}]"#);
    assert_eq!(*row(find(&old, "a.b"), "id"), values(Shown::Missing, Shown::Unknown));
}

#[test]
fn a_list_of_many_is_read_in_pieces() {
    let change = |number: usize| {
        format!(
            r#"{{"address":"module.m[{number}].a.b","module_address":"module.m[{number}].module.n",
            "change":{{"actions":["create"],"after":{{"x":{number}}}}}}}"#
        )
    };
    let all: Vec<String> = (0..250).map(change).collect();
    let plan = of(&format!(r#""resource_changes":[{}]"#, all.join(",")));
    let list = store::written(&plan);
    let end = list.iter().position(|byte| *byte == b'\n').unwrap();
    let head: Head = serde_json::from_slice(&list[..end]).unwrap();
    // So many modules are one group, and its changes are found by their place.
    let [group] = head.groups.as_slice() else { panic!("{head:?}") };
    assert_eq!((&*group.module, group.total, group.pieces.len()), ("module.m", 250, 3));
    let last = group.pieces[2];
    let (at, len) = (usize::try_from(last.at).unwrap(), usize::try_from(last.len).unwrap());
    let lines = list[end + 1 + at..][..len].split(|byte| *byte == b'\n');
    let changes: Vec<Change> =
        lines.filter(|it| !it.is_empty()).map(|it| serde_json::from_slice(it).unwrap()).collect();
    assert_eq!(changes.len(), 50);
    assert_eq!(changes[49].address, "module.m[249].a.b");
    assert!(end < 4_096, "the head is short: {end}");
}
