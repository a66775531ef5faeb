//! What an outcome tells of a policy's rules, and what its comments say: never more than a server can hold.

use std::collections::BTreeMap;

use crate::eval::{Interp, MAX_VALUE};
use crate::mask::CUT;
use crate::outcome::RuleValue;
use crate::source::{Eval, Lines, Pos, Source};
use crate::value::{Rule, RuleState};

/// Bytes that all rules of a policy may take together.
const ALL: usize = 4 << 20;

/// Bytes that a rule takes beside its name, its file, its comment and its value.
const RULE: usize = 128;

/// The rules that were evaluated, `main` first, then by name, and how many more there is no room for.
pub(crate) fn rules(interp: &mut Interp<'_>, policy: &Source) -> Eval<(Vec<RuleValue>, usize)> {
    // Of several that a name stood for one after the other, the last one is meant.
    let evaluated = interp.rules.iter().filter(|(_, _, rule)| {
        matches!(&*rule.state.borrow(), RuleState::Done(_) | RuleState::Failed(_))
    });
    let last: BTreeMap<&str, (Pos, &Rule<'_>)> =
        evaluated.map(|(name, pos, rule)| (*name, (*pos, *rule))).collect();
    let mut order: Vec<_> = last.into_iter().collect();
    order.sort_by_key(|(name, _)| *name != "main");
    let lines = Lines::of(&policy.text);
    let (mut told, mut left) = (Vec::new(), ALL);
    for (name, (pos, rule)) in &order {
        let most = RULE + name.len() + policy.name.len() + 2 * MAX_VALUE;
        if most > left {
            break;
        }
        let value = match &*rule.state.borrow() {
            RuleState::Done(value) => Some(*value),
            _ => None,
        };
        let (value, size) = match value {
            Some(value) => {
                let (value, size) = interp.tell(value).map_err(|fault| fault.or_at(*pos))?;
                (Some(value), size)
            }
            None => (None, 0),
        };
        let at = pos.at as usize;
        let description = comment_above(policy, &lines, at);
        left -= RULE + name.len() + policy.name.len() + description.len() + size;
        let place = lines.place(policy, at);
        told.push(RuleValue { name: (*name).to_owned(), place, description, value });
    }
    let untold = order.len() - told.len();
    Ok((told, untold))
}

/// What a line of comment says.
fn comment(line: &str) -> Option<&str> {
    let line = line.trim();
    let text = line.strip_prefix("//").or_else(|| line.strip_prefix('#'))?;
    Some(text.trim())
}

/// The comment at the head of a file, if a blank line follows it.
pub(crate) fn head_comment(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let text = text.trim_start_matches('\u{feff}').trim_start();
    if let Some(block) = text.strip_prefix("/*") {
        let Some((inner, after)) = block.split_once("*/") else { return String::new() };
        let lines = inner.lines().map(|line| line.trim().trim_start_matches('*').trim());
        let blank = after.lines().nth(1).is_none_or(|line| line.trim().is_empty());
        return if blank {
            lines.collect::<Vec<_>>().join("\n").trim().to_owned()
        } else {
            String::new()
        };
    }
    let mut lines = text.lines();
    let comments: Vec<&str> = lines.by_ref().map_while(comment).collect();
    let after = text.lines().nth(comments.len());
    if after.is_some_and(|line| line.trim().is_empty()) {
        comments.join("\n")
    } else {
        String::new()
    }
}

/// The comment lines directly above the line of a byte; of very many those that are nearest.
fn comment_above(policy: &Source, lines: &Lines, at: usize) -> String {
    let (mut comments, mut left) = (Vec::new(), MAX_VALUE);
    for line in (1..lines.find(at).0).rev() {
        let text = String::from_utf8_lossy(lines.line(&policy.text, line));
        let Some(text) = comment(&text) else { break };
        if text.len() >= left {
            comments.push(CUT.to_owned());
            break;
        }
        left -= text.len() + 1;
        comments.push(text.to_owned());
    }
    comments.reverse();
    comments.join("\n")
}
