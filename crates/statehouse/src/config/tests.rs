//! Precedence, and what is said of each wrong setting.

use std::path::Path;

use super::catalogue::{Kind, SETTINGS};
use super::*;

/// Settings from (flags, environment, file), in a directory of their own.
fn load(
    flags: &[(&str, &str)],
    environment: &[(&str, &str)],
    file: &str,
) -> Result<Settings, String> {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("statehouse.toml"), file).unwrap();
    load_in(dir.path(), flags, environment)
}

fn load_in(
    dir: &Path,
    flags: &[(&str, &str)],
    environment: &[(&str, &str)],
) -> Result<Settings, String> {
    let mut given = std::collections::BTreeMap::<String, Vec<String>>::new();
    given.insert("data-dir".into(), vec![dir.display().to_string()]);
    for (name, value) in flags {
        given.entry((*name).to_owned()).or_default().push((*value).to_owned());
    }
    let environment =
        environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Settings::from_layers(Layers::new(given, environment)).map_err(|wrong| wrong.to_string())
}

fn wrong(flags: &[(&str, &str)], environment: &[(&str, &str)], file: &str) -> String {
    load(flags, environment, file).expect_err("this setting is wrong")
}

#[test]
fn a_flag_wins_over_the_environment_and_that_over_the_file() {
    let flag = [("listen", "127.0.0.1:1")];
    let environment = [("STATEHOUSE_LISTEN", "127.0.0.1:2")];
    let file = "listen = \"127.0.0.1:3\"";
    assert_eq!(load(&flag, &environment, file).unwrap().reach.listen.port(), 1);
    assert_eq!(load(&[], &environment, file).unwrap().reach.listen.port(), 2);
    assert_eq!(load(&[], &[("STATEHOUSE_LISTEN", "")], file).unwrap().reach.listen.port(), 3);
    assert_eq!(load(&[], &[], "").unwrap().reach.listen.port(), 8080);
}

#[test]
fn without_a_word_everything_lies_in_the_data_directory() {
    let dir = tempfile::tempdir().unwrap();
    let settings = load_in(dir.path(), &[], &[]).unwrap();
    let Database::Sqlite(database) = &settings.store.database else { panic!("not SQLite") };
    assert_eq!(database, &dir.path().join("statehouse.db"));
    assert_eq!(settings.store.blobs, dir.path().join("blobs"));
    assert_eq!(settings.store.key_file, dir.path().join("statehouse.key"));
    assert_eq!(settings.reach.tls, Tls::Off);
    assert_eq!(settings.grace_period, std::time::Duration::from_mins(5));
    assert!(settings.agent.is_some() && settings.admin_token.is_none());
    assert!(settings.courier.networks.is_empty() && settings.courier.mail.is_none());
}

#[test]
fn a_wrong_value_is_named_with_its_origin_and_what_is_allowed() {
    for (key, value, allowed) in [
        ("listen", "localhost", "IP:PORT"),
        ("public_url", "tf.example.com", "http:// or https://"),
        ("public_url", "https://tf.example.com/path", "no path"),
        ("blob_url", "s3://bucket", "s3:// is not yet available"),
        ("blob_url", "ftp://host", "file:///DIR"),
        ("database_connections", "1", "2 to 1000"),
        ("database_wait", "0s", "at least 1s"),
        ("database_start_wait", "soon", "a number with s, m or h"),
        ("max_connections", "3", "16 to 1000000"),
        ("tls_self_signed", "perhaps", "true, false"),
        ("concurrency", "0", "1 to 256"),
        ("concurrency", "many", "1 to 256"),
        ("engine", "/nowhere/terraform", "an executable"),
        ("engine", "/etc/passwd", "an executable"),
        ("no_agent", "yes", "true, false"),
        ("agent_cli_config", "/nowhere/cli.tfrc", "a Terraform CLI configuration file"),
        ("sandbox", "none", "required, preferred, off"),
        ("sandbox_readable", "/nowhere/tools", "files and directories that exist"),
        ("run_task_silence", "0s", "1s to 1h"),
        ("run_task_silence", "2h", "1s to 1h"),
        ("grace_period", "5", "a number with s, m or h"),
        ("grace_period", "xs", "a number with s, m or h"),
        ("min_free_disk", "64", "a number with K, M or G"),
        ("run_memory", "2", "a number with K, M or G"),
        ("run_disk", "-1G", "a number with K, M or G"),
        ("run_processes", "many", "a whole number"),
        ("min_free_disk", "99999999999G", "a number with K, M or G"),
        ("log_format", "xml", "text, json"),
        ("log_filter", "statehouse=loud", "levels and targets"),
        ("metrics_listen", "9090", "IP:PORT"),
    ] {
        let variable = format!("STATEHOUSE_{}", key.to_uppercase());
        let flag = key.replace('_', "-");
        for (message, origin) in [
            (wrong(&[(&flag, value)], &[], ""), format!("from --{flag}")),
            (wrong(&[], &[(&variable, value)], ""), format!("from {variable}")),
            (wrong(&[], &[], &format!("{key} = {value:?}")), format!("from {key} in ")),
        ] {
            for part in [key, value, &origin, allowed] {
                assert!(message.contains(part), "{message:?} does not name {part:?}");
            }
        }
    }
}

