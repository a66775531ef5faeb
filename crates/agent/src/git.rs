//! Git over SSH for modules: the workspace's key, and a command that uses this key and no other.

use std::path::Path;

/// Without a final newline OpenSSH does not read a key; with the line ends of Windows neither.
pub(crate) fn key_file(key: &str) -> String {
    let mut key = key.replace("\r\n", "\n");
    if !key.ends_with('\n') {
        key.push('\n');
    }
    key
}

/// `GIT_SSH_COMMAND`. Hosts are taken at their first word and held to it for the rest of the phase: there is nobody
/// to ask, and a phase starts without knowing any.
pub(crate) fn ssh_command(key: &Path, known_hosts: &Path) -> String {
    format!(
        "ssh -i {} -o IdentitiesOnly=yes -o BatchMode=yes -o StrictHostKeyChecking=accept-new \
         -o UserKnownHostsFile={}",
        quoted(key),
        quoted(known_hosts)
    )
}

/// For the shell that Git starts the command with.
fn quoted(path: &Path) -> String {
    format!("'{}'", path.to_string_lossy().replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_ends_as_openssh_wants_it() {
        assert_eq!(key_file("BEGIN\r\nx\r\nEND"), "BEGIN\nx\nEND\n");
        assert_eq!(key_file("END\n"), "END\n");
    }

    #[test]
    fn paths_are_quoted() {
        let command = ssh_command(Path::new("/a b/it's"), Path::new("/k"));
        assert!(command.starts_with(r"ssh -i '/a b/it'\''s' -o IdentitiesOnly=yes "), "{command}");
        assert!(command.ends_with("-o UserKnownHostsFile='/k'"), "{command}");
    }
}
