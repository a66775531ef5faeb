//! People, and what they prove themselves with.

mod addresses;
mod attempts;
mod authentication;
mod awaited;
mod bearer;
mod deletion;
mod engines;
mod fences;
mod first_admin;
mod impersonation;
mod lifetimes;
pub mod oauth;
mod own_sessions;
mod passwords;
mod recent;
mod run_tasks;
mod second_factor;
mod service_tokens;
mod sessions;
mod standing;
mod tokens;
mod users;

pub use crate::access::{HeldToken, Member};
pub(crate) use addresses::{check_address, check_email, confirm_read_address, confirmation_link};
pub use addresses::{claimed, confirm_email, confirm_own_email};
pub(crate) use attempts::network;
pub use attempts::{KNOWN_BROWSER_SECONDS, Origin, known_browser};
pub use authentication::authenticate;
pub(crate) use authentication::{bearer_of, in_name_of, person, who_may};
pub use awaited::{NewPerson, invite_to_site};
pub(crate) use awaited::{forget_awaited, has_come, invited, start_session, take};
pub(crate) use bearer::Bearer;
pub use bearer::refreshed;
pub use deletion::delete_user;
pub use fences::let_in;
pub(crate) use fences::{RecentFences, can_come_back};
pub use first_admin::{
    Offer, accept_offer, bootstrap_with_token, create_first_admin, create_first_admin_token,
    is_empty, offer, offer_first_admin,
};
pub use impersonation::{end_impersonation, impersonate};
pub use lifetimes::{set_ttl_policies, ttl_policies};
pub use own_sessions::{OwnSession, end_session, own_sessions};
pub use passwords::{change_password, reset_password};
pub(crate) use recent::RecentActors;
pub(crate) use run_tasks::run_task;
pub use second_factor::{
    Offer as SecondFactorOffer, confirm_second_factor, offer_second_factor, offered_second_factor,
    recovery_codes_left, remove_second_factor, take_second_factor,
};
pub use secrecy::{ExposeSecret, SecretString};
pub use service_tokens::{
    Expiry, OrganizationTokenKind, TeamTokenOrder, TeamTokens, agent_tokens, create_agent_token,
    create_organization_token, create_team_token, delete_organization_token, delete_team_token,
    delete_team_tokens, organization_token, replace_team_token, team_token, team_tokens,
    tokens_of_teams,
};
pub use sessions::{
    SESSION_LIFETIME_SECONDS, SignedIn, Use, add_code, form_token, form_token_matches,
    fresh_cookie, person_by_session, sign_in, sign_out,
};
pub use standing::{Standing, set_standing};
pub use tokens::{
    MintedToken, NewToken, create_user_token, delete_token, find_token, mint_user_token,
    user_tokens,
};
pub use users::{
    ChangeAccount, NewUser, Sought, create_user, find_by_name, find_member, find_on_site,
    find_user, find_users, list_users, load, organizations_of, own, update_account,
};
