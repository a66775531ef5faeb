//! The key file: text, one key a line, for its owner's eyes only.

use crate::{
    Error, Result,
    keyring::{KEY_ID_MAX_LEN, Master},
    random,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::Path,
};
use zeroize::Zeroizing;

const COMMENT: &str = "\
# Statehouse's master keys. Without this file nothing that is stored can be read: back it up,
# apart from the data. One <key id>:<base64 of 32 bytes> per line; the first seals and signs,
# the others only open. To rotate, put a new line on top and keep the old ones.
";

pub(crate) fn read(path: &Path) -> Result<Vec<Master>> {
    let io = |source| Error::KeyFileIo { path: path.to_owned(), source };
    let problem = |problem: String| Error::KeyFile { path: path.to_owned(), problem };

    let mut file = File::open(path).map_err(io)?;
    let metadata = file.metadata().map_err(io)?;
    if !metadata.is_file() {
        return Err(problem("is not a file".into()));
    }
    let mode = metadata.permissions().mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(problem(format!(
            "its mode {mode:04o} lets others than its owner at the keys; run chmod 600 on it"
        )));
    }
    let mut text = Zeroizing::new(String::with_capacity(16 * 1024));
    file.read_to_string(&mut text).map_err(io)?;

    let mut keys: Vec<Master> = Vec::new();
    for (line, text) in (1..).zip(text.lines()) {
        let text = text.trim();
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        let wrong = |problem: String| Error::KeyFileLine { path: path.to_owned(), line, problem };
        let key = parse(text).map_err(|problem| wrong(problem.into()))?;
        if keys.iter().any(|(id, _)| *id == key.0) {
            return Err(wrong(format!("the key id {:?} is already taken by a line above", key.0)));
        }
        keys.push(key);
    }
    if keys.is_empty() {
        return Err(problem("has no key; it needs a line <key id>:<base64 of 32 bytes>".into()));
    }
    Ok(keys)
}

fn parse(line: &str) -> Result<Master, &'static str> {
    let (id, key) = line.split_once(':').ok_or("expected <key id>:<base64 of 32 bytes>")?;
    if id.is_empty()
        || id.len() > KEY_ID_MAX_LEN
        || !id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
    {
        return Err("the key id must be 1 to 16 characters of A-Z a-z 0-9 _ -");
    }
    let key = Zeroizing::new(
        STANDARD.decode(key.trim()).map_err(|_| "the part after the colon is not base64")?,
    );
    let key = <[u8; 32]>::try_from(key.as_slice()).map_err(|_| "the key is not 32 bytes long")?;
    Ok((id.to_owned(), Zeroizing::new(key)))
}

/// Puts a file with `key` at `path` unless something is there already.
pub(crate) fn create_if_absent(path: &Path, key: &Master) -> Result<()> {
    let io = |source| Error::KeyFileIo { path: path.to_owned(), source };
    if path.try_exists().map_err(io)? {
        return Ok(());
    }
    write_new(path, key).map_err(io)
}

fn write_new(path: &Path, (id, key): &Master) -> io::Result<()> {
    let name = path.file_name().ok_or_else(|| io::Error::other("is not the path of a file"))?;
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;

    let encoded = Zeroizing::new(STANDARD.encode(**key));
    let text = Zeroizing::new(format!("{COMMENT}{id}:{}\n", *encoded));
    let unfinished = folder.join(format!(".{}.{}", name.display(), random::base62(8)));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished)?;
    let published = file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).and_then(|()| {
        // Linking, unlike renaming, never replaces a key file that appeared meanwhile.
        match fs::hard_link(&unfinished, path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            linked => linked,
        }
    });
    fs::remove_file(&unfinished)?;
    published?;
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Keyring;

    fn file(mode: u32, content: &str) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        (folder, path)
    }

    fn complaint(content: &str) -> String {
        let (_folder, path) = file(0o600, content);
        let message = Keyring::load(&path).unwrap_err().to_string();
        assert!(message.contains(path.to_str().unwrap()), "{message}");
        message
    }

    #[test]
    fn the_first_start_makes_a_private_file_that_the_second_reads() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data").join("keys");
        let sealed = Keyring::load_or_create(&path).unwrap().seal("a.b", "1", b"x");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let again = Keyring::load_or_create(&path).unwrap();
        assert_eq!(**again.open("a.b", "1", &sealed).unwrap(), *b"x");
        let left: Vec<_> = fs::read_dir(path.parent().unwrap()).unwrap().collect();
        assert_eq!(left.len(), 1, "no temporary file stays");
    }

    #[test]
    fn servers_that_start_together_end_up_with_one_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        let ids: Vec<String> = std::thread::scope(|scope| {
            let start = || Keyring::load_or_create(&path).unwrap().current_key_id().to_owned();
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(start)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(ids.windows(2).all(|pair| pair[0] == pair[1]), "{ids:?}");
    }

    #[test]
    fn a_broken_file_is_refused_and_never_replaced() {
        let (_folder, path) = file(0o600, "");
        assert!(matches!(Keyring::load_or_create(&path), Err(Error::KeyFile { .. })));
        assert_eq!(fs::read(&path).unwrap(), b"");
    }

    #[test]
    fn a_missing_file_is_an_error_when_it_should_exist() {
        assert!(matches!(Keyring::load("/nonexistent/keys"), Err(Error::KeyFileIo { .. })));
    }

    #[test]
    fn a_file_that_others_can_read_is_refused() {
        let (_folder, path) = file(0o640, &format!("a:{}\n", STANDARD.encode([1; 32])));
        let message = Keyring::load(&path).unwrap_err().to_string();
        assert!(message.contains("0640") && message.contains("chmod 600"), "{message}");
    }

    #[test]
    fn comments_blank_lines_and_line_endings_are_skipped() {
        let key = |byte| STANDARD.encode([byte; 32]);
        let text = format!("# old ones stay\r\n\r\n  new:{}\r\nold:{}", key(1), key(2));
        let (_folder, path) = file(0o600, &text);
        let ids: Vec<String> = read(&path).unwrap().into_iter().map(|(id, _)| id).collect();
        assert_eq!(ids, ["new", "old"]);
    }

    #[test]
    fn a_wrong_line_is_named_without_its_content() {
        let short = STANDARD.encode([1; 31]);
        for (line, expected) in [
            ("c2VjcmV0".to_owned(), "expected <key id>"),
            (format!("{}:{short}", "x".repeat(17)), "key id must be"),
            (format!(":{short}"), "key id must be"),
            (format!("a.b:{short}"), "key id must be"),
            ("a:se*cret".to_owned(), "not base64"),
            (format!("a:{short}"), "not 32 bytes"),
        ] {
            let message = complaint(&format!("# first\n\n{line}\n"));
            assert!(message.contains("line 3") && message.contains(expected), "{message}");
            let secret = line.rsplit(':').next().unwrap();
            assert!(!message.contains(secret), "{message}");
        }
    }

    #[test]
    fn an_id_used_twice_is_refused() {
        let key = STANDARD.encode([1; 32]);
        assert!(complaint(&format!("a:{key}\na:{key}\n")).contains("line 2"));
    }
}
