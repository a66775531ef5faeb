//! What an estimator answers, checked and added up: whoever wrote it may be wrong, and is told so in words.

use db::entity::cost_estimate_resource::{Matched, Resources, Unmatched};
use serde::Deserialize;

use super::{Costs, amount::Amount};

/// Bytes of an answer, and resources in it.
pub(super) const LIMIT: usize = 16 << 20;
const RESOURCES_LIMIT: usize = 50_000;
/// Characters of an address.
const ADDRESS_LIMIT: usize = 2_000;

#[derive(Deserialize)]
struct Answer {
    resources: Vec<Priced>,
    #[serde(default)]
    unmatched: Vec<String>,
}

#[derive(Deserialize)]
struct Priced {
    address: String,
    #[serde(default = "nothing")]
    prior_monthly_cost: String,
    #[serde(default = "nothing")]
    proposed_monthly_cost: String,
}

fn nothing() -> String {
    "0".to_owned()
}

/// What comes of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Estimate {
    pub costs: Costs,
    pub resources: Resources,
}

/// # Errors
/// Says what cannot be meant.
pub(super) fn read(body: &[u8]) -> Result<Estimate, String> {
    let answer: Answer = serde_json::from_slice(body).map_err(|why| why.to_string())?;
    if answer.resources.len() + answer.unmatched.len() > RESOURCES_LIMIT {
        return Err(format!("it names more than {RESOURCES_LIMIT} resources"));
    }
    let mut matched = Vec::with_capacity(answer.resources.len());
    let mut sums = Vec::with_capacity(answer.resources.len());
    for priced in answer.resources {
        check(&priced.address)?;
        let amount = |text: &str| {
            Amount::read(text).ok_or_else(|| {
                format!("a cost of {} is no decimal number such as \"12.5\"", priced.address)
            })
        };
        let prior = amount(&priced.prior_monthly_cost)?;
        let proposed = amount(&priced.proposed_monthly_cost)?;
        sums.push((prior, proposed));
        matched.push(Matched {
            prior_monthly_cost: prior.to_string(),
            proposed_monthly_cost: proposed.to_string(),
            delta_monthly_cost: (proposed - prior).to_string(),
            address: priced.address,
        });
    }
    let mut unmatched = Vec::with_capacity(answer.unmatched.len());
    for address in answer.unmatched {
        check(&address)?;
        unmatched.push(Unmatched { address });
    }
    let prior: Amount = sums.iter().map(|(prior, _)| *prior).sum();
    let proposed: Amount = sums.iter().map(|(_, proposed)| *proposed).sum();
    Ok(Estimate {
        costs: Costs {
            prior: prior.to_string(),
            proposed: proposed.to_string(),
            delta: (proposed - prior).to_string(),
        },
        resources: Resources { matched, unmatched },
    })
}

/// A line that people can read.
fn check(address: &str) -> Result<(), String> {
    let is_line = !address.is_empty() && !address.chars().any(char::is_control);
    if is_line && address.chars().count() <= ADDRESS_LIMIT {
        return Ok(());
    }
    Err("one of the addresses is none of a resource".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_are_added_up_to_the_last_digit() {
        let estimate = read(
            br#"{"resources": [
                {"address": "a.b", "prior_monthly_cost": "0.1", "proposed_monthly_cost": "0.3"},
                {"address": "a.c", "proposed_monthly_cost": "24.82", "note": "whatever else"},
                {"address": "a.d", "prior_monthly_cost": "30"}
            ], "unmatched": ["x.y"]}"#,
        )
        .unwrap();
        let Costs { prior, proposed, delta } = estimate.costs;
        assert_eq!([&*prior, &*proposed, &*delta], ["30.1", "25.12", "-4.98"]);
        let deltas: Vec<_> =
            estimate.resources.matched.iter().map(|one| &*one.delta_monthly_cost).collect();
        assert_eq!(deltas, ["0.2", "24.82", "-30.0"]);
        assert_eq!(estimate.resources.unmatched[0].address, "x.y");
    }

    #[test]
    fn nothing_costs_nothing() {
        let estimate = read(br#"{"resources": []}"#).unwrap();
        assert_eq!(estimate.costs.delta, "0.0");
    }

    #[test]
    fn what_cannot_be_meant_is_said() {
        for (body, why) in [
            ("", "EOF"),
            ("[]", "invalid length"),
            ("{}", "missing field `resources`"),
            (r#"{"resources": [{}]}"#, "missing field `address`"),
            (r#"{"resources": [{"address": "a.b", "prior_monthly_cost": 1}]}"#, "invalid type"),
            (r#"{"resources": [{"address": "a.b", "prior_monthly_cost": "-1"}]}"#, "of a.b is no"),
            (
                r#"{"resources": [{"address": "a.b", "proposed_monthly_cost": "x"}]}"#,
                "of a.b is no",
            ),
            (r#"{"resources": [{"address": ""}]}"#, "addresses"),
            (r#"{"resources": [], "unmatched": ["a\u001b[31m"]}"#, "addresses"),
        ] {
            let said = read(body.as_bytes()).unwrap_err();
            assert!(said.contains(why), "{body}: {said}");
        }
        let many = serde_json::json!({ "resources": [], "unmatched": vec!["a.b"; 50_001] });
        assert!(read(many.to_string().as_bytes()).is_err());
    }
}
