//! The binary as a supervisor sees it: arguments, exit codes, signals, one process per directory.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod certificates;
mod connections;
mod disk;
mod policies;
mod unsynced;
mod waiting;

use std::io::{BufRead, BufReader, Read as _};
use std::process::{Child, Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};

fn statehouse(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_statehouse"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("STATEHOUSE_")) {
        command.env_remove(name);
    }
    command.args(arguments);
    command
}

/// A server on a free port of loopback, and the address that its log names.
fn started(data_dir: &str, more: &[&str]) -> (Child, String) {
    let mut command = statehouse(&["serve", "--data-dir", data_dir, "--listen", "127.0.0.1:0"]);
    command.args(more);
    started_by(command)
}

/// The same by a command that ends in the arguments of one.
fn started_by(mut command: Command) -> (Child, String) {
    let mut server = command.args(["--log-format", "json"]).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(server.stderr.take().unwrap()).lines().map(Result::unwrap);
    let url = lines
        .find_map(|line| {
            let line: serde_json::Value = serde_json::from_str(&line).unwrap();
            line["url"].as_str().map(str::to_owned)
        })
        .expect("the log names the address");
    // What is logged later must find a reader.
    std::thread::spawn(move || lines.for_each(drop));
    (server, url)
}

fn signal(server: &Child, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(server.id()).unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

fn message(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_second_process_on_the_same_directory_refuses_and_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let data_dir = dir.path().to_str().unwrap();
    let (mut first, _) = started(data_dir, &[]);
    let second =
        statehouse(&["serve", "--data-dir", data_dir, "--listen", "127.0.0.1:0"]).output().unwrap();
    assert_eq!(second.status.code(), Some(1));
    assert!(message(&second).contains(&format!("pid {}", first.id())), "{}", message(&second));

    // The lock of a killed process holds nobody up.
    signal(&first, Signal::KILL);
    first.wait().unwrap();
    let (mut third, _) = started(data_dir, &[]);
    signal(&third, Signal::TERM);
    assert_eq!(third.wait().unwrap().code(), Some(0));
}

#[test]
fn both_signals_end_the_server_well() {
    for asked in [Signal::TERM, Signal::INT] {
        let dir = tempfile::tempdir().unwrap();
        let (mut server, url) = started(dir.path().to_str().unwrap(), &[]);
        assert!(url.starts_with("http://127.0.0.1:"), "{url}");
        signal(&server, asked);
        assert_eq!(server.wait().unwrap().code(), Some(0));
    }
}

#[test]
fn a_certificate_of_our_own_is_one_flag() {
    let dir = tempfile::tempdir().unwrap();
    let (mut server, url) = started(dir.path().to_str().unwrap(), &["--tls-self-signed"]);
    let ca = std::fs::read(dir.path().join("tls/ca.pem")).unwrap();
    let answer = std::thread::spawn(move || {
        reqwest::blocking::Client::builder()
            .tls_certs_only([reqwest::Certificate::from_pem(&ca).unwrap()])
            .build()
            .unwrap()
            .get(format!("{url}_health_check"))
            .send()
            .unwrap()
            .text()
            .unwrap()
    });
    assert_eq!(answer.join().unwrap(), "OK");
    signal(&server, Signal::TERM);
    assert_eq!(server.wait().unwrap().code(), Some(0));
}

/// A pager in which somebody scrolls, a supervisor that is stuck: the pipe is full after 64 KiB.
#[test]
fn a_log_that_nobody_reads_holds_up_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let data_dir = dir.path().to_str().unwrap();
    let mut server = statehouse(&["serve", "--data-dir", data_dir, "--listen", "127.0.0.1:0"])
        .args(["--log-format", "json", "--log-filter", "trace", "--no-agent"])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut log = BufReader::new(server.stderr.take().unwrap());
    let mut url = None;
    while url.is_none() {
        let mut line = String::new();
        assert!(log.read_line(&mut line).unwrap() > 0, "the log names no address");
        let line: serde_json::Value = serde_json::from_str(&line).unwrap();
        url = line["url"].as_str().map(str::to_owned);
    }
    let ping = format!("{}api/v2/ping", url.unwrap());
    for _ in 0..300 {
        assert_eq!(reqwest::blocking::get(&ping).unwrap().status(), 204);
    }
    signal(&server, Signal::TERM);
    assert_eq!(server.wait().unwrap().code(), Some(0));
    // What it had to say was more than the pipe took: all but the line that was under way.
    let mut kept = Vec::new();
    log.read_to_end(&mut kept).unwrap();
    assert!(kept.len() >= 48 << 10, "{}", kept.len());
}

