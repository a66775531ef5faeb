//! A restore that is killed, at each of its steps: no command takes what it left for an installation, new or whole, and
//! it can be done again.

use std::env;
use std::path::{Path, PathBuf};

use blobs::{Blobs, Mark};
use crypto::Keyring;
use db::Timestamp;
use domain::backup::{self, Step, Target};
use rustix::process::{Signal, getpid, kill_process};

use crate::server::{Place, wait};
use crate::{backup, filled, is_restored, place_with_key_of};

/// Names to a copy of this program at which of its steps it ends.
const KILLED_AT: &str = "RESTORE_KILLED_AT";
/// Before the rows are there; the program reports each.
const STEPS: [&str; 5] = ["place taken", "checked", "schema made", "rows", "blobs"];
const LAST: &str = "database filled";

/// All commands that open data, but for `restore`.
fn commands(place: &Place) -> [Vec<String>; 6] {
    let backup = place.dir.path().join("another-backup").display().to_string();
    let asked = [
        &["serve", "--no-agent", "--listen", "127.0.0.1:0"][..],
        &["doctor", "--no-agent", "--listen", "127.0.0.1:0"],
        &["migrate"],
        &["admin", "list-users"],
        &["verify"],
        &["backup", &backup],
    ];
    asked.map(|words| words.iter().map(|word| (*word).to_owned()).collect())
}

fn all_refuse(place: &Place, when: &str) {
    for words in commands(place) {
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        let said = place.refused(&words);
        assert!(
            said.contains("broken off") && said.contains("statehouse restore"),
            "{when}: {words:?}: {said}"
        );
    }
}

/// What the copy of this program does.
fn restore_until(step: String) {
    let path = |name: &str| PathBuf::from(env::var_os(name).unwrap());
    let keyring = Keyring::load(path("PLACE_KEY")).unwrap();
    let target = Target {
        settings: db::Settings::at(env::var("PLACE_DATABASE").unwrap()),
        blobs: Blobs::directory(path("PLACE_BLOBS"), keyring.clone()).unwrap(),
        keyring,
        now: Timestamp(0),
    };
    let killed = move |reached: Step| {
        if reached.what == step {
            kill_process(getpid(), Signal::KILL).unwrap();
        }
    };
    let done = wait(backup::restore(&path("PLACE_BACKUP"), target, std::sync::Arc::new(killed)));
    panic!("it was not killed: {done:?}");
}

fn kill_restore(place: &Place, file: &Path, step: &str) {
    use std::os::unix::process::ExitStatusExt;
    let this =
        "killed::a_restore_that_was_killed_at_any_step_is_noticed_by_all_and_can_be_done_again";
    let output = std::process::Command::new(env::current_exe().unwrap())
        .args(["--exact", this, "--nocapture"])
        .env(KILLED_AT, step)
        .env("PLACE_BACKUP", file)
        .env("PLACE_KEY", place.key())
        .env("PLACE_BLOBS", place.blobs())
        .env("PLACE_DATABASE", place.database().url)
        .output()
        .unwrap();
    assert_eq!(output.status.signal(), Some(9), "{step}: {output:?}");
}

#[test]
fn a_restore_that_was_killed_at_any_step_is_noticed_by_all_and_can_be_done_again() {
    if let Ok(step) = env::var(KILLED_AT) {
        restore_until(step);
    }
    let (place, workspace) = filled();
    let file = backup(&place);
    for step in STEPS {
        let new = place_with_key_of(&place);
        kill_restore(&new, &file, step);
        all_refuse(&new, step);
        // Killed a second time, and then not.
        kill_restore(&new, &file, step);
        new.done(&["restore", file.to_str().unwrap()]);
        is_restored(&new, &workspace, 1, 1);
    }
    // From here on all of it is there.
    let new = place_with_key_of(&place);
    kill_restore(&new, &file, LAST);
    for words in &commands(&new)[1..] {
        new.done(&words.iter().map(String::as_str).collect::<Vec<_>>());
    }
    is_restored(&new, &workspace, 1, 1);
}

#[test]
fn a_restore_that_was_killed_while_it_made_the_schema_is_noticed_as_well() {
    let (place, workspace) = filled();
    let file = backup(&place);
    let id = std::fs::read_to_string(place.blobs().join("installation")).unwrap();
    let Some(id) = id.trim_end().strip_prefix("of ") else { panic!("{id}") };
    for migrations in [&[][..], &[1], &[1, 2, 3]] {
        let new = place_with_key_of(&place);
        wait(async {
            let keyring = Keyring::load(new.key()).unwrap();
            let blobs = Blobs::directory(new.blobs(), keyring).unwrap();
            blobs.replace_mark(&Mark::Restoring(id.to_owned())).await.unwrap();
            db::Loading::begin(&new.database(), migrations).await.unwrap();
        });
        all_refuse(&new, &format!("{migrations:?}"));
        new.done(&["restore", file.to_str().unwrap()]);
        is_restored(&new, &workspace, 1, 1);
    }
}

/// A folder of blobs that is a file system of its own has something in it from the start.
#[test]
fn a_restore_that_fails_leaves_of_a_folder_what_was_in_it() {
    let (place, _) = filled();
    let file = backup(&place);
    let new = place_with_key_of(&place);
    let found = new.blobs().join("lost+found");
    std::fs::create_dir_all(&found).unwrap();
    let url = place.database().url;
    let output =
        new.command(&["restore", file.to_str().unwrap(), "--database-url", &url]).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let left: Vec<_> = std::fs::read_dir(new.blobs()).unwrap().map(|e| e.unwrap().path()).collect();
    assert_eq!(left, [found]);
}

#[test]
fn a_restore_changes_nothing_of_a_database_that_is_somebodys() {
    let (place, _) = filled();
    let file = backup(&place);
    // As an older version has left it.
    let new = place_with_key_of(&place);
    let before = wait(async {
        let all = versions(&place).await;
        let loading = db::Loading::begin(&new.database(), &all[..all.len() - 1]).await.unwrap();
        loading.commit().await.unwrap();
        all.len() - 1
    });
    new.execute("INSERT INTO installations (one, id, blobs_marked) VALUES (1, 'another', false)");
    let said = new.refused(&["restore", file.to_str().unwrap()]);
    assert!(said.contains("the database is not empty"), "{said}");
    assert_eq!(wait(versions(&new)).len(), before);
}

/// Of the migrations that a place's database has.
async fn versions(place: &Place) -> Vec<i64> {
    let db = db::Db::connect(&place.database()).await.unwrap();
    let all = db.migrations().await.unwrap().iter().map(|one| one.version).collect();
    db.close().await;
    all
}
