//! What programs need of the system: executables, libraries, and the few files of `/etc` that
//! say how names, hosts, times and certificates are found.

/// Readable for every program. A name is added here when a tool does not work without it, never
/// a whole folder in which a secret could lie: `/etc/ssl` and `/etc/pki` have private keys in them.
pub(crate) const READABLE: &[&str] = &[
    "/usr",
    "/bin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/nix/store",
    "/sbin",
    // programs
    "/etc/alternatives",
    "/etc/bash.bashrc",
    "/etc/debian_version",
    "/etc/inputrc",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/lsb-release",
    "/etc/magic",
    "/etc/mime.types",
    "/etc/os-release",
    "/etc/perl",
    "/etc/python3",
    "/etc/redhat-release",
    "/etc/shells",
    "/etc/system-release",
    "/etc/terminfo",
    // users, hosts, services
    "/etc/gai.conf",
    "/etc/group",
    "/etc/host.conf",
    "/etc/hostname",
    "/etc/hosts",
    "/etc/krb5.conf",
    "/etc/networks",
    "/etc/nsswitch.conf",
    "/etc/passwd",
    "/etc/protocols",
    "/etc/resolv.conf",
    "/etc/rpc",
    "/etc/services",
    // time and language
    "/etc/locale.alias",
    "/etc/locale.conf",
    "/etc/localtime",
    "/etc/timezone",
    // certificates and Git
    "/etc/ca-certificates",
    "/etc/ca-certificates.conf",
    "/etc/crypto-policies",
    "/etc/gitconfig",
    "/etc/pki/ca-trust",
    "/etc/pki/tls/cert.pem",
    "/etc/pki/tls/certs",
    "/etc/pki/tls/openssl.cnf",
    "/etc/ssh/ssh_config",
    "/etc/ssh/ssh_config.d",
    "/etc/ssh/ssh_known_hosts",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
    // the machine: Go asks for both
    "/sys/devices/system/cpu",
    "/sys/kernel/mm/transparent_hugepage",
];

/// Each program has its own; nothing that contains them can be shown as a whole.
pub(crate) const PRIVATE: &[&str] = &["/dev", "/proc", "/tmp", "/var/tmp"];

/// Closed although it lies in something readable.
pub(crate) const CLOSED: &[&str] = &["/usr/local/etc"];

/// The devices that anybody may use.
pub(crate) const DEVICES: &[&str] = &["null", "zero", "full", "random", "urandom", "tty"];
