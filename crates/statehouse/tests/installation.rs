//! A database, its keys and its blobs belong together: what does not is refused before anything is changed.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod server;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use server::{Place, TOKEN, message, state, statehouse};

/// A place with a state in it, whose server has stopped; the workspace's id.
fn filled() -> (Place, String) {
    let place = Place::new();
    let server = place.serve();
    let workspace = server.fill();
    server.stop();
    (place, workspace)
}

/// `serve`, `migrate` and `doctor` refuse in the same words, and leave the files as they are.
fn all_refuse(place: &Place, words: &[&str]) {
    let changing = |(path, _): &(std::path::PathBuf, Vec<u8>)| {
        let name = path.file_name().unwrap().to_string_lossy();
        // Who asked last, and what readers of the database make for themselves.
        name != "lock" && !name.contains(".db")
    };
    let before: Vec<_> = place.files().into_iter().filter(changing).collect();
    let doctor = place.refused(&["doctor", "--no-agent", "--listen", "127.0.0.1:0"]);
    let serve = place.serve_refused();
    let migrate = place.refused(&["migrate"]);
    for said in [&serve, &doctor, &migrate] {
        for word in words {
            assert!(said.contains(word), "{word:?} is not in {said}");
        }
    }
    let after: Vec<_> = place.files().into_iter().filter(changing).collect();
    assert_eq!(before, after);
}

/// The key file of another installation.
fn other_key() -> Vec<u8> {
    let other = Place::new();
    other.done(&["migrate"]);
    fs::read(other.key()).unwrap()
}

fn write_key(place: &Place, content: impl AsRef<[u8]>) {
    fs::write(place.key(), content).unwrap();
    fs::set_permissions(place.key(), fs::Permissions::from_mode(0o600)).unwrap();
}

/// The lines of a key file that are keys.
fn keys(file: &[u8]) -> String {
    let text = String::from_utf8_lossy(file).into_owned();
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .fold(String::new(), |all, line| all + line + "\n")
}

#[test]
fn the_key_of_another_installation_is_refused() {
    let (place, workspace) = filled();
    let own = fs::read(place.key()).unwrap();
    write_key(&place, other_key());
    all_refuse(&place, &["key_file", "this data was sealed with the key", "back from the backup"]);
    // Once is enough.
    assert_eq!(place.serve_refused().matches("this data was sealed").count(), 1);
    // The right name does not make it the right key.
    let (name, _) = keys(&own).split_once(':').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    let other = keys(&other_key());
    let forged = format!("{name}:{}", other.split_once(':').unwrap().1);
    write_key(&place, forged);
    all_refuse(&place, &["key_file", "another key", "fingerprint"]);
    // An empty one, one that is none, one for all to read.
    write_key(&place, "");
    all_refuse(&place, &["key_file", "has no key"]);
    write_key(&place, "\u{0}garbage\n");
    all_refuse(&place, &["key_file", "line 1"]);
    write_key(&place, &own);
    fs::set_permissions(place.key(), fs::Permissions::from_mode(0o644)).unwrap();
    all_refuse(&place, &["key_file", "chmod 600"]);

    write_key(&place, &own);
    let server = place.serve();
    assert_eq!(server.current_state(&workspace), state(1));
    server.stop();
}

#[test]
fn a_missing_key_is_not_made_anew() {
    let (place, _) = filled();
    let own = fs::read(place.key()).unwrap();
    fs::remove_file(place.key()).unwrap();
    all_refuse(&place, &["key_file", "is missing", "backup"]);
    let said = place.refused(&["admin", "list-users"]);
    assert!(said.contains("is missing"), "{said}");
    assert!(!place.key().exists());
    write_key(&place, own);
    place.done(&["admin", "list-users"]);
}

#[test]
fn a_new_key_goes_on_top_and_the_old_ones_stay() {
    let (place, workspace) = filled();
    let (old, new) = (keys(&fs::read(place.key()).unwrap()), keys(&other_key()));
    write_key(&place, format!("{new}{old}"));
    let server = place.serve();
    server.push(&workspace, 2);
    server.stop();
    write_key(&place, &new);
    all_refuse(&place, &["key_file", "this data was sealed with the key"]);
    write_key(&place, &old);
    all_refuse(&place, &["key_file", "this data was sealed with the key"]);
    write_key(&place, format!("{old}{new}"));
    let server = place.serve();
    assert_eq!(server.current_state(&workspace), state(2));
    server.stop();
}

#[test]
fn blobs_of_another_installation_are_refused() {
    let ((one, workspace), (other, _)) = (filled(), filled());
    let aside = one.dir.path().join("aside");
    fs::rename(one.blobs(), &aside).unwrap();
    fs::rename(other.blobs(), one.blobs()).unwrap();
    all_refuse(&one, &["blob_url", "belong to installation"]);
    // As a file system that is not mounted looks like.
    fs::rename(one.blobs(), other.blobs()).unwrap();
    all_refuse(&one, &["blob_url", "mounted"]);
    assert!(!one.blobs().exists());
    fs::create_dir(one.blobs()).unwrap();
    all_refuse(&one, &["blob_url", "mounted"]);
    fs::remove_dir(one.blobs()).unwrap();
    fs::rename(&aside, one.blobs()).unwrap();
    let server = one.serve();
    assert_eq!(server.current_state(&workspace), state(1));
    server.stop();
}

#[test]
fn a_new_database_does_not_take_blobs_that_are_there() {
    let (old, _) = filled();
    let new = Place::new();
    fs::create_dir(new.data()).unwrap();
    fs::rename(old.blobs(), new.blobs()).unwrap();
    fs::copy(old.key(), new.key()).unwrap();
    all_refuse(&new, &["blob_url", "belong to installation"]);
    fs::remove_file(new.blobs().join("installation")).unwrap();
    all_refuse(&new, &["blob_url", "the database is new"]);
    assert!(new.blobs().join("states").exists());
}

