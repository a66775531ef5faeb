//! Passwords: hard to guess, hashed and compared beside the requests, a few at a time.

use std::sync::{
    Arc, LazyLock,
    atomic::{AtomicUsize, Ordering},
};

use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;

use super::{
    attempts::{self, Place},
    awaited::has_come,
    users::subject,
};
use crate::{App, Ctx, Error, Granted, Happened, Result, can, row::User};

/// Argon2 takes 19 MiB each time: a crowd at the sign-in page must not take all of the memory.
const AT_ONCE: usize = 2;
/// Who comes then is asked to come again: waiting takes memory, too.
const WAITING: usize = 128;

static TURNS: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(AT_ONCE)));
static IN_LINE: AtomicUsize = AtomicUsize::new(0);

const MIN_CHARACTERS: usize = 10;
/// Nobody types more; hashing it would only cost time.
const MAX_BYTES: usize = 1024;

/// What is kept of a password. `about` are words of the person's own, which others would try first.
///
/// # Errors
/// Invalid for one that is too short, far too long, or easy to guess.
pub(crate) async fn hash_password(password: SecretString, about: &[&str]) -> Result<String> {
    let text = password.expose_secret();
    if text.chars().count() < MIN_CHARACTERS {
        return Err(Error::invalid("password", "is too short (minimum is 10 characters)"));
    }
    if text.len() > MAX_BYTES {
        return Err(Error::invalid("password", "is too long (maximum is 1024 bytes)"));
    }
    if names_its_owner(text, about) {
        return Err(Error::invalid(
            "password",
            "contains your username or e-mail address, which others would try first",
        ));
    }
    if is_easy(text, about) {
        return Err(Error::invalid(
            "password",
            "is easy to guess: take one that is no name, no row of keys and no common password",
        ));
    }
    beside(move || crypto::hash_password(password.expose_secret())).await
}

/// Whether a word of the person's own is in it, however it is written: in capitals, with digits for letters, with signs
/// in between, backwards. Words of one or two letters are in too many others to be looked for.
fn names_its_owner(password: &str, about: &[&str]) -> bool {
    let forward = plain(password);
    let backward: String = forward.chars().rev().collect();
    let is_in = |word: &String| forward.contains(word) || backward.contains(word);
    about.iter().flat_map(|word| words_of(word)).any(|word| is_in(&word))
}

/// A username or an address as a whole, and the longer of its parts, but for the end of the host that many have.
fn words_of(own: &str) -> Vec<String> {
    let (name, host) = own.rsplit_once('@').unwrap_or((own, ""));
    let labels = host.rsplit_once('.').map_or("", |(labels, _)| labels);
    let parts = name.split(['.', '-', '_', '+']).chain(labels.split('.'));
    let long = |least: usize| move |word: &String| word.chars().count() >= least;
    std::iter::once(plain(name)).filter(long(3)).chain(parts.map(plain).filter(long(4))).collect()
}

/// Letters alone, with those for which people write digits and signs told apart no more.
fn plain(text: &str) -> String {
    let letter = |c: char| match c {
        '0' => 'o',
        '1' | '!' | '|' | 'l' => 'i',
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' => 't',
        '8' => 'b',
        '9' => 'g',
        other => other,
    };
    text.to_lowercase().chars().map(letter).filter(|c| c.is_alphanumeric()).collect()
}

/// Characters that are estimated together.
const PART: usize = 20;

/// Whether it is found within a hundred million guesses by whoever knows what passwords are like.
fn is_easy(password: &str, about: &[&str]) -> bool {
    let mut words = vec!["statehouse", "terraform", "tofu", "opentofu"];
    words.extend(about);
    words.extend(about.iter().flat_map(|word| word.split(['@', '.', '-', '_'])));
    let is_easy = |part: &[char]| {
        let part: String = part.iter().collect();
        zxcvbn::zxcvbn(&part, &words).score() < zxcvbn::Score::Three
    };
    // Part by part: of long rows of keys it counts beyond what its numbers hold.
    password.chars().collect::<Vec<_>>().chunks(PART).all(is_easy)
}

/// The user, if this is the password; counted as an attempt before it is looked at. Takes as long for users who do not
/// exist.
///
/// The caller forgives the attempts with [`attempts::forgive`] in the transaction that uses the proof.
pub(super) async fn prove(
    app: &App,
    user: Option<User>,
    place: Option<&Place>,
    password: SecretString,
) -> Result<Option<User>> {
    if password.expose_secret().len() > MAX_BYTES {
        return Ok(None);
    }
    let allowed = match (&user, place) {
        (Some(user), Some(place)) => attempts::begin(app, &user.id, place).await?,
        _ => false,
    };
    let hash = user.as_ref().filter(|_| allowed).and_then(|user| user.password_hash.clone());
    let right = beside(move || match hash {
        Some(hash) => crypto::verify_password(password.expose_secret(), &hash),
        None => Ok(crypto::verify_nothing(password.expose_secret())),
    })
    .await?;
    Ok(user.filter(|user| right && !user.is_suspended))
}

/// A place in the line before the hashing, given back however it is left.
struct InLine;

impl InLine {
    fn enter() -> Result<Self> {
        let place = Self;
        if IN_LINE.fetch_add(1, Ordering::AcqRel) >= WAITING {
            return Err(Error::Unavailable(
                "Too many people sign in just now. Try again in a moment.".into(),
            ));
        }
        Ok(place)
    }
}

