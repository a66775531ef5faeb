//! The imports that are derived from a plan.

use std::sync::Arc;

use statehouse_sentinel::terraform::{
    Category, CostEstimate, Run, TagBinding, VariableKind, Workspace, imports,
};
use statehouse_sentinel::{Frozen, Import, Verdict, World};

use crate::ask::{ask_in, world};

/// A plan with something of everything.
pub const PLAN: &str = r#"{
  "format_version": "1.2", "terraform_version": "1.9.8",
  "variables": { "region": { "value": "eu" }, "unset": {} },
  "resource_changes": [
    { "address": "aws_a.b", "mode": "managed", "type": "aws_a", "name": "b",
      "provider_name": "registry.terraform.io/hashicorp/aws",
      "change": { "actions": ["update"], "before": {"x": 1}, "after": {"x": 2},
        "after_unknown": {"id": true}, "before_sensitive": {}, "after_sensitive": {} },
      "action_reason": "none" },
    { "address": "module.m[\"k\"].aws_a.b[0]", "module_address": "module.m[\"k\"]", "mode": "managed",
      "type": "aws_a", "name": "b", "index": 0, "provider_name": "p", "deposed": "0123abcd",
      "change": { "actions": ["delete"], "before": {"x": 1}, "after_unknown": {} } },
    { "address": "data.aws_d.e", "mode": "data", "type": "aws_d", "name": "e", "provider_name": "p",
      "change": { "actions": ["read"], "before": null, "after": {}, "after_unknown": {"id": true} } }
  ],
  "output_changes": {
    "known": { "actions": ["create"], "before": null, "after": 1, "after_unknown": false,
      "after_sensitive": false },
    "unknown": { "actions": ["create"], "before": null, "after_unknown": true }
  },
  "planned_values": {
    "outputs": { "known": { "sensitive": true, "value": 1 }, "unknown": { "sensitive": false } },
    "root_module": {
      "resources": [
        { "address": "data.aws_d.e", "mode": "data", "type": "aws_d", "name": "e",
          "provider_name": "p", "values": {"y": 1} }
      ],
      "child_modules": [ { "address": "module.m[\"k\"]", "resources": [
        { "address": "module.m[\"k\"].aws_a.b[0]", "mode": "managed", "type": "aws_a", "name": "b",
          "index": 0, "provider_name": "p" } ] } ]
    }
  },
  "prior_state": { "terraform_version": "1.9.7", "values": { "root_module": { "resources": [
    { "address": "aws_a.b", "mode": "managed", "type": "aws_a", "name": "b", "provider_name": "p",
      "index": "a\"b", "values": {"x": 1}, "depends_on": ["aws_c.d"], "tainted": true } ] } } },
  "configuration": {
    "provider_config": {
      "aws": { "name": "aws", "full_name": "registry.terraform.io/hashicorp/aws",
        "expressions": { "region": {"references": ["var.region"]} } },
      "module.m:aws.west": { "name": "aws", "alias": "west", "module_address": "module.m",
        "version_constraint": "~> 5.0" }
    },
    "root_module": {
      "variables": { "region": { "default": "eu", "description": "Where" }, "unset": {} },
      "outputs": { "known": { "sensitive": true, "expression": {"references": ["aws_a.b.x", "aws_a.b"]},
        "depends_on": ["aws_a.b"] } },
      "resources": [
        { "address": "aws_a.b", "mode": "managed", "type": "aws_a", "name": "b",
          "provider_config_key": "aws", "count_expression": {"constant_value": 2},
          "expressions": { "x": {"constant_value": 2}, "empty": {},
            "block": [ { "y": {"references": ["var.region"]} } ] },
          "provisioners": [ { "type": "local-exec", "expressions": {"command": {"constant_value": "ls"}} } ] }
      ],
      "module_calls": { "m": { "source": "./m", "for_each_expression": {"references": ["var.x"]},
        "expressions": {}, "version_constraint": "1.0",
        "module": { "variables": {"v": {}}, "resources": [
          { "address": "data.aws_d.e", "mode": "data", "type": "aws_d", "name": "e",
            "provider_config_key": "aws", "expressions": {} } ] } } }
    }
  }
}"#;

