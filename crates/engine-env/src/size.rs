//! How large an environment can be; see execve(2), "Limits on size of arguments and environment".

use crate::Refusal;

/// Bytes of one variable: its key, an equals sign, its value and the zero at the end (`MAX_ARG_STRLEN`).
pub const SINGLE: usize = 128 << 10;

/// Bytes of all variables where nobody has lowered the limits: the kernel has 2 MiB for arguments and environment,
/// and the engine, its plugins and provisioners add what they need.
pub const ROOM: usize = (2 << 20) - (256 << 10);

/// A pointer to each of them counts too.
const POINTER: usize = 8;

fn bytes(name: &str, value: &str) -> usize {
    name.len() + 1 + value.len() + 1
}

pub(crate) fn check(name: &str, value: &str) -> Result<(), Refusal> {
    let bytes = bytes(name, value);
    if bytes > SINGLE {
        return Err(Refusal::TooLarge { name: name.to_owned(), bytes });
    }
    Ok(())
}

pub(crate) fn check_all<'a>(
    variables: impl Iterator<Item = (&'a str, &'a str)> + Clone,
    room: usize,
) -> Result<(), Refusal> {
    let sizes = variables.map(|(name, value)| (bytes(name, value) + POINTER, name));
    let all = sizes.clone().map(|(bytes, _)| bytes).sum();
    match sizes.max() {
        Some((_, name)) if all > room => {
            Err(Refusal::AllTooLarge { name: name.to_owned(), bytes: all, room })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_has_as_many_bytes_as_the_kernel_takes() {
        let fits = "v".repeat(SINGLE - "KEY=".len() - 1);
        assert_eq!(check("KEY", &fits), Ok(()));
        let refused = check("KEYS", &fits).unwrap_err().to_string();
        assert!(refused.starts_with("of KEYS has 131073 bytes"), "{refused}");
    }

    #[test]
    fn of_too_many_the_largest_is_named() {
        let large = "v".repeat(100_000);
        let keys: Vec<String> = (0..18).map(|number| format!("K{number:02}")).collect();
        let all = |count: usize| {
            let all = keys.iter().take(count).map(|key| (key.as_str(), large.as_str()));
            check_all(all.chain([("LARGEST", &*"v".repeat(100_010))]), ROOM)
        };
        assert_eq!(all(17), Ok(()));
        let Err(Refusal::AllTooLarge { name, .. }) = all(18) else { panic!("too many") };
        assert_eq!(name, "LARGEST");
    }
}
