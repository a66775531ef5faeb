//! `/users`: people, and the service users that stand for tokens of teams and organizations.

use domain::{
    Actor, Ctx, In, Site,
    accounts::{self, Member},
    can, memberships,
    row::User,
};
use jsonapi::{Document, Relationships, Resource};
use md5::{Digest, Md5};
use serde::Serialize;

use crate::{May, Result, Routes};

pub fn routes() -> Routes {
    Routes::default()
        .get("/api/v2/users/{user_id}", show)
        .post("/api/v2/admin/users/{user_id}/actions/confirm-email", confirm_email)
        .post("/api/v2/admin/users/{user_id}/actions/disable_two_factor", disable_two_factor)
}

/// A user on the wire.
pub struct View {
    id: String,
    username: String,
    /// For oneself, and for those who may read the memberships of an organization that they belong to.
    email: Option<String>,
    /// What one claims; counts for nothing.
    unconfirmed_email: Option<String>,
    /// Whether the account has an address that is known to be that of the person.
    is_confirmed: bool,
    /// A picture by the digest of the address, as Terraform Enterprise has it.
    avatar_url: Option<String>,
    is_site_admin: bool,
    two_factor: TwoFactor,
    /// What the caller's token belongs to, in one's own account: its type and id.
    authenticated: Option<(&'static str, String)>,
    is_service_account: bool,
    permissions: Permissions,
}

/// What the caller may do to this account, and in general.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Permissions {
    can_create_organizations: bool,
    can_create_organization: bool,
    can_view_organizations: bool,
    can_view_profile: bool,
    can_update_user: bool,
    can_change_email: bool,
    can_change_username: bool,
    can_change_password: bool,
    can_manage_sessions: bool,
    can_manage_user_tokens: bool,
    #[serde(rename = "can-view2fa-settings")]
    can_view_2fa_settings: bool,
    #[serde(rename = "can-reenable-2fa-by-unlinking")]
    can_reenable_2fa_by_unlinking: bool,
    can_manage_hcp_account: bool,
    can_manage_hcp_accounts: bool,
    can_view_settings: bool,
    can_view_general_settings: bool,
    can_view_smtp_settings: bool,
    can_view_twilio_settings: bool,
    can_view_saml_settings: bool,
    can_view_customization_settings: bool,
    can_view_cost_estimation_settings: bool,
    can_view_admin_workspaces: bool,
    can_view_admin_runs: bool,
    can_view_tool_versions: bool,
    can_create_tool_versions: bool,
    can_use_sql_runner: bool,
}

