//! A team on the wire.

use domain::{
    Ctx, can,
    entity::team::{OrganizationAccess, Visibility},
    row::Team,
    teams::{self, Details},
};
use jsonapi::{Relationships, Resource};
use serde::Serialize;

use crate::Result;

pub struct View {
    details: Details,
    access: OrganizationAccess,
    permissions: Permissions,
}

#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Permissions {
    can_update_membership: bool,
    can_destroy: bool,
    can_update_organization_access: bool,
    can_update_api_token: bool,
    can_view_api_token: bool,
    can_update_visibility: bool,
    can_update_name: bool,
    can_update_sso_team_id: bool,
    can_update_member_token_management: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Attributes<'a> {
    name: &'a str,
    users_count: usize,
    visibility: Visibility,
    sso_team_id: Option<&'a str>,
    allow_member_token_management: bool,
    is_unified: bool,
    scim_linked: bool,
    organization_access: OrganizationAccess,
    permissions: Permissions,
}

/// Teams with their members, in a few queries however many they are.
pub async fn views(cx: &Ctx, rows: Vec<Team>) -> Result<Vec<View>> {
    let details = teams::details(cx, rows).await?;
    Ok(details.into_iter().map(|details| View::new(cx, details)).collect())
}

impl View {
    fn new(cx: &Ctx, details: Details) -> Self {
        let team = &details.team;
        let settings = cx.may::<can::UpdateTeamSettings>(team);
        let tokens = cx.may::<can::ManageTeamTokens>(team);
        let permissions = Permissions {
            can_update_membership: cx.may::<can::UpdateTeamMembers>(team),
            can_destroy: cx.may::<can::DestroyTeam>(team),
            can_update_organization_access: cx.may::<can::UpdateOrganizationAccess>(team),
            can_update_api_token: tokens,
            can_view_api_token: tokens,
            can_update_visibility: cx.may::<can::RenameTeam>(team),
            can_update_name: cx.may::<can::RenameTeam>(team),
            can_update_sso_team_id: settings,
            can_update_member_token_management: settings,
        };
        Self { access: teams::effective_access(team), details, permissions }
    }

    pub async fn of(cx: &Ctx, row: Team) -> Result<Self> {
        Ok(Self::new(cx, teams::details_of(cx, row).await?))
    }
}

impl Resource for View {
    const TYPE: &'static str = "teams";

    fn id(&self) -> String {
        self.details.team.id.to_string()
    }

    fn attributes(&self) -> impl Serialize {
        let team = &self.details.team;
        Attributes {
            name: &team.name,
            users_count: self.details.users.len(),
            visibility: team.visibility,
            sso_team_id: team.sso_team_id.as_deref(),
            allow_member_token_management: team.allow_member_token_management,
            is_unified: false,
            scim_linked: false,
            organization_access: self.access,
            permissions: self.permissions,
        }
    }

    fn relationships(&self, to: &mut Relationships) {
        let team = &self.details.team;
        let here = format!("/api/v2/teams/{}", team.id);
        let organization = &team.organization_name;
        to.one_with_link(
            "organization",
            "organizations",
            Some(organization),
            format!("/api/v2/organizations/{organization}"),
        );
        to.many("users", "users", &self.details.users);
        to.many_with_link(
            "organization-memberships",
            "organization-memberships",
            &self.details.memberships,
            format!("{here}/relationships/organization-memberships"),
        );
        to.link("authentication-token", format!("{here}/authentication-token"));
        to.link("authentication-tokens", format!("{here}/authentication-tokens"));
    }
}
