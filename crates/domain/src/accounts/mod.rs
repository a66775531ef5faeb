//! People, and what they prove themselves with.

mod authentication;
mod tokens;
mod users;

pub use authentication::{authenticate, refreshed};
pub use tokens::{MintedToken, mint_user_token};
pub use users::{NewUser, create_user, find_by_name, load};
