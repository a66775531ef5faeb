//! The files of an SQLite database that are moved, deleted or replaced beneath it. PostgreSQL looks after its own.

use std::{
    fs,
    path::{Path, PathBuf},
};

use statehouse_db::{Db, Error, entity::site_setting as setting, sea_orm::EntityTrait};

async fn write(db: &Db, name: &str) -> Result<(), Error> {
    let tx = db.write().await?;
    tx.insert(crate::setting(name, "1")).await?;
    tx.commit().await
}

async fn is_kept(db: &Db, name: &str) -> bool {
    setting::Entity::find_by_id(name.to_owned()).one(db.read()).await.unwrap().is_some()
}

fn aside(path: &Path) -> PathBuf {
    path.with_extension("aside")
}

async fn open(folder: &Path) -> Db {
    let url = format!("sqlite://{}", folder.join("statehouse.db").display());
    Db::open(&statehouse_db::Settings::at(url)).await.unwrap()
}

fn is_refused(answer: &Result<(), Error>, how: &str) {
    let Err(Error::Unavailable { sentence, .. }) = answer else { panic!("{how}: {answer:?}") };
    assert!(sentence.contains("not where they were opened"), "{how}: {sentence}");
}

#[tokio::test]
async fn nothing_is_written_into_files_that_nobody_would_find_again() {
    for file in ["statehouse.db", "statehouse.db-wal", "statehouse.db-shm", ""] {
        for replaced in [false, true] {
            let folder = tempfile::tempdir().unwrap();
            let inside = folder.path().join("data");
            fs::create_dir(&inside).unwrap();
            let db = open(&inside).await;
            write(&db, "before").await.unwrap();
            let open_meanwhile = db.write().await.unwrap();
            open_meanwhile.insert(crate::setting("open", "1")).await.unwrap();
            let lost = if file.is_empty() { inside.clone() } else { inside.join(file) };
            fs::rename(&lost, aside(&lost)).unwrap();
            match (replaced, file.is_empty()) {
                (false, _) => {}
                (true, true) => {
                    fs::create_dir(&lost).unwrap();
                    for entry in fs::read_dir(aside(&lost)).unwrap() {
                        let entry = entry.unwrap();
                        fs::copy(entry.path(), lost.join(entry.file_name())).unwrap();
                    }
                }
                (true, false) => drop(fs::copy(aside(&lost), &lost).unwrap()),
            }
            let how = format!("{file:?} {replaced}");
            is_refused(&open_meanwhile.commit().await, &how);
            is_refused(&write(&db, "meanwhile").await, &how);
            is_refused(&db.check().await, &how);
            // What was put there is taken away, and all is as it was.
            if replaced && file.is_empty() {
                fs::remove_dir_all(&lost).unwrap();
            }
            fs::rename(aside(&lost), &lost).unwrap();
            write(&db, "after").await.unwrap();
            db.check().await.unwrap();
            db.close().await;
            let db = open(&inside).await;
            for (name, kept) in
                [("before", true), ("open", false), ("meanwhile", false), ("after", true)]
            {
                assert_eq!(is_kept(&db, name).await, kept, "{how}: {name}");
            }
            db.close().await;
        }
    }
}

#[tokio::test]
async fn a_new_connection_makes_no_file_where_the_database_was() {
    let folder = tempfile::tempdir().unwrap();
    let db = open(folder.path()).await;
    write(&db, "before").await.unwrap();
    let path = folder.path().join("statehouse.db");
    fs::remove_file(&path).unwrap();
    for _ in 0..3 {
        // A transaction that fails takes its connection along.
        let tx = db.write().await;
        if let Ok(tx) = tx {
            let broken =
                statehouse_db::sea_orm::ConnectionTrait::execute_unprepared(&*tx, "nonsense");
            broken.await.unwrap_err();
        }
    }
    assert!(!path.exists());
    assert!(write(&db, "after").await.is_err());
}

#[tokio::test]
async fn other_processes_come_and_go_and_change_nothing_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let db = open(folder.path()).await;
    for name in ["1", "2", "3"] {
        write(&db, name).await.unwrap();
        let other = open(folder.path()).await;
        write(&other, &format!("other-{name}")).await.unwrap();
        other.close().await;
    }
    write(&db, "last").await.unwrap();
    db.close().await;
    let left = fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(left, 1, "the last one tidies up");
}
