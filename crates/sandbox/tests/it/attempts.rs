//! Ways out, each of which must fail.

use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixListener};

use crate::cell::Cell;

/// One system call, by Perl; says `done` if it was carried out.
fn call(number: i64, arguments: &str) -> String {
    format!(
        "perl -e 'my ($text, $buffer) = (\"user\", \"\\0\" x 256); my $answer = syscall({number}, {arguments}); \
         print $answer == -1 ? \"refused: $!\\n\" : \"done\\n\"'"
    )
}

/// What is asked for, and how; each with arguments that the kernel would take.
fn calls() -> Vec<(&'static str, i64, String)> {
    let namespaces = libc::CLONE_NEWUSER | libc::SIGCHLD;
    vec![
        ("ptrace", libc::SYS_ptrace, "0, 0, 0, 0".into()),
        ("process_vm_readv", libc::SYS_process_vm_readv, "$$, $buffer, 0, $buffer, 0, 0".into()),
        ("add_key", libc::SYS_add_key, "$text, $text, $text, 4, -4".into()),
        ("keyctl", libc::SYS_keyctl, "0, -4, 1".into()),
        ("request_key", libc::SYS_request_key, "$text, $text, 0, -4".into()),
        ("io_uring_setup", libc::SYS_io_uring_setup, "1, $buffer".into()),
        ("open_by_handle_at", libc::SYS_open_by_handle_at, "-100, $buffer, 0".into()),
        ("unshare", libc::SYS_unshare, libc::CLONE_NEWUSER.to_string()),
        ("clone", libc::SYS_clone, format!("{namespaces}, 0, 0, 0, 0")),
        ("setns", libc::SYS_setns, "0, 0".into()),
        ("mount", libc::SYS_mount, "$text, $text, $text, 0, 0".into()),
        ("fsopen", libc::SYS_fsopen, "$text, 0".into()),
        ("chroot", libc::SYS_chroot, "$text".into()),
        ("bpf", libc::SYS_bpf, "0, $buffer, 72".into()),
        ("perf_event_open", libc::SYS_perf_event_open, "$buffer, 0, -1, -1, 0".into()),
        ("userfaultfd", libc::SYS_userfaultfd, "1".into()),
        ("clock_settime", libc::SYS_clock_settime, "0, $buffer".into()),
        ("settimeofday", libc::SYS_settimeofday, "$buffer, 0".into()),
        ("sethostname", libc::SYS_sethostname, "$text, 1".into()),
        ("reboot", libc::SYS_reboot, "0, 0, 0, 0".into()),
        ("swapoff", libc::SYS_swapoff, "$text".into()),
        ("init_module", libc::SYS_init_module, "$buffer, 0, $text".into()),
        ("syslog", libc::SYS_syslog, "3, $buffer, 16".into()),
    ]
}

#[test]
fn system_calls_that_lead_out_are_refused() {
    for cell in Cell::of_everybody() {
        for (name, number, arguments) in calls() {
            let said = cell.say(&call(number, &arguments));
            let refused = ["Operation not permitted", "Function not implemented"];
            let refused = refused.iter().any(|why| said.text == format!("refused: {why}\n"));
            assert!(refused, "{name}: {said:?}");
        }
        // The other way to write the same calls on this architecture.
        #[cfg(target_arch = "x86_64")]
        for (name, number, arguments) in calls() {
            let said = cell.say(&call(number | 0x4000_0000, &arguments));
            assert!(said.text.starts_with("refused: "), "{name}: {said:?}");
        }
    }
}

#[test]
fn only_sockets_of_files_and_of_the_network_can_be_made() {
    let families = [libc::AF_UNIX, libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK];
    for cell in Cell::of_everybody() {
        for family in 0..=45 {
            // No kind of socket that a family has is asked for: the filter answers before the kernel looks.
            let said = cell.say(&call(libc::SYS_socket, &format!("{family}, 99, 0")));
            let closed = said.text == "refused: Address family not supported by protocol\n";
            assert_eq!(closed, !families.contains(&family), "{family}: {said:?}");
        }
        let said = cell.say(&call(libc::SYS_socket, &format!("{}, 1, 0", libc::AF_VSOCK)));
        assert_eq!(said.text, "refused: Address family not supported by protocol\n");
    }
}

#[test]
fn of_netlink_only_routes_and_addresses_can_be_asked_for() {
    let refused = "refused: Protocol not supported\n";
    for cell in Cell::of_everybody() {
        for call_number in [libc::SYS_socket, libc::SYS_socketpair] {
            let say = |protocol: i64| {
                let netlink = libc::AF_NETLINK;
                cell.say(&call(call_number, &format!("{netlink}, 99, {protocol}, $buffer"))).text
            };
            // No kind of socket is asked for that there is: the filter answers before the kernel looks.
            for protocol in (1..=32).chain([-1, 1 << 31]) {
                assert_eq!(say(protocol), refused, "{protocol}");
            }
            // What is beyond an `int` the kernel does not see.
            for protocol in [0, 1 << 32] {
                assert_ne!(say(protocol), refused, "{protocol}");
            }
        }
        let said = cell.say(&call(libc::SYS_socket, &format!("{}, 3, 0", libc::AF_NETLINK)));
        assert_eq!(said.text, "done\n");
    }
}

