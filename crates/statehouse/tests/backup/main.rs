//! Backup, restore and verify, as an operator does them.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod killed;
#[path = "../server/mod.rs"]
mod server;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::Value;
use server::{Place, message, state};

/// A place with a state in it, whose server has stopped; the workspace's id.
fn filled() -> (Place, String) {
    let place = Place::new();
    let server = place.serve();
    let workspace = server.fill();
    server.stop();
    (place, workspace)
}

fn file(place: &Place) -> PathBuf {
    place.dir.path().join("backup")
}

fn backup(place: &Place) -> PathBuf {
    let file = file(place);
    place.done(&["backup", file.to_str().unwrap()]);
    file
}

/// An empty place with the key of another one.
fn place_with_key_of(old: &Place) -> Place {
    let new = Place::new();
    fs::create_dir(new.data()).unwrap();
    fs::copy(old.key(), new.key()).unwrap();
    new
}

fn restore_refused(place: &Place, file: &Path) -> String {
    place.refused(&["restore", file.to_str().unwrap()])
}

/// All states of a workspace that its server gives out, by serial.
fn states(place: &Place, workspace: &str) -> Vec<(u64, String)> {
    let server = place.serve();
    let mut all = Vec::new();
    for page in 1.. {
        let path = format!(
            "state-versions?filter[workspace][name]=net&filter[organization][name]=acme\
             &page[size]=100&page[number]={page}"
        );
        let answer = server.get(&path).text().unwrap();
        let list: Value = serde_json::from_str(&answer).unwrap();
        let versions = list["data"].as_array().unwrap();
        for version in versions {
            let attributes = &version["attributes"];
            let url = attributes["hosted-state-download-url"].as_str().unwrap();
            let content = server.get(url).text().unwrap();
            all.push((attributes["serial"].as_u64().unwrap(), content));
        }
        if versions.len() < 100 {
            break;
        }
    }
    assert_eq!(server.current_state(workspace), all[0].1);
    server.stop();
    all.sort();
    all
}

/// Backs up while states are being written, and gives back the last serial that was answered before it began, and the
/// last of all.
fn backup_under_load(place: &Place, workspace: &str) -> (u64, u64) {
    let server = place.serve();
    let (written, stop) = (AtomicU64::new(1), AtomicU64::new(u64::MAX));
    let (before, last) = std::thread::scope(|scope| {
        let writer = scope.spawn({
            let (server, written, stop) = (&server, &written, &stop);
            move || {
                for serial in 2.. {
                    if serial > stop.load(Ordering::SeqCst) {
                        return serial - 1;
                    }
                    server.push(workspace, serial);
                    written.store(serial, Ordering::SeqCst);
                }
                unreachable!("somebody stops it")
            }
        });
        while written.load(Ordering::SeqCst) < 10 {
            std::thread::yield_now();
        }
        let before = written.load(Ordering::SeqCst);
        backup(place);
        stop.store(written.load(Ordering::SeqCst) + 1, Ordering::SeqCst);
        (before, writer.join().unwrap())
    });
    server.stop();
    (before, last)
}

/// What comes back is every state up to some moment of the backup, byte by byte.
fn is_restored(new: &Place, workspace: &str, before: u64, last: u64) {
    assert!(new.done(&["verify"]).contains("nothing is damaged"));
    let restored = states(new, workspace);
    let newest = u64::try_from(restored.len()).unwrap();
    assert!((before..=last).contains(&newest), "{before} {newest} {last}");
    for (serial, content) in restored {
        assert_eq!(content, state(serial));
    }
}

#[test]
fn a_backup_under_load_brings_every_state_back() {
    let (place, workspace) = filled();
    let (before, last) = backup_under_load(&place, &workspace);
    let new = place_with_key_of(&place);
    let said = new.done(&["restore", file(&place).to_str().unwrap()]);
    assert!(said.contains("restored"), "{said}");
    is_restored(&new, &workspace, before, last);
    // What was written after the backup is not lost where it is.
    let here = states(&place, &workspace);
    assert_eq!(u64::try_from(here.len()).unwrap(), last);
    // A second server on the same keys goes on from there.
    let server = new.serve();
    server.push(&workspace, last + 1);
    assert_eq!(server.current_state(&workspace), state(last + 1));
    server.stop();
    assert!(new.done(&["verify"]).contains("nothing is damaged"));
}