#[test]
fn a_wrong_setting_makes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let data_dir = dir.path().join("data");
    let output = statehouse(&["serve", "--data-dir", data_dir.to_str().unwrap()])
        .env("STATEHOUSE_SANDBOX", "none")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let expected = "sandbox = \"none\" (from STATEHOUSE_SANDBOX): no such mode; allowed: required, preferred, off";
    assert!(message(&output).contains(expected), "{}", message(&output));
    assert!(!data_dir.exists());
}

/// What a server says, as it would on a machine with these programs alone, until it is told to stop.
fn said_by(arguments: &[&str], path: &std::path::Path) -> Vec<String> {
    let mut server = statehouse(&["serve", "--listen", "127.0.0.1:0"])
        .args(arguments)
        .env("PATH", path)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = Vec::new();
    for line in BufReader::new(server.stderr.take().unwrap()).lines().map(Result::unwrap) {
        if line.contains("answers at") {
            signal(&server, Signal::TERM);
        }
        said.push(line);
    }
    assert_eq!(server.wait().unwrap().code(), Some(0), "{said:#?}");
    said
}

#[test]
fn a_server_says_at_its_start_that_nobody_can_execute_runs() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let place = |name: &str| dir.path().join(name);
    let warns = |name: &str, more: &[&str], path: &std::path::Path| {
        let data_dir = place(name).display().to_string();
        let said = said_by(&[&["--data-dir", &data_dir], more].concat(), path);
        said.into_iter()
            .filter(|line| line.contains("WARN") && line.contains("runs wait"))
            .collect()
    };
    let empty = place("empty");
    std::fs::create_dir(&empty).unwrap();
    let none: Vec<String> = warns("one", &[], &empty);
    assert!(none.len() == 1 && none[0].contains("no Terraform and no OpenTofu"), "{none:?}");
    assert!(none[0].contains("--engine") && none[0].contains("sync-versions"), "{none:?}");
    let nobody: Vec<String> = warns("one", &["--no-agent"], &empty);
    assert!(nobody.len() == 1 && nobody[0].contains("no agent of its own"), "{nobody:?}");
    // An engine, or leave to fetch some.
    let tools = place("tools");
    std::fs::create_dir(&tools).unwrap();
    let terraform = tools.join("terraform");
    std::fs::write(&terraform, "#!/bin/sh\necho 'Terraform v1.9.8'\n").unwrap();
    std::fs::set_permissions(&terraform, std::fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(warns("two", &[], &tools) as Vec<String>, [""; 0]);
    // The same one again, under another name.
    let again = place("again");
    std::os::unix::fs::symlink(&tools, &again).unwrap();
    let engine = again.join("terraform").display().to_string();
    assert_eq!(warns("three", &["--engine", &engine], &tools) as Vec<String>, [""; 0]);
    let data_dir = place("one").display().to_string();
    let sync = ["admin", "sync-versions", "--built-in", "--data-dir", &data_dir];
    assert_eq!(statehouse(&sync).output().unwrap().status.code(), Some(0));
    assert_eq!(warns("one", &[], &empty) as Vec<String>, [""; 0]);
}

