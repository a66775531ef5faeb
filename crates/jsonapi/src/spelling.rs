//! Names arrive as `auto-apply`, `auto_apply` or `autoApply`; all three mean the same.

/// Whether two names differ in hyphens, underscores and case only.
pub(crate) fn same(one: &str, other: &str) -> bool {
    letters(one).eq(letters(other))
}

fn letters(name: &str) -> impl Iterator<Item = char> {
    name.chars().filter(|c| !matches!(c, '-' | '_')).map(|c| c.to_ascii_lowercase())
}

/// The spelling of the wire: `auto_apply` and `autoApply` become `auto-apply`. Dots stay, since
/// they separate the steps of a path.
pub(crate) fn kebab(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    let mut after_small = false;
    for c in name.chars() {
        if c.is_ascii_uppercase() && after_small {
            out.push('-');
        }
        out.push(if c == '_' { '-' } else { c.to_ascii_lowercase() });
        after_small = c.is_ascii_lowercase() || c.is_ascii_digit();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{kebab, same};
    use proptest::prelude::*;

    /// A name in words, and the words joined in each spelling.
    fn spelled() -> impl Strategy<Value = [String; 3]> {
        proptest::collection::vec("[a-z][a-z0-9]{0,7}", 1..5).prop_map(|words| {
            let camel = words.iter().enumerate().map(|(i, word)| match i {
                0 => word.clone(),
                _ => word[..1].to_uppercase() + &word[1..],
            });
            [words.join("-"), words.join("_"), camel.collect()]
        })
    }

    proptest! {
        #[test]
        fn all_spellings_of_a_name_are_the_same_and_have_one_kebab_form(names in spelled()) {
            for name in &names {
                prop_assert!(same(name, &names[0]));
                // A one-letter word leaves no small letter to tell `aB` from `a-b` by.
                prop_assert!(same(&kebab(name), &names[0]));
            }
            prop_assert_eq!(kebab(&names[0]), names[0].as_str());
            prop_assert_eq!(kebab(&names[1]), names[0].as_str());
        }

        #[test]
        fn kebab_is_a_fixed_point_and_means_the_same(name in "\\PC{0,24}") {
            let once = kebab(&name);
            prop_assert_eq!(kebab(&once), once.as_str());
            prop_assert!(same(&once, &name));
        }
    }

    #[test]
    fn camel_case_becomes_kebab_case() {
        assert_eq!(kebab("deleteOlderThanNDays"), "delete-older-than-ndays");
        assert_eq!(kebab("sha256Sum"), "sha256-sum");
        assert_eq!(kebab("current_run.createdBy"), "current-run.created-by");
    }

    #[test]
    fn different_names_are_not_the_same() {
        assert!(!same("auto-apply", "auto-applied"));
        assert!(!same("auto-apply", "auto.apply"));
    }
}