fn planned() -> World {
    let plan = Frozen::from_json(PLAN.as_bytes()).unwrap();
    World { imports: imports(&Arc::new(plan)), ..world() }
}

/// Each line holds.
fn all_hold(world: &World, lines: &[&str]) {
    for line in lines {
        let text = format!(
            "import \"tfplan/v2\" as tfplan\nimport \"tfstate/v2\" as tfstate\n\
             import \"tfconfig/v2\" as tfconfig\nimport \"types\"\nmain = rule {{ {line} }}"
        );
        let outcome = ask_in(world, &text);
        assert_eq!(outcome.verdict, Verdict::Passed, "{line}: {outcome:?}");
    }
}

#[test]
fn the_changes_of_a_plan_have_the_keys_that_policies_know() {
    all_hold(
        &planned(),
        &[
            "tfplan.terraform_version is \"1.9.8\"",
            "tfplan.variables.region is {\"name\": \"region\", \"value\": \"eu\"}",
            "tfplan.variables.unset.value is not defined",
            "length(tfplan.resource_changes) is 3",
            "keys(tfplan.resource_changes[\"aws_a.b\"]) is [\"address\", \"change\", \"deposed\", \
             \"index\", \"mode\", \"module_address\", \"name\", \"provider_name\", \"type\"]",
            "tfplan.resource_changes[\"aws_a.b\"].index is null",
            "tfplan.resource_changes[\"aws_a.b\"].module_address is \"\"",
            "tfplan.resource_changes[\"aws_a.b\"].deposed is \"\"",
            "keys(tfplan.resource_changes[\"aws_a.b\"].change) is \
             [\"actions\", \"after\", \"after_unknown\", \"before\"]",
            "tfplan.resource_changes[\"aws_a.b\"].change.after.id is not defined",
            "tfplan.resource_changes[\"aws_a.b\"].change.after_unknown.id",
            "tfplan.resource_changes[\"module.m[\\\"k\\\"].aws_a.b[0]:0123abcd\"].change.after is null",
            "tfplan.resource_changes[\"module.m[\\\"k\\\"].aws_a.b[0]:0123abcd\"].index is 0",
            "tfplan.resource_changes[\"data.aws_d.e\"].mode is \"data\"",
            "tfplan.resource_drift is {}",
            "tfplan.output_changes.known.change.after is 1",
            "tfplan.output_changes.unknown.change.after is not defined",
            "tfplan.output_changes.unknown.change.before is null",
            "tfplan.raw.resource_changes[0].action_reason is \"none\"",
        ],
    );
}

#[test]
fn planned_values_and_state_have_addresses_made_anew() {
    all_hold(
        &planned(),
        &[
            "keys(tfplan.planned_values.resources) is [\"aws_d.e\", \"module.m[\\\"k\\\"].aws_a.b[0]\"]",
            "tfplan.planned_values.resources[\"aws_d.e\"].address is \"aws_d.e\"",
            "tfplan.planned_values.resources[\"module.m[\\\"k\\\"].aws_a.b[0]\"].values is {}",
            "tfplan.planned_values.outputs.known is {\"name\": \"known\", \"sensitive\": true, \"value\": 1}",
            "tfplan.planned_values.outputs.unknown.value is not defined",
            "tfstate.terraform_version is \"1.9.7\"",
            "tfstate.outputs is {}",
            "keys(tfstate.resources) is [\"aws_a.b[\\\"a\\\\\\\"b\\\"]\"]",
            "all tfstate.resources as _, r { r.tainted and r.depends_on is [\"aws_c.d\"] and \
             r.deposed_key is \"\" and r.module_address is \"\" and r.values.x is 1 }",
        ],
    );
}

