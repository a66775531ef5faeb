//! Who may do what is said in `access` and nowhere else: a verb of the domain that looks at its caller by itself is
//! pointed out.

use std::path::Path;

use regex::Regex;

const DOMAIN: &str = "crates/domain/src";

/// The room of the rules.
const RULES: &str = "access/";

/// Where callers are made, and where what they are is written down for later.
const MAKERS: [&str; 8] = [
    "accounts/authentication.rs",
    "accounts/bearer.rs",
    "accounts/fences.rs",
    "accounts/impersonation.rs",
    "accounts/run_tasks.rs",
    "app.rs",
    "context.rs",
    "workspaces/state_sharing.rs",
];

/// What anybody may ask of a caller: who it is, and what lists may show to it.
const ASKED: &str = "name|user_id|agent_pool|lock_holder|organization_names|[a-z_]*_scope";

/// What a file of the domain decides by itself.
pub fn by_hand(path: &Path, text: &str) -> Vec<String> {
    let Ok(inside) = path.strip_prefix(DOMAIN) else { return Vec::new() };
    if inside.starts_with(RULES) || MAKERS.iter().any(|maker| inside == Path::new(maker)) {
        return Vec::new();
    }
    let text = text.split("#[cfg(test)]").next().unwrap_or_default();
    let asks = Regex::new(r"\bActor::[A-Z]|\bactor\(\)\s*(?:\.\s*(\w+))?").expect("it is constant");
    let asked = Regex::new(&format!("^(?:{ASKED})$")).expect("it is constant");
    asks.captures_iter(text)
        .filter(|found| !found.get(1).is_some_and(|what| asked.is_match(what.as_str())))
        .map(|found| {
            let line = text[..found.get_match().start()].lines().count().max(1);
            format!(
                "{}:{line}: looks at its caller by itself: say the rule in access/can.rs, and ask `cx.may`",
                path.display()
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(file: &str, text: &str) -> Vec<String> {
        by_hand(&Path::new(DOMAIN).join(file), text)
    }

    #[test]
    fn a_verb_that_looks_at_its_caller_is_pointed_out() {
        let complaints = of("runs/actions.rs", "fn f() {\n    if cx.actor().owns(o) {}\n}\n");
        assert_eq!(complaints.len(), 1, "{complaints:?}");
        assert!(complaints[0].starts_with("crates/domain/src/runs/actions.rs:2:"));
        assert_eq!(of("locks.rs", "matches!(cx.actor(), Actor::Agent(_))").len(), 2);
        assert_eq!(of("locks.rs", "cx.actor()\n    .is_user(&id)").len(), 1);
    }

    #[test]
    fn who_somebody_is_and_what_lists_show_may_be_asked() {
        assert!(of("runs/create.rs", "let by = cx.actor().user_id();").is_empty());
        assert!(of("workspaces/list.rs", "cx.actor().workspace_scope(name)").is_empty());
    }

    #[test]
    fn the_rules_themselves_and_who_makes_callers_are_let_be() {
        assert!(of("access/can.rs", "matches!(a, Actor::Agent(_))").is_empty());
        assert!(of("app.rs", "Actor::System(reason)").is_empty());
        assert!(by_hand(Path::new("crates/api/src/users.rs"), "Actor::Team(team)").is_empty());
    }

    #[test]
    fn every_maker_is_there() {
        for maker in MAKERS {
            assert!(crate::workspace::root().join(DOMAIN).join(maker).exists(), "{maker}");
        }
    }
}
