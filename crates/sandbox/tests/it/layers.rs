//! Which layer stops what: each attempt with nothing, with each layer by itself, and with all of them. What is found
//! stands in `docs/security.md`, which `UPDATE_ATTEMPTS=1` writes anew.

use std::fmt::Write as _;
use std::net::TcpListener;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use statehouse_sandbox::Layers;
use tempfile::{NamedTempFile, TempDir};

use crate::cell::Cell;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/security.md");
const BEGIN: &str = "<!-- attempts: written by the tests of crates/sandbox -->\n";
const END: &str = "<!-- end of attempts -->\n";

/// What a script says that has got out.
const OUT: &str = "got out";

/// In the order of the columns.
fn kinds() -> [(&'static str, Layers); 6] {
    let none = Layers::NONE;
    let all = Layers { namespaces: true, processes: true, landlock: true, calls: true };
    [
        ("nothing", none),
        ("its own files", Layers { namespaces: true, ..none }),
        ("and processes", Layers { namespaces: true, processes: true, ..none }),
        ("Landlock", Layers { landlock: true, ..none }),
        ("system calls", Layers { calls: true, ..none }),
        ("all", all),
    ]
}

/// Others on the machine, who are of the same user.
struct Neighbours {
    folder: TempDir,
    shared: NamedTempFile,
    process: Child,
    port: u16,
    name: String,
    _sockets: (UnixListener, UnixListener, TcpListener),
}

impl Neighbours {
    fn of(cell: &Cell) -> Self {
        let open = std::fs::Permissions::from_mode(0o777);
        let folder = tempfile::Builder::new().permissions(open.clone()).tempdir().unwrap();
        std::fs::write(folder.path().join("file"), "secret of another run").unwrap();
        let shared = tempfile::Builder::new().permissions(open.clone()).tempfile_in("/dev/shm");
        let shared = shared.unwrap();
        std::fs::write(shared.path(), "secret of another run").unwrap();
        let path = folder.path().join("plugin");
        let by_path = UnixListener::bind(&path).unwrap();
        std::fs::set_permissions(&path, open).unwrap();
        let name = format!("statehouse-layers-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        let by_name = UnixListener::bind_addr(&address).unwrap();
        let loopback = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = loopback.local_addr().unwrap().port();
        let mut command = Command::new("/bin/sleep");
        command.arg("1000").env("SECRET_OF_ANOTHER", "x").stdin(Stdio::null());
        if let Some(user) = cell.user {
            command.uid(user).gid(user);
        }
        let process = command.spawn().unwrap();
        Self { folder, shared, process, port, name, _sockets: (by_path, by_name, loopback) }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

impl Drop for Neighbours {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What is tried, and the script that says so if it has worked.
fn attempts(cell: &Cell, others: &Neighbours) -> Vec<(&'static str, String)> {
    let told = |test: String| format!("{test} && echo '{OUT}'");
    let shown = |path: &Path| path.display().to_string();
    let call = |number: i64, arguments: &str| {
        format!("perl -e 'my $text = \"user\"; exit(syscall({number}, {arguments}) == -1)'")
    };
    let connect = |kind: &str, address: &str| {
        format!(
            "perl -e 'use Socket; socket(my $s, {kind}, SOCK_STREAM, 0); my $text = \"\"; \
             exit(!connect($s, {address}))'"
        )
    };
    let (pid, file) = (others.process.id(), shown(&others.path("file")));
    let plugin = shown(&others.path("plugin"));
    let by_path = connect("PF_UNIX", &format!("sockaddr_un(\"{plugin}\")"));
    let by_name = connect("PF_UNIX", &format!("sockaddr_un(\"\\0{}\")", others.name));
    let by_port =
        connect("PF_INET", &format!("sockaddr_in({}, inet_aton(\"127.0.0.1\"))", others.port));
    vec![
        (
            "read a file of the server's or of another run",
            told(format!("grep -q content {}", shown(&cell.path("other/secret")))),
        ),
        ("write beside them", told(format!("echo x > {}", shown(&cell.path("other/new"))))),
        (
            "change a tool that runs share",
            told(format!("echo x >> {}", shown(&cell.path("shared/file")))),
        ),
        ("read another run's file in `/tmp`", told(format!("grep -q secret {file}"))),
        (
            "read what another run left in `/dev/shm`",
            told(format!("grep -q secret {}", shown(others.shared.path()))),
        ),
        ("talk to a plugin by its path", told(by_path)),
        ("talk to a plugin by its abstract name", told(by_name)),
        ("see another process", told(format!("test -d /proc/{pid}"))),
        ("read another process's environment", told(format!("grep -q SECRET /proc/{pid}/environ"))),
        ("send another process a signal", told(format!("kill -0 {pid}"))),
        ("trace (`ptrace`)", told(call(libc::SYS_ptrace, "0, 0, 0, 0"))),
        ("use a keyring of the kernel", told(call(libc::SYS_keyctl, "0, -4, 1"))),
        ("make a namespace of one's own", told("unshare -U true".into())),
        (
            "gain rights by a set-user-id program",
            told("grep -q 'NoNewPrivs:.0' /proc/self/status".into()),
        ),
        ("reach what listens on the machine's loopback", told(by_port)),
    ]
}

#[test]
fn the_page_says_which_layer_stops_what() {
    let Some(mut cell) = Cell::of_everybody().pop() else { return };
    let others = Neighbours::of(&cell);
    let mut rows = String::from("| attempt |");
    for (name, _) in kinds() {
        write!(rows, " {name} |").unwrap();
    }
    writeln!(rows, "\n|{}", " --- |".repeat(kinds().len() + 1)).unwrap();
    for (name, script) in attempts(&cell, &others) {
        write!(rows, "| {name} |").unwrap();
        for (_, layers) in kinds() {
            cell.layers = layers;
            let said = cell.say(&script);
            let is_open = said.text.lines().any(|line| line == OUT);
            rows.push_str(if is_open { " open |" } else { " – |" });
        }
        rows.push('\n');
    }
    let page = std::fs::read_to_string(PAGE).unwrap();
    let (before, rest) = page.split_once(BEGIN).expect("the page has a place for the table");
    let (written, after) = rest.split_once(END).unwrap();
    if std::env::var_os("UPDATE_ATTEMPTS").is_some() {
        std::fs::write(PAGE, format!("{before}{BEGIN}{rows}{END}{after}")).unwrap();
        return;
    }
    assert_eq!(written, rows, "the page says something else; UPDATE_ATTEMPTS=1 writes it anew");
}