impl Permissions {
    fn new(cx: &Ctx, own: bool) -> Self {
        let site = domain::Site;
        let create = own && cx.may::<can::CreateOrganization>(&site);
        let account = own && cx.may::<can::UseAccount>(&site);
        let manage = own && cx.may::<can::ManageSite>(&site);
        Self {
            can_create_organizations: create,
            can_create_organization: create,
            can_view_organizations: own,
            can_view_profile: true,
            can_update_user: account,
            can_change_email: account,
            can_change_username: account,
            can_change_password: account,
            can_manage_sessions: account,
            can_manage_user_tokens: account,
            can_view_2fa_settings: account,
            // No linked accounts exist here.
            can_reenable_2fa_by_unlinking: false,
            can_manage_hcp_account: false,
            can_manage_hcp_accounts: false,
            can_view_settings: manage,
            can_view_general_settings: manage,
            can_view_smtp_settings: manage,
            can_view_twilio_settings: manage,
            can_view_saml_settings: manage,
            can_view_customization_settings: manage,
            can_view_cost_estimation_settings: manage,
            can_view_admin_workspaces: manage,
            can_view_admin_runs: manage,
            can_view_tool_versions: manage,
            can_create_tool_versions: manage,
            can_use_sql_runner: false,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Attributes<'a> {
    username: &'a str,
    is_service_account: bool,
    auth_method: &'static str,
    avatar_url: Option<&'a str>,
    v2_only: bool,
    is_site_admin: bool,
    is_admin: bool,
    is_sso_login: bool,
    is_confirmed: bool,
    is_unified: bool,
    is_sudo: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    unconfirmed_email: Option<&'a str>,
    enterprise_support: bool,
    has_linked_hcp: bool,
    has_git_hub_app_token: bool,
    two_factor: TwoFactor,
    permissions: Permissions,
}

#[derive(Clone, Copy, Default, Serialize)]
pub struct TwoFactor {
    enabled: bool,
    verified: bool,
}

impl TwoFactor {
    pub fn of(user: &User) -> Self {
        let has_one = user.second_factor_at.is_some();
        Self { enabled: has_one, verified: has_one }
    }
}

/// The id of a synthetic user: always the same for the same owner, and of the form of an id.
fn service_id(username: &str) -> String {
    format!("user-{}", username.replace(['_', '.'], "-"))
}

/// That of the one behind an organization's token.
pub fn organization_service_id(organization: &str) -> String {
    service_id(&organization_service_name(organization))
}

fn organization_service_name(organization: &str) -> String {
    format!("api-org-{organization}")
}

pub fn avatar_url(email: &str) -> String {
    let digest = hex::encode(Md5::digest(email.trim().to_lowercase()));
    format!("https://www.gravatar.com/avatar/{digest}?s=100&d=mm")
}

/// With the addresses that the caller sees, read at once.
pub async fn views(cx: &Ctx, rows: Vec<User>) -> Result<Vec<View>> {
    let ids: Vec<_> = rows.iter().map(|row| row.id.clone()).collect();
    let mut known = memberships::known_by_email(cx, &ids).await?;
    let each = |row: User| {
        let known_as = known.remove(&row.id);
        View::new(cx, row, known_as)
    };
    Ok(rows.into_iter().map(each).collect())
}

impl View {
    /// One's own account.
    pub fn own(cx: &Ctx, row: User) -> Self {
        Self::new(cx, row, None)
    }

    /// `known_as` is there for those who may see the address, with the one that somebody was invited by.
    fn new(cx: &Ctx, row: User, known_as: Option<Option<String>>) -> Self {
        let own = cx.actor().is_user(&row.id);
        Self {
            two_factor: TwoFactor::of(&row),
            avatar_url: Some(avatar_url(row.email.as_deref().unwrap_or(&row.username))),
            username: row.username,
            is_confirmed: row.email.is_some(),
            email: match (own, known_as) {
                (true, _) => row.email.or_else(|| row.unconfirmed_email.clone()),
                (false, Some(address)) => row.email.or(address),
                (false, None) => None,
            },
            unconfirmed_email: row.unconfirmed_email.filter(|_| own),
            is_site_admin: row.is_site_admin,
            authenticated: own.then(|| ("users", row.id.to_string())),
            is_service_account: false,
            permissions: Permissions::new(cx, own),
            id: row.id.to_string(),
        }
    }

    /// The synthetic user behind a token that is no person's, as on HCP; `None` for those who have none.
    pub fn service(cx: &Ctx) -> Option<Self> {
        let (username, resource) = match cx.actor() {
            Actor::Team(team) => (format!("api-team-{}", team.id), ("teams", team.id.to_string())),
            Actor::Organization(name) => {
                (organization_service_name(name), ("organizations", name.clone()))
            }
            Actor::Run { run, .. } => (format!("api-run-{run}"), ("runs", run.to_string())),
            _ => return None,
        };
        Some(Self {
            id: service_id(&username),
            username,
            avatar_url: None,
            email: None,
            unconfirmed_email: None,
            is_confirmed: true,
            is_site_admin: false,
            two_factor: TwoFactor::default(),
            authenticated: Some(resource),
            is_service_account: true,
            permissions: Permissions::new(cx, false),
        })
    }
}

impl Resource for View {
    const TYPE: &'static str = "users";

    fn id(&self) -> String {
        self.id.clone()
    }

    fn attributes(&self) -> impl Serialize {
        Attributes {
            username: &self.username,
            is_service_account: self.is_service_account,
            auth_method: "tfc",
            avatar_url: self.avatar_url.as_deref(),
            v2_only: true,
            is_site_admin: self.is_site_admin,
            is_admin: self.is_site_admin,
            is_sso_login: false,
            is_confirmed: self.is_confirmed,
            is_unified: false,
            is_sudo: false,
            email: self.email.as_deref(),
            unconfirmed_email: self.unconfirmed_email.as_deref(),
            enterprise_support: false,
            has_linked_hcp: false,
            has_git_hub_app_token: false,
            two_factor: self.two_factor,
            permissions: self.permissions,
        }
    }

    fn relationships(&self, to: &mut Relationships) {
        to.link(
            "authentication-tokens",
            format!("/api/v2/users/{}/authentication-tokens", self.id),
        );
        if let Some((kind, id)) = &self.authenticated {
            let path = match *kind {
                "users" => "/api/v2/account/details".to_owned(),
                kind => format!("/api/v2/{kind}/{id}"),
            };
            to.one_with_link("authenticated-resource", kind, Some(id), path);
        }
    }
}

/// Ours: an administrator says that the address that somebody claims is theirs.
async fn confirm_email(user: May<can::ManageSite, In<User, Site>>) -> Result<Document> {
    let site = user.cx.check::<can::ManageSite, _>(Site::found())?;
    let row = accounts::confirm_email(&user.cx, &site, &user.id).await?;
    Ok(Document::one(&views(&user.cx, vec![row]).await?.swap_remove(0)))
}

/// For somebody who has lost authenticator and codes; they sign in by their password alone again.
async fn disable_two_factor(user: May<can::ManageSite, In<User, Site>>) -> Result<Document> {
    let site = user.cx.check::<can::ManageSite, _>(Site::found())?;
    let row = accounts::take_second_factor(&user.cx, &site, &user.id).await?;
    Ok(Document::one(&views(&user.cx, vec![row]).await?.swap_remove(0)))
}

async fn show(member: May<can::ReadUser>) -> Result<Document> {
    let Member { user, .. } = member.granted.into_inner();
    Ok(Document::one(&views(&member.cx, vec![user]).await?.swap_remove(0)))
}
