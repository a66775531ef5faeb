//! What can be seen and written.

use crate::cell::Cell;

/// All layers; Landlock alone; the view alone.
fn kinds() -> Vec<Cell> {
    let mut cells = Cell::of_everybody();
    for mut cell in Cell::of_everybody() {
        (cell.layers.namespaces, cell.layers.processes) = (false, false);
        cells.push(cell);
    }
    for mut cell in Cell::of_everybody() {
        cell.layers.landlock = false;
        cells.push(cell);
    }
    cells
}

#[test]
fn a_program_reads_what_it_is_given_and_writes_its_own() {
    for cell in kinds() {
        let root = cell.path("");
        let root = root.display();
        let said = cell.say(&format!(
            "set -e; cat {root}/run/given own {root}/shared/file; echo new > own; cat own; \
             echo x > tmp/x; cat tmp/x > /dev/null; head -c 4 /dev/urandom | wc -c; \
             test -r /etc/passwd; ls /usr/bin > /dev/null; pwd"
        ));
        assert!(said.status.success(), "{:?}: {said:?}", cell.layers);
        for line in ["content of run/given", "content of run/site/own", "content of shared/file"] {
            assert!(said.text.contains(line), "{said:?}");
        }
        assert!(said.text.ends_with(&format!("new\n4\n{root}run/site\n")), "{said:?}");
        assert_eq!(std::fs::read_to_string(cell.path("run/site/own")).unwrap(), "new\n");
    }
}

#[test]
fn all_else_is_out_of_reach() {
    let neighbour = tempfile::tempdir().unwrap();
    std::fs::write(neighbour.path().join("file"), "the key").unwrap();
    let own = std::env::current_dir().unwrap().join("Cargo.toml");
    for cell in kinds() {
        for path in [
            cell.path("other/secret"),
            cell.path("shared/closed/key"),
            neighbour.path().join("file"),
            own.clone(),
            "/etc/shadow".into(),
            "/etc/ssh/ssh_host_ed25519_key".into(),
            "/etc/machine-id".into(),
            "/root/.bashrc".into(),
            "/var/lib/dpkg/status".into(),
            "/usr/local/etc/x".into(),
            "/sys/kernel/notes".into(),
            "/dev/vda".into(),
            "/dev/sda".into(),
            "/dev/mem".into(),
            "/dev/kmsg".into(),
            "/dev/fuse".into(),
            "/dev/loop-control".into(),
        ] {
            let said = cell.say(&format!("head -c 1 {} > /dev/null && echo read", path.display()));
            assert!(!said.text.contains("read\n"), "{}, {:?}", path.display(), cell.layers);
            let told = said.text.contains("No such file") || said.text.contains("denied");
            assert!(told, "{}: {said:?}", path.display());
        }
    }
}

#[test]
fn nothing_but_its_own_can_be_written() {
    for cell in kinds() {
        for path in [
            cell.path("run/given"),
            cell.path("run/new"),
            cell.path("shared/new"),
            cell.path("shared/file"),
            "/new".into(),
            "/usr/new".into(),
            "/usr/bin/env".into(),
            "/etc/new".into(),
            "/etc/hosts".into(),
            "/run/new".into(),
            "/proc/sys/kernel/core_pattern".into(),
            "/proc/sysrq-trigger".into(),
        ] {
            let said = cell.say(&format!("(: >> {}) && echo written", path.display()));
            assert!(!said.text.contains("written"), "{}: {said:?}", path.display());
        }
        // It lies in the `/tmp` outside; in the one inside there may be something of this name.
        cell.say(&format!("echo x > {}", cell.path("new").display()));
        assert!(!cell.path("new").exists());
        assert_eq!(
            std::fs::read_to_string(cell.path("run/given")).unwrap(),
            "content of run/given\n"
        );
    }
}

#[test]
fn tmp_is_its_own() {
    let outside = tempfile::Builder::new().prefix("seen-").tempfile_in("/tmp").unwrap();
    let name = outside.path().file_name().unwrap().to_str().unwrap().to_owned();
    for cell in Cell::of_everybody() {
        let said = cell.say(&format!(
            "ls /tmp /var/tmp /dev/shm | grep {name}; echo x > /tmp/mine && ls tmp; \
             echo x > /dev/shm/mine && ls /dev/shm"
        ));
        assert_eq!(said.text, "mine\nmine\n");
        assert!(cell.path("run/site/tmp/mine").exists());
        assert!(!std::path::Path::new("/dev/shm/mine").exists());
    }
}

#[test]
fn links_lead_nowhere_else() {
    for cell in kinds() {
        let secret = cell.path("other/secret");
        let said = cell.say(&format!(
            "ln -s {0} link; cat link; ln {0} hard; cat hard; cat /proc/self/root{0}; \
             cat /proc/self/cwd/../../other/secret; cat /proc/1/root{0}; cat /proc/$PPID/root{0}",
            secret.display()
        ));
        assert!(!said.text.contains("content of"), "{:?}: {said:?}", cell.layers);
    }
}

#[test]
fn closed_places_may_lie_within_each_other_and_in_something_that_is_shown() {
    for mut cell in kinds() {
        let root = cell.path("");
        // As with data and its key below `/usr/local`, which every program sees.
        cell.reach.shared = vec![root.clone()];
        cell.reach.closed =
            ["run/site", "run", "other", "other/secret", "shared/closed/key", "shared/closed"]
                .map(|name| root.join(name))
                .into();
        let root = root.display();
        let said = cell.say(&format!(
            "cat {root}/shared/file {root}/run/given own; echo x > new; \
             cat {root}/other/secret {root}/shared/closed/key; ls {root}/other; (: > {root}/other/new)"
        ));
        let shown: Vec<_> = said.text.lines().filter(|line| line.starts_with("content")).collect();
        let expected =
            ["content of shared/file", "content of run/given", "content of run/site/own"];
        assert_eq!(shown, expected, "{said:?}");
        assert!(cell.path("run/site/new").exists() && !cell.path("other/new").exists());
    }
}

#[test]
fn what_holds_the_places_that_each_program_has_of_its_own_is_not_shown() {
    let outside = tempfile::Builder::new().prefix("seen-").tempfile_in("/tmp").unwrap();
    std::fs::write(outside.path(), "somebody's").unwrap();
    for mut cell in kinds() {
        cell.reach.shared.extend(["/", "/tmp", "/dev", "/proc"].map(std::path::PathBuf::from));
        let withheld = cell.reach.withheld().len();
        assert_eq!(withheld, 4);
        let said =
            cell.say(&format!("cat own; cat {0}; (echo x >> {0})", outside.path().display()));
        assert!(said.text.starts_with("content of run/site/own"), "{said:?}");
        assert!(!said.text.contains("somebody's"), "{:?}: {said:?}", cell.layers);
        assert_eq!(std::fs::read(outside.path()).unwrap(), b"somebody's");
    }
}
