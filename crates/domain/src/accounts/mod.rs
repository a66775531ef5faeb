//! People, and what they prove themselves with.

mod authentication;
mod first_admin;
mod lifetimes;
pub mod oauth;
mod passwords;
mod recent;
mod service_tokens;
mod sessions;
mod tokens;
mod users;

pub(crate) use authentication::person;
pub use authentication::{authenticate, refreshed};
pub use first_admin::{
    Offer, accept_offer, bootstrap_with_token, create_first_admin, create_first_admin_token,
    is_empty, offer, offer_first_admin,
};
pub use lifetimes::{set_ttl_policies, ttl_policies};
pub use passwords::{change_password, reset_password};
pub(crate) use recent::RecentActors;
pub use secrecy::{ExposeSecret, SecretString};
pub use service_tokens::{
    Expiry, OrganizationTokenKind, TeamTokenOrder, TeamTokens, agent_tokens, create_agent_token,
    create_organization_token, create_team_token, delete_organization_token, delete_team_token,
    delete_team_tokens, organization_token, replace_team_token, team_token, team_tokens,
    tokens_of_teams,
};
pub use sessions::{
    SESSION_LIFETIME_SECONDS, form_token, form_token_matches, fresh_cookie, person_by_session,
    sign_in, sign_out,
};
pub use tokens::{
    HeldToken, MintedToken, NewToken, create_user_token, delete_token, find_token, mint_user_token,
    user_tokens,
};
pub(crate) use users::invited;
pub use users::{
    ChangeAccount, Member, NewUser, create_user, find_by_name, find_member, find_user, list_users,
    load, own, update_account,
};