#[test]
fn the_configuration_has_its_collections() {
    all_hold(
        &planned(),
        &[
            "tfconfig.providers.aws.alias is \"\" and tfconfig.providers.aws.module_address is \"\"",
            "tfconfig.providers.aws.config.region.references is [\"var.region\"]",
            "tfconfig.providers[\"module.m:aws.west\"].alias is \"west\"",
            "tfconfig.providers[\"module.m:aws.west\"].config is {}",
            "tfconfig.providers[\"module.m:aws.west\"].version_constraint is \"~> 5.0\"",
            "tfconfig.resources[\"aws_a.b\"].count is {\"constant_value\": 2}",
            "tfconfig.resources[\"aws_a.b\"].for_each is {}",
            "tfconfig.resources[\"aws_a.b\"].config.empty is {\"constant_value\": null}",
            "tfconfig.resources[\"aws_a.b\"].config.block[0].y.references is [\"var.region\"]",
            "tfconfig.resources[\"module.m.data.aws_d.e\"].provider_config_key is \"module.m:aws\"",
            "tfconfig.resources[\"module.m.data.aws_d.e\"].module_address is \"module.m\"",
            "tfconfig.provisioners[\"aws_a.b:0\"].config.command.constant_value is \"ls\"",
            "tfconfig.provisioners[\"aws_a.b:0\"].index is 0",
            "tfconfig.variables.region is {\"module_address\": \"\", \"name\": \"region\", \
             \"default\": \"eu\", \"description\": \"Where\"}",
            "tfconfig.variables[\"module.m:v\"].default is null",
            "tfconfig.outputs.known.value.references[1] is \"aws_a.b\"",
            "tfconfig.outputs.known.sensitive and tfconfig.outputs.known.description is \"\"",
            "tfconfig.module_calls.m.config is {} and tfconfig.module_calls.m.source is \"./m\"",
            "tfconfig.module_calls.m.for_each.references is [\"var.x\"]",
            "tfconfig.module_calls.m.module_address is \"\"",
            "tfconfig.strip_index(\"module.m[\\\"a.b\\\"].aws_a.b[0]\") is \"module.m.aws_a.b\"",
            "types.type_of(tfconfig.strip_index(undefined)) is \"undefined\"",
        ],
    );
}

#[test]
fn functions_of_the_terraform_imports_take_what_they_can() {
    for (import, call, expected) in [
        ("tfconfig/v2", "strip_index(\"\")", Ok("\"\"")),
        ("tfconfig/v2", "strip_index(\"aws_a.b[\")", Ok("\"aws_a.b\"")),
        ("tfconfig/v2", "strip_index(undefined)", Ok("undefined")),
        ("tfconfig/v2", "strip_index(1)", Err("strip_index first argument")),
        ("tfconfig/v2", "strip_index()", Err("takes 1 arguments")),
        ("tfplan", "module([]).path", Ok("[]")),
        ("tfplan", "module([\"\"])", Ok("undefined")),
        ("tfconfig", "module(undefined)", Ok("undefined")),
        ("tfstate", "module(\"m\")", Err("module first argument")),
        ("tfplan", "module([1])", Err("module first argument")),
    ] {
        let text = format!("import {import:?} as tf\nr = tf.{call}\nprint(r)\nmain = true");
        let outcome = ask_in(&planned(), &text);
        match expected {
            Ok(printed) => assert_eq!(outcome.printed.trim(), printed.trim_matches('"'), "{call}"),
            Err(words) => assert!(outcome.error.unwrap().text.contains(words), "{call}"),
        }
    }
}

#[test]
fn an_empty_plan_has_all_collections_and_nothing_in_them() {
    let plan = Arc::new(Frozen::from_json(b"{}").unwrap());
    let world = World { imports: imports(&plan), ..world() };
    all_hold(
        &world,
        &[
            "tfplan.resource_changes is {} and tfplan.resource_drift is {}",
            "tfplan.output_changes is {} and tfplan.variables is {}",
            "tfplan.planned_values is {\"outputs\": {}, \"resources\": {}}",
            "tfstate.resources is {} and tfstate.outputs is {}",
            "tfconfig.providers is {} and tfconfig.resources is {} and tfconfig.variables is {}",
            "tfconfig.provisioners is {} and tfconfig.outputs is {} and tfconfig.module_calls is {}",
        ],
    );
}

