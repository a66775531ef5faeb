//! System calls that no run needs and that have led out of sandboxes.

use std::collections::BTreeMap;

use seccompiler::{
    BpfProgram, Error, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition,
    SeccompFilter, SeccompRule, TargetArch, apply_filter,
};

/// Answered with EPERM.
const REFUSED: &[i64] = &[
    // other processes' memory and files
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_kcmp,
    libc::SYS_pidfd_getfd,
    libc::SYS_userfaultfd,
    // the kernel's keyrings, which no namespace divides
    libc::SYS_add_key,
    libc::SYS_keyctl,
    libc::SYS_request_key,
    // files by handle, past every path
    libc::SYS_open_by_handle_at,
    // other views and namespaces
    libc::SYS_chroot,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fsopen,
    libc::SYS_fspick,
    libc::SYS_mount,
    libc::SYS_mount_setattr,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_pivot_root,
    libc::SYS_setns,
    libc::SYS_umount2,
    libc::SYS_unshare,
    // the machine: its code, clock, disks, log and counters
    libc::SYS_acct,
    libc::SYS_adjtimex,
    libc::SYS_bpf,
    libc::SYS_clock_adjtime,
    libc::SYS_clock_settime,
    libc::SYS_delete_module,
    libc::SYS_finit_module,
    libc::SYS_init_module,
    libc::SYS_kexec_file_load,
    libc::SYS_kexec_load,
    libc::SYS_perf_event_open,
    libc::SYS_quotactl,
    libc::SYS_reboot,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_settimeofday,
    libc::SYS_swapoff,
    libc::SYS_swapon,
    libc::SYS_syslog,
    libc::SYS_vhangup,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_ioperm,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_iopl,
];

/// Answered as by a kernel that does not have them, so that callers fall back: `clone3` says in
/// memory what it wants, which a filter cannot read, and what is asked for by a ring is asked for
/// past every filter.
const UNKNOWN: &[i64] = &[
    libc::SYS_clone3,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_io_uring_setup,
];

/// Namespaces that `clone` may not make.
const NAMESPACES: [i32; 7] = [
    libc::CLONE_NEWCGROUP,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWNET,
    libc::CLONE_NEWNS,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWUTS,
];

/// What programs talk through: files and names, the network, and the kernel about the network (`getaddrinfo` asks it).
/// All else leads past the network: to the machine's host (vsock), to devices, or into seldom-used code of the kernel.
const FAMILIES: [i32; 4] = [libc::AF_UNIX, libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK];

/// Of netlink, what `getaddrinfo` and `ip` ask: routes and addresses. All else is the kernel's firewall, devices, audit…
const NETLINK: i32 = libc::NETLINK_ROUTE;

/// The second table of system calls on 64-bit Intel and AMD machines, under the same architecture.
#[cfg(target_arch = "x86_64")]
const TABLES: &[i64] = &[0, 0x4000_0000];
#[cfg(not(target_arch = "x86_64"))]
const TABLES: &[i64] = &[0];

/// What leads out of who only computes: the network, and other programs.
const WAYS_OUT: &[i64] = &[
    libc::SYS_socket,
    libc::SYS_socketpair,
    libc::SYS_connect,
    libc::SYS_execve,
    libc::SYS_execveat,
];

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// For the calling thread and all that it starts. Programs of another architecture, such as 32-bit
/// ones, are ended at their first system call.
pub(crate) fn refuse() -> anyhow::Result<()> {
    let mut refused = all(REFUSED);
    for table in TABLES {
        refused.insert(libc::SYS_clone | table, namespaces()?);
        refused.insert(libc::SYS_ioctl | table, vec![typing()?]);
    }
    let (mut families, mut protocols) = (Rules::new(), Rules::new());
    for table in TABLES {
        for call in [libc::SYS_socket | table, libc::SYS_socketpair | table] {
            families.insert(call, vec![other_families()?]);
            protocols.insert(call, vec![other_netlink()?]);
        }
    }
    apply_filter(&program(all(UNKNOWN), libc::ENOSYS)?)?;
    apply_filter(&program(protocols, libc::EPROTONOSUPPORT)?)?;
    apply_filter(&program(families, libc::EAFNOSUPPORT)?)?;
    apply_filter(&program(refused, libc::EPERM)?)?;
    Ok(())
}

/// The same, and whatever leads out.
pub(crate) fn refuse_ways_out() -> anyhow::Result<()> {
    refuse()?;
    Ok(apply_filter(&program(all(WAYS_OUT), libc::EPERM)?)?)
}

fn all(calls: &[i64]) -> Rules {
    let both = TABLES.iter().flat_map(|table| calls.iter().map(move |call| call | table));
    both.map(|call| (call, Vec::new())).collect()
}

/// One rule for each: rules are alternatives.
fn namespaces() -> Result<Vec<SeccompRule>, Error> {
    let rule = |flag: &i32| {
        let flag = u64::from(flag.unsigned_abs());
        let has = SeccompCmpOp::MaskedEq(flag);
        SeccompRule::new(vec![SeccompCondition::new(0, SeccompCmpArgLen::Qword, has, flag)?])
    };
    Ok(NAMESPACES.iter().map(rule).collect::<Result<_, _>>()?)
}

/// One rule, as its conditions hold together.
fn other_families() -> Result<SeccompRule, Error> {
    let is_not = |family: &i32| argument(0, SeccompCmpOp::Ne, *family);
    let conditions = FAMILIES.iter().map(is_not).collect::<Result<_, _>>()?;
    Ok(SeccompRule::new(conditions)?)
}

fn other_netlink() -> Result<SeccompRule, Error> {
    let netlink = argument(0, SeccompCmpOp::Eq, libc::AF_NETLINK)?;
    Ok(SeccompRule::new(vec![netlink, argument(2, SeccompCmpOp::Ne, NETLINK)?])?)
}

/// The kernel reads no more of it than an `int`.
fn argument(index: u8, is: SeccompCmpOp, value: i32) -> Result<SeccompCondition, Error> {
    let value = u64::from(value.unsigned_abs());
    Ok(SeccompCondition::new(index, SeccompCmpArgLen::Dword, is, value)?)
}

/// Typing into a terminal in somebody's name.
fn typing() -> Result<SeccompRule, Error> {
    let request = SeccompCmpOp::Eq;
    let request = SeccompCondition::new(1, SeccompCmpArgLen::Dword, request, libc::TIOCSTI)?;
    Ok(SeccompRule::new(vec![request])?)
}

fn program(rules: Rules, errno: i32) -> anyhow::Result<BpfProgram> {
    let architecture = TargetArch::try_from(std::env::consts::ARCH)?;
    let answer = SeccompAction::Errno(errno.unsigned_abs());
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, answer, architecture)?;
    Ok(filter.try_into()?)
}
