//! The text of a comment: a table of workspaces, and below it what each would change, by addresses alone. No value of a plan
//! is in it, and nothing that a policy has printed.

use std::fmt::Write as _;

use vcs::Family;

use crate::{plan_changes::Action, policy_evaluations::Judgement};

/// Bytes that every provider takes.
const LIMIT: usize = 30_000;
/// Characters of a name.
const NAME: usize = 200;

/// One workspace of a pull request.
pub(super) struct Summary {
    pub workspace: String,
    pub url: String,
    /// How it is going, in words.
    pub what: &'static str,
    /// To add, change and destroy, once that is known.
    pub counts: Option<[i64; 3]>,
    pub changes: Vec<(Action, String)>,
    /// That are not named.
    pub more: u64,
    pub policies: Vec<Judgement>,
}

/// Whether a provider folds parts of what is written.
pub(super) fn folds(family: Family) -> bool {
    !matches!(family, Family::BitbucketCloud | Family::BitbucketDataCenter)
}

pub(super) fn text(commit: &str, all: &[Summary], folds: bool) -> String {
    let short: String = commit.chars().take(12).collect();
    let mut text = format!("### Plans of {short}\n\n");
    text.push_str("| Workspace | | To add | To change | To destroy | Policies |\n");
    text.push_str("| --- | --- | ---: | ---: | ---: | --- |\n");
    for one in all {
        let counts = one.counts.map_or_else(
            || "| | ".to_owned(),
            |[add, change, destroy]| format!("{add} | {change} | {destroy}"),
        );
        let row = format!(
            "| [{}]({}) | {} | {counts} | {} |\n",
            one.workspace,
            one.url,
            one.what,
            in_numbers(&one.policies)
        );
        if text.len() + row.len() > LIMIT {
            break;
        }
        text.push_str(&row);
    }
    let mut left_out = 0;
    for one in all {
        let part = part(one, folds);
        if text.len() + part.len() > LIMIT {
            left_out += 1;
        } else {
            text.push_str(&part);
        }
    }
    if left_out > 0 {
        let _ = writeln!(text, "\n{left_out} more are told on the pages of their runs.");
    }
    text
}

fn in_numbers(policies: &[Judgement]) -> String {
    let passed: u64 = policies.iter().map(|one| one.passed).sum();
    let failed: u64 = policies.iter().map(|one| one.failed).sum();
    match (passed, failed) {
        (0, 0) => String::new(),
        (passed, 0) => format!("{passed} passed"),
        (0, failed) => format!("**{failed} failed**"),
        (passed, failed) => format!("{passed} passed, **{failed} failed**"),
    }
}

/// Empty where there is nothing more to be told.
fn part(of: &Summary, folds: bool) -> String {
    let failing: Vec<&Judgement> = of.policies.iter().filter(|one| one.failed > 0).collect();
    if of.changes.is_empty() && failing.is_empty() {
        return String::new();
    }
    let mut text = if folds {
        format!("\n<details><summary>{}</summary>\n\n", of.workspace)
    } else {
        format!("\n**{}**\n\n", of.workspace)
    };
    if !of.changes.is_empty() {
        text.push_str("```diff\n");
        for (action, address) in &of.changes {
            let (sign, word) = sign(*action);
            let _ = writeln!(text, "{sign} {}{word}", clean(address));
        }
        if of.more > 0 {
            let _ = writeln!(text, "# and {} more", of.more);
        }
        text.push_str("```\n");
    }
    for judgement in failing {
        let _ = write!(text, "\n{} failed in `{}`", judgement.failed, quoted(&judgement.set));
        for (place, name) in judgement.names.iter().enumerate() {
            let _ = write!(text, "{} `{}`", if place == 0 { ":" } else { "," }, quoted(name));
        }
        text.push('\n');
    }
    if folds {
        text.push_str("\n</details>\n");
    }
    text
}

/// As differences are written.
fn sign(action: Action) -> (char, &'static str) {
    match action {
        Action::Create => ('+', ""),
        Action::Delete => ('-', ""),
        Action::Update => ('!', ""),
        Action::Replace => ('!', " (replaced)"),
        Action::Move => ('#', " (moved)"),
        Action::Import => ('+', " (imported)"),
        Action::Forget => ('-', " (forgotten)"),
        Action::Invoke => ('!', " (invoked)"),
        Action::Read | Action::Same | Action::Other => ('#', ""),
    }
}

/// In one line.
fn clean(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(NAME).collect()
}

/// The same for what stands between backquotes.
fn quoted(text: &str) -> String {
    clean(text).replace('`', "'")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn networking() -> Summary {
        Summary {
            workspace: "networking".into(),
            url: "https://s/app/acme/workspaces/networking/runs/run-1".into(),
            what: "planned",
            counts: Some([1, 0, 2]),
            changes: vec![
                (Action::Create, "aws_vpc.a".into()),
                (Action::Replace, "aws_x.y[\"```\n- z\"]".into()),
            ],
            more: 3,
            policies: vec![Judgement {
                set: "costs`@all".into(),
                passed: 2,
                failed: 1,
                names: vec!["too-large".into()],
            }],
        }
    }

    #[test]
    fn a_comment_is_a_table_with_what_changes_folded_below_it() {
        let waiting = Summary {
            workspace: "other".into(),
            what: "waiting",
            counts: None,
            changes: Vec::new(),
            more: 0,
            policies: Vec::new(),
            ..networking()
        };
        let expected = "\
### Plans of 0123456789ab

| Workspace | | To add | To change | To destroy | Policies |
| --- | --- | ---: | ---: | ---: | --- |
| [networking](https://s/app/acme/workspaces/networking/runs/run-1) | planned | 1 | 0 | 2 | 2 passed, **1 failed** |
| [other](https://s/app/acme/workspaces/networking/runs/run-1) | waiting | | |  |  |

<details><summary>networking</summary>

```diff
+ aws_vpc.a
! aws_x.y[\"```- z\"] (replaced)
# and 3 more
```

1 failed in `costs'@all`: `too-large`

</details>
";
        assert_eq!(text("0123456789abcdef", &[networking(), waiting], true), expected);
        let flat = text("0123456789abcdef", &[networking()], false);
        assert!(!flat.contains("<details>") && flat.contains("**networking**"), "{flat}");
    }

    #[test]
    fn a_comment_is_as_long_as_every_provider_takes_it() {
        let mut large = networking();
        large.changes = vec![(Action::Create, "a".repeat(300)); 40];
        let all: Vec<_> =
            (0..50).map(|_| Summary { changes: large.changes.clone(), ..networking() }).collect();
        let text = text("0123456789abcdef", &all, true);
        assert!(text.len() < 32_000, "{}", text.len());
        assert!(text.contains("more are told on the pages of their runs"));
        assert_eq!(text.matches("\n| [networking]").count(), 50);
    }
}