#[test]
fn a_wrong_secret_is_named_without_its_value() {
    for (key, value) in
        [("admin_token", "too-short"), ("database_url", "mysql://root:hunter22@db/statehouse")]
    {
        let variable = format!("STATEHOUSE_{}", key.to_uppercase());
        let message = wrong(&[], &[(&variable, value)], "");
        assert!(message.contains(&variable) && message.contains("allowed: "), "{message}");
        assert!(!message.contains("too-short") && !message.contains("hunter22"), "{message}");
    }
}

#[test]
fn no_setting_is_quoted_with_a_password_in_it() {
    let addresses = [
        "https://user:hunter22@host/path",
        "ftp://hunter22@host",
        "https:/user:hunter22@host",
        "user:hunter22@host",
        "https://host/?token=hunter22",
    ];
    // What takes any text, or a path that need not be there.
    let takes_all = ["config", "data_dir", "key_file", "name", "server", "token"];
    for setting in SETTINGS.iter().filter(|setting| !takes_all.contains(&setting.key)) {
        for address in addresses {
            let file = format!("{} = {address:?}\n", setting.key);
            let files = [String::new(), file.clone(), file.replace('"', "")];
            let variable = (setting.env(), address.to_owned());
            for (variable, file) in
                [(Some(variable), &files[0]), (None, &files[1]), (None, &files[2])]
            {
                let variable = variable.iter().map(|(name, value)| (name.as_str(), value.as_str()));
                let variables: Vec<_> = variable.collect();
                let message = load(&[], &variables, file).err().unwrap_or_default();
                assert!(!message.contains("hunter22"), "{message}");
            }
        }
    }
    let message = wrong(&[], &[], "\"https://user:hunter22@host\" = 1\n");
    assert!(message.contains("is not a setting") && !message.contains("hunter22"), "{message}");
    for address in &addresses[..4] {
        let message = wrong(&[("public-url", address)], &[], "");
        assert!(message.contains("@host") && !message.contains("hunter22"), "{message}");
    }
}

#[test]
fn all_that_is_wrong_is_said_at_once() {
    let message =
        wrong(&[("listen", "x"), ("sandbox", "y")], &[("STATEHOUSE_CONCURRENCY", "z")], "");
    assert!(message.starts_with("3 wrong settings:"), "{message}");
}

#[test]
fn a_key_that_is_no_setting_is_named() {
    let message = wrong(&[], &[], "lisen = \"127.0.0.1:1\"\n");
    assert!(message.contains("lisen is not a setting"), "{message}");
    let message = wrong(&[], &[], "data-dir = \"/x\"\n");
    assert!(message.contains("did you mean data_dir?"), "{message}");
    let message = wrong(&[], &[], "[server]\nlisten = \"127.0.0.1:1\"\n");
    assert!(message.contains("server is not a setting"), "{message}");
    let message = wrong(&[], &[], "listen = [\"127.0.0.1:1\"]\n");
    assert!(message.contains("listen is a TOML array"), "{message}");
}

