//! What may stand in the environment of an engine, and what may stand for the value of a variable in HCL: the server
//! refuses the rest when a variable is saved, and the agent once more when a phase starts, because rows are older than
//! rules.

mod arguments;
mod decided;
mod expression;
pub mod identity;
mod size;

pub use arguments::{is_arguments, words};
pub use decided::decided;
pub use expression::{NotOne, check_expression};
pub use size::{ROOM, SINGLE};

/// Why a variable cannot be in the environment; a sentence that goes on behind the word "value".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("of {name} gives the engine the argument {argument}: {reason}")]
    Argument { name: String, argument: String, reason: &'static str },
    /// Without the word, which may be a secret.
    #[error(
        "of {name} has a word in it that belongs to no argument, behind which the engine would \
         read no arguments any more: those with a value are written as -name=value"
    )]
    Word { name: String },
    #[error(
        "of {name} cannot be taken: what the server asks the engine about plans and states is for \
         the server to say"
    )]
    Question { name: String },
    #[error("of {name} cannot be taken apart into arguments: {reason}")]
    Unreadable { name: String, reason: String },
    #[error(
        "of {name} has {bytes} bytes with its key: an environment variable has at most {SINGLE}"
    )]
    TooLarge { name: String, bytes: usize },
    #[error(
        "of {name} is one too many: all environment variables together have {bytes} bytes, and at \
         most {room} are possible"
    )]
    AllTooLarge { name: String, bytes: usize, room: usize },
}

/// Whether the variable may be in the environment of an engine.
pub fn check(name: &str, value: &str) -> Result<(), Refusal> {
    size::check(name, value)?;
    if is_arguments(name) { arguments::check(name, value) } else { Ok(()) }
}

/// Whether all of them may be in one environment, in which there are `room` bytes; else the largest is named.
pub fn check_all<'a>(
    variables: impl Iterator<Item = (&'a str, &'a str)> + Clone,
    room: usize,
) -> Result<(), Refusal> {
    variables.clone().try_for_each(|(name, value)| check(name, value))?;
    size::check_all(variables, room)
}