#[test]
fn a_database_that_is_empty_or_gone_is_not_made_anew_beside_its_blobs() {
    let (place, _) = filled();
    let database = place.data().join("statehouse.db");
    for name in ["statehouse.db-wal", "statehouse.db-shm"] {
        let _ = fs::remove_file(place.data().join(name));
    }
    fs::write(&database, "").unwrap();
    for has_mark in [true, false] {
        if !has_mark {
            fs::remove_file(place.blobs().join("installation")).unwrap();
        }
        let why = if has_mark { "belong to installation" } else { "the database is new" };
        all_refuse(&place, &["blob_url", why]);
        let said = place.refused(&["verify"]);
        assert!(said.contains(why), "{said}");
        assert_eq!(fs::metadata(&database).unwrap().len(), 0, "nothing was written");
    }
    fs::remove_file(&database).unwrap();
    all_refuse(&place, &["blob_url", "the database is new"]);
    assert!(!database.exists());
}

#[test]
fn data_from_before_there_were_marks_is_marked_once_it_was_opened() {
    let (place, workspace) = filled();
    let own = fs::read(place.key()).unwrap();
    let mark = place.blobs().join("installation");
    place.execute("DELETE FROM sealing_keys; DELETE FROM installations;");
    fs::remove_file(&mark).unwrap();
    write_key(&place, other_key());
    all_refuse(&place, &["key_file", "which the key file does not have"]);
    fs::remove_file(place.key()).unwrap();
    all_refuse(&place, &["key_file", "is missing"]);
    write_key(&place, &own);
    let states = place.blobs().join("states");
    fs::rename(&states, place.dir.path().join("states")).unwrap();
    all_refuse(&place, &["blob_url", "none of the latest states"]);
    fs::rename(place.dir.path().join("states"), &states).unwrap();
    let server = place.serve();
    assert_eq!(server.current_state(&workspace), state(1));
    server.stop();
    assert!(fs::read_to_string(&mark).unwrap().starts_with("of "));
    write_key(&place, other_key());
    all_refuse(&place, &["key_file", "this data was sealed with the key"]);
}

#[test]
fn only_serve_migrate_and_demo_make_an_installation() {
    let place = Place::new();
    for words in [
        &["admin", "list-users"][..],
        &["admin", "mint-token", "ada"],
        &["admin", "create-user", "ada", "--email", "ada@example.com"],
        &["admin", "sync-versions", "--built-in"],
    ] {
        let said = place.refused(words);
        assert!(said.contains("there is no installation here"), "{words:?}: {said}");
        assert!(!place.data().exists(), "{words:?}");
    }
    place.done(&["doctor", "--no-agent", "--listen", "127.0.0.1:0"]);
    assert!(!place.data().exists());
    place.done(&["migrate"]);
    place.done(&["admin", "list-users"]);
    place.done(&["doctor", "--no-agent", "--listen", "127.0.0.1:0"]);
}

#[test]
fn doctor_refuses_a_directory_and_a_port_in_use() {
    let place = Place::new();
    let server = place.serve();
    let port = server.url.trim_end_matches('/').rsplit(':').next().unwrap().to_owned();
    let at = format!("127.0.0.1:{port}");
    let said = place.refused(&["doctor", "--no-agent", "--listen", &at]);
    assert!(said.contains("WRONG data directory") && said.contains("in use"), "{said}");
    assert!(said.contains("WRONG listening address"), "{said}");
    let said = place.refused(&[
        "doctor",
        "--no-agent",
        "--listen",
        "127.0.0.1:0",
        "--metrics-listen",
        &at,
    ]);
    assert!(said.contains("WRONG metrics address"), "{said}");
    server.stop();
    place.done(&["doctor", "--no-agent", "--listen", &at]);
}

/// A command of a server whose database is somewhere else.
fn doctor(dir: &Path, database: &str) -> String {
    let output = statehouse(&["doctor", "--no-agent", "--listen", "127.0.0.1:0", "--data-dir"])
        .arg(dir)
        .args(["--admin-token", TOKEN])
        .env("STATEHOUSE_DATABASE_URL", database)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &message(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    said
}

#[test]
fn doctor_refuses_a_database_that_cannot_be_used() {
    let dir = tempfile::tempdir().unwrap();
    // Nobody listens on this port once its listener is gone.
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let said = doctor(dir.path(), &format!("postgres://nobody@{nobody}/statehouse"));
    assert!(said.contains("WRONG database"), "{said}");

    if testkit::TestDatabase::is_postgres() {
        let place = Place::new();
        let said = doctor(dir.path(), &(place.database().url + "_which_does_not_exist"));
        assert!(said.contains("WRONG database") && said.contains("does not exist"), "{said}");
        return;
    }
    let (place, _) = filled();
    let file = place.data().join("statehouse.db");
    let whole = fs::read(&file).unwrap();
    for len in [8_000, 100, whole.len() - 4096] {
        fs::write(&file, &whole[..len]).unwrap();
        let said = doctor(&place.data(), &place.database().url);
        assert!(said.contains("WRONG database"), "{len}: {said}");
    }
    fs::write(&file, "no database at all, but longer than a header of one would be, by far")
        .unwrap();
    let said = doctor(&place.data(), &place.database().url);
    assert!(said.contains("WRONG database"), "{said}");
}

#[test]
fn a_schema_of_a_newer_version_is_refused() {
    let (place, _) = filled();
    place.execute("UPDATE _sqlx_migrations SET version = 9999 WHERE version = 25");
    all_refuse(&place, &["migration 9999", "newer version"]);
}