#[test]
fn every_command_says_which_variables_are_no_settings() {
    let dir = tempfile::tempdir().unwrap();
    let data_dir = dir.path().join("data").display().to_string();
    let backup = dir.path().join("backup").display().to_string();
    let meant = "STATEHOUSE_KEY_FIEL is set in the environment but is no setting; did you mean STATEHOUSE_KEY_FILE?";
    for words in [
        &["migrate"][..],
        &["doctor", "--listen", "127.0.0.1:0"],
        &["verify"],
        &["backup", &backup],
        &["admin", "list-users"],
        &["admin", "sync-versions", "--built-in"],
        &["admin", "invite", "eve@people.example"],
        // Wrong, and then it may be the reason.
        &["restore", "/nowhere"],
        &["serve", "--sandbox", "none"],
        &["agent", "--address", "https://tf.example.com"],
    ] {
        let output = statehouse(words)
            .args(["--data-dir", &data_dir])
            .env("STATEHOUSE_KEY_FIEL", "/etc/key")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &message(&output);
        assert_eq!(said.matches(meant).count(), 1, "{words:?}: {said}");
    }
}

#[test]
fn help_names_default_variable_and_allowed_values() {
    let output = statehouse(&["serve", "--help"]).output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    for part in ["--listen", "127.0.0.1:8080", "STATEHOUSE_LISTEN", "IP:PORT"] {
        assert!(help.contains(part), "{part}");
    }
}

#[test]
fn an_operator_makes_people_and_organizations_from_a_shell() {
    let dir = tempfile::tempdir().unwrap();
    let data_dir = dir.path().to_str().unwrap();
    let (mut server, url) = started(data_dir, &[]);
    let admin = |arguments: &[&str]| {
        statehouse(&["admin"]).args(arguments).args(["--data-dir", data_dir]).output().unwrap()
    };
    let made = admin(&["create-user", "ada", "--email", "ada@people.example", "--site-admin"]);
    assert_eq!(made.status.code(), Some(0), "{}", message(&made));
    let made = admin(&["create-organization", "widgets", "--owner", "ada"]);
    assert_eq!(made.status.code(), Some(0), "{}", message(&made));
    for (arguments, word) in [
        (["create-organization", "a b", "--owner", "ada"], "name"),
        (["create-organization", "gadgets", "--owner", "eve"], "no user eve"),
    ] {
        let refused = admin(&arguments);
        assert_eq!(refused.status.code(), Some(1));
        assert!(message(&refused).contains(word), "{}", message(&refused));
    }
    // Without mail, the address that accepts is printed, once; it leads to a page that asks for a password.
    let invited =
        admin(&["invite", "bob@people.example", "--organization", "widgets", "--team", "owners"]);
    let link = String::from_utf8(invited.stdout.clone()).unwrap();
    // The server was told where it listens, this command was not.
    assert!(link.starts_with(&format!("{url}invitations/")), "{link} {}", message(&invited));
    let page = link.trim().to_owned();
    let page = std::thread::spawn(move || {
        reqwest::blocking::get(page).unwrap().error_for_status().unwrap().text().unwrap()
    });
    let page = page.join().unwrap();
    assert!(page.contains("widgets") && page.contains("type=\"password\""), "{page}");
    let ours = "https://tf.example.com/";
    let invite = ["invite", "eve@people.example", "--public-url", ours];
    let by_flag = admin(&invite);
    let by_variable = statehouse(&["admin", "invite", "eve@people.example"])
        .args(["--data-dir", data_dir])
        .env("STATEHOUSE_PUBLIC_URL", ours)
        .output()
        .unwrap();
    std::fs::write(dir.path().join("statehouse.toml"), format!("public_url = {ours:?}")).unwrap();
    let by_file = admin(&invite[..2]);
    std::fs::remove_file(dir.path().join("statehouse.toml")).unwrap();
    for alone in [by_flag, by_variable, by_file] {
        let link = String::from_utf8_lossy(&alone.stdout).into_owned();
        let said = message(&alone);
        assert!(link.starts_with("https://tf.example.com/invitations/"), "{link} {said}");
    }
    let wrong = admin(&["invite", "eve@people.example", "--public-url", "tf.example.com"]);
    assert!(message(&wrong).contains("wrong setting: public_url"), "{}", message(&wrong));
    let unknown =
        admin(&["invite", "x@people.example", "--organization", "widgets", "--team", "nobodies"]);
    assert!(message(&unknown).contains("no team nobodies"), "{}", message(&unknown));
    let token = admin(&["mint-token", "ada"]);
    let token = String::from_utf8(token.stdout).unwrap().trim().to_owned();
    let answer = std::thread::spawn(move || {
        let http = reqwest::blocking::Client::new();
        let address = format!("{url}api/v2/organizations/widgets");
        http.get(address).bearer_auth(token).send().unwrap().text().unwrap()
    });
    let answer: serde_json::Value = serde_json::from_str(&answer.join().unwrap()).unwrap();
    assert_eq!(answer["data"]["attributes"]["email"], "ada@people.example");
    assert_eq!(answer["data"]["attributes"]["permissions"]["can-destroy"], true);
    signal(&server, Signal::TERM);
    assert_eq!(server.wait().unwrap().code(), Some(0));
}

