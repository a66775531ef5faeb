//! Policy sets that take their policies from a repository.

use serde_json::json;
use testkit::{vcs_fake::push, world::resource};

use super::World;

const HCL: &str = "policy \"small\" {\n query = \"data.terraform.policies.small.deny\"\n \
                   enforcement_level = \"mandatory\"\n}\n";
const REGO: &str = "package terraform.policies.small\ndeny contains \"no\" if { false }\n";

#[tokio::test]
async fn a_push_of_its_branch_is_a_version_of_a_policy_set() {
    let world = World::new().await;
    let owner = world.server.owner();
    let origin = &world.fake.origin;
    origin.write("policies/policies.hcl", HCL);
    origin.write("policies/small.rego", REGO);
    let first = origin.push("Policies").to_string();
    let attributes = json!({
        "name": "ours", "kind": "opa", "global": true, "policies-path": "/policies",
        "vcs-repo": world.repo(),
    });
    let path = "/organizations/acme/policy-sets";
    let set = owner.post(path, resource("policy-sets", &attributes)).await.is_created();
    world.work().await;
    let set = format!("/policy-sets/{}", set.id());
    let shown = owner.get(&set).await.is_ok();
    assert_eq!(shown.attribute("policy-count"), 1);
    let version =
        format!("/policy-set-versions/{}", shown.related("current-version").as_str().unwrap());
    let version = owner.get(version).await.is_ok();
    assert_eq!(version.attribute("status"), "ready");
    assert_eq!(version.attribute("source"), "github");
    assert_eq!(version.attribute("ingress-attributes")["commit-sha"], json!(first));
    assert_eq!(version.attribute("ingress-attributes")["identifier"], "acme/infra");

    // What lies elsewhere is nothing to it.
    origin.write("main.tf", "b");
    let second = origin.push("Elsewhere").to_string();
    world.told(&push("d-1", "main", Some(&first), Some(&second))).await;
    let current = |answer: &testkit::Answer| answer.related("current-version");
    assert_eq!(current(&owner.get(&set).await), current(&shown));

    origin.write("policies/policies.hcl", "what is this");
    let third = origin.push("Broken").to_string();
    world.told(&push("d-2", "main", Some(&second), Some(&third))).await;
    let broken = owner.get(&set).await.is_ok();
    assert_eq!(current(&broken), current(&shown), "what could be read goes on counting");
    let newest = broken.related("newest-version");
    let newest = owner.get(format!("/policy-set-versions/{}", newest.as_str().unwrap())).await;
    assert_eq!(newest.is_ok().attribute("status"), "errored");

    origin
        .write("policies/policies.hcl", format!("{HCL}{}", HCL.replace("\"small\"", "\"other\"")));
    let fourth = origin.push("Two").to_string();
    world.told(&push("d-3", "main", Some(&third), Some(&fourth))).await;
    let shown = owner.get(&set).await.is_ok();
    assert_eq!(shown.attribute("policy-count"), 2);
}