impl Drop for InLine {
    fn drop(&mut self) {
        IN_LINE.fetch_sub(1, Ordering::AcqRel);
    }
}

/// The turn ends with the work, even if nobody waits for its outcome any more.
async fn beside<T: Send + 'static>(
    work: impl FnOnce() -> crypto::Result<T> + Send + 'static,
) -> Result<T> {
    let in_line = InLine::enter()?;
    let turn = TURNS.clone().acquire_owned().await.expect("nobody closes this semaphore");
    let work = move || {
        let (_in_line, _turn) = (in_line, turn);
        work()
    };
    Ok(tokio::task::spawn_blocking(work).await.map_err(|error| Error::Internal(error.into()))??)
}

/// Changes one's own password; whoever is signed in with the old one has to sign in again.
///
/// # Errors
/// Invalid if the current one is wrong, or has been guessed too often just now.
pub async fn change_password(
    cx: &Ctx,
    _site: &Granted<can::UseAccount>,
    current: SecretString,
    new: SecretString,
) -> Result<User> {
    let id = cx.actor().user_id().ok_or(Error::NotFound)?;
    let user = super::users::by_id(cx, &id).await?;
    if prove(cx.app(), user, Some(&Place::Oneself), current).await?.is_none() {
        return Err(Error::invalid(
            "current-password",
            "is not correct; after several wrong ones, wait a minute",
        ));
    }
    set_password(cx, &id, new).await
}

/// For the site's administrators: a new password for somebody, who is signed out everywhere.
pub async fn reset_password(
    cx: &Ctx,
    _site: &Granted<can::ManageSite>,
    user: &crate::id::UserId,
    new: SecretString,
) -> Result<User> {
    set_password(cx, user, new).await
}

async fn set_password(cx: &Ctx, id: &crate::id::UserId, new: SecretString) -> Result<User> {
    let user = super::users::by_id(cx, id).await?.ok_or(Error::NotFound)?;
    let mut about = vec![user.username.as_str()];
    about.extend(user.email.as_deref());
    let hash = hash_password(new, &about).await?;
    let tx = cx.write().await?;
    let mut row = tx.lock::<db::entity::user::Entity>(id.clone()).await?.ok_or(Error::NotFound)?;
    has_come(&row)?;
    row.password_hash = Some(hash);
    let user = tx.update(row).await?;
    attempts::forget(&tx, id).await?;
    super::sessions::end_all_of(&tx, id).await?;
    tx.emit(Happened::PasswordChanged, subject(&user), serde_json::json!({})).await?;
    tx.commit().await?;
    Ok(user)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn what_others_would_try_first_is_refused() {
        let about = ["adalovelace", "ada.lovelace@engines.example"];
        for easy in [
            "aaaaaaaaaa",
            "abababababab",
            "1234567890",
            "0987654321",
            "qwertyuiop",
            "password123",
            "Passw0rd123!",
            "Summer2025!",
            "Welcome2024!",
            "abcdefghijkl",
            "adalovelace1",
            "statehouse1",
            "terraform123",
            "iloveyou123",
            &"12".repeat(49),
            "passwordpassword",
        ] {
            assert!(is_easy(easy, &about), "{easy}");
        }
        for hard in
            ["correct horse battery", "battery staple", "8f#kQz!27vLm", "röter mond über see"]
        {
            assert!(!is_easy(hard, &about), "{hard}");
        }
    }

    #[test]
    fn whoever_knows_the_person_finds_nothing_of_them_in_it() {
        let ceo = ["ceo", "ada.lovelace@engines.example"];
        for own in [
            "ceo-corp-2026",
            "CEO-Corp-2026!x",
            "c3o#Qz!27vLmT",
            "8f#c.e.o!27vLm",
            "8f#oec!27vLmTy",
            "xK9#L0vel4ce!q",
            "ecalevol#8fQz7",
            "ada.lovelace+8f#kQ",
            "8f#engines!27vLm",
        ] {
            assert!(names_its_owner(own, &ceo), "{own}");
        }
        for other in ["correct horse battery", "8f#kQz!27vLm", "röter mond über see"] {
            assert!(!names_its_owner(other, &ceo), "{other}");
        }
        assert!(!names_its_owner("correct horse battery", &["o", "re@tt.example"]), "too short");
    }

    /// Whoever stops waiting does not make room while the work goes on.
    #[tokio::test(flavor = "multi_thread")]
    async fn no_more_hashes_are_made_at_once_than_there_are_turns() {
        let (begun_tell, begun) = mpsc::channel();
        let (end, ended) = mpsc::channel::<()>();
        let ended = Arc::new(std::sync::Mutex::new(ended));
        let hash = || {
            let (begun, ended) = (begun_tell.clone(), ended.clone());
            tokio::spawn(beside(move || {
                begun.send(()).expect("the test listens");
                ended.lock().expect("nobody panics").recv().ok();
                Ok(())
            }))
        };
        for _ in 0..AT_ONCE {
            let one = hash();
            tokio::task::spawn_blocking({
                let begun = begun.recv();
                move || begun.expect("it begins")
            })
            .await
            .expect("it begins");
            one.abort();
        }
        assert_eq!(TURNS.available_permits(), 0, "the work goes on");
        for _ in 0..AT_ONCE {
            end.send(()).expect("the work waits");
        }
        hash();
        begun.recv().expect("and then there is room again");
        end.send(()).expect("the work waits");
    }
}