#[test]
fn a_slip_of_the_pen_is_told_what_it_may_have_meant() {
    for (key, meant) in [
        ("lisen", "listen"),
        ("listten", "listen"),
        ("concurency", "concurrency"),
        ("database-url", "database_url"),
        ("database_url_fil", "database_url_file"),
        ("publik_url", "public_url"),
        ("DATABASE_URL", "database_url"),
        ("Listen", "listen"),
    ] {
        let message = wrong(&[], &[], &format!("{key} = \"x\"\n"));
        assert!(
            message.contains(&format!("{key} is not a setting; did you mean {meant}?")),
            "{message}"
        );
    }
    let message = wrong(&[], &[], "colour = \"red\"\n");
    assert!(message.contains("colour is not a setting") && !message.contains("mean"), "{message}");
    let settings = load(&[], &[("STATEHOUSE_LISTN", "x")], "").unwrap();
    assert!(
        settings.warnings[0].contains("did you mean STATEHOUSE_LISTEN?"),
        "{:?}",
        settings.warnings
    );
}

#[test]
fn a_mistake_in_the_file_names_its_line_and_setting_and_hides_the_value() {
    let file = "# ours\nlisten = 127.0.0.1:8080\nadmin_token = hunter22hunter22\n";
    let message = wrong(&[], &[], file);
    assert!(message.starts_with("2 wrong settings:"), "{message}");
    for part in ["line 2: listen: ", "a text stands in quotes", "IP:PORT", "line 3: admin_token: "]
    {
        assert!(message.contains(part), "{part}: {message}");
    }
    assert!(!message.contains("hunter22"), "{message}");
    let message = wrong(&[], &[], "listen = \"127.0.0.1:1\"\nlisten = \"127.0.0.1:2\"\n");
    assert!(message.contains("line 2: listen: duplicate key"), "{message}");
    let message = wrong(&[], &[], "listen = \"127.0.0.1:1\n");
    assert!(message.contains("line 1: listen: "), "{message}");
    // What is allowed may have an @ in it, which ends no password.
    let file = "database_url = postgres://u:hunter22@h/x\nsmtp_from = Ops <o@x.test>\nlog_format =\n\
                postgres://u:hunter22@h/y\n";
    let message = wrong(&[], &[], file);
    for part in
        ["line 1: database_url: ", "HOST/NAME", "line 2: smtp_from: ", "line 3: log_format: "]
    {
        assert!(message.contains(part), "{part}: {message}");
    }
    assert!(!message.contains("hunter22"), "{message}");
    let message = wrong(&[], &[], "database_url = {x=1}\n\"me:hunter22@b\" = 1\n");
    assert!(
        message.contains("database_url is a TOML") && !message.contains("hunter22"),
        "{message}"
    );
}

#[test]
fn all_kinds_of_mistakes_are_said_at_once() {
    let file = "lisen = \"x\"\ncolour = \"red\"\nconcurrency = 0\nsandbox = \"y\"\n\
                log_format = xml\nengine = 7\n";
    let message = wrong(&[("listen", "x")], &[("STATEHOUSE_GRACE_PERIOD", "5")], file);
    for part in [
        "lisen",
        "colour",
        "concurrency",
        "sandbox",
        "log_format",
        "engine",
        "listen = ",
        "grace_period",
    ] {
        assert!(message.contains(part), "{part}: {message}");
    }
    assert!(message.starts_with("8 wrong settings:"), "{message}");
}

#[test]
fn what_cannot_be_used_is_not_called_missing() {
    let message = wrong(&[("listen", "0.0.0.0:1")], &[], "public_url = [\"https://a.test\"]\n");
    assert!(message.starts_with("wrong setting: ") && message.contains("TOML array"), "{message}");
}

#[test]
fn a_variable_that_is_no_setting_is_warned_about() {
    let settings = load(&[], &[("STATEHOUSE_LISTN", "x"), ("OTHER", "y")], "").unwrap();
    assert_eq!(settings.warnings.len(), 1);
    assert!(settings.warnings[0].contains("STATEHOUSE_LISTN"));
    let known = [("STATEHOUSE_DATABASE_URL_FILE", "/nowhere")];
    assert!(wrong(&[], &known, "").contains("database_url_file"));
}

