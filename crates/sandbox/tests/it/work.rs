//! What honest programs need goes on working.

use std::path::Path;

use statehouse_sandbox::{Layers, survey};

use crate::cell::Cell;

#[test]
fn a_survey_finds_what_there_is() {
    let exec = Path::new(env!("CARGO_BIN_EXE_sandbox-exec"));
    if Cell::ours().is_empty() {
        return;
    }
    let found = survey(exec, &std::env::temp_dir());
    assert_eq!(found.missing(), Vec::<String>::new());
    assert!(found.layers.namespaces && found.layers.processes && found.layers.calls);
    // Where nothing can be tried out, nothing is there, and all lines say why.
    let found = survey(Path::new("/nowhere/exec"), &std::env::temp_dir());
    assert_eq!(found.layers, Layers::NONE);
    assert_eq!(found.missing().len(), 4);
    assert!(found.missing().iter().all(|line| line.contains("/nowhere/exec")), "{found:?}");
}

#[test]
fn programs_talk_over_sockets_of_their_own() {
    for cell in Cell::of_everybody() {
        let said = cell.say(
            "perl -e 'use Socket; use IO::Handle; \
             foreach my $name (\"tmp/plugin\", \"/tmp/other\", \"\\0abstract\") { \
               socket(my $s, PF_UNIX, SOCK_STREAM, 0); bind($s, sockaddr_un($name)) or die \"bind $!\"; \
               listen($s, 1) or die; \
               if (!fork) { socket(my $c, PF_UNIX, SOCK_STREAM, 0); \
                 connect($c, sockaddr_un($name)) or die \"connect $!\"; \
                 print $c \"hello\\n\"; exit } \
               accept(my $c, $s); print scalar <$c>; }'",
        );
        assert_eq!(said.text, "hello\nhello\nhello\n");
    }
}

#[test]
fn names_users_and_terminals_are_found() {
    for cell in Cell::of_everybody() {
        let said = cell.say(
            "set -e; getent hosts localhost; id -un; uname -n; date +%Z; \
             script -qc 'tty' /dev/null < /dev/null; ls -l /dev/fd/ > /dev/null; nproc; \
             test \"$(hostname)\" = \"$(cat /etc/hostname)\" || true; \
             bash -c 'cat <(echo piped)'",
        );
        assert!(said.status.success(), "{said:?}");
        let user = if cell.user.is_some() { "nobody" } else { "root" };
        let user = if rustix::process::geteuid().is_root() { user } else { "" };
        assert!(said.text.contains(user) && said.text.contains("localhost"), "{said:?}");
        assert!(said.text.contains("/dev/pts/0") && said.text.ends_with("piped\n"), "{said:?}");
    }
}

#[test]
fn many_short_lived_processes_leave_no_trace() {
    for cell in Cell::of_everybody() {
        // Orphans go to the first process, which must bury them.
        let said = cell.say(
            "for i in $(seq 50); do (sleep 0 &); done; \
             while ls /proc/*/exe 2>/dev/null | wc -l > n; grep -l '^State:.Z' /proc/[0-9]*/status; do :; done; \
             echo clean",
        );
        assert!(said.text.ends_with("clean\n"), "{said:?}");
    }
}