#[test]
fn a_run_is_told_without_the_values_of_its_variables() {
    let sensitive = VariableKind { category: Category::Env, sensitive: true };
    let run = Run {
        id: "run-1".into(),
        variables: [("KEY".to_owned(), sensitive)].into(),
        target_addrs: Some(vec!["aws_a.b".into()]),
        workspace: Workspace {
            name: "w".into(),
            tags: vec!["a".into()],
            tag_bindings: vec![TagBinding { key: "a".into(), value: None, inherited: true }],
            ..Workspace::default()
        },
        ..Run::default()
    };
    let lines = |run: &Run, line: &str| {
        let mut world = world();
        world.imports.insert("tfrun".into(), Import::data(run.into()));
        let outcome = ask_in(&world, &format!("import \"tfrun\"\nmain = rule {{ {line} }}"));
        assert_eq!(outcome.verdict, Verdict::Passed, "{line}: {outcome:?}");
    };
    lines(&run, "tfrun.variables is {\"KEY\": {\"category\": \"env\", \"sensitive\": true}}");
    lines(&run, "tfrun.target_addrs is [\"aws_a.b\"] and tfrun.replace_addrs is null");
    lines(&run, "tfrun.workspace.vcs_repo is null and tfrun.workspace.description is null");
    lines(
        &run,
        "tfrun.workspace.tag_bindings[0] is {\"key\": \"a\", \"value\": null, \"inherited\": true}",
    );
    lines(&run, "tfrun.cost_estimate else null is null and \"cost_estimate\" not in tfrun");
    let cost = CostEstimate {
        prior_monthly_cost: "1.5".into(),
        proposed_monthly_cost: "2.5".into(),
        delta_monthly_cost: "1.0".into(),
    };
    let run = Run { cost_estimate: Some(cost), ..run };
    lines(&run, "tfrun.cost_estimate.proposed_monthly_cost is \"2.5\"");
}

#[test]
fn policies_of_the_first_generation_find_their_plan() {
    let lines = [
        "tfplan.module_paths is [[]]",
        "tfplan.resources.aws_a.b[0].applied.x is 2 and tfplan.resources.aws_a.b[0].destroy is false",
        "tfplan.resources.aws_a.b[0].diff[\"x\"] is {\"computed\": false, \"new\": \"2\", \"old\": \"1\"}",
        "tfplan.resources.aws_a.b[0].diff[\"id\"].computed",
        "tfplan.data.aws_d.e[0].requires_new is false",
        "tfplan.module([]).resources.aws_a.b[0].applied.x is 2",
        "tfplan.module([\"nosuch\"]) is not defined",
        "tfplan.variables.region is \"eu\" and tfplan.terraform_version is \"1.9.8\"",
        "tfplan.config.variables.region.default is \"eu\"",
        "tfstate.resources.aws_a.b[\"a\\\"b\"].attr.x is 1",
        "tfstate.module([]).path is []",
        "tfconfig.resources.aws_a.b.config.x is 2",
        "tfconfig.resources.aws_a.b.references.block[0].y is [\"var.region\"]",
        "tfconfig.resources.aws_a.b.provisioners[0].type is \"local-exec\"",
        "tfconfig.providers.aws.alias[\"\"].references.region is [\"var.region\"]",
        "tfconfig.module([\"m\"]).data.aws_d.e.config is {}",
        "tfconfig.module([\"m\"]).providers.aws.alias.west.version is \"~> 5.0\"",
        "tfconfig.modules.m.source is \"./m\" and tfconfig.outputs.known.sensitive",
        "tfconfig.module_paths is [[], [\"m\"]]",
    ];
    for line in lines {
        let text = format!(
            "import \"tfplan\"\nimport \"tfstate\"\nimport \"tfconfig\"\nmain = rule {{ {line} }}"
        );
        let outcome = ask_in(&planned(), &text);
        assert_eq!(outcome.verdict, Verdict::Passed, "{line}: {outcome:?}");
    }
}