#[test]
fn a_secret_may_stand_in_a_file() {
    use secrecy::ExposeSecret;
    let dir = tempfile::tempdir().unwrap();
    let secret = dir.path().join("token");
    std::fs::write(&secret, "0123456789abcdef\n").unwrap();
    let path = secret.display().to_string();
    let read = |flags: &[_], environment: &[_]| {
        let settings = load_in(dir.path(), flags, environment).unwrap();
        settings.admin_token.unwrap().expose_secret().to_owned()
    };
    assert_eq!(read(&[], &[("STATEHOUSE_ADMIN_TOKEN_FILE", &path)]), "0123456789abcdef");
    let other = [("STATEHOUSE_ADMIN_TOKEN", "fedcba9876543210")];
    assert_eq!(read(&[("admin-token-file", &path)], &other), "0123456789abcdef");
    let both = [other[0], ("STATEHOUSE_ADMIN_TOKEN_FILE", &path)];
    let message = load_in(dir.path(), &[], &both).unwrap_err();
    assert!(message.contains("given twice"), "{message}");
}

#[test]
fn listening_everywhere_needs_a_public_address() {
    let message = wrong(&[("listen", "0.0.0.0:8080")], &[], "");
    assert!(message.contains("public_url is needed"), "{message}");
    let given = [("listen", "0.0.0.0:8080"), ("public-url", "https://tf.example.com")];
    let settings = load(&given, &[], "").unwrap();
    assert_eq!(
        settings.reach.public_url(settings.reach.listen).as_str(),
        "https://tf.example.com/"
    );
}

#[test]
fn a_certificate_wants_its_key_and_nothing_beside() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a.pem");
    std::fs::write(&file, "").unwrap();
    let path = file.display().to_string();
    assert!(wrong(&[("tls-cert", &path)], &[], "").contains("tls_key is missing"));
    assert!(wrong(&[("tls-key", &path)], &[], "").contains("tls_cert is missing"));
    let three = [("tls-cert", &*path), ("tls-key", &path), ("tls-self-signed", "true")];
    assert!(wrong(&three, &[], "").contains("tls_self_signed is set as well"));
}

#[test]
fn several_engines_come_from_each_layer() {
    let sh = std::fs::canonicalize("/bin/sh").unwrap().display().to_string();
    let count = |settings: Settings| settings.agent.unwrap().engines.len();
    assert_eq!(count(load(&[("engine", &sh), ("engine", &sh)], &[], "").unwrap()), 2);
    let two = format!("{sh}:{sh}");
    assert_eq!(count(load(&[], &[("STATEHOUSE_ENGINE", &two)], "").unwrap()), 2);
    assert_eq!(count(load(&[], &[], &format!("engine = [{sh:?}, {sh:?}]")).unwrap()), 2);
}

#[test]
fn a_file_in_the_data_directory_may_not_point_elsewhere() {
    assert!(load(&[], &[], "data_dir = \"/elsewhere\"").is_ok(), "the flag wins");
    let home = tempfile::tempdir().unwrap();
    let layers = |file: &str| {
        std::fs::write(home.path().join("statehouse.toml"), file).unwrap();
        let environment = [("STATEHOUSE_CONFIG".to_owned(), home.path().join("statehouse.toml"))];
        Layers::new(
            std::collections::BTreeMap::default(),
            environment.map(|(name, path)| (name, path.display().to_string())),
        )
    };
    let settings = Settings::from_layers(layers("data_dir = \"/elsewhere\"")).unwrap();
    assert_eq!(settings.store.data_dir, Path::new("/elsewhere"), "a named file may");
}

#[test]
fn every_setting_is_in_the_operators_manual() {
    let manual = include_str!("../../../../docs/operations.md");
    for setting in SETTINGS {
        let row = format!("| `{}` | `{}` |", setting.flag(), setting.env());
        assert!(manual.contains(&row), "docs/operations.md lacks {row}");
    }
    for setting in SETTINGS.iter().filter(|s| s.kind == Kind::Secret) {
        assert!(manual.contains(&format!("{}_FILE", setting.env())));
    }
}