#[test]
fn there_are_no_capabilities_and_no_way_to_them() {
    for cell in Cell::of_everybody() {
        let said = cell.say("grep -E '^(Cap|NoNewPrivs|Seccomp:)' /proc/self/status");
        for name in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
            assert!(said.text.contains(&format!("{name}:\t0000000000000000")), "{said:?}");
        }
        assert!(said.text.contains("NoNewPrivs:\t1"), "{said:?}");
        assert!(said.text.contains("Seccomp:\t2"), "{said:?}");
    }
}

#[test]
fn others_processes_are_not_there() {
    let us = std::process::id();
    for cell in Cell::of_everybody() {
        let said = cell.say(&format!(
            "kill -0 {us}; cat /proc/{us}/environ; cd /proc; echo all [0-9]*; echo at $$"
        ));
        assert!(!said.text.contains("CARGO"), "{said:?}");
        assert!(said.text.contains("No such process"), "{said:?}");
        // Its first process is ours; then there is the shell.
        assert!(said.text.ends_with("all 1 2\nat 2\n"), "{said:?}");
    }
}

#[test]
fn its_keeper_tells_nothing_and_cannot_be_ended() {
    for cell in Cell::of_everybody() {
        let said = cell.say(
            "cat /proc/1/environ; cat /proc/1/mem; ls /proc/1/fd /proc/1/root; ls /proc/1/cwd; \
             kill -9 1; kill -STOP 1; echo alive",
        );
        assert!(!said.text.contains("SECRET") && !said.text.contains("own\n"), "{said:?}");
        assert!(said.text.ends_with("alive\n"), "{said:?}");
        assert!(said.status.success());
    }
}

#[test]
fn without_a_process_namespace_landlock_keeps_others_processes_closed() {
    let us = std::process::id();
    for mut cell in Cell::of_everybody() {
        cell.layers.processes = false;
        let said = cell.say(&format!(
            "kill -0 {us}; cat /proc/{us}/environ; ls -l /proc/{us}/fd /proc/{us}/root/; echo over"
        ));
        assert!(!said.text.contains("CARGO") && !said.text.contains("->"), "{said:?}");
        assert!(said.text.contains("not permitted"), "{said:?}");
        assert!(said.text.ends_with("over\n"));
    }
}

/// Perl that connects to a socket; says `connected`.
fn connect(path: &str) -> String {
    format!(
        "perl -e 'use Socket; socket(my $s, PF_UNIX, SOCK_STREAM, 0); my $a = {path}; \
         print connect($s, sockaddr_un($a)) ? \"connected\\n\" : \"refused: $!\\n\"'"
    )
}

#[test]
fn sockets_of_others_cannot_be_reached() {
    let folder = tempfile::Builder::new().permissions(open_to_all()).tempdir().unwrap();
    let path = folder.path().join("plugin");
    let _by_path = UnixListener::bind(&path).unwrap();
    std::fs::set_permissions(&path, open_to_all()).unwrap();
    let name = format!("statehouse-test-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).unwrap();
    let _by_name = UnixListener::bind_addr(&address).unwrap();
    for mut cell in Cell::of_everybody() {
        let by_path = connect(&format!("\"{}\"", path.display()));
        let by_name = connect(&format!("\"\\0{name}\""));
        assert_eq!(cell.say(&by_path).text, "refused: No such file or directory\n");
        assert_eq!(cell.say(&by_name).text, "refused: Operation not permitted\n");
        // They are there: it is the sandbox that closes them.
        cell.layers = statehouse_sandbox::Layers::NONE;
        assert_eq!(cell.say(&by_path).text, "connected\n");
        assert_eq!(cell.say(&by_name).text, "connected\n");
    }
}

fn open_to_all() -> std::fs::Permissions {
    std::os::unix::fs::PermissionsExt::from_mode(0o777)
}

#[test]
fn nothing_that_its_agent_was_started_with_is_open_for_it() {
    for mut cell in Cell::of_everybody() {
        let kinds = [cell.layers, statehouse_sandbox::Layers::NONE];
        for layers in kinds {
            cell.layers = layers;
            let order = cell.order("echo /proc/$$/fd/*");
            let child = cell.carry_out_from(
                "exec 7< /etc/hostname 9> /dev/null; exec \"$0\" engine-exec",
                &order,
            );
            let output = child.wait_with_output().unwrap();
            let text = String::from_utf8(output.stdout).unwrap();
            let open = text.split_whitespace().filter_map(|path| path.rsplit('/').next());
            let open: Vec<&str> = open.collect();
            assert_eq!(open[..3], ["0", "1", "2"], "{text}");
            assert!(!open.contains(&"7") && !open.contains(&"9"), "{text}");
        }
    }
}
