//! Symbolic links of an archive: those that stay inside of it are kept, those that lead out are left away, also where
//! they lead out only over another one.

use std::collections::BTreeMap;

/// How many links one path may lead over.
const STEPS: usize = 40;

/// By path, with `/` between the parts and none in front.
pub(super) type Links = BTreeMap<String, Vec<u8>>;

/// Whether whoever follows the link stays inside.
pub(super) fn stays_inside(links: &Links, path: &str) -> bool {
    let mut at: Vec<String> = Vec::new();
    let mut ahead: Vec<String> = path.split('/').rev().map(str::to_owned).collect();
    let mut steps = 0;
    while let Some(part) = ahead.pop() {
        match part.as_str() {
            "" | "." => continue,
            ".." => {
                if at.pop().is_none() {
                    return false;
                }
                continue;
            }
            _ => at.push(part),
        }
        let Some(target) = links.get(&at.join("/")) else { continue };
        let Ok(target) = std::str::from_utf8(target) else { return false };
        steps += 1;
        if steps > STEPS || target.is_empty() || target.starts_with('/') || target.contains('\0') {
            return false;
        }
        at.pop();
        ahead.extend(target.split('/').rev().map(str::to_owned));
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_followed_as_a_system_would() {
        let rows = [
            ("etc", "/etc/passwd", false),
            ("up", "../x", false),
            ("a/up", "../x", true),
            ("a/far", "../../x", false),
            ("round", "round", false),
            ("dir", "a/b", true),
            // Innocent by its letters: a/b is two deep, where "dir" leads to.
            ("a/b/root", "../..", true),
            ("over", "a/b/root/..", false),
            ("a/b/c", "../../dir/../../x", true),
            ("a/b/d", "../../dir/../../../x", false),
            ("empty", "", false),
        ];
        let links: Links =
            rows.iter().map(|(path, to, _)| ((*path).to_owned(), to.as_bytes().to_vec())).collect();
        for (path, to, expected) in rows {
            assert_eq!(stays_inside(&links, path), expected, "{path} → {to}");
        }
    }
}