/// From PostgreSQL to SQLite and back where tests run on PostgreSQL.
#[test]
fn a_backup_moves_to_another_database() {
    let (place, workspace) = filled();
    let on_sqlite = place_with_key_of(&place).without_database();
    on_sqlite.done(&["restore", backup(&place).to_str().unwrap()]);
    is_restored(&on_sqlite, &workspace, 1, 1);
    let back = place_with_key_of(&place);
    back.done(&["restore", backup(&on_sqlite).to_str().unwrap()]);
    is_restored(&back, &workspace, 1, 1);
}

#[test]
fn a_backup_that_was_cut_or_changed_is_refused_before_anything_is_made() {
    let (place, _) = filled();
    let whole = fs::read(backup(&place)).unwrap();
    let new = place_with_key_of(&place);
    let broken = new.dir.path().join("broken");
    let mut changed = whole.clone();
    changed[whole.len() / 2] ^= 1;
    for content in [&whole[..whole.len() - 1], &whole[..whole.len() / 2], &whole[..0], &changed] {
        fs::write(&broken, content).unwrap();
        let said = restore_refused(&new, &broken);
        assert!(said.contains("is no backup, or is not whole"), "{said}");
        assert!(!new.blobs().join("states").exists());
    }
    let server = new.serve();
    assert_eq!(server.get("organizations").text().unwrap().matches("acme").count(), 0);
    server.stop();
}

#[test]
fn a_backup_is_restored_only_with_its_keys_and_only_into_an_empty_place() {
    let (place, _) = filled();
    let file = backup(&place);
    let new = Place::new();
    let said = restore_refused(&new, &file);
    assert!(said.contains("key_file") && said.contains("put the key file"), "{said}");
    assert!(!new.data().exists());

    let other = Place::new();
    other.done(&["migrate"]);
    let new = place_with_key_of(&other);
    let said = restore_refused(&new, &file);
    assert!(said.contains("this data was sealed with the key"), "{said}");

    let said = restore_refused(&place, &file);
    assert!(said.contains("not empty"), "{said}");
    assert!(said.contains(place.data().to_str().unwrap()), "which place it is: {said}");
    let (used, _) = filled();
    fs::copy(place.key(), used.key()).unwrap();
    let said = restore_refused(&used, &file);
    assert!(said.contains("not empty"), "{said}");

    let new = place_with_key_of(&place);
    new.done(&["restore", file.to_str().unwrap()]);
    let said = restore_refused(&new, &file);
    assert!(said.contains("not empty"), "{said}");
    let said = place.refused(&["backup", file.to_str().unwrap()]);
    assert!(said.contains("exists already"), "{said}");
}

#[test]
fn a_restore_does_nothing_a_second_time() {
    let (place, _) = filled();
    // A workspace whose destruction is due, locked by a run that was applying.
    place.execute(
        "UPDATE workspaces SET auto_destroy_at = 1, lock_kind = 'runs', lock_holder_id = 'run-1', locked_at = 1; \
         INSERT INTO tasks (id, kind, payload, due_at, attempts, last_error, created_at) \
         VALUES ('task-1', 'trigger_run', '{}', 0, 0, NULL, 0);",
    );
    let new = place_with_key_of(&place);
    let said = new.done(&["restore", backup(&place).to_str().unwrap()]);
    assert!(said.contains("1 scheduled destructions"), "{said}");
    let server = new.serve();
    let shown: Value =
        serde_json::from_str(&server.get("organizations/acme/workspaces/net").text().unwrap())
            .unwrap();
    assert_eq!(shown["data"]["attributes"]["auto-destroy-at"], Value::Null);
    assert_eq!(shown["data"]["attributes"]["locked"], false);
    server.stop();
}

/// What a command says, on both channels, that ends with this code.
fn ends_with(place: &Place, code: i32, words: &[&str]) -> String {
    let output = place.output(words);
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &message(&output);
    assert_eq!(output.status.code(), Some(code), "{words:?}: {said}");
    said
}

#[test]
fn a_blob_that_is_missing_or_cut_short_makes_no_backup_unless_that_is_wanted() {
    for cut in [false, true] {
        let (place, _) = filled();
        let states = place.blobs().join("states");
        let lost = fs::read_dir(&states).unwrap().next().unwrap().unwrap().path();
        if cut {
            let whole = fs::read(&lost).unwrap();
            fs::write(&lost, &whole[..whole.len() - 1]).unwrap();
        } else {
            fs::remove_file(&lost).unwrap();
        }
        let file = file(&place);
        let file_name = file.to_str().unwrap();
        let said = place.refused(&["backup", file_name]);
        let name = format!("states/{}", lost.file_name().unwrap().display());
        assert!(said.contains("no backup was made") && said.contains(&name), "{said}");
        assert!(!file.exists());
        let said = ends_with(&place, 2, &["backup", file_name, "--even-if-damaged"]);
        assert!(said.contains("complete but for 1 that") && said.contains(&name), "{said}");
        let new = place_with_key_of(&place);
        let said = new.done(&["restore", file_name]);
        assert!(said.contains(&name), "{said}");
        let said = new.refused(&["verify"]);
        assert!(said.contains(&format!("DAMAGED acme/net: blob {name}")), "{said}");
    }
}

