//! Where a noun is registered: a line for each place, in the order that the place has.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::name::Name;

/// How a line finds its place in a file.
enum At {
    /// Among the lines that follow the one which is `after`, each of which has `word`, by the alphabet.
    Among { after: &'static str, word: &'static str },
    /// Before the line which begins so.
    Before(&'static str),
    /// After the line which begins so.
    After(&'static str),
}

use At::{After, Among, Before};

const PLACES: &[(&str, At, &str)] = &[
    ("crates/db/src/id.rs", Among { after: "ids! {", word: "Id = " }, "    GadGetId = \"PREFIX\","),
    (
        "crates/db/src/entity/mod.rs",
        Among { after: "use standalone;", word: "pub mod " },
        "pub mod gad_get;",
    ),
    (HAPPENED, EVENTS, "        GadGetCreated = \"gad_get_created\","),
    (HAPPENED, EVENTS, "        GadGetDeleted = \"gad_get_deleted\","),
    (HAPPENED, EVENTS, "        GadGetUpdated = \"gad_get_updated\","),
    (
        "crates/domain/src/lib.rs",
        Among { after: "//! What is true", word: "mod " },
        "pub mod gad_gets;",
    ),
    (
        "crates/domain/src/lib.rs",
        After("    pub use db::entity::{"),
        "        gad_get::Model as GadGet,",
    ),
    (
        "xtask/src/lint/rooms.rs",
        Among { after: "        \"who there is, where", word: "\"," },
        "            \"gad_gets\",",
    ),
    ("crates/entrance/src/locate.rs", After("use domain::{"), "    gad_gets,"),
    (
        "crates/entrance/src/locate.rs",
        After("    |path, found| path.holds(found);"),
        "    In<row::GadGet, row::Organization> = gad_gets::find, by \"gad_get_id\";",
    ),
    ("crates/api/src/lib.rs", Among { after: "//! The JSON:API", word: "mod " }, "mod gad_gets;"),
    (
        "crates/api/src/lib.rs",
        Before("        .merge(bootstrap::routes())"),
        "        .merge(gad_gets::routes())",
    ),
    ("crates/api/src/includes.rs", After("use crate::{"), "    gad_gets,"),
    (
        "crates/api/src/includes.rs",
        After("    loaded! {"),
        "        \"gad-gets\" = gad_gets::load, |cx, rows| rows.into_iter().map(gad_gets::View);",
    ),
    (
        "crates/api/tests/it/list_scopes.rs",
        After("const NARROWED: "),
        "    (\"/organizations/{organization_name}/gad-gets\", \"/gad-gets/*\"),",
    ),
    ("crates/api/tests/it/main.rs", Among { after: ")]", word: "mod " }, "mod gad_gets;"),
    (WORLD, Among { after: "//! are generated from.", word: "mod " }, "mod gad_gets;"),
    (
        WORLD,
        Before("        let agent = server.bearer("),
        "        names.extend(gad_gets::in_world(&owner).await);",
    ),
    (
        WORLD,
        Before("            .unwrap_or_else(|| panic!(\"say in World what is sent"),
        "            .or_else(|| gad_gets::body(method, path))",
    ),
];

const HAPPENED: &str = "crates/db/src/entity/event/happened.rs";
const EVENTS: At = Among { after: "    Happened {", word: " = \"" };
const WORLD: &str = "crates/testkit/src/world.rs";

const CAN: &str = "crates/domain/src/access/can.rs";
const MEMBERSHIPS: &str = "    // Who belongs to an organization.";

const PAGE: &str = "docs/compatibility.md";
const ROWS: [&str; 5] = [
    "| `GET /api/v2/organizations/{organization_name}/gad-gets` | not yet | | |",
    "| `POST /api/v2/organizations/{organization_name}/gad-gets` | not yet | | |",
    "| `DELETE /api/v2/gad-gets/{gad_get_id}` | not yet | | |",
    "| `GET /api/v2/gad-gets/{gad_get_id}` | not yet | | |",
    "| `PATCH /api/v2/gad-gets/{gad_get_id}` | not yet | | |",
];

/// All files in which something is registered.
pub fn files() -> Vec<&'static str> {
    let mut all: Vec<_> = PLACES.iter().map(|(path, ..)| *path).chain([CAN, PAGE]).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// These files with the noun in them.
pub fn registered(root: &Path, name: &Name) -> Result<Vec<(PathBuf, String)>> {
    files()
        .into_iter()
        .map(|path| {
            let text = std::fs::read_to_string(root.join(path));
            let text = with(path, &text.with_context(|| path.to_owned())?, name);
            Ok((PathBuf::from(path), text.with_context(|| path.to_owned())?))
        })
        .collect()
}

fn with(path: &str, text: &str, name: &Name) -> Result<String> {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for (_, at, line) in PLACES.iter().filter(|(of, ..)| *of == path) {
        let line = name.applied_to(line).replace("PREFIX", name.prefix());
        let index = at.index(&lines, &line)?;
        lines.insert(index, line);
    }
    match path {
        CAN => permit(&mut lines, name)?,
        PAGE => document(&mut lines, name)?,
        _ => {}
    }
    Ok(lines.join("\n") + "\n")
}

impl At {
    fn index(&self, lines: &[String], line: &str) -> Result<usize> {
        let starting = |start: &str| {
            let found = lines.iter().position(|line| line.starts_with(start));
            found.with_context(|| format!("there is no line {start:?} any more"))
        };
        match *self {
            Before(start) => starting(start),
            After(start) => Ok(starting(start)? + 1),
            Among { after, word } => {
                let from = starting(after)? + 1;
                let is_one =
                    |index: &usize| lines.get(*index).is_some_and(|line| line.contains(word));
                let is_comment = |index: usize| {
                    lines.get(index).is_some_and(|line| line.trim_start().starts_with("//"))
                };
                let first = (from..lines.len()).find(is_one);
                let first = first.with_context(|| format!("nothing follows {after:?} any more"))?;
                let own = key(line);
                let mut index = first;
                while is_one(&index) || is_comment(index) {
                    if is_one(&index) && key(&lines[index]) > own {
                        break;
                    }
                    index += 1;
                }
                // What is said of the next stays with it.
                while is_comment(index - 1) {
                    index -= 1;
                }
                Ok(index)
            }
        }
    }
}

/// What lines are ordered by.
fn key(line: &str) -> &str {
    line.trim_start().trim_start_matches("pub ").trim_start_matches('"')
}

/// Its permissions, unless they have been thought of before.
fn permit(lines: &mut Vec<String>, name: &Name) -> Result<()> {
    let of = name.permissions();
    for (verb, rule) in [("Read", "a.belongs_to(o)"), ("Manage", "a.owns(o)")] {
        let own = format!("    {verb}{of} ");
        if !lines.iter().any(|line| line.starts_with(&own)) {
            // Before the empty line that ends those of organizations.
            let index = Before(MEMBERSHIPS).index(lines, "")?;
            lines.insert(index - 1, format!("{own}on Organization: |a, o| {rule};"));
        }
    }
    Ok(())
}

/// Its rows on the page about compatibility, unless they are there.
fn document(lines: &mut Vec<String>, name: &Name) -> Result<()> {
    let rows: Vec<_> = ROWS.iter().map(|row| name.applied_to(row)).collect();
    let operation = |row: &str| row.split('`').nth(1).map(str::to_owned);
    if lines.iter().any(|line| operation(line) == operation(&rows[0])) {
        return Ok(());
    }
    let heading = name.applied_to("## Gad gets");
    let sections = lines.iter().enumerate().filter(|(index, line)| {
        line.starts_with("## ") && lines.get(index + 2).is_some_and(|line| line.starts_with('|'))
    });
    let next = sections.map(|(index, _)| index).find(|index| lines[*index] > heading);
    let index = next.context("there are no sections with rows any more")?;
    let head = "| operation | served | tested | what differs |\n| --- | --- | --- | --- |";
    let section = [heading, String::new()].into_iter().chain(head.lines().map(str::to_owned));
    let section = section.chain(rows).chain([String::new()]).collect::<Vec<_>>();
    lines.splice(index..index, section);
    Ok(())
}