#[test]
fn notifications_reach_what_the_operator_allows() {
    let dir = tempfile::tempdir().unwrap();
    let flags = [
        ("notification-networks", "10.0.0.0/8, fd00::/8"),
        ("smtp-url", "smtp://mail.example.com:587?tls=required"),
        ("smtp-from", "Statehouse <statehouse@example.com>"),
    ];
    let settings = load_in(dir.path(), &flags, &[]).unwrap();
    assert_eq!(settings.courier.networks.len(), 2);
    assert!(settings.courier.mail.is_some());
    for (flag, value) in [
        ("notification-networks", "10.0.0.0"),
        ("smtp-url", "http://mail.example.com"),
        ("smtp-url", "smtp://mail.example.com"),
        ("smtp-from", "nobody"),
    ] {
        let message = load_in(dir.path(), &[(flag, value)], &[]).unwrap_err();
        assert!(message.contains(&flag.replace('-', "_")), "{message}");
    }
}

/// Goes over all settings there are: a new one that names a path is closed, or stands in `OPEN`.
#[test]
fn whatever_a_setting_names_is_closed_to_runs() {
    for setting in SETTINGS {
        let open = super::layers::OPEN.contains(&setting.key);
        let secret = setting.kind == Kind::Secret;
        let value = if secret { "sqlite:///somewhere/x" } else { "/somewhere/x" };
        let (flag, variable) = (setting.flag(), setting.env());
        let text = toml::Table::from_iter([(setting.key.to_owned(), value.into())]).to_string();
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("statehouse.toml");
        std::fs::write(&file, if setting.key == "config" { String::new() } else { text }).unwrap();
        let mut by_file = Layers::new(std::collections::BTreeMap::new(), []);
        assert!(by_file.read_file(&file).is_empty());
        let mut ways = vec![
            Layers::new([(flag.clone(), vec![value.to_owned()])].into(), []),
            Layers::new(std::collections::BTreeMap::new(), [(variable.clone(), value.to_owned())]),
        ];
        if setting.key != "config" {
            ways.push(by_file.clone());
        }
        if secret {
            let value = "/somewhere/x".to_owned();
            ways.push(Layers::new([(flag + "-file", vec![value.clone()])].into(), []));
            ways.push(Layers::new(
                std::collections::BTreeMap::new(),
                [(variable + "_FILE", value)],
            ));
        }
        for layers in ways {
            let closed = layers.named_paths().contains(&PathBuf::from("/somewhere/x"));
            assert_eq!(closed, !open, "{} in {layers:?}", setting.key);
        }
        assert!(by_file.named_paths().contains(&file), "the file of the settings");
    }
}

#[test]
fn what_is_overruled_is_closed_too_and_secrets_are_no_paths() {
    let settings = load(
        &[("key-file", "/one/key")],
        &[("STATEHOUSE_KEY_FILE", "/two/key"), ("STATEHOUSE_ADMIN_TOKEN", "abcdefghijklmnopqrst")],
        "key_file = \"/three/key\"",
    );
    let closed = settings.unwrap().agent.unwrap().closed;
    for path in ["/one/key", "/two/key", "/three/key"] {
        assert!(closed.contains(&PathBuf::from(path)), "{closed:?}");
    }
    assert!(!closed.iter().any(|path| path.to_string_lossy().contains("abcdefghij")));
    assert!(closed.iter().any(|path| path.ends_with("statehouse.toml")));
}

#[test]
fn the_old_name_of_a_sandbox_goes_on_meaning_the_same() {
    for (text, sandbox) in [
        ("auto", Sandbox::Preferred),
        ("preferred", Sandbox::Preferred),
        ("required", Sandbox::Required),
        ("off", Sandbox::Off),
    ] {
        assert_eq!(load(&[("sandbox", text)], &[], "").unwrap().agent.unwrap().sandbox, sandbox);
    }
}