/// Writes nonsense over the first page of an index, of which no row says anything.
fn damage_an_index(place: &Place) -> bool {
    use db::sea_orm::{ConnectionTrait, Statement};
    let Some(file) = place.database().url.strip_prefix("sqlite://").map(PathBuf::from) else {
        return false;
    };
    let page: i64 = server::wait(async {
        let db = db::Db::connect(&place.database()).await.unwrap();
        let sql = "SELECT rootpage FROM sqlite_master WHERE name = 'team_projects_project'";
        let reads = db.read();
        let statement = Statement::from_string(reads.get_database_backend(), sql);
        let row = reads.query_one_raw(statement).await.unwrap().unwrap();
        let page = row.try_get_by_index(0).unwrap();
        db.close().await;
        page
    });
    let mut bytes = fs::read(&file).unwrap();
    let at = usize::try_from(page - 1).unwrap() * 4096;
    bytes[at..at + 4096].fill(0xff);
    fs::write(&file, bytes).unwrap();
    true
}

#[test]
fn a_damaged_database_is_found_by_verify_and_makes_no_backup_unless_that_is_wanted() {
    let (place, _) = filled();
    if !damage_an_index(&place) {
        // PostgreSQL looks after its own pages.
        return;
    }
    let said = place.refused(&["verify"]);
    assert!(said.contains("DAMAGED the database"), "{said}");
    let file = file(&place);
    let said = place.refused(&["backup", file.to_str().unwrap()]);
    assert!(said.contains("the database is damaged"), "{said}");
    assert!(!file.exists());
    let said = ends_with(&place, 2, &["backup", file.to_str().unwrap(), "--even-if-damaged"]);
    assert!(said.contains("the database is damaged"), "{said}");
    assert!(file.exists());
}

#[test]
fn a_restore_that_fails_leaves_nothing_behind() {
    let (place, _) = filled();
    let file = backup(&place);
    let new = place_with_key_of(&place);
    let url = place.database().url;
    let into_a_full_one =
        new.command(&["restore", file.to_str().unwrap(), "--database-url", &url]).output().unwrap();
    assert_eq!(into_a_full_one.status.code(), Some(1), "{}", message(&into_a_full_one));
    assert!(message(&into_a_full_one).contains("not empty"), "{}", message(&into_a_full_one));
    assert!(!new.blobs().exists());
    new.done(&["restore", file.to_str().unwrap()]);
    new.done(&["verify"]);
}