/// The engine comes from a script that is inside the binary: a checkout at the path of the build machine is no
/// reason to run what lies there.
#[test]
fn the_demo_carries_what_installs_its_engine() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let python = dir.path().join("python3");
    let given = dir.path().join("given");
    let stub = format!("#!/bin/sh\n/bin/cp \"$1\" '{}'\nexit 7\n", given.display());
    std::fs::write(&python, stub).unwrap();
    std::fs::set_permissions(&python, std::fs::Permissions::from_mode(0o755)).unwrap();
    let output = statehouse(&["demo", "--once"])
        .env("PATH", dir.path())
        .env("HOME", dir.path())
        .current_dir(dir.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(message(&output).contains("put a terraform or tofu on PATH"), "{}", message(&output));
    let ours = include_bytes!("../../../../scripts/install-engine");
    assert_eq!(std::fs::read(given).unwrap(), ours);
}

#[test]
fn every_argument_of_the_admin_commands_says_what_it_is() {
    let commands =
        String::from_utf8(statehouse(&["admin", "--help"]).output().unwrap().stdout).unwrap();
    let names = commands
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .collect::<Vec<_>>();
    assert!(names.contains(&"mint-token"), "{names:?}");
    for name in names {
        let help = statehouse(&["admin", name, "--help"]).output().unwrap().stdout;
        let help = String::from_utf8(help).unwrap();
        let mut lines = help.lines().peekable();
        while let Some(line) = lines.next() {
            let entry = line.trim_start();
            // clap puts the text beside the argument, or below where there is little room.
            let named =
                entry.starts_with('<') || entry.starts_with("--") || entry.starts_with("-h");
            let below = lines.peek().is_some_and(|next| !next.trim().is_empty());
            assert!(!named || entry.contains("  ") || below, "{name}: {line:?} says nothing");
        }
    }
}

#[test]
fn releases_are_taken_over_and_what_cannot_be_read_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let data_dir = dir.path().to_str().unwrap();
    let migrated = statehouse(&["migrate", "--data-dir", data_dir]).output().unwrap();
    assert_eq!(migrated.status.code(), Some(0), "{}", message(&migrated));
    let sync = |more: &[&str]| {
        let command = ["admin", "sync-versions", "--data-dir", data_dir];
        statehouse(&command).args(more).output().unwrap()
    };
    let built_in = sync(&["--built-in"]);
    assert_eq!(built_in.status.code(), Some(0), "{}", message(&built_in));
    let said = String::from_utf8_lossy(&built_in.stdout).into_owned();
    assert!(said.contains("added Terraform 1.9.8\n"), "{said}");
    let again = sync(&["--built-in"]);
    assert_eq!((again.status.code(), &*again.stdout), (Some(0), &b""[..]));

    // Nobody listens on this port once its listener is gone.
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let gone = format!("http://{nobody}");
    let refused = sync(&["--terraform-releases", &gone, "--tofu-index", &gone]);
    assert_eq!(refused.status.code(), Some(1));
    let said = message(&refused);
    assert!(said.contains(&format!("{gone}/index.json")) && said.contains("OpenTofu"), "{said}");
    let wrong = sync(&["--terraform-releases", "ftp://example.com"]);
    assert!(message(&wrong).contains("terraform_releases"), "{}", message(&wrong));
}