#[test]
fn a_backup_that_fails_leaves_nothing_that_looks_like_one() {
    let (place, _) = filled();
    let file = place.dir.path().join("nowhere").join("backup");
    let said = place.refused(&["backup", file.to_str().unwrap()]);
    assert!(said.contains("nowhere"), "{said}");
    // A file that cannot be written to its end, as on a full disk: what was begun is gone.
    let target = place.dir.path().join("full");
    let output = place
        .command(&["backup", target.to_str().unwrap()])
        .env("TMPDIR", place.dir.path().join("nowhere"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", message(&output));
    assert!(message(&output).contains(target.to_str().unwrap()), "{}", message(&output));
    let left: Vec<_> = fs::read_dir(place.dir.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .filter(|name| name != "data")
        .collect();
    assert!(left.is_empty(), "{left:?}");
    let empty = Place::new();
    let said = empty.refused(&["backup", target.to_str().unwrap()]);
    assert!(said.contains("there is no installation here"), "{said}");
    assert!(!empty.data().exists());
}

#[test]
fn verify_names_what_is_damaged_by_organization_and_workspace() {
    let (place, _) = filled();
    let said = place.done(&["verify"]);
    assert!(said.contains("1 states") && said.contains("nothing is damaged"), "{said}");
    let states = place.blobs().join("states");
    let blob = fs::read_dir(&states).unwrap().next().unwrap().unwrap().path();
    let name = format!("states/{}", blob.file_name().unwrap().display());
    let whole = fs::read(&blob).unwrap();

    let mut flipped = whole.clone();
    flipped[whole.len() - 3] ^= 1;
    for content in [&flipped[..], &whole[..whole.len() - 5], &whole[..20], &[]] {
        fs::write(&blob, content).unwrap();
        let said = place.refused(&["verify"]);
        assert!(said.contains(&format!("DAMAGED acme/net: blob {name}")), "{said}");
        assert!(said.contains("1 damaged"), "{said}");
    }
    fs::remove_file(&blob).unwrap();
    let said = place.refused(&["verify"]);
    assert!(said.contains("is not there, and a row names it"), "{said}");
    fs::write(&blob, &whole).unwrap();
    place.done(&["verify"]);

    // Another state of the same installation in its place; and rows that were changed.
    for (damage, repair, why) in [
        (
            "UPDATE state_versions SET md5 = 'd41d8cd98f00b204e9800998ecf8427e'",
            "UPDATE state_versions SET md5 = (SELECT name FROM spare)",
            "another digest",
        ),
        (
            "UPDATE state_versions SET size = size + 1",
            "UPDATE state_versions SET size = size - 1",
            "its row says",
        ),
        (
            "UPDATE state_versions SET serial = 7, run_id = 'run-1'",
            "UPDATE state_versions SET serial = 1, run_id = NULL",
            "serial",
        ),
        (
            "UPDATE state_versions SET lineage = 'm', run_id = 'run-1'",
            "UPDATE state_versions SET lineage = 'l', run_id = NULL",
            "lineage",
        ),
        (
            "UPDATE workspaces SET current_state_version_id = 'sv-gone'",
            "UPDATE workspaces SET current_state_version_id = (SELECT id FROM state_versions)",
            "no state of its own",
        ),
        (
            "UPDATE workspaces SET current_state_version_id = NULL",
            "UPDATE workspaces SET current_state_version_id = (SELECT id FROM state_versions)",
            "none of them is current",
        ),
        (
            "UPDATE variables SET id = 'var-other'",
            "DELETE FROM variables",
            "variables.value of var-other",
        ),
    ] {
        if damage.contains("md5") {
            place.execute(
                "CREATE TABLE spare (name TEXT); INSERT INTO spare SELECT md5 FROM state_versions",
            );
        }
        place.execute(damage);
        let said = place.refused(&["verify"]);
        assert!(said.contains("DAMAGED") && said.contains(why), "{damage}: {said}");
        place.execute(repair);
        let said = place.done(&["verify"]);
        assert!(said.contains("nothing is damaged"), "{repair}: {said}");
    }
}

#[test]
fn verify_tells_uploads_under_way_from_what_nobody_needs() {
    let (place, _) = filled();
    let stray = place.blobs().join("states/sv-stray");
    fs::write(&stray, "sealed").unwrap();
    let says = |unfinished, note| {
        let said = place.done(&["verify"]);
        assert!(said.contains("nothing is damaged"), "{said}");
        assert_eq!(
            said.contains("1 blobs are of uploads that are under way"),
            unfinished,
            "{said}"
        );
        assert_eq!(said.contains("note    blob states/sv-stray"), note, "{said}");
    };
    says(true, false);
    let now = fs::metadata(&stray).unwrap().modified().unwrap();
    fs::File::open(&stray).unwrap().set_modified(now - Duration::from_hours(48)).unwrap();
    says(false, true);
    // A version waits for it, however long.
    place.execute(
        "CREATE TABLE spare AS SELECT * FROM state_versions; \
         UPDATE spare SET id = 'sv-stray', number = 2, status = 'pending'; \
         INSERT INTO state_versions SELECT * FROM spare; DROP TABLE spare",
    );
    says(true, false);
    place.execute("UPDATE state_versions SET status = 'discarded' WHERE id = 'sv-stray'");
    says(false, true);
    // Its deletion is on its way.
    place.execute(
        "INSERT INTO tasks (id, kind, payload, due_at, attempts, created_at) VALUES \
         ('task-0123456789abcdef', 'delete_blobs', '[{\"blob\":\"states/sv-stray\"}]', 0, 0, 0)",
    );
    says(false, false);
}

#[test]
fn verify_and_backup_work_while_a_server_serves_and_change_nothing_of_it() {
    let place = Place::new();
    let server = place.serve();
    let workspace = server.fill();
    assert!(place.done(&["verify"]).contains("nothing is damaged"));
    backup(&place);
    server.push(&workspace, 2);
    assert_eq!(server.current_state(&workspace), state(2));
    server.stop();
}
